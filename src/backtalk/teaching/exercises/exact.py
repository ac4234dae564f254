"""Numbers as one writes them by hand, 3/4 or log 3 − 1/2; rounded if they are none of these."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np

CLOSE = 1e-12  # what float64's rounding leaves of a number of this size
LARGEST_DENOMINATOR = 1000  # of a fraction
BESIDE_LOGARITHM = 144  # the same, of a fraction beside a logarithm
DIGITS = 4  # after the point, of a number that is rounded
NOTHING = 1e-9  # below which a number is 0 but for rounding, or as good as 0 on paper
COEFFICIENTS = tuple(map(Fraction, ("1", "-1", "1/2", "-1/2", "2", "-2", "3", "-3", "4", "-4", "6", "-6")))


@dataclass(frozen=True, slots=True)
class Exact:
    """``rational`` + ``coefficient`` · log ``of``, with the natural logarithm."""

    rational: Fraction
    coefficient: Fraction = Fraction(0)
    of: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Script:
    """How the parts of a number are written: a fraction, the logarithm of one, a rounded number, signs between."""

    fraction: Callable[[Fraction], str]
    logarithm: Callable[[Fraction], str]
    rounded: Callable[[str], str]
    negative: str
    minus: str
    plus: str
    beside: str


def as_exact(value: float) -> Exact | None:
    """A number as a fraction, or as one with a logarithm; None if it is neither.

    >>> import math
    >>> as_exact(-0.375).rational, as_exact(math.log(3) - 0.5)
    (Fraction(-3, 8), Exact(rational=Fraction(-1, 2), coefficient=Fraction(1, 1), of=Fraction(3, 1)))
    >>> as_exact(math.sqrt(2)) is None
    True
    """
    value = float(value)
    rational = as_fraction(value, LARGEST_DENOMINATOR)
    if rational is not None:
        return Exact(rational)
    logarithms, sizes, whole = _logarithms()
    beside = value - sizes
    near = np.abs(beside) <= CLOSE
    near[whole] |= are_fractions(beside[whole], BESIDE_LOGARITHM)  # beside log(3/2) would stand nothing but 0
    for k in np.flatnonzero(near):
        rest = as_fraction(float(beside[k]), BESIDE_LOGARITHM)
        coefficient, of = logarithms[k]
        if rest is not None and (rest == 0 or of.denominator == 1):
            return Exact(rest, coefficient, of)
    return None


def as_fraction(value: float, largest: int) -> Fraction | None:
    """A number as a fraction whose denominator is at most ``largest``; None if it is none."""
    fraction = Fraction(value).limit_denominator(largest)
    return fraction if abs(value - fraction) <= CLOSE * max(1.0, abs(value)) else None


def without_rounding(value: float) -> float:
    """The fraction that a number is but for rounding errors, as near as a float comes to it; else the number itself.

    >>> without_rounding(-2.8e-16), without_rounding(0.22222222222222215)
    (0.0, 0.2222222222222222)
    """
    fraction = as_fraction(float(value), LARGEST_DENOMINATOR)
    return float(value) if fraction is None else float(fraction)


def are_fractions(values: np.ndarray, largest: int) -> np.ndarray:
    """For each number of a vector, whether it is a fraction as :func:`as_fraction` has it: that of many at once.

    >>> are_fractions(np.array([0.75, -1 / 7, 0.2345]), 48)
    array([ True,  True, False])
    """
    denominators = np.arange(1.0, largest + 1)
    nearest = np.round(np.multiply.outer(values, denominators)) / denominators
    distance = np.abs(nearest - values[:, None]).min(axis=1)
    return distance <= CLOSE * np.maximum(1.0, np.abs(values))


def clumsiness(values: np.ndarray) -> int:
    """How far the numbers of a vector are from those that are computed by hand: for each 0, 1 or 2.

    >>> clumsiness(np.array([0.75])), clumsiness(np.array([0.2345, 40.0]))
    (0, 2)
    """
    return int((np.abs(values) > 12).sum() + (~are_fractions(values, 48)).sum())


@cache
def _logarithms() -> tuple[list[tuple[Fraction, Fraction]], np.ndarray, np.ndarray]:
    """Multiples of logarithms, the simplest first: coefficient and argument, value, and where the argument is whole."""
    found = [(coefficient, of) for coefficient in COEFFICIENTS for of in _arguments()]
    sizes = np.array([float(coefficient) * math.log(of) for coefficient, of in found])
    return found, sizes, np.flatnonzero([of.denominator == 1 for _, of in found])


def _arguments() -> Iterator[Fraction]:
    yield from map(Fraction, range(2, 25))
    for below in range(2, 17):
        yield from (Fraction(above, below) for above in range(below + 1, 25) if math.gcd(above, below) == 1)


def exactly(value: float, script: Script) -> str:
    r"""A number, written by hand.

    >>> import math
    >>> exactly(0.75, TEXT), exactly(math.log(3) - 0.5, TEXT), exactly(-math.log(3) / 2, TEXT), exactly(math.pi, TEXT)
    ('3/4', 'log 3 − 1/2', '−1/2 log 3', '3.1416')
    >>> print(exactly(-0.75, LATEX), exactly(2.0, MATHML))
    -\tfrac{3}{4} <mn>2</mn>
    """
    found = as_exact(value)
    if found is None:
        return (script.negative if value < 0 else "") + script.rounded(_rounded(abs(value)))
    parts = []
    if found.coefficient:
        size = abs(found.coefficient)
        before = "" if size == 1 else script.fraction(size) + script.beside
        parts.append((found.coefficient < 0, before + script.logarithm(found.of)))
    if found.rational or not parts:
        parts.append((found.rational < 0, script.fraction(abs(found.rational))))
    (negative, first), *others = parts
    return (
        (script.negative if negative else "")
        + first
        + "".join((script.minus if below else script.plus) + part for below, part in others)
    )


def _rounded(size: float) -> str:
    return f"{size:.{DIGITS}f}".rstrip("0").rstrip(".") if 1e-3 <= size < 1e6 else f"{size:.3e}"


def _latex_fraction(size: Fraction) -> str:
    return str(size) if size.denominator == 1 else rf"\tfrac{{{size.numerator}}}{{{size.denominator}}}"


def _mathml_fraction(size: Fraction) -> str:
    if size.denominator == 1:
        return f"<mn>{size}</mn>"
    return f"<mfrac><mn>{size.numerator}</mn><mn>{size.denominator}</mn></mfrac>"


def _mathml_logarithm(of: Fraction) -> str:
    argument = _mathml_fraction(of)
    if of.denominator != 1:
        argument = f"<mo form='prefix'>(</mo>{argument}<mo form='postfix'>)</mo>"
    return f"<mi>log</mi><mspace width='0.17em'/>{argument}"


TEXT = Script(str, lambda of: f"log {of}" if of.denominator == 1 else f"log({of})", str, "−", " − ", " + ", " ")
LATEX = Script(_latex_fraction, lambda of: rf"\log {_latex_fraction(of)}", str, "-", " - ", " + ", r" \, ")
MATHML = Script(
    _mathml_fraction, _mathml_logarithm, lambda digits: f"<mn>{digits}</mn>", "<mo form='prefix'>−</mo>",
    "<mo form='infix'>−</mo>", "<mo form='infix'>+</mo>", "<mspace width='0.17em'/>",
)  # fmt: skip
