"""What a sheet asks, in the order of the talks, with the formula and the answer of each question."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...core.network import Network
from ..derivations.derivation import Derivation
from ..derivations.explanation import explain
from ..derivations.expressions import Derivative, Expression, Symbol
from ..derivations.quantity import Quantity
from ..derivations.routes import Paths
from ..derivations.steps import Step
from ..derivations.strongest import paths
from ..derivations.values import ExampleValues
from .exact import NOTHING, without_rounding
from .own import Further

MOST_PATHS = 8  # that the sheet has lines for
FORWARD, OUTPUT, HIDDEN, WEIGHTS = (
    "Forward",
    "The loss talks to the output units",
    "Each layer talks to the one before it",
    "The last ones talk to the weights and biases",
)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One quantity to compute: ``name`` as in :meth:`Exercise.check`, and ``value`` of shape (n, 1), (n, m) or ()."""

    name: str
    talk: str
    row: int  # of the sheet, in its talk: those of one row stand beside one another
    left: Expression
    formula: Expression | None  # None: ``left`` says it all
    value: Any = field(repr=False)
    further: Further | None = field(default=None, repr=False)  # None: a question of the talks

    @property
    def symbol(self) -> Symbol:
        """The quantity of a question of the talks, of which ``left`` may be the gradient."""
        of = self.left.of if isinstance(self.left, Derivative) else self.left
        assert isinstance(of, Symbol)
        return of

    @property
    def is_gradient(self) -> bool:
        """Whether it is one of the gradients of the talks."""
        return self.further is None and isinstance(self.left, Derivative)

    @property
    def is_matrix(self) -> bool:
        """Whether the answer is a matrix, and no column and no number."""
        return self.symbol.letter == "W" if self.further is None else self.further.is_matrix

    @property
    def shape(self) -> tuple[int, ...]:
        """How many numbers are asked for: (), (n,) or (n, m)."""
        shape = np.shape(self.value)
        return shape if self.is_matrix else shape[:1]


@dataclass(frozen=True, slots=True, eq=False)
class PathQuestion:
    """One weight once more, along its paths to the loss."""

    quantity: Quantity
    paths: Paths = field(repr=False)
    derivation: Derivation = field(repr=False)

    @property
    def name(self) -> str:
        return f"grad {self.quantity}"


def questions_of(network: Network, x: np.ndarray, y: Any) -> list[Question]:
    """Every question of the talks but the last."""
    values, depth = ExampleValues(network, x, y), network.depth
    formulas = _formulas(network, x, y)
    asked: list[tuple[str, str, int, Symbol | Derivative]] = []
    for i in range(1, depth + 1):
        asked.append((f"a[{i}]", FORWARD, i, Symbol("a", i)))
        if i < depth:
            asked.append((f"h[{i}]", FORWARD, i, Symbol("h", i)))
    asked += [("yhat", FORWARD, depth, Symbol("yhat")), ("loss", FORWARD, depth + 1, Symbol("loss"))]
    asked.append((f"grad a[{depth}]", OUTPUT, 1, Derivative(Symbol("a", depth))))
    for i in range(depth - 1, 0, -1):
        asked += [(f"grad {f}[{i}]", HIDDEN, depth - i, Derivative(Symbol(f, i))) for f in ("h", "a")]
    for i in range(depth, 0, -1):
        asked += [(f"grad {f}[{i}]", WEIGHTS, depth - i + 1, Derivative(Symbol(f, i))) for f in ("W", "b")]
    return [Question(name, talk, row, left, formulas[left], clean(values[left])) for name, talk, row, left in asked]


def clean(value: Any) -> Any:
    """A number, or each of an array, without its rounding errors."""
    return np.vectorize(without_rounding, otypes=[np.float64])(value) if np.ndim(value) else without_rounding(value)


def path_question(network: Network, x: np.ndarray, y: Any) -> PathQuestion:
    """Of the lowest layer whose weights have few enough paths, the one to whose gradient most of them contribute."""
    sizes = network.sizes
    layer = next(i for i in range(1, len(sizes)) if math.prod(sizes[i + 1 :]) <= MOST_PATHS)
    found = [
        (quantity, paths(network, x, y, quantity, MOST_PATHS))
        for j in range(1, sizes[layer] + 1)
        for k in range(1, sizes[layer - 1] + 1)
        for quantity in [Quantity("W", layer, (j, k))]
    ]
    quantity, strongest = max(found, key=lambda pair: (abs(pair[1].value) > NOTHING, len(pair[1].strongest)))
    return PathQuestion(quantity, strongest, explain(network, x, y, quantity))


def _formulas(network: Network, x: np.ndarray, y: Any) -> dict[Any, Expression]:
    """The right side of each equation, in the form in which it is shortest: at the output, what it collapses to."""
    steps: list[Step] = []
    for i in range(1, network.depth + 1):
        for family in ("W", "b"):
            steps += explain(network, x, y, Quantity(family, i)).steps
    return {step.left: step.right for step in steps if step.right is not None}
