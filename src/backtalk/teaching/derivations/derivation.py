"""What ``explain`` gives: the steps of a derivation, as a document, and as plain values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from ...core.network import Network
from .document import Document, Equation, Passage, Section, Statement
from .evaluation import axes_of
from .expressions import Derivative, Expression, Number
from .forms import write
from .latex import LatexWriter, write_latex
from .lit import all_of, lit_picture, picture_of
from .page import write_fragment
from .picture import Picture
from .quantity import Quantity, symbol_of
from .routes import Paths
from .rows import said_of
from .steps import STOP_OF, STOPS, TALKS, Step
from .svg_steps import write_steps
from .text import TextWriter, write_text
from .view import View


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivation:
    """How one gradient follows from the loss, by the chain rule, with the numbers of a network and an example.

    ``steps`` are in order: forward, then the talks to the output units, to the hidden units and to the weights, as
    far as ``quantity`` lies. ``value`` is ∂ℒ/∂(quantity): a number, an array (n,) for a vector or (n, m) for a
    matrix. ``loss`` is ℒ of the one example. Everything is in float64. In a derivation in symbols both are None, and
    the ``network`` has the right layers but no weights. ``detail`` is brief or lecture, and ``view`` says how much is
    shown of numbers and of large layers.

    >>> from backtalk import explain
    >>> derivation = explain(Network([[[2.0]]], [[0.5]], loss="squared_error"), [3.0], [1.5], "W[1,1,1]")
    >>> derivation
    Derivation of ∂ℒ/∂W[1,1,1] = 15 in 5 steps; print it to see them
    >>> print("\\n".join(str(derivation).splitlines()[-3:]))
      ∂ℒ/∂W[1,1,1] = ∂ℒ/∂a[1,1] · h[0,1]
                   = 5 · 3
                   = 15
    """

    network: Network
    quantity: Quantity
    loss: float | None
    value: Any
    steps: tuple[Step, ...]
    detail: str
    view: View

    @property
    def left(self) -> Derivative:
        """∂ℒ/∂(quantity), or ∇ℒ with respect to it, as a symbol."""
        return Derivative(symbol_of(self.network, self.quantity))

    def to_dict(self) -> dict[str, Any]:
        """The quantity, its value, and each step with its formulas as text and as LaTeX: plain values, for JSON.

        >>> from backtalk import explain
        >>> net = Network([[[2.0]]], [[0.5]], loss="squared_error")
        >>> explain(net, [3.0], [1.5], "W[1,1,1]").to_dict()["steps"][-1]["formula"]["text"]
        '∂ℒ/∂W[1,1,1] = ∂ℒ/∂a[1,1] · h[0,1]'
        """
        return {
            "quantity": str(self.quantity),
            "latex": write_latex(self.left),
            "value": self.value.tolist() if isinstance(self.value, np.ndarray) else self.value,
            "loss": self.loss,
            "steps": [_plain_step(step, self.view) for step in self.steps],
        }

    def document(self, paths: Paths | None = None, *, about: str = "") -> Document:
        """What stands on paper, for :func:`.write`. Arguments as for :meth:`to_markdown`."""
        value = self.value[:, None] if np.ndim(self.value) == 1 else self.value
        known = () if value is None else (Number(value, axes_of(self.left)),)
        lecture = self.detail == "lecture"
        talks = []
        for talk, of_talk in groupby(self.steps, key=lambda step: step.talk):
            passages = [self._page(list(steps)) for _, steps in groupby(of_talk, key=lambda step: step.title)]
            talks.append(Section(TALKS[talk], tuple(passages), stop=STOP_OF.get(talk, 0) if lecture else 0))
        return Document(
            f"The chain rule for {self.quantity}, step by step",
            about,
            Equation(self.left, known),
            tuple(talks),
            None if paths is None else self._with_pictures(paths),
            self.view,
            STOPS[: 3 if self.quantity.family in "Wb" else 2] if lecture else (),
            said_of(self.view.rows, self.network.sizes),
            self._picture(),
            lecture,
        )

    def _page(self, steps: list[Step]) -> Passage:
        """The steps of one title, below one another."""
        first, *others = steps
        then = tuple(Statement(step.reason, step.equation) for step in others)
        picture = first.picture or picture_of(first, self.network.sizes, self.view)
        return Passage(first.title, first.reason, first.equation, then=then, picture=picture)

    def _begin(self) -> dict[int, Collection[int]]:
        """Of each layer that the quantity belongs to the units: two layers for a weight."""
        sizes, i, indices = self.network.sizes, self.quantity.layer, self.quantity.indices
        heard = {i - 1: indices[1:] or all_of(sizes, i - 1)} if self.quantity.family == "W" else {}
        return {**heard, i: indices[:1] or all_of(sizes, i)}

    def _picture(self) -> Picture:
        """All that is derived, from the quantity to the loss."""
        sizes = self.network.sizes
        above = {i: all_of(sizes, i) for i in range(self.quantity.layer + 1, len(sizes) + 1)}
        return lit_picture(sizes, self.view, self._begin() | above)

    def _with_pictures(self, paths: Paths) -> Section:
        """The strongest paths, each lit in the network; of a large layer the unit on the path is shown as well."""
        section, pictures = paths.section(), []
        for path in paths.strongest:
            lit: dict[Any, Collection[int]] = self._begin() | {i: (unit,) for i, unit in path.units}
            rows = {i: {*shown, *(unit - 1 for unit in lit.get(i, ()))} for i, shown in self.view.rows.items()}
            lit |= {len(self.network.sizes): (1,)}
            pictures.append(lit_picture(self.network.sizes, replace(self.view, rows=rows), lit, onward=False))
        passages = zip(section.passages, pictures, strict=True)
        return replace(section, passages=tuple(replace(each, picture=picture) for each, picture in passages))

    def to_markdown(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As Markdown, with LaTeX between dollars, as GitHub and Jupyter show it.

        ``paths``: the strongest paths, from :func:`backtalk.paths`, which then stand below. ``about``: a sentence below
        the title, such as which example it is.

        >>> from backtalk import explain
        >>> net = Network([[[2.0]]], [[0.5]], loss="squared_error")
        >>> explain(net, [3.0], [1.5], "W[1,1,1]").to_markdown(about="a line through 0.5").splitlines()[:3]
        ['# The chain rule for $W_{1,1,1}$, step by step', '', 'a line through 0.5']
        """
        return write(self, "markdown", paths, about=about)

    def to_latex(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As an article in LaTeX, a whole document for pdflatex with amsmath. Arguments as for :meth:`to_markdown`."""
        return write(self, "latex", paths, about=about)

    def to_slides(self, paths: Paths | None = None, *, about: str = "", theme: str = "light") -> str:
        """As slides in LaTeX's Beamer, which reveal each step line by line, with the network drawn on each.

        ``theme``: light, dark, or the name of a theme of Beamer, which is then in charge of colours and margins.
        Numbers have three digits, unless :func:`explain` was told how many. Other arguments as for :meth:`to_markdown`.

        Raises :class:`~backtalk.errors.InputError` for a theme that cannot be a name.
        """
        return write(self, "slides", paths, about=about, theme=theme)

    def to_svg(self, *, theme: str = "light") -> tuple[str, ...]:
        """Each step as a picture in SVG, to paste anywhere: the network with its path lit, the sentence, the formula.

        They need no fonts but the usual ones and no style from elsewhere, and have no background. ``theme``: light, for
        white paper, or dark. Raises :class:`~backtalk.errors.UnknownNameError` for another one.

        >>> from backtalk import explain
        >>> derivation = explain(Network([[[2.0]]], [[0.5]], loss="squared_error"), [3.0], [1.5], "W[1,1,1]")
        >>> len(derivation.to_svg()) == len(derivation.steps), derivation.to_svg()[0].startswith("<svg xmlns=")
        (True, True)
        """
        return write_steps(self.document(), theme)

    def to_html(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As one page for a browser that needs nothing from elsewhere. Arguments as for :meth:`to_markdown`."""
        return write(self, "html", paths, about=about)

    def __repr__(self) -> str:
        value = f" = {self.value:.6g}" if self.quantity.is_scalar and self.value is not None else ""
        return f"Derivation of ∂ℒ/∂{self.quantity}{value} in {len(self.steps)} steps; print it to see them"

    def __str__(self) -> str:
        return write(self, "text")

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        return write_fragment(self.document())


def _plain_step(step: Step, view: View) -> dict[str, Any]:
    def both(*parts: Expression) -> dict[str, str]:
        return {
            "text": " = ".join(TextWriter(view).write(part) for part in parts),
            "latex": " = ".join(LatexWriter(view).write(part) for part in parts),
        }

    left, equation = step.left, step.equation
    symbols = step.forms if step.right is None else (*step.forms, step.right)
    known = equation.rights[len(symbols) :]
    return {
        "talk": step.talk,
        "layer": step.layer,
        "quantity": write_text(left.of if isinstance(left, Derivative) else left),
        "title": step.title,
        "reason": step.reason,
        "formula": both(left, *symbols),
        "numbers": both(known[0]) if len(known) == 2 else None,
        "value": both(known[-1]) if known else None,
    }
