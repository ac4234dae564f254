"""How much is shown of numbers and arrays: digits, and the rows that matter of what is too long."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from .expressions import Axis
from .numbers import DIGITS

WHOLE = 6  # entries: a row or column of so many is shown whole
LEAST_DIGITS = ON_SLIDES = 3
LEAST = 2  # entries of a row or column, however narrow the page


@dataclass(frozen=True, slots=True)
class View:
    """``digits`` of a number; ``rows``: of each layer too large to be shown whole the units, from 0, that are shown.

    ``on_slides``: the digits there. ``most``: entries that are shown of what belongs to no such layer. ``breaks``: a
    line may end between two matrices.
    """

    digits: int = DIGITS
    on_slides: int = ON_SLIDES
    rows: Mapping[Axis, Collection[int]] = field(default_factory=dict)
    most: int = WHOLE
    breaks: bool = False

    def places(self, length: int, axis: Axis) -> list[int | None]:
        """The entries of a row or column that are shown, from 0; None for dots."""
        if axis in self.rows:
            return with_dots(sorted(self.rows[axis]), length)
        return positions(length, self.most)

    def narrower(self) -> Iterator[View]:
        """Itself, and what takes less room each time: fewer digits, more lines, and at last fewer entries."""
        for digits in range(self.digits, min(LEAST_DIGITS, self.digits) - 1, -1):
            yield replace(self, digits=digits)
        broken = replace(self, breaks=True)
        yield broken
        least = replace(broken, digits=min(LEAST_DIGITS, self.digits))
        for most in range(self.most, LEAST - 1, -1):
            yield replace(least, most=most)


def positions(length: int, most: int = WHOLE) -> list[int | None]:
    """The entries of a row or column of which no more than ``most`` are shown; None for the dots.

    >>> positions(3), positions(64)
    ([0, 1, 2], [0, 1, 2, 3, 4, None, 63])
    """
    if length <= most:
        return list(range(length))
    return with_dots([*range(max(1, most - 1)), length - 1], length)


def with_dots(shown: Collection[int], length: int) -> list[int | None]:
    """Entries in their order, with None for those between them that are left out.

    >>> with_dots([1, 19, 20], 64)
    [None, 1, None, 19, 20, None]
    """
    found: list[int | None] = []
    for before, k in pairwise((-1, *shown, length)):
        if k - before > 1:
            found.append(None)
        if k < length:
            found.append(k)
    return found
