"""What an explanation holds: steps, in the order of the talks, each an equation with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.network import Network
from .expressions import Derivative, Expression, Leaf, Number, Partial, Symbol, evaluate, with_numbers
from .outputs import output_talk
from .quantity import Quantity
from .values import ExampleValues

if TYPE_CHECKING:
    from .strongest import Paths

TALKS = {
    "forward": "Forward: what the network computed",
    "output": "The loss talks to the output units",
    "hidden": "Each layer talks to the one before it",
    "weights": "The last one talks to the weights and biases",
}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One equation of a derivation: ``left`` = ``right``, in symbols; ``numbers`` is right with numbers put in.

    ``talk``: forward, output, hidden or weights; ``layer``: the layer it speaks of (the network's depth L for the
    output). ``title`` and ``reason`` are sentences. ``value`` is what left comes to: a number, or an array of shape
    (n, 1) for a vector and (n, m) for a matrix. Where left is a gradient or a value of the forward pass, ``value`` is
    what the library computes, and not what right comes to.
    """

    talk: str
    layer: int
    title: str
    reason: str
    left: Symbol | Derivative | Partial
    right: Expression
    numbers: Expression
    value: Any
    scale: Any

    @property
    def both_sides(self) -> tuple[Any, Any, Any]:
        """The value of the left side, that of the right side, and the scale by which their difference is judged.

        The scale is the right side with every number by its absolute value and every difference as a sum.
        """
        return self.value, evaluate(self.numbers, {}), self.scale


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivation:
    """How one gradient follows from the loss, by the chain rule, with the numbers of a network and an example.

    ``steps`` are in order: forward, then the talks to the output units, to the hidden units and to the weights, as
    far as ``quantity`` lies. ``value`` is ∂ℒ/∂(quantity): a number, an array (n,) for a vector or (n, m) for a
    matrix. ``loss`` is ℒ of the one example. Everything is in float64.
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
        from .records import as_record

        return as_record(self)

    def to_markdown(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As Markdown, with LaTeX between dollars, as GitHub and Jupyter show it.

        ``paths``: the strongest paths, from :func:`backtalk.paths`, which then stand below. ``about``: a sentence below
        the title, such as which example it is.

        >>> from backtalk import explain
        >>> net = Network([[[2.0]]], [[0.5]], loss="squared_error")
        >>> explain(net, [3.0], [1.5], "W[1,1,1]").to_markdown(about="a line through 0.5").splitlines()[:3]
        ['# The chain rule for $W_{1,1,1}$, step by step', '', 'a line through 0.5']
        """
        from .markdown import write_markdown

        return write_markdown(self, paths, about)

    def to_latex(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As an article in LaTeX, a whole document for pdflatex with amsmath. Arguments as for :meth:`to_markdown`."""
        from .article import write_article

        return write_article(self, paths, about)

    def to_slides(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As slides in LaTeX's Beamer, which reveal each step line by line. Arguments as for :meth:`to_markdown`."""
        from .slides import write_slides

        return write_slides(self, paths, about)

    def to_html(self, paths: Paths | None = None, *, about: str = "") -> str:
        """As one page for a browser that needs nothing from elsewhere. Arguments as for :meth:`to_markdown`."""
        from .page import write_page

        return write_page(self, paths, about)

    def __repr__(self) -> str:
        value = f" = {self.value:.6g}" if self.quantity.is_scalar else ""
        return f"Derivation of ∂ℒ/∂{self.quantity}{value} in {len(self.steps)} steps; print it to see them"

    def __str__(self) -> str:
        from .plain import write_plain

        return write_plain(self)

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        from .page import write_fragment

        return write_fragment(self)


def column_of(value: Any) -> Any:
    """A value as formulas take it: a vector as a column."""
    return value[:, None] if np.ndim(value) == 1 else value


def symbol_of(network: Network, quantity: Quantity) -> Symbol:
    """A quantity in the formulas: h_L is ŷ there."""
    if quantity.family == "h" and quantity.layer == network.depth:
        return Symbol("yhat", None, quantity.indices)
    return Symbol(quantity.family, quantity.layer, quantity.indices)


def make_step(
    values: ExampleValues,
    talk: str,
    layer: int,
    title: str,
    reason: str,
    left: Symbol | Derivative | Partial,
    right: Expression,
) -> Step:
    """A step from symbols alone: numbers and value are looked up."""
    value = values[left]
    value = float(value) if np.ndim(value) == 0 else value
    scale = evaluate(right, Magnitudes(values), absolute=True)
    return Step(talk, layer, title, reason, left, right, with_numbers(right, values), value, scale)


class Magnitudes:
    """What the rounding of each symbol is to be measured by: ∂ℒ/∂ŷ by the terms of its own formula.

    The library finds ∇_{a_L} without it, so that what cancels in it, as ŷ and t nearly do, is not in the other side.
    """

    def __init__(self, values: ExampleValues) -> None:
        self.values = values
        self.grad_yhat = output_talk(values.network.loss, values.target).grad_yhat

    def __getitem__(self, leaf: Leaf) -> Any:
        match leaf:
            case Derivative(Symbol("yhat", _, indices)):
                return evaluate(self.grad_yhat(indices[0] if indices else None), self.values, absolute=True)
        return self.values[leaf]


__all__ = ["TALKS", "Derivation", "Number", "Step", "make_step", "symbol_of"]
