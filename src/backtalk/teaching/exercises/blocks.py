"""What stands on a sheet and on its key, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ...core.activations import Activation
from ...core.losses import CrossEntropy, Huber, Loss
from ...core.network import Network
from ..derivations.expressions import Derivative, Expression, Number, Sum, Symbol
from ..derivations.functions import OUTPUTS, formulas_of
from ..derivations.layout import FractionRuler, sides
from ..derivations.routes import factors_of, route_text
from .questions import PathQuestion, Question


class BlankRuler(FractionRuler):
    """Writes text as long as a formula with blanks is wide."""

    def array(self, value: Any) -> str:
        return "0" * (value.shape[1] * (9 if np.isnan(value).any() else 6) + 2)


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """left = rights[0] = rights[1] …; a number that is NaN is a blank to fill in. ``label``: the question's number."""

    left: Expression
    rights: tuple[Expression, ...]
    label: str = ""

    @property
    def width(self) -> int:
        """About how many letters wide it is, a blank as wide as eight."""
        ruler = BlankRuler()
        return sum(len(ruler.write(part)) + 3 for part in (self.left, *self.rights))


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Equations beside one another. ``space``: whether there is room below to work in."""

    equations: tuple[Equation, ...]
    space: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to write on, each with what stands before it."""

    before: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A step of the key: a title, a sentence, an equation."""

    title: str
    reason: str
    equation: Equation


Block = Heading | Words | Row | Lines | Told


def sheet_blocks(
    network: Network, y: Any, given: list[tuple[Symbol, np.ndarray]], questions: list[Question],
    last: PathQuestion, hints: bool,
) -> Iterator[Block]:  # fmt: skip
    """The network with its numbers, and blanks in the order of the talks."""
    yield from _network(network, y, given)
    label = 0
    for talk, of_talk in groupby(questions, key=lambda question: question.talk):
        yield Heading(talk)
        for _, beside in groupby(of_talk, key=lambda question: question.row):
            row = []
            for question in beside:
                label += 1
                blank = Number(np.full(np.shape(question.value), np.nan))
                row.append(Equation(question.left, (question.formula, blank) if hints else (blank,), f"({label})"))
            yield Row(tuple(row), space=True)
    yield Heading("Along the paths")
    count = last.paths.count
    there = "there is 1" if count == 1 else f"there are {count}"
    yield Words(
        f"({label + 1}) Compute ∂ℒ/∂{last.quantity} once more, along its paths to the loss, of which {there}: for "
        "each, write the units on the way and the product of the factors along it; the sum of the products is the "
        "gradient." + (" Some of the products are 0." if len(last.paths.strongest) < count else "")
    )
    yield Lines(_lines(count))
    yield Row((Equation(Derivative(_symbol(last)), (Number(np.nan),)),))


def key_blocks(
    network: Network, y: Any, given: list[tuple[Symbol, np.ndarray]], questions: list[Question], last: PathQuestion
) -> Iterator[Block]:
    """The same with every number, and the derivation of the last question."""
    yield from _network(network, y, given)
    label = 0
    for talk, of_talk in groupby(questions, key=lambda question: question.talk):
        yield Heading(talk)
        for question in of_talk:
            label += 1
            yield Row((Equation(question.left, (question.formula, Number(question.value)), f"({label})"),))
    yield Heading("Along the paths")
    strongest, count = last.paths.strongest, last.paths.count
    rest = "" if len(strongest) == count else f" All others of the {count} contribute 0."
    yield Words(f"({label + 1}) ∂ℒ/∂{last.quantity} is the sum over its paths to the loss.{rest}")
    for path in strongest:
        equation = Equation(Number(path.contribution), factors_of(last.quantity, path))
        yield Told(route_text(last.quantity, path), "", equation)
    terms = tuple(Number(path.contribution) for path in strongest)
    sums = (Sum(terms),) if len(terms) > 1 else ()
    yield Row((Equation(Derivative(_symbol(last)), (*sums, Number(last.paths.value))),))
    yield Words("The same by the chain rule, step by step:")
    for step in last.derivation.steps:
        if step.talk in ("hidden", "weights"):
            yield Told(step.title, step.reason, Equation(step.left, tuple(sides(step))))


def _network(network: Network, y: Any, given: list[tuple[Symbol, np.ndarray]]) -> Iterator[Block]:
    sizes = [str(size) for size in network.sizes]
    yield Heading("The network")
    sentences = [f"Its layers have {', '.join(sizes[:-1])} and {sizes[-1]} units, the inputs first."]
    sentences += _activations(network.activations)
    loss = network.loss
    sentences.append(f"The output function is {OUTPUTS.get(loss.output_name, loss.output_name)}; {_loss(loss)}.")
    sentences.append("All of it is for one example. Vectors are columns, everything is counted from 1.")
    yield Words(" ".join(sentences))
    for i in range(0, len(given) - 2, 2):
        yield Row(tuple(Equation(symbol, (Number(value),)) for symbol, value in given[i : i + 2]))
    yield Row(tuple(Equation(symbol, (Number(value),)) for symbol, value in given[-2:]))
    label = ""
    if isinstance(loss, CrossEntropy):
        label = f"The label is output {int(y) + 1}"
        label += ". " if loss.label_smoothing else ": t is 1 there and 0 elsewhere. "
    yield Words(
        f"h[0] is the input and t the target. {label}Write fractions where there are some, else three digits after the "
        "point; log is the natural logarithm."
    )


def _activations(activations: tuple[Activation, ...]) -> Iterator[str]:
    for activation, layers in groupby(enumerate(activations, 1), key=lambda pair: pair[1]):
        numbers = [str(i) for i, _ in layers]
        where = f"layer {numbers[0]}" if len(numbers) == 1 else f"layers {', '.join(numbers[:-1])} and {numbers[-1]}"
        formulas = formulas_of(activation)
        yield f"In {where}, g is {activation}{formulas and f': {formulas}'}."


def _loss(loss: Loss) -> str:
    name = str(loss).split("(")[0].replace("_", " ")
    match loss:
        case Huber(delta):
            return (
                f"the loss is huber with δ = {delta:g}: the sum over outputs of ρ(r) = r²/2 where |r| ≤ {delta:g}, "
                f"else {delta:g} · (|r| − {delta / 2:g}), with r the output less the target"
            )
        case CrossEntropy(smoothing) if smoothing:
            return f"the loss is {name}, with label smoothing {smoothing:g}"
    said = {
        "cross entropy": "the sum of −t · log ŷ over the outputs",
        "binary cross entropy": "the sum of −t · log ŷ − (1 − t) · log(1 − ŷ) over the outputs",
        "squared error": "half the sum of (ŷ − t)² over the outputs",
        "absolute error": "the sum of |ŷ − t| over the outputs",
        "poisson deviance": "twice the sum of t · log(t/ŷ) − t + ŷ over the outputs",
    }.get(name)
    return f"the loss is {name}" + (f", {said}" if said else "")


def _lines(count: int) -> tuple[str, ...]:
    return tuple(f"path {k}" for k in range(1, count + 1))


def _symbol(last: PathQuestion) -> Symbol:
    return Symbol(last.quantity.family, last.quantity.layer, last.quantity.indices)
