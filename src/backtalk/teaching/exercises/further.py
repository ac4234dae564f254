"""Questions beside those of the talks, each if it is asked for: the column's dot product, a batch, one step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...core.network import Network
from ...core.outputs import Softmax
from ...errors import InputError, InputTypeError, unknown_name
from ..derivations.expressions import (
    Derivative,
    Diagonal,
    Dot,
    Expression,
    Negative,
    OfExample,
    Partial,
    Product,
    Sum,
    SumOver,
    Symbol,
    Transposed,
)
from ..derivations.lecture.board import column_of, stacked
from ..derivations.values import ExampleValues
from .exact import NOTHING
from .own import Further, Guess, Own
from .questions import FORWARD, HIDDEN, OUTPUT, WEIGHTS, Question, clean
from .second import Second

BATCH, STEP = "A batch of two examples", "One step of gradient descent"
RATES = (0.5, 0.25, 0.1)
YHAT, ETA = Symbol("yhat"), Symbol("eta")


def kinds_of(also: Any, network: Network) -> tuple[str, ...]:
    """The names of kinds that ``also`` asks for, in the order of the sheet; 'all': every one that the network has."""
    if isinstance(also, str):
        also = [also]
    if not isinstance(also, Sequence):
        raise InputTypeError(f"also is a {type(also).__name__}, expected names such as ['jacobian', 'step'].")
    if list(also) == ["all"]:
        return tuple(kind for kind in KINDS if not _obstacle(kind, network))
    for kind in also:
        if kind not in KINDS:
            raise unknown_name("also", kind, [*KINDS, "all"])
        if obstacle := _obstacle(kind, network):
            raise InputError(f"also holds {kind!r}, {obstacle}")
    return tuple(kind for kind in KINDS if kind in also)


def _obstacle(kind: str, network: Network) -> str:
    """Why a network has no such question; '' if it has."""
    if kind == "jacobian" and not isinstance(network.output, Softmax):
        return f"expected softmax outputs with it, and those of this network are {network.output}: leave it out."
    if kind in ("column", "stacking") and network.depth == 1:
        return "expected a hidden layer with it: give at least three sizes, or leave it out."
    return ""


def further_questions(
    kinds: Sequence[str], network: Network, x: np.ndarray, y: Any, second: Second | None, rate: float
) -> list[Question]:
    """The questions of these kinds, in their order."""
    values = ExampleValues(network, x, y)
    return [question for kind in kinds for question in KINDS[kind](network, values, second, rate)]


def in_order(questions: Sequence[Question]) -> list[Question]:
    """As they stand on the sheet: by talk, and in it by row."""
    talks = FORWARD, OUTPUT, HIDDEN, WEIGHTS, BATCH, STEP
    return sorted(questions, key=lambda question: (talks.index(question.talk), question.row))


def a_rate(rng: np.random.Generator, network: Network, grad_W: np.ndarray) -> float:
    """A learning rate with which no weight of the last layer comes to 0, if there is one."""
    rates = rng.permutation(RATES)
    left = (rate for rate in rates if np.abs(network.W[network.depth] - rate * grad_W).min() > NOTHING)
    return float(next(left, rates[0]))


def _jacobian(network: Network, values: ExampleValues, _: Second | None, __: float) -> Iterator[Question]:
    L = network.depth

    def from_yhat(yhat: np.ndarray) -> np.ndarray:
        return np.diagflat(yhat) - yhat @ yhat.T

    def guesses(own: Own) -> Sequence[Guess]:
        yhat = own.h(L)
        return [
            ("only the diagonal was taken", lambda: np.diagflat(yhat * (1 - yhat))),
            ("the diagonal was left out", lambda: -yhat @ yhat.T),
            ("ŷ ŷᵀ was added, not subtracted", lambda: np.diagflat(yhat) + yhat @ yhat.T),
            ("the sign was turned", lambda: -from_yhat(yhat)),
            ("the number ŷᵀ ŷ stood for the matrix ŷ ŷᵀ", lambda: np.diagflat(yhat) - yhat.T @ yhat),
        ]

    left = Partial(YHAT, Symbol("a", L))
    formula = Sum((Diagonal(YHAT), Negative(Product((YHAT, Transposed(YHAT))))))
    yield _asked("jacobian", OUTPUT, 0, left, formula, values[left], lambda own: from_yhat(own.h(L)), guesses)


def _column(network: Network, values: ExampleValues, _: Second | None, __: float) -> Iterator[Question]:
    i = network.depth - 1
    W, count = network.W[i + 1], network.sizes[i]
    j = count  # the last unit, so that row and column are not mixed up unnoticed

    def follows(own: Own) -> np.ndarray:
        return np.asarray(W[:, j - 1] @ own.gradient("a", i + 1)[:, 0])

    def guesses(own: Own) -> Sequence[Guess]:
        grad_a = own.gradient("a", i + 1)[:, 0]
        others = [
            (f"the column of unit {k} was taken", lambda k=k: np.asarray(W[:, k - 1] @ grad_a))
            for k in range(1, count + 1)
            if k != j
        ]
        return [
            (f"row {j} of W_{i + 1} was taken for column {j}", lambda: np.asarray(W[j - 1] @ grad_a)),
            *others,
            (f"∇a[{i + 1}] was left out", lambda: np.asarray(W[:, j - 1].sum())),
            (f"the weights of W_{i + 1} were left out", lambda: np.asarray(grad_a.sum())),
        ]

    left, formula = Derivative(Symbol("h", i, (j,))), Dot(column_of(i + 1, j), Derivative(Symbol("a", i + 1)))
    yield _asked(f"grad h[{i},{j}]", HIDDEN, -1, left, formula, values[left], follows, guesses, is_matrix=False)


def _stacking(network: Network, *_: Any) -> Iterator[Question]:
    i = network.depth - 1
    W = network.W[i + 1]

    def guesses(_: Own) -> Sequence[Guess]:
        return [(f"W_{i + 1} itself was written: its columns are the rows here", lambda: W)]

    left = Transposed(Symbol("W", i + 1))
    formula = stacked(lambda j: Transposed(column_of(i + 1, j)), network.sizes[i], i)
    yield _asked(f"stacked W[{i + 1}]", HIDDEN, 0, left, formula, W.T, lambda _: W.T, guesses)


def _batch(network: Network, values: ExampleValues, second: Second | None, _: float) -> Iterator[Question]:
    assert second is not None
    L = network.depth
    h_2, grad_a_2 = second.h[:, None], second.grad_a[:, None]

    def guesses(of: Callable[[Own], np.ndarray], own: np.ndarray, student: Own) -> Sequence[Guess]:
        first = of(student)
        return [
            ("the sum was taken for the mean: 1/2 is missing", lambda: first + own),
            ("the first example alone was taken", lambda: first),
            ("the second example alone was taken", lambda: own),
            ("1/2 stood there twice", lambda: (first + own) / 4),
        ]

    def product_of_sums(student: Own) -> Sequence[Guess]:
        grad_a, h = student.gradient("a", L) + grad_a_2, student.h(L - 1) + h_2
        words = "the examples were summed before the product"
        return [(words, lambda share=share: grad_a @ h.T / share) for share in (2, 4)]

    a, h = OfExample(Derivative(Symbol("a", L))), OfExample(Symbol("h", L - 1))
    for family, own, term in (("W", grad_a_2 @ h_2.T, Product((a, Transposed(h)))), ("b", grad_a_2, a)):

        def of(student: Own, family: str = family) -> np.ndarray:
            return student.gradient(family, L)

        def all_guesses(student: Own, of: Any = of, own: Any = own, family: str = family) -> Sequence[Guess]:
            return [*guesses(of, own, student), *(product_of_sums(student) if family == "W" else ())]

        left = Derivative(Symbol(family, L))
        formula = SumOver("n", 2, lambda _, term=term: term)
        value = (values[left] + own) / 2
        yield _asked(
            f"batch grad {family}[{L}]", BATCH, 1, left, formula, value,
            lambda student, of=of, own=own: (of(student) + own) / 2, all_guesses, is_matrix=family == "W",
        )  # fmt: skip


def _step(network: Network, values: ExampleValues, _: Second | None, rate: float) -> Iterator[Question]:
    L = network.depth
    W, gradient = network.W[L], Derivative(Symbol("W", L))

    def guesses(own: Own) -> Sequence[Guess]:
        grad_W = own.gradient("W", L)
        return [
            ("the gradient was added: that is a step up", lambda: W + rate * grad_W),
            ("the learning rate was left out", lambda: W - grad_W),
            ("only the change was written", lambda: -rate * grad_W),
            ("only η times the gradient was written", lambda: rate * grad_W),
            ("W was multiplied by the learning rate too", lambda: rate * (W - grad_W)),
        ]

    left = Sum((Symbol("W", L), Negative(Product((ETA, gradient)))))
    value = W - rate * values[gradient]
    yield _asked(
        f"step W[{L}]", STEP, 1, left, None, value, lambda own: W - rate * own.gradient("W", L), guesses,
    )  # fmt: skip


def _asked(
    name: str, talk: str, row: int, left: Expression, formula: Expression | None, value: Any,
    follows: Callable[[Own], np.ndarray], guesses: Callable[[Own], Sequence[Guess]], *, is_matrix: bool = True,
) -> Question:  # fmt: skip
    return Question(name, talk, row, left, formula, clean(value), Further(follows, guesses, is_matrix))


KINDS: dict[str, Callable[[Network, ExampleValues, Second | None, float], Iterator[Question]]] = {
    "jacobian": _jacobian,
    "column": _column,
    "stacking": _stacking,
    "batch": _batch,
    "step": _step,
}
