"""What a formula comes to, and the same formula with numbers for its symbols."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from .expressions import (
    NO_ROWS,
    Apply,
    Axes,
    Braced,
    Call,
    Derivative,
    Diagonal,
    Dot,
    Elementwise,
    Expression,
    Grid,
    Indicator,
    Inline,
    Larger,
    Leaf,
    Listed,
    Negative,
    Number,
    OfExample,
    Others,
    Partial,
    Product,
    Rows,
    Sum,
    SumOver,
    Symbol,
    Transposed,
    Values,
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


def leaves_of(expression: Expression) -> Iterator[Leaf]:
    """The symbols and derivatives of a formula, from left to right; of a sum over an index those with its letter."""
    match expression:
        case Symbol() | Derivative() | Partial():
            yield expression
        case SumOver(index, _, term):
            yield from leaves_of(term(index))
        case Grid(entry):
            yield from leaves_of(entry(1, 1))
        case Sum(parts) | Product(parts) | Listed(parts) | Call(_, parts):
            for part in parts:
                yield from leaves_of(part)
        case Elementwise(left, right) | Dot(left, right) | Larger(left, right):
            yield from leaves_of(left)
            yield from leaves_of(right)
        case Negative(of) | Transposed(of) | Diagonal(of) | Apply(_, of) | Braced(of) | OfExample(of):
            yield from leaves_of(of)


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
        shown.append(Others(len(terms) - len(shown), math.fsum(np.delete(sizes, kept))))
    return shown[0] if len(shown) == 1 else Sum(tuple(shown))


def _times(left: Any, right: Any) -> Any:
    return left @ right if np.ndim(left) == 2 and np.ndim(right) == 2 else left * right


def _divided(numerator: Any, denominator: Any) -> Any:
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=numerator != 0)
