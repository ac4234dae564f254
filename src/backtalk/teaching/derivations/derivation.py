"""What ``explain`` gives: the steps of a derivation, as a document, and as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ...core.network import Network
from .document import Document, Equation, Passage, Section
from .expressions import Derivative, Expression, Number, Symbol
from .forms import write
from .latex import LatexWriter, write_latex
from .notation import Marked
from .page import write_fragment
from .quantity import Quantity, symbol_of
from .routes import Paths
from .steps import TALKS, Step
from .text import TextWriter, write_text

MOST = 4  # entries of a row or column of numbers, in what is for programs


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivation:
    """How one gradient follows from the loss, by the chain rule, with the numbers of a network and an example.

    ``steps`` are in order: forward, then the talks to the output units, to the hidden units and to the weights, as
    far as ``quantity`` lies. ``value`` is ∂ℒ/∂(quantity): a number, an array (n,) for a vector or (n, m) for a
    matrix. ``loss`` is ℒ of the one example. Everything is in float64.

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
    loss: float
    value: Any
    steps: tuple[Step, ...]

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
        marked = self._marked()
        return {
            "quantity": str(self.quantity),
            "latex": write_latex(self.left),
            "value": self.value.tolist() if isinstance(self.value, np.ndarray) else float(self.value),
            "loss": self.loss,
            "steps": [_plain_step(step, marked) for step in self.steps],
        }

    def document(self, paths: Paths | None = None, *, about: str = "") -> Document:
        """What stands on paper, for :func:`write`. Arguments as for :meth:`to_markdown`."""
        value = self.value[:, None] if np.ndim(self.value) == 1 else self.value
        talks = []
        for talk, steps in groupby(self.steps, key=lambda step: step.talk):
            talks.append(Section(TALKS[talk], tuple(Passage(s.title, s.reason, s.equation) for s in steps)))
        return Document(
            f"The chain rule for {self.quantity}, step by step",
            about,
            Equation(self.left, (Number(value),)),
            tuple(talks),
            None if paths is None else paths.section(),
            self._marked(),
        )

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

    def to_slides(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As slides in LaTeX's Beamer, which reveal each step line by line. Arguments as for :meth:`to_markdown`."""
        return write(self, "slides", paths, about=about)

    def to_html(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As one page for a browser that needs nothing from elsewhere. Arguments as for :meth:`to_markdown`."""
        return write(self, "html", paths, about=about)

    def __repr__(self) -> str:
        value = f" = {self.value:.6g}" if self.quantity.is_scalar else ""
        return f"Derivation of ∂ℒ/∂{self.quantity}{value} in {len(self.steps)} steps; print it to see them"

    def __str__(self) -> str:
        return write(self, "text")

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        return write_fragment(self.document())

    def _marked(self) -> dict[int, set[int]]:
        """The entries that rows and columns show in any case, by their length.

        Those of the quantity, and the output unit that the loss talks to most, which is that of the label.
        """
        sizes, asked = self.network.sizes, self.quantity
        marked: dict[int, set[int]] = {}
        if asked.indices:
            marked.setdefault(sizes[asked.layer], set()).add(asked.indices[0] - 1)
        if asked.family == "W" and asked.indices:
            marked.setdefault(sizes[asked.layer - 1], set()).add(asked.indices[1] - 1)
        to_output = Derivative(Symbol("a", self.network.depth))
        for step in self.steps:
            if step.left == to_output:
                marked.setdefault(sizes[-1], set()).add(int(np.abs(step.value).argmax()))
        return marked


def _plain_step(step: Step, marked: Marked) -> dict[str, Any]:
    def both(part: Expression) -> dict[str, str]:
        return {"text": TextWriter(MOST, marked).write(part), "latex": LatexWriter(MOST, marked).write(part)}

    left, (formula, *numbers, value) = step.left, map(both, step.equation.rights)
    return {
        "talk": step.talk,
        "layer": step.layer,
        "quantity": write_text(left.of if isinstance(left, Derivative) else left),
        "title": step.title,
        "reason": step.reason,
        "formula": {
            "text": f"{write_text(left)} = {formula['text']}",
            "latex": f"{write_latex(left)} = {formula['latex']}",
        },
        "numbers": numbers[0] if numbers else None,
        "value": value,
    }
