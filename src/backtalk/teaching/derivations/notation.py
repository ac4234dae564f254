"""What all writers of formulas share: where brackets stand, where a line may end, and which entries are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import IntEnum
from itertools import pairwise
from typing import ClassVar

import numpy as np

from .expressions import (
    Apply,
    Derivative,
    Diagonal,
    Elementwise,
    Expression,
    Indicator,
    Larger,
    Negative,
    Number,
    Others,
    Partial,
    Product,
    Sum,
    SumOver,
    Symbol,
    Transposed,
)
from .letters import LETTERS
from .numbers import as_written

MOST = 6  # entries of a row or a column that are shown
Marked = Mapping[int, Collection[int]]  # for each length, the entries, from 0, that are shown in any case
NONE_MARKED: Marked = {}


class Binding(IntEnum):
    """How tightly the parts of a formula hold together, and so where it needs brackets."""

    SUM = 0
    SIGN = 1
    OVER = 2
    PRODUCT = 3
    ATOM = 4


class Writer:
    """Turns formulas into text of one kind; ``atom`` writes what is no sum and no negative.

    ``most``: entries of a row or column that are shown; ``marked``: those that are shown in any case.
    """

    fractions: ClassVar[bool]  # whether a quotient of numbers has its parts above and below a line
    negative: ClassVar[str]
    minus: ClassVar[str]
    plus: ClassVar[str]
    times: ClassVar[str]
    beside: ClassVar[str]  # between two matrices
    brackets: ClassVar[tuple[str, str]]  # which may stand in different lines
    between: ClassVar[str] = " "  # pieces of one line
    dots: ClassVar[tuple[str, str, str]]  # for entries of a matrix in a row, in a column, and in both

    def __init__(self, most: int = MOST, marked: Marked = NONE_MARKED) -> None:
        self.most = most
        self.marked = marked

    def shown(self, shape: tuple[int, int]) -> tuple[list[int | None], list[int | None], bool]:
        """The rows and columns of a matrix that are shown, with None for dots; and whether any are left out."""
        rows, columns = (positions(length, self.most, self.marked.get(length, ())) for length in shape)
        return rows, columns, None in rows or None in columns

    def entry(self, value: np.ndarray, i: int | None, k: int | None) -> str:
        """A number of a matrix, or the dots instead of it."""
        if i is not None and k is not None:
            return self.cell(value[i, k])
        return self.dots[2 if i is None and k is None else 1 if i is None else 0]

    def atom(self, part: Expression) -> str:
        raise NotImplementedError

    def number(self, value: float) -> str:
        raise NotImplementedError

    def cell(self, value: float) -> str:
        """A number in a matrix."""
        return self.number(value)

    def array(self, value: np.ndarray) -> str:
        raise NotImplementedError

    def enclose(self, written: str) -> str:
        """In brackets, in one line."""
        return f"{self.brackets[0]}{written}{self.brackets[1]}"

    def write(self, part: Expression) -> str:
        """A formula in one line."""
        return self.between.join(self.pieces(part))

    def within(self, part: Expression, place: Expression) -> str:
        """A part of ``place``, in brackets if it needs them."""
        written = self.write(part)
        return self.enclose(written) if needs_brackets(part, place, fractions=self.fractions) else written

    def pieces(self, part: Expression) -> list[str]:
        """A formula, cut where a line may end: before each term of its sum, or each factor."""
        match part:
            case Symbol("complement", _, indices):
                return self.pieces(Sum((Number(1.0), Negative(Symbol("yhat", None, indices)))))
            case Sum((only,)):
                return self.pieces(only)
            case Sum(terms):
                return [self._term(part, term, first=k == 0) for k, term in enumerate(terms)]
            case Negative(Sum((_, _, *_)) as total) if is_scalar(total):
                return self.enclosed(total, self.negative)
            case Negative(of):
                return [self.negative + self.within(of, part)]
            case Product((Number() as number, Sum((_, _, *_)) as total)) if is_scalar(part):
                first, *others = self.enclosed(total, self.times)
                return [self.within(number, part), first, *others]
            case Product(factors):
                joints = [self.times if has_dot(*both) else self.beside for both in pairwise(factors)]
                written = [self.within(factor, part) for factor in factors]
                pieces = [written[0], *map(str.__add__, joints, written[1:])]
                return pieces if is_scalar(part) else [self.between.join(pieces)]
            case Number(value):
                return [self.array(value) if np.ndim(value) else self.number(value)]
            case _:
                return [self.atom(part)]

    def _term(self, total: Sum, term: Expression, *, first: bool) -> str:
        match term:
            case Negative(of):
                return (self.negative if first else self.minus) + self.within(of, term)
            case _ if first and not isinstance(term, Sum):
                return self.write(term)
            case _:
                return ("" if first else self.plus) + self.within(term, total)

    def enclosed(self, total: Sum, before: str) -> list[str]:
        """A sum in brackets, behind a sign or a factor."""
        first, *middle, last = self.pieces(total)
        return [before + self.brackets[0] + first, *middle, last + self.brackets[1]]


def binding(part: Expression, *, fractions: bool) -> Binding:
    """Of a formula as it is written."""
    match part:
        case Sum((only,)) | Product((only,)):
            return binding(only, fractions=fractions)
        case Sum() | Symbol("complement"):
            return Binding.SUM
        case Negative():
            return Binding.SIGN
        case SumOver():
            return Binding.OVER
        case Elementwise(divide=True) if fractions and is_scalar(part):
            return Binding.ATOM
        case Product() | Elementwise() | Apply("square" | "power"):
            return Binding.PRODUCT
        case Number(value) if np.ndim(value) == 0:
            written = as_written(value)
            return Binding.SIGN if written.negative else Binding.PRODUCT if written.power is not None else Binding.ATOM
        case _:
            return Binding.ATOM


def needs_brackets(part: Expression, place: Expression, *, fractions: bool) -> bool:
    """Whether a formula stands in brackets as a part of ``place``."""
    own = binding(part, fractions=fractions)
    match place:
        case Product(factors):
            at_end = own == Binding.OVER and part is factors[-1]
            return (own < Binding.PRODUCT and not at_end) or (isinstance(part, Elementwise) and own < Binding.ATOM)
        case Elementwise(divide=True) if fractions and is_scalar(place):
            return False  # above or below the line of a fraction
        case Elementwise(left, _, divide):
            chained = isinstance(part, Elementwise) and part is left and not divide and not part.divide
            return own < Binding.ATOM and not chained
        case Sum() | SumOver() | Negative():
            return own < Binding.OVER
        case _:  # a power, or a transpose
            return own < Binding.ATOM or isinstance(part, Derivative | Partial | Apply)


def is_scalar(part: Expression) -> bool:
    """Whether a formula comes to one number, and not to a column or a matrix."""
    match part:
        case Symbol(letter, _, indices):
            return letter == "loss" or letter in LETTERS or (bool(indices) and letter != "unit")
        case Derivative(of):
            return is_scalar(of)
        case Partial(above, below):
            return is_scalar(above) and is_scalar(below) and by_letter(part) is None
        case Number(value):
            return np.ndim(value) == 0
        case Sum(parts) | Product(parts):
            return all(map(is_scalar, parts))
        case SumOver(index, _, term):
            return is_scalar(term(index))
        case Elementwise(left, right):
            return is_scalar(left) and is_scalar(right)
        case Negative(of) | Transposed(of) | Apply(_, of):
            return is_scalar(of)
        case Diagonal():
            return False
        case Others() | Indicator() | Larger():
            return True


def by_letter(slope: Partial) -> str | None:
    """The letter j, if a slope stands for the column of ∂above_j/∂below_j for each j."""
    first = slope.above.indices[0] if slope.above.indices else None
    return first if isinstance(first, str) and slope.above.indices == slope.below.indices else None


def has_dot(left: Expression, right: Expression) -> bool:
    """Whether a dot stands between two factors: not if both are columns or matrices."""
    return is_scalar(left) or is_scalar(right)


def positions(length: int, most: int = MOST, marked: Collection[int] = ()) -> list[int | None]:
    """The entries of a row or column that are shown; None for the dots.

    ``marked``: entries that are shown in any case, from 0.

    >>> positions(3), positions(64)
    ([0, 1, 2], [0, 1, 2, 3, 4, None, 63])
    >>> positions(64, 4, {19})
    [0, 1, None, 19, None, 63]
    """
    if length <= most:
        return list(range(length))
    begin = max(1, most - 1 - len(marked))
    shown = sorted({*range(begin), *marked, length - 1})
    found: list[int | None] = []
    for before, k in pairwise((-1, *shown)):
        if k - before > 2:
            found.append(None)
        elif k - before == 2:  # dots would take as much room as what they stand for
            found.append(before + 1)
        found.append(k)
    return found
