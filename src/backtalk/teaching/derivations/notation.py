"""What all writers of formulas share: where brackets stand, and where a line may end."""

from __future__ import annotations

from enum import IntEnum
from itertools import pairwise
from typing import ClassVar

import numpy as np

from .expressions import (
    EVERY,
    Apply,
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
    Listed,
    Negative,
    Number,
    OfExample,
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
from .view import View

SCALARS = ("loss", "p", "q", "z")  # p, q and z: of the rule for any functions


class Binding(IntEnum):
    """How tightly the parts of a formula hold together, and so where it needs brackets."""

    SUM = 0
    SIGN = 1
    OVER = 2
    PRODUCT = 3
    ATOM = 4


class Writer:
    """Turns formulas into text of one kind; ``atom`` writes what is no sum and no negative.

    ``view``: how many digits a number has, and which entries of a row or column are shown.
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
    view: View

    def __init__(self, view: View | None = None) -> None:
        self.view = view or View()

    def shown(self, part: Number | Grid) -> tuple[list[int | None], list[int | None], bool]:
        """The rows and columns of a matrix that are shown, with None for dots; and whether any are left out."""
        shape = part.shape if isinstance(part, Grid) else part.value.shape
        rows, columns = (self.view.places(length, axis) for length, axis in zip(shape, part.axes, strict=True))
        return rows, columns, None in rows or None in columns

    def entries(self, part: Number | Grid) -> tuple[list[list[str]], bool]:
        """The cells of a matrix, row by row, with dots for what is left out; and whether anything is."""
        rows, columns, cut = self.shown(part)
        return [[self.entry(part, i, k) for k in columns] for i in rows], cut

    def entry(self, part: Number | Grid, i: int | None, k: int | None) -> str:
        """A cell of a matrix, or the dots instead of it."""
        if i is None or k is None:
            return self.dots[2 if i is None and k is None else 1 if i is None else 0]
        return self.cell(part.value[i, k]) if isinstance(part, Number) else self.write(part.entry(i + 1, k + 1))

    def atom(self, part: Expression) -> str:
        raise NotImplementedError

    def number(self, value: float) -> str:
        raise NotImplementedError

    def cell(self, value: float) -> str:
        """A number in a matrix."""
        return self.number(value)

    def array(self, part: Number | Grid) -> str:
        """A column or matrix."""
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
                return [piece for k, term in enumerate(terms) for piece in self._term_pieces(part, term, first=k == 0)]
            case Negative(Sum((_, _, *_)) as total) if is_scalar(total):
                return self.enclosed(total, self.negative)
            case Negative(of):
                return [self.negative + self.within(of, part)]
            case Product((Number() as number, Sum((_, _, *_)) as total)) if is_scalar(part):
                first, *others = self.enclosed(total, self.times)
                return [self.within(number, part), first, *others]
            case Product(factors):
                apart = self.view.breaks or any(isinstance(factor, Braced) for factor in factors)
                joints = [self.times if has_dot(*both) else self.beside for both in pairwise(factors)]
                written = [self.within(factor, part) for factor in factors]
                pieces = [written[0], *map(str.__add__, joints, written[1:])]
                return pieces if apart or is_scalar(part) else [self.between.join(pieces)]
            case Number(value) if np.ndim(value) == 0:
                return [self.number(value)]
            case Number() | Grid():
                return [self.array(part)]
            case Dot(left, right):
                return [self.within(left, part) + self.between + self.times + self.within(right, part)]
            case _:
                return [self.atom(part)]

    def _term_pieces(self, total: Sum, term: Expression, *, first: bool) -> list[str]:
        """A term of a sum; a product of matrices is cut as well if lines may end between two matrices."""
        if not (self.view.breaks and isinstance(term, Product) and not is_scalar(term)):
            return [self._term(total, term, first=first)]
        begin, *others = self.pieces(term)
        return [begin if first else self.plus + begin, *others]

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
        case Product() | Elementwise() | Dot() | Apply("square" | "power"):
            return Binding.PRODUCT
        case Listed():
            return Binding.SUM
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
        case Dot():
            return own < Binding.PRODUCT
        case Sum() | SumOver() | Negative():
            return own < Binding.OVER
        case _:  # a power, or a transpose
            return own < Binding.ATOM or isinstance(part, Derivative | Partial | Apply | OfExample)


def is_scalar(part: Expression) -> bool:
    """Whether a formula comes to one number, and not to a column or a matrix."""
    match part:
        case Symbol(letter, _, indices):
            return (
                letter in SCALARS or letter in LETTERS or (bool(indices) and letter != "unit" and EVERY not in indices)
            )
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
        case OfExample(of) | Braced(of):
            return is_scalar(of)
        case Call(of):
            return is_scalar(of)
        case Diagonal() | Grid() | Listed() | Inline():
            return False
        case Others() | Indicator() | Dot() | Larger():
            return True


def by_letter(slope: Partial) -> str | None:
    """The letter j, if a slope stands for the column of ∂above_j/∂below_j for each j."""
    first = slope.above.indices[0] if slope.above.indices else None
    return first if isinstance(first, str) and slope.above.indices == slope.below.indices else None


def has_dot(left: Expression, right: Expression) -> bool:
    """Whether a dot stands between two factors: not if both are columns or matrices."""
    return is_scalar(left) or is_scalar(right)
