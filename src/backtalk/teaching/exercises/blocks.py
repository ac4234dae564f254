"""What stands on a sheet and on its key, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, product
from typing import Any

import numpy as np

from ...core.activations import Activation
from ...core.losses import CrossEntropy, Focal, Huber, Loss, Quantile, Quantiles
from ...core.network import Network
from ..derivations.document import Equation, Passage
from ..derivations.expressions import Derivative, Number, Sum, Symbol
from ..derivations.functions import OUTPUTS, formulas_of
from ..derivations.picture import NOW, Column, Node, Picture
from ..derivations.values import ExampleValues
from .further import BATCH, ETA, STEP
from .questions import PathQuestion, Question
from .second import Second


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Equations beside one another; a number that is NaN is a blank to fill in.

    ``first``: the number of the first question, None if they are no questions. ``space``: whether there is room below
    to work in.
    """

    equations: tuple[Equation, ...]
    first: int | None = None
    space: bool = False

    @property
    def labelled(self) -> list[tuple[str, Equation]]:
        """Each equation with its label, such as (3)."""
        return [("" if self.first is None else f"({self.first + k})", each) for k, each in enumerate(self.equations)]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to write on, each with what stands before it."""

    before: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a student writes their name, and a teacher the points, of ``most``."""

    most: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """The network, drawn."""

    picture: Picture


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What a sheet is about: all of an :class:`~backtalk.Exercise` that stands on it."""

    network: Network
    x: np.ndarray
    y: Any
    questions: Sequence[Question]
    last: PathQuestion
    second: Second | None
    rate: float | None

    @property
    def talks(self) -> Iterator[tuple[str, int, list[Question]]]:
        """Each part, the label of its first question, and its questions."""
        label = 1
        for talk, each in groupby(self.questions, key=lambda question: question.talk):
            questions = list(each)
            yield talk, label, questions
            label += len(questions)


Block = Heading | Words | Row | Lines | Fields | Drawing | Passage


def sheet_blocks(task: Task, hints: bool) -> Iterator[Block]:
    """The network with its numbers, and blanks in the order of the talks."""
    last, label = task.last, len(task.questions) + 1
    yield Fields(label)
    yield from _network(task.network, task.x, task.y)
    for talk, first, questions in task.talks:
        yield Heading(talk)
        yield from _introduction(talk, task)
        for _, beside in groupby(enumerate(questions, first), key=lambda numbered: numbered[1].row):
            row = []
            for number, question in beside:
                blank = Number(np.full(np.shape(question.value), np.nan))
                formula = (question.formula,) if hints and question.formula is not None else ()
                row.append((number, Equation(question.left, (*formula, blank))))
            yield Row(tuple(equation for _, equation in row), row[0][0], space=True)
    yield Heading("Along the paths")
    count = last.paths.count
    there = "there is 1. Write" if count == 1 else f"there are {count}: for each, write"
    yield Words(
        f"({label}) Compute ∂ℒ/∂{last.quantity} once more, along its paths to the loss, of which {there} the "
        "units on the way and the product of the factors along it; "
        f"{'it' if count == 1 else 'the sum of the products'} is the gradient."
        + (" Some of the products are 0." if len(last.paths.strongest) < count else "")
    )
    yield Lines(tuple(f"path {k}" for k in range(1, count + 1)))
    yield Row((Equation(last.derivation.left, (Number(np.nan),)),))


def key_blocks(task: Task) -> Iterator[Block]:
    """The same with every number, and the derivation of the last question."""
    last, label = task.last, len(task.questions) + 1
    yield from _network(task.network, task.x, task.y)
    for talk, first, questions in task.talks:
        yield Heading(talk)
        yield from _introduction(talk, task)
        for number, question in enumerate(questions, first):
            formula = () if question.formula is None else (question.formula,)
            yield Row((Equation(question.left, (*formula, Number(question.value))),), number)
    yield Heading("Along the paths")
    passages, count = last.paths.section().passages, last.paths.count
    rest = "" if len(passages) == count else f" All others of the {count} contribute 0."
    yield Words(f"({label}) ∂ℒ/∂{last.quantity} is the sum over its paths to the loss.{rest}")
    yield from (replace(passage, reason="") for passage in passages)
    terms = tuple(passage.equation.left for passage in passages)
    sums = (Sum(terms),) if len(terms) > 1 else ()
    yield Row((Equation(last.derivation.left, (*sums, Number(last.paths.value))),))
    yield Words("The same by the chain rule, step by step:")
    for step in last.derivation.steps:
        if step.talk in ("hidden", "weights"):
            yield Passage(step.title, step.reason, step.equation)


def _introduction(talk: str, task: Task) -> Iterator[Block]:
    """What the questions of a part need to be told."""
    L = task.network.depth
    if talk == BATCH and task.second is not None:
        h, grad_a = Symbol("h", L - 1), Derivative(Symbol("a", L))
        yield Words("A batch holds the example above and a second one. For the second one alone:")
        yield Row(
            (
                Equation(h, (Number(task.second.h[:, None]),)),
                Equation(grad_a, (Number(task.second.grad_a[:, None]),)),
            )
        )
        yield Words(
            f"ℒ of the batch is the mean of both losses. So each example has the weight 1/2, and ∇a[{L}] of an example "
            "in the batch is half of what it is for that example alone."
        )
    if talk == STEP and task.rate is not None:
        yield Words("With the gradient of the first example alone, and the learning rate")
        yield Row((Equation(ETA, (Number(task.rate),)),))
        yield Words("the weights of the last layer become")


def _network(network: Network, x: np.ndarray, y: Any) -> Iterator[Block]:
    sizes, loss, values = [str(size) for size in network.sizes], network.loss, ExampleValues(network, x, y)
    yield Heading("The network")
    yield Drawing(_picture(network))
    sentences = [f"Its layers have {', '.join(sizes[:-1])} and {sizes[-1]} units, the inputs first."]
    sentences += _activations(network.activations)
    sentences.append(f"The output function is {OUTPUTS.get(network.output.name, repr(network.output))}; {_loss(loss)}.")
    sentences.append("All of it is for one example. Vectors are columns, everything is counted from 1.")
    yield Words(" ".join(sentences))
    pairs = [(Symbol("W", i), Symbol("b", i)) for i in range(1, network.depth + 1)]
    for pair in [*pairs, (Symbol("h", 0), Symbol("target"))]:
        yield Row(tuple(Equation(symbol, (Number(values[symbol]),)) for symbol in pair))
    label = ""
    if network.head.takes_labels:
        label = f"The label is output {int(y) + 1}"
        label += ". " if getattr(loss, "label_smoothing", 0) else ": t is 1 there and 0 elsewhere. "
    yield Words(
        f"h[0] is the input and t the target. {label}Write fractions where there are some, else three digits after the "
        "point; log is the natural logarithm."
    )


def _picture(network: Network) -> Picture:
    """Every unit with its name, and every weight."""
    names = [[Symbol("h", i, (j,)) for j in range(1, size + 1)] for i, size in enumerate(network.sizes)]
    names[-1] = [Symbol("yhat", None, (j,)) for j in range(1, network.sizes[-1] + 1)]
    columns = tuple(Column(tuple(Node(NOW, name) for name in layer)) for layer in [*names, [Symbol("loss")]])
    edges = {
        (c, k, m): NOW
        for c, (left, right) in enumerate(pairwise(columns))
        for k, m in product(range(len(left.nodes)), range(len(right.nodes)))
    }
    return Picture(columns, edges, f"The network {' → '.join(map(str, network.sizes))}.")


def _activations(activations: tuple[Activation, ...]) -> Iterator[str]:
    for activation, layers in groupby(enumerate(activations, 1), key=lambda pair: pair[1]):
        numbers = [str(i) for i, _ in layers]
        where = f"layer {numbers[0]}" if len(numbers) == 1 else f"layers {', '.join(numbers[:-1])} and {numbers[-1]}"
        formulas = formulas_of(activation)
        yield f"In {where}, g is {activation}{formulas and f': {formulas}'}."


def _loss(loss: Loss) -> str:
    name = loss.name.replace("_", " ")
    match loss:
        case Huber(delta):
            return (
                f"the loss is huber with δ = {delta:g}: the sum over outputs of ρ(r) = r²/2 where |r| ≤ {delta:g}, "
                f"else {delta:g} · (|r| − {delta / 2:g}), with r the output less the target"
            )
        case Focal(gamma):
            return f"the loss is focal with γ = {gamma:g}: the sum of −t · (1 − ŷ)^{gamma:g} · log ŷ over the outputs"
        case Quantile(level):
            return (
                f"the loss is the quantile loss with q = {level:g}: the sum over outputs of q · r where r ≥ 0, else "
                "(q − 1) · r, with r the target less the output"
            )
        case Quantiles(levels):
            said = ", ".join(f"{level:g}" for level in levels)
            return (
                f"the loss is the quantile loss with q = {said}, one after another for as many outputs each: the sum "
                "of q · r where r ≥ 0, else (q − 1) · r, with r the target less the output"
            )
        case CrossEntropy(smoothing) if smoothing:
            return f"the loss is {name}, with label smoothing {smoothing:g}"
    said = {
        "cross entropy": "the sum of −t · log ŷ over the outputs",
        "binary cross entropy": "the sum of −t · log ŷ − (1 − t) · log(1 − ŷ) over the outputs",
        "squared error": "half the sum of (ŷ − t)² over the outputs",
        "absolute error": "the sum of |ŷ − t| over the outputs",
        "poisson deviance": "twice the sum of t · log(t/ŷ) − t + ŷ over the outputs",
        "kl divergence": "the sum of t · log(t/ŷ) over the outputs",
        "categorical hinge": "1 and the largest ŷ of a wrong class less the ŷ of the label, or 0 if that is negative",
        "gaussian nll": "half the sum of s + (t − μ)² · exp(−s) + log 2π, where the first half of ŷ are the μ, the "
        "second the s",
    }.get(name)
    return f"the loss is {name}" + (f", {said}" if said else "")
