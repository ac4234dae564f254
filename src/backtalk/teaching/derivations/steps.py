"""What an explanation holds: steps, in the order of the talks, each an equation with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .document import Equation
from .expressions import Derivative, Expression, Leaf, Number, Partial, Symbol, evaluate, with_numbers
from .outputs import output_talk
from .text import write_text
from .values import ExampleValues

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
    (n, 1) for a vector and (n, m) for a matrix. If left is a gradient or a value of the forward pass, ``value`` is
    what the library computes, and not what right comes to.

    >>> from backtalk import Network, explain
    >>> step = explain(Network([[[2.0]]], [[0.5]], loss="squared_error"), [3.0], [1.5], "W[1,1,1]").steps[-1]
    >>> step.talk, step.layer, step.value
    ('weights', 1, 15.0)
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

    @property
    def equation(self) -> Equation:
        """left = the formula = the numbers put in = the value.

        Numbers that say no more than the formula or the value are left out.
        """
        value = Number(self.value)
        told = write_text(self.numbers) in (write_text(self.right), write_text(value))
        return Equation(self.left, (self.right, value) if told else (self.right, self.numbers, value))


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
