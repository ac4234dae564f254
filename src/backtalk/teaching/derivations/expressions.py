"""Formulas as trees: symbols and what is done with them.

A vector is a column, shape (n, 1), so that the product of two arrays is always the matrix product. evaluation.py
computes a tree and puts numbers in; a writer, such as :mod:`backtalk.teaching.derivations.text`, turns it into text.
Nothing here knows how a formula looks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

Index = int | str  # a number, or the letter of a sum, such as m
Axis = int | str | None  # whose units a row or a column is for: those of a layer, or yhat; None: not known
Axes = tuple[Axis, Axis]
Rows = Mapping[Axis, Collection[int]]  # the units, from 0, that are shown of layers too large to be shown whole
NO_ROWS: Rows = MappingProxyType({})
EVERY = "·"  # as an index: all of them, W[2,·,1] being a column of W[2]


class Values(Protocol):
    """What each symbol comes to: a float for a scalar, an array of shape (n, 1) or (n, m)."""

    def __getitem__(self, leaf: Leaf, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Symbol:
    """A quantity of the formulas: ``letter`` with its layer and indices, all counted from 1.

    ``letter``: h, a, W, b, yhat (ŷ), target (t), loss (ℒ), complement (1 − ŷ, which
    is known to more digits than the difference has), or unit (e_j, the column with 1 in row j: with its index it is a
    column). Without indices, the whole vector or matrix. ``layer`` is None for ŷ, t, ℒ, e, and the letter i in a rule
    for every layer. Other letters, such as p, q and z, are those of a rule that speaks of any function.
    """

    letter: str
    layer: Index | None = None
    indices: tuple[Index, ...] = ()

    @property
    def numbers(self) -> tuple[Index, ...]:
        """The layer, if there is one, and the indices."""
        return self.indices if self.layer is None else (self.layer, *self.indices)


@dataclass(frozen=True, slots=True)
class Derivative:
    """∂ℒ/∂(a scalar), or ∇ℒ with respect to a whole vector or matrix."""

    of: Symbol


@dataclass(frozen=True, slots=True)
class Partial:
    """∂above/∂below: of one quantity with respect to another, a number, a column or a Jacobian.

    With the letter j for an index of both, the column of ∂above_j/∂below_j for each j.
    """

    above: Symbol
    below: Symbol


Leaf = Symbol | Derivative | Partial


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """What was put in for a symbol: a number, a column or a matrix; ``axes``: whose units its rows and columns are."""

    value: Any
    axes: Axes = (None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Others:
    """What ``count`` terms of a sum, which are not shown, come to."""

    count: int
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """terms[0] + terms[1] + …; a :class:`Negative` among them is subtracted."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SumOver:
    """Σ from 1 to ``last`` of ``term(m)``; ``term(index)``, with the letter itself, is what is written.

    ``axis``: whose units are summed over. A rule ends with a letter, such as M.
    """

    index: str
    last: Index
    term: Callable[[Any], Expression]
    axis: Axis = None


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Of numbers, or the matrix product."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Negative:
    """−of."""

    of: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Elementwise:
    """left ⊙ right; with ``divide``, left ⊘ right, where 0 ⊘ 0 is 0."""

    left: Expression
    right: Expression
    divide: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Transposed:
    """ofᵀ."""

    of: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal:
    """diag(of): the matrix with a column on its diagonal."""

    of: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """A function, of each element but for softmax.

    ``name``: g, g′, log, exp, softmax, sigmoid, sign, clip, square, sqrt, power, absolute, rho (Huber's ρ), H (1 above
    0, else 0); for clip and rho, ``detail`` is δ, for power the exponent. ``layer`` numbers g and g′, and their
    ``detail`` says which they are, such as relu. With ``as_value``, its value stands instead of it when numbers are
    put in.
    """

    name: str
    of: Expression
    function: Callable[[Any], Any]
    layer: int | None = None
    detail: str = ""
    as_value: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Larger:
    """The larger of two numbers."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Indicator:
    """1 if both indices are the same, else 0."""

    left: Index
    right: Index


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A column or matrix whose rows are written one by one: ``entry(j, k)``, for j and k from 1 to ``shape``.

    An entry is a number, or a row that is stacked upon others. ``axes``: as for a :class:`Number`.
    """

    entry: Callable[[int, int], Expression]
    shape: tuple[int, int]
    axes: Axes = (None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Dot:
    """The dot product of two columns, which stand side by side."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Braced:
    """A formula with a brace under it and, one below the other, what there is to say of it: words or formulas."""

    of: Expression
    notes: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Formulas beside one another, with commas between."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function that is only named, with what it is taken of: p(q_1(z), …). ``Symbol("…")`` stands for dots."""

    of: Symbol
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OfExample:
    """A symbol, or a gradient, of example n of a batch."""

    of: Symbol | Derivative


@dataclass(frozen=True, slots=True, eq=False)
class Inline:
    """A formula within a sentence, token by token: quantities, and letters, numbers and signs as they stand there."""

    tokens: tuple[Symbol | Derivative | Partial | str, ...]


Expression = (
    Symbol
    | Derivative
    | Partial
    | Number
    | Others
    | Sum
    | SumOver
    | Product
    | Negative
    | Elementwise
    | Transposed
    | Diagonal
    | Apply
    | Larger
    | Indicator
    | Grid
    | Dot
    | Braced
    | Listed
    | Call
    | OfExample
    | Inline
)
