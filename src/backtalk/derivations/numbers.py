"""How a number is written in a formula: six digits, and never a 0 for what is not 0."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

DIGITS = 6
EXACT = 8  # a number of so many digits is written as it is
SMALLEST = -4  # the power of ten below which a number is written with one


class Written(NamedTuple):
    """A number as it is written: its sign, its digits, and the power of ten that they are multiplied by, or None."""

    negative: bool
    digits: str
    power: int | None


def as_written(value: float) -> Written:
    """A number with six digits; whole numbers, and those of up to eight digits, exactly.

    >>> as_written(-0.123456789)
    Written(negative=True, digits='0.123457', power=None)
    >>> as_written(1.2e-9)
    Written(negative=False, digits='1.2', power=-9)
    >>> as_written(1797.0).digits, as_written(0.0078125).digits
    ('1797', '0.0078125')
    """
    value = float(value)
    negative = value < 0
    if not math.isfinite(value):
        return Written(negative, "NaN" if math.isnan(value) else "∞", None)
    size = abs(value)
    if size < 1e15 and size.is_integer():
        return Written(negative, str(int(size)), None)
    number = Decimal(repr(size)).normalize()
    if len(number.as_tuple().digits) > EXACT:
        number = Decimal(f"{size:.{DIGITS - 1}e}").normalize()
    power, count = number.adjusted(), len(number.as_tuple().digits)
    if SMALLEST <= power < max(DIGITS, count):
        return Written(negative, f"{number:f}", None)
    return Written(negative, f"{number.scaleb(-power):f}", power)
