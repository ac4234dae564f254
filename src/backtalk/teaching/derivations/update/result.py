"""What ``explain_step`` gives: the lines of an update, as a document, and as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ....core.network import Network
from ....core.optimizers import Optimizer
from ..document import Document, Equation, Passage, Section
from ..evaluation import evaluate
from ..expressions import Derivative, Expression, Number, Symbol
from ..forms import write
from ..latex import write_latex
from ..numbers import DIGITS
from ..page import write_fragment
from ..quantity import Quantity
from ..svg_steps import write_steps
from ..text import write_text
from ..view import View

PARTS = {
    "gradient": "The gradient of the batch",
    "optimizer": "What the optimizer makes of it",
    "weight": "The new {kind}",
}


@dataclass(frozen=True, slots=True, eq=False)
class UpdateLine:
    """One equation of an update: ``left`` = ``right`` in symbols; ``numbers`` is right with numbers put in.

    ``part``: gradient, optimizer or weight. ``value`` is what left comes to; for a gradient, a state of the optimizer
    and the new weight it is what the library computes, and not what right comes to. ``scale``: the right side with
    every number by its absolute value and every difference as a sum.

    >>> from backtalk import Network, explain_step
    >>> net = Network([[[2.0]]], [[0.5]], loss="squared_error")
    >>> line = explain_step(net, [3.0], [1.5], "sgd", "W[1,1,1]").lines[-1]
    >>> line.part, line.value
    ('weight', 0.5)
    """

    part: str
    title: str
    reason: str
    left: Symbol | Derivative
    right: Expression
    numbers: Expression
    value: float
    scale: float

    @property
    def both_sides(self) -> tuple[float, float, float]:
        """The value of the left side, that of the right side, and the scale by which their difference is judged."""
        return self.value, float(evaluate(self.numbers, {})), self.scale

    @property
    def equation(self) -> Equation:
        """left = the formula = the numbers put in = the value; what says nothing new is left out."""
        value = Number(self.value)
        told = write_text(self.numbers) in (write_text(self.right), write_text(value))
        same = write_text(self.right) == write_text(value)
        rights = (value,) if same else (self.right, value) if told else (self.right, self.numbers, value)
        return Equation(self.left, rights)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StepDerivation:
    """How one update changes one weight: the gradient, what the optimizer makes of it, and the new weight.

    ``lines`` are in that order. ``t`` numbers the update, from 1; ``before`` and ``after`` are the weight θ_{t-1} and
    θ_t, ``gradient`` is ∂ℒ/∂θ, without penalty and clipping. Everything is in float64.

    >>> from backtalk import Network, explain_step
    >>> net = Network([[[2.0]]], [[0.5]], loss="squared_error")
    >>> update = explain_step(net, [3.0], [1.5], "adam(learning_rate=0.1)", "W[1,1,1]")
    >>> update
    Update 1 of W[1,1,1] by adam(learning_rate=0.1): from 2 to 1.9, in 9 lines; print it to see them
    >>> print("\\n".join(str(update).splitlines()[-3:]))
      θ[1] = θ[0] + Δ[1]
           = 2 + (−0.1)
           = 1.9
    """

    network: Network
    optimizer: Optimizer
    quantity: Quantity
    t: int
    loss: float
    gradient: float
    before: float
    after: float
    lines: tuple[UpdateLine, ...]

    def to_dict(self) -> dict[str, Any]:
        """The update, and each line with its formulas as text and as LaTeX: plain values, for JSON.

        >>> from backtalk import Network, explain_step
        >>> net = Network([[[2.0]]], [[0.5]], loss="squared_error")
        >>> explain_step(net, [3.0], [1.5], "sgd", "W[1,1,1]").to_dict()["lines"][-1]["formula"]["text"]
        'θ[1] = θ[0] + Δ[1]'
        """
        return {
            "quantity": str(self.quantity),
            "optimizer": repr(self.optimizer),
            **{name: getattr(self, name) for name in ("t", "loss", "gradient", "before", "after")},
            "lines": [_plain(line) for line in self.lines],
        }

    def document(self, paths: Any = None, *, about: str = "") -> Document:
        """What stands on paper, for :func:`backtalk.teaching.derivations.write`; there are no paths in an update."""
        kind = "weight" if self.quantity.family == "W" else "bias"
        parts = []
        for part, of_part in groupby(self.lines, key=lambda line: line.part):
            passages = tuple(Passage(line.title, line.reason, line.equation) for line in of_part)
            parts.append(Section(PARTS[part].format(kind=kind), passages))
        result = Equation(self.lines[-1].left, (Number(self.after),))
        title = f"Update {self.t} of {self.quantity} by {self.optimizer.name}, step by step"
        return Document(title, about, result, tuple(parts), None, View(on_slides=DIGITS))

    def to_markdown(self, *, about: str = "") -> str:
        """As Markdown, with LaTeX between dollars. ``about``: a sentence below the title."""
        return write(self, "markdown", about=about)

    def to_latex(self, *, about: str = "") -> str:
        """As an article in LaTeX, a whole document for pdflatex with amsmath. ``about``: a sentence below the title."""
        return write(self, "latex", about=about)

    def to_slides(self, *, about: str = "", theme: str = "light") -> str:
        """As slides in LaTeX's Beamer, which reveal line by line. ``about``: a sentence below the title.

        ``theme``: as for :meth:`Derivation.to_slides <backtalk.Derivation.to_slides>`.
        """
        return write(self, "slides", about=about, theme=theme)

    def to_svg(self, *, theme: str = "light") -> tuple[str, ...]:
        """Each line as a picture in SVG, to paste anywhere. ``theme``: light or dark."""
        return write_steps(self.document(), theme)

    def to_html(self, *, about: str = "") -> str:
        """As one page for a browser that needs nothing from elsewhere. ``about``: a sentence below the title."""
        return write(self, "html", about=about)

    def __repr__(self) -> str:
        return (
            f"Update {self.t} of {self.quantity} by {self.optimizer!r}: from {self.before:.6g} to {self.after:.6g}, in "
            f"{len(self.lines)} lines; print it to see them"
        )

    def __str__(self) -> str:
        return write(self, "text")

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        return write_fragment(self.document())


def _plain(line: UpdateLine) -> dict[str, Any]:
    def both(part: Expression) -> dict[str, str]:
        return {"text": write_text(part), "latex": write_latex(part)}

    left, right = both(line.left), both(line.right)
    return {
        "part": line.part,
        "quantity": left["text"],
        "title": line.title,
        "reason": line.reason,
        "formula": {form: f"{left[form]} = {right[form]}" for form in left},
        "numbers": both(line.numbers),
        "value": line.value,
    }
