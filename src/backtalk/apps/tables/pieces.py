"""A number in pieces between quantiles, and one input for each level of a whole number: so that thresholds are lines.

The pieces are the piecewise-linear encoding of Gorishniy, Rubachev and Babenko (2022), On Embeddings for Numerical
Features in Tabular Deep Learning, section 3.2, held at 0 and 1 at both ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MOST_PIECES, LEAST_PIECES = 16, 2  # of one column
MORE_PIECES, MANY_ROWS = 32, 2000  # from so many rows on there may be more
LEAST_ROWS = 8  # of a piece or of a level, on average
MOST_LEVELS, LEAST_LEVELS = 25, 3
MOST_IN_ALL = 4096  # inputs that are pieces or levels, of all columns
MOST_CELLS = 2**27  # the same, times the rows: 0.5 GiB of X
ROWS_AT_ONCE = 1024  # whose pieces stay in the cache of the processor
MICROSECONDS_OF_DAY = 8.64e10


def edges_of(numbers: np.ndarray) -> list[float]:
    """Where the pieces of these numbers begin and end: t_0 < t_1 < … < t_T, some of them; [] for no pieces.

    Between two there are as many numbers as between others, unless many are equal. T is at most 16,
    or 32 from 2,000 rows on, less if numbers are few, or the same for many rows. ``numbers``: float64, without NaN.

    >>> import numpy as np
    >>> edges_of(np.arange(33.0)), edges_of(np.repeat([0.0, 1.0], 50))
    ([0.0, 8.0, 16.0, 24.0, 32.0], [])
    """
    most = min(MORE_PIECES if len(numbers) >= MANY_ROWS else MOST_PIECES, len(numbers) // LEAST_ROWS)
    if most < LEAST_PIECES:
        return []
    places = np.round(np.linspace(0, len(numbers) - 1, most + 1)).astype(np.int64)
    edges = np.unique(np.partition(numbers, places)[places])
    with np.errstate(over="ignore"):
        usable = len(edges) > LEAST_PIECES and np.isfinite(np.diff(edges)).all()
    return edges.tolist() if usable else []


def levels_of(numbers: np.ndarray) -> list[float]:
    """The levels of whole numbers of which few are different; [] for others.

    >>> import numpy as np
    >>> levels_of(np.repeat([3.0, 1.0, 2.0], 8)), levels_of(np.arange(100.0)), levels_of(np.repeat([0.5, 1.0, 2.0], 8))
    ([1.0, 2.0, 3.0], [], [])
    """
    different = np.unique(numbers)
    if not LEAST_LEVELS <= len(different) <= min(MOST_LEVELS, len(numbers) // LEAST_ROWS):
        return []
    return different.tolist() if (different == np.round(different)).all() else []


def thinned(edges: Sequence[float], most: int) -> list[float]:
    """Fewer of the edges, as evenly taken as they can be: at most ``most`` pieces; [] for less than two.

    >>> thinned([0.0, 1.0, 2.0, 3.0, 4.0], 2), thinned([0.0, 1.0, 2.0], 8), thinned([0.0, 1.0, 2.0], 1)
    ([0.0, 2.0, 4.0], [0.0, 1.0, 2.0], [])
    """
    if len(edges) - 1 <= most:
        return [*edges]
    if most < LEAST_PIECES:
        return []
    return [edges[round(place)] for place in np.linspace(0, len(edges) - 1, most + 1)]


def put_pieces(numbers: np.ndarray, edges: Sequence[float], out: np.ndarray) -> None:
    """Fill ``out`` (rows, T): input j is clip((x − t_{j−1}) / (t_j − t_{j−1}), 0, 1), j = 1 … T.

    >>> import numpy as np
    >>> out = np.zeros((3, 2))
    >>> put_pieces(np.array([-5.0, 1.5, 3.0]), [1.0, 2.0, 4.0], out)
    >>> out.tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 0.5]]
    """
    starts, widths = np.array(edges[:-1]), np.diff(edges)
    with np.errstate(over="ignore"):
        for first in range(0, len(numbers), ROWS_AT_ONCE):
            block = slice(first, first + ROWS_AT_ONCE)
            inside = np.subtract.outer(numbers[block], starts)
            inside /= widths
            np.clip(inside, 0, 1, out=inside)
            out[block] = inside


def piece_slopes(numbers: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """The derivative (rows, T) of the pieces by the number: 1 / (t_j − t_{j−1}) in the piece where it lies, else 0.

    At an edge it is that from the right; so it is 0 from the last edge on.

    >>> import numpy as np
    >>> piece_slopes(np.array([0.0, 1.0, 2.0, 4.0]), [1.0, 2.0, 4.0]).tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 0.5], [0.0, 0.0]]
    """
    slopes = np.zeros((len(numbers), len(edges) - 1))
    places = np.searchsorted(edges, numbers, side="right") - 1
    inside = np.flatnonzero((places >= 0) & (places < len(edges) - 1))
    slopes[inside, places[inside]] = 1 / np.diff(edges)[places[inside]]
    return slopes


def put_levels(numbers: np.ndarray, levels: Sequence[float], out: np.ndarray) -> None:
    """Fill ``out`` (rows, levels), zeros before: 1 for the level that a number is, nothing for one between them.

    >>> import numpy as np
    >>> out = np.zeros((3, 2))
    >>> put_levels(np.array([3.0, 2.5, 2.0]), [2.0, 3.0], out)
    >>> out.tolist()
    [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    """
    places = np.minimum(np.searchsorted(levels, numbers), len(levels) - 1)
    known = np.flatnonzero(np.array(levels)[places] == numbers)
    out[known, places[known]] = 1


def fault_of(edges: Sequence[float], levels: Sequence[float]) -> str:
    """What is wrong with some that were read from a file, in words; '' if nothing is."""
    for name, numbers, least in (("edges", edges, LEAST_PIECES + 1), ("levels", levels, LEAST_LEVELS)):
        with np.errstate(over="ignore", invalid="ignore"):
            steps = np.diff(numbers)
        if numbers and not (len(numbers) >= least and np.isfinite([*numbers, *steps]).all() and (steps > 0).all()):
            return f"has {name} that are fewer than {least}, not finite, or not in order"
    return ""


def numbers_in_words(numbers: Sequence[float]) -> list[str]:
    """With four digits, or as many more as tell them apart.

    >>> numbers_in_words([0.5, 23.0, 12345.6]), numbers_in_words([1.00001, 1.00002])
    (['0.5', '23', '12,346'], ['1.00001', '1.00002'])
    """
    found: list[str] = []
    for digits in range(4, 18):
        found = [_with_digits(number, digits) for number in numbers]
        if len(set(found)) == len(found):
            break
    return found


def days_in_words(days: Sequence[float], time_alone: bool = False) -> list[str]:
    """Days from 1970 as dates, with as much of the time as tells them apart; or as times of the day alone.

    >>> days_in_words([0.0, 31.0]), days_in_words([0.25, 0.5]), days_in_words([0.25, 0.5], time_alone=True)
    (['1970-01-01', '1970-02-01'], ['1970-01-01 06:00', '1970-01-01 12:00'], ['06:00', '12:00'])
    """
    instants = np.round(np.array(days) * MICROSECONDS_OF_DAY).astype("datetime64[us]")
    found: list[str] = []
    for unit in ["m", "s", "us"] if time_alone else ["D", "m", "s", "us"]:
        found = [str(text).replace("T", " ") for text in np.datetime_as_string(instants, unit=unit)]
        if len(set(found)) == len(found):
            break
    return [text.partition(" ")[2] for text in found] if time_alone else found


def _with_digits(number: float, digits: int) -> str:
    """All of the digits before the decimal point, and so many together if that leaves some behind it."""
    return f"{number:,.0f}" if 10**digits <= abs(number) < 1e15 else f"{number:.{digits}g}".replace("e+", "e")
