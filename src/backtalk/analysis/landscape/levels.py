"""The values of ℒ at which contours are drawn: round ones."""

from __future__ import annotations

import math
from collections.abc import Iterable

MOST = 12
FACTORS = ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,))  # within a power of ten
WIDE = 2.5  # a range of this factor has levels by factors, and not by equal distances


def contour_levels(low: float, high: float) -> tuple[float, ...]:
    """Round values between two, at most 12 of them: by factors if both are above 0 and far apart.

    >>> contour_levels(0.06, 40.0), contour_levels(0.5, 0.9)
    ((0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0), (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85))
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return ()
    if low > 0 and high > WIDE * low:
        return _by_factors(low, high)
    size = 10.0 ** math.floor(math.log10(high - low) - 1)
    step = next(size * factor for factor in (1, 2, 5, 10, 20) if (high - low) / (size * factor) <= MOST)
    return _within(low, high, (k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)))


def _by_factors(low: float, high: float) -> tuple[float, ...]:
    powers, found = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1), ()
    for factors in FACTORS:
        found = _within(low, high, (factor * 10.0**power for power in powers for factor in factors))
        if len(found) <= MOST:
            break
    return found[:: math.ceil(len(found) / MOST) or 1]


def _within(low: float, high: float, values: Iterable[float]) -> tuple[float, ...]:
    rounded = [float(f"{value:.6g}") for value in values]
    return tuple(value for value in rounded if low < value < high)
