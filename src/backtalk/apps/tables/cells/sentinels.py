"""Numbers that stand for what is missing, such as -999: they are pointed at, and left as they are."""

from __future__ import annotations

import polars as pl

_NINES = [float(digit * length) for digit in "987" for length in range(2, 7)] + [
    99.9,
    999.9,
    9999.9,
    99.99,
    999.99,
    9999.99,
]
SENTINELS = [*_NINES, *(-each for each in _NINES), -9.0, -8.0, -7.0, -1.0, -2147483648.0, 2147483647.0]
MANY = 10  # different numbers of 0 and more, beside which -1 stands for something else
SAMPLE = 100_000


def sentinels_in(numbers: pl.Series) -> list[str]:
    """What there is to say of numbers that look as if they stood for what is missing: far from all others."""
    known = numbers.is_in(SENTINELS)
    if not known.any():
        return []
    rest = numbers.filter(~known)
    if len(rest) == 0:
        return []
    low, high = float(rest.min()), float(rest.max())  # pyright: ignore
    room = max(high - low, 1.0)
    counts = numbers.filter(known).cast(pl.Float64).alias("number").value_counts(name="cells").sort("number")
    said = []
    for number, cells in counts.iter_rows():
        is_small = -10 < number < 0
        far = number - high > room or (low - number > room and not is_small)
        negative = is_small and low >= 0 and cells > 1 and rest.head(SAMPLE).n_unique() >= MANY
        if far or negative:
            said.append(
                f"{'1 cell holds' if cells == 1 else f'{cells} cells hold'} {number:g}, "
                f"{'the only number below 0' if negative else 'far from all others'}: if that means missing, give "
                f"--missing {number:g}"
            )
    return said
