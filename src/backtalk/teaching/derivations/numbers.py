"""How a number is written in a formula: with so many digits, and never a 0 for what is not 0."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

DIGITS = 6
MORE = 2  # a number of so many digits more is written as it is
ROUNDING = 1e-14  # what is so near to a whole number is one but for rounding errors
SMALLEST = -4  # the power of ten below which a number is written with one


class Written(NamedTuple):
    """A number as it is written: its sign, its digits, and the power of ten that they are multiplied by, or None."""

    negative: bool
    digits: str
    power: int | None


def as_written(value: float, digits: int = DIGITS) -> Written:
    """A number with six digits, or so many; whole numbers, and those of up to two digits more, exactly.

    If so few digits would make a whole number of what is none, such as a ŷ of nearly 1, it has more.

    >>> as_written(-0.123456789)
    Written(negative=True, digits='0.123457', power=None)
    >>> as_written(1.2e-9)
    Written(negative=False, digits='1.2', power=-9)
    >>> as_written(1797.0).digits, as_written(0.0078125).digits, as_written(0.99999999123).digits
    ('1797', '0.0078125', '0.99999999')
    """
    value = float(value)
    negative = value < 0
    if not math.isfinite(value):
        return Written(negative, "NaN" if math.isnan(value) else "∞", None)
    size = abs(value)
    if size < 1e15 and size.is_integer():
        return Written(negative, str(int(size)), None)
    number = Decimal(repr(size)).normalize()
    if len(number.as_tuple().digits) > digits + MORE:
        number = Decimal(f"{size:.{_digits(size, digits) - 1}e}").normalize()
    power, count = number.adjusted(), len(number.as_tuple().digits)
    if SMALLEST <= power < max(DIGITS, count):
        return Written(negative, f"{number:f}", None)
    return Written(negative, f"{number.scaleb(-power):f}", power)


def _digits(size: float, least: int) -> int:
    """As many as it takes to tell a number from the next whole one, unless that is rounding alone."""
    whole = round(size) if size < 1e15 else 0
    if whole == 0 or abs(size - whole) < ROUNDING * whole:
        return least
    return next(count for count in range(least, 18) if float(f"{size:.{count - 1}e}") != whole or size > 10**count)
