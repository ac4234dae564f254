"""Formulas as trees: symbols and what is done with them. Numbers can be put in, and each side can be computed.

A vector is a column, shape (n, 1), so that the product of two arrays is always the matrix product. A writer, such as
:mod:`backtalk.teaching.derivations.text`, turns a tree into text; nothing here knows how a formula looks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

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


def evaluate(expression: Expression, values: Values, *, absolute: bool = False) -> Any:
    """The number, column or matrix that a formula comes to.

    With ``absolute``, every number in it by its absolute value and every difference as a sum: what the rounding
    errors of the formula are to be measured by. To a logarithm 1 is added, since log x moves by ε where x, rounded,
    moves by ε·x.
    """

    def value(part: Expression) -> Any:
        return evaluate(part, values, absolute=absolute)

    def leaf(found: Any) -> Any:
        return np.abs(found) if absolute else found

    match expression:
        case Symbol() | Derivative() | Partial():
            return leaf(values[expression])
        case Number(found) | Others(_, found):
            return leaf(found)
        case Sum(terms):
            return reduce(np.add, map(value, terms))
        case SumOver():
            return reduce(np.add, map(value, terms_of(expression)))
        case Product(factors):
            return reduce(_times, map(value, factors))
        case Negative(part):
            return value(part) if absolute else -value(part)
        case Elementwise(left, right, divide):
            return _divided(value(left), value(right)) if divide else value(left) * value(right)
        case Transposed(part):
            return value(part).T
        case Diagonal(part):
            return np.diagflat(value(part))
        case Apply(name, part, function):
            found = leaf(function(evaluate(part, values)))
            return found + 1 if absolute and name == "log" else found
        case Larger(left, right):
            return np.maximum(value(left), value(right))
        case Indicator(left, right):
            return float(left == right)
        case Grid(entry, (rows, columns)):
            return np.block([[np.atleast_2d(value(entry(j, k))) for k in _upto(columns)] for j in _upto(rows)])
        case Dot(left, right):
            return float(np.vdot(value(left), value(right)))
        case Braced(of):
            return value(of)
        case Listed(parts):  # what a function of several columns is taken of
            return tuple(map(value, parts))
        case Call() | OfExample() | Inline():
            raise TypeError(f"{expression!r} has no value")


def _upto(last: int) -> range:
    return range(1, last + 1)


def terms_of(total: SumOver) -> tuple[Expression, ...]:
    """The terms of a sum, each with its number for the letter."""
    assert isinstance(total.last, int)
    return tuple(total.term(m) for m in _upto(total.last))


def axes_of(expression: Expression) -> Axes:
    """Whose units the rows and the columns of what a formula comes to are."""
    match expression:
        case Symbol("W", int(i), ()):
            return (i, i - 1)
        case Symbol("yhat" | "target" | "complement", _, ()):
            return ("yhat", None)
        case Symbol("a" | "h" | "b", i, ()) | Symbol("W", i, ("·", _)):
            return (i, None)
        case Partial(Symbol(_, _, above), Symbol(_, _, below)) if above and above == below:
            return axes_of(replace(expression.above, indices=()))
        case Partial(Symbol("loss"), below):
            return (None, axes_of(below)[0])
        case Partial(above, below):
            return (axes_of(above)[0], axes_of(below)[0])
        case Derivative(of) | Apply(_, of) | Transposed(of) | Negative(of):
            return axes_of(of)
        case Number(_, axes) | Grid(_, _, axes):
            return axes
    return (None, None)


def with_numbers(expression: Expression, values: Values, most: int = 8, rows: Rows = NO_ROWS) -> Expression:
    """The same formula with numbers for its symbols.

    Of a sum over an index, at most ``most`` terms are kept, those of the largest absolute value in their order, and
    what the others come to; of a sum over the units of a layer in ``rows``, the terms of those units.
    """

    def put(part: Expression) -> Expression:
        return with_numbers(part, values, most, rows)

    match expression:
        case Symbol() | Derivative() | Partial():
            return Number(values[expression], axes_of(expression))
        case Grid(entry, shape, axes):
            if isinstance(put(entry(1, 1)), Number):
                return Number(evaluate(expression, values), axes)
            return Grid(lambda j, k: put(entry(j, k)), shape, axes)
        case Dot(left, right):
            return Dot(put(left), put(right))
        case Braced(of):
            return put(of)
        case Sum(terms):
            return Sum(tuple(map(put, terms)))
        case SumOver():
            return _some_terms(expression, values, most, rows)
        case Product(factors):
            return Product(tuple(map(put, factors)))
        case Negative(part):
            return Negative(put(part))
        case Elementwise(left, right, divide):
            return Elementwise(put(left), put(right), divide)
        case Transposed(part):
            return Transposed(put(part))
        case Diagonal(part):
            return Diagonal(put(part))
        case Apply(name, part, function, layer, detail, as_value):
            if as_value:
                return Number(evaluate(expression, values), axes_of(expression))
            return Apply(name, put(part), function, layer, detail)
        case Larger(left, right):
            return Larger(put(left), put(right))
        case Listed(parts):
            return Listed(tuple(map(put, parts)))
        case Indicator():
            return Number(evaluate(expression, values))
        case _:
            return expression


def _some_terms(total: SumOver, values: Values, most: int, rows: Rows) -> Expression:
    terms = terms_of(total)
    sizes = np.array([float(evaluate(term, values)) for term in terms])
    if total.axis in rows:
        named = np.array(sorted(rows[total.axis]))
        kept = named[sizes[named] != 0] if np.any(sizes[named]) else named[:1]
    else:
        order = np.argsort(-np.abs(sizes), kind="stable")
        heard = int(np.count_nonzero(sizes))
        if len(terms) - heard > 2:  # one-hot targets, silent units: many terms of 0 say nothing
            order = order[: max(heard, 1)]
        kept = np.sort(order if len(order) <= most else order[: most - 1])
    shown = [with_numbers(terms[m], values, most, rows) for m in kept]
    if len(shown) < len(terms):
        shown.append(Others(len(terms) - len(shown), float(np.delete(sizes, kept).sum())))
    return shown[0] if len(shown) == 1 else Sum(tuple(shown))


def _times(left: Any, right: Any) -> Any:
    return left @ right if np.ndim(left) == 2 and np.ndim(right) == 2 else left * right


def _divided(numerator: Any, denominator: Any) -> Any:
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=numerator != 0)
