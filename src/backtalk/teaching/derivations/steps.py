"""What an explanation holds: steps, in the order of the talks, each an equation with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .document import Equation
from .evaluation import axes_of, evaluate, with_numbers
from .expressions import Derivative, Expression, Leaf, Number, Partial, Symbol
from .loss_formulas import OfUnit
from .outputs import output_talk
from .picture import Picture
from .text import write_text
from .values import AnyValues, ExampleValues, NoValues

TALKS = {
    "forward": "Forward: what the network computed",
    "roadmap": "The roadmap: whom the loss talks to",
    "output": "The loss talks to the output units",
    "hidden": "Each layer talks to the one before it",
    "weights": "The last one talks to the weights and biases",
}
STOPS = ("the output units", "the hidden units", "the weights and biases")
STOP_OF = {"output": 1, "hidden": 2, "weights": 3}  # on the roadmap


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence that follows a reason if ``of``, or one of its numbers, is ``at``."""

    said: str
    of: Leaf
    at: float

    def holds(self, values: ExampleValues) -> bool:
        """Whether it is so for an example."""
        return bool(np.any(np.asarray(values[self.of]) == self.at))


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One equation of a derivation: ``left`` = ``right``, in symbols; ``numbers`` is right with numbers put in.

    ``talk``: forward, roadmap, output, hidden or weights; ``layer``: the layer it speaks of (the network's depth L for
    the output). ``title`` and ``reason`` are sentences; steps of one title stand on one page. ``forms``: what stands
    between left and right, each equal to both. ``value`` is what left comes to: a number, or an array of shape (n, 1)
    for a vector and (n, m) for a matrix. If left is a gradient or a value of the forward pass, ``value`` is what the
    library computes, and not what right comes to. A step in symbols alone has no numbers: both are None.

    >>> from backtalk import Network, explain
    >>> step = explain(Network([[[2.0]]], [[0.5]], loss="squared_error"), [3.0], [1.5], "W[1,1,1]").steps[-1]
    >>> step.talk, step.layer, step.value
    ('weights', 1, 15.0)
    """

    talk: str
    layer: int
    title: str
    reason: str
    left: Expression
    right: Expression | None
    numbers: Expression | None
    value: Any
    forms: tuple[Expression, ...] = ()
    picture: Picture | None = None
    values: ExampleValues | None = field(default=None, repr=False)  # of the symbols, if there are numbers
    rule: bool = False  # it holds for any numbers, and has none
    remarks: tuple[Remark, ...] = ()  # that the reason may need once there are numbers

    @property
    def scale(self) -> Any:
        """The right side with every number by its absolute value and every difference as a sum."""
        if self.values is None or self.right is None:
            return None
        return evaluate(self.right, Magnitudes(self.values), absolute=True)

    @property
    def both_sides(self) -> tuple[Any, Any, Any]:
        """The value of the left side, that of the right side, and the scale by which their difference is judged.

        The scale is the right side with every number by its absolute value and every difference as a sum.
        """
        if self.numbers is None:
            raise ValueError(f"the step {self.title!r} is in symbols alone")
        return self.value, evaluate(self.numbers, {}), self.scale

    @property
    def all_sides(self) -> Iterator[tuple[Any, Any, Any]]:
        """The same for each form of the right side; nothing for a step in symbols alone."""
        if self.values is not None:
            for form in self.forms:
                scale = evaluate(form, Magnitudes(self.values), absolute=True)
                yield self.value, evaluate(form, self.values), scale
            yield self.both_sides

    @property
    def equation(self) -> Equation:
        """left = the formulas = the numbers put in = the value.

        Numbers that say no more than a formula or the value are left out.
        """
        symbols = self.forms if self.right is None else (*self.forms, self.right)
        if self.numbers is None:
            return Equation(self.left, symbols)
        value = Number(self.value, axes_of(self.left))
        told = write_text(self.numbers) in (*map(write_text, symbols), write_text(value))
        return Equation(self.left, (*symbols, value) if told else (*symbols, self.numbers, value), self.right)


def make_step(
    values: AnyValues,
    talk: str,
    layer: int,
    title: str,
    reason: str,
    left: Symbol | Derivative | Partial,
    right: Expression,
    forms: tuple[Expression, ...] = (),
    picture: Picture | None = None,
    remarks: tuple[Remark, ...] = (),
) -> Step:
    """A step from symbols alone: numbers and value are looked up, if there are any, and the remarks that hold are made.

    Without numbers, it keeps the remarks.
    """
    if isinstance(values, NoValues):
        return Step(talk, layer, title, reason, left, right, None, None, forms, picture, remarks=remarks)
    reason = " ".join((reason, *(remark.said for remark in remarks if remark.holds(values))))
    value = values[left]
    value = float(value) if np.ndim(value) == 0 else value
    numbers = with_numbers(right, values, rows=values.rows)
    return Step(talk, layer, title, reason, left, right, numbers, value, forms, picture, values)


def make_rule(
    talk: str, layer: int, title: str, reason: str, picture: Picture | None, left: Expression, *rights: Expression
) -> Step:
    """A step that holds for any numbers: it is in symbols alone."""
    right = rights[-1] if rights else None
    return Step(talk, layer, title, reason, left, right, None, None, rights[:-1], picture, rule=True)


class Magnitudes:
    """What the rounding of each symbol is to be measured by: ∂ℒ/∂ŷ by the terms of its own formula.

    The library finds ∇_{a_L} without it, so that what cancels in it, as ŷ and t nearly do, is not in the other side.
    """

    values: ExampleValues
    grad_yhat: OfUnit

    def __init__(self, values: ExampleValues) -> None:
        self.values = values
        self.grad_yhat = output_talk(values.network.head, len(values.target), values.target, values.yhat).grad_yhat

    def __getitem__(self, leaf: Leaf) -> Any:
        match leaf:
            case Derivative(Symbol("yhat", _, indices)):
                return evaluate(self.grad_yhat(indices[0] if indices else None), self.values, absolute=True)
            case Partial(Symbol("loss"), Symbol("yhat")):
                return evaluate(self.grad_yhat(None), self.values, absolute=True).T
        return self.values[leaf]
