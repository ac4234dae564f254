"""What a column is, learned in bounded memory: from all its cells if they fit, and else from rows drawn at random.

Then all other cells are looked at as well. Those that what was learned does not fit, such as the first text among
numbers, are put among the rows that were drawn, and the column is learned again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl

from .cells.words import as_words, without_missing
from .columns import CATEGORY, FAR_OUT, LEFT_OUT, MISSING, NUMBER, OTHER, Column

# From cells, those of them that are trained on, and the rows of the table in which they stand
Learn = Callable[[pl.Series, np.ndarray, np.ndarray], Column]
MOST_ODD = 1000  # cells that are put among those that were drawn, each time
MOST_TIMES = 5  # that a column is learned: each time it is less strict


class Rows(Protocol):
    """A table of which some rows of some columns can be read."""

    def rows(self, first: int, last: int, names: Sequence[str]) -> pl.DataFrame:
        """Rows ``first`` … ``last`` − 1 of these columns."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Rows of a table from which its columns are learned.

    ``present``: of each row of the table, whether it has a target, and so counts at all. ``trained``: of each of those
    that count, whether it is trained on. ``chosen``: of each of those, whether it was drawn. ``at_once``: how many rows
    of the table are read at a time.
    """

    present: np.ndarray
    trained: np.ndarray
    chosen: np.ndarray
    at_once: int

    @classmethod
    def of(cls, present: np.ndarray, training: np.ndarray, most: int, at_once: int, seed: int) -> Drawn:
        """At most about ``most`` of the rows that are present, all of them if they are no more."""
        count = int(np.count_nonzero(present))
        trained = np.zeros(count, bool)
        trained[training] = True
        chosen = np.ones(count, bool)
        if count > most:
            draw = np.random.default_rng(seed)
            for first in range(0, count, at_once):
                part = chosen[first : first + at_once]
                part[:] = draw.random(len(part), np.float32) < most / count
        return cls(present, trained, chosen, at_once)

    @property
    def count(self) -> int:
        """How many were drawn."""
        return int(np.count_nonzero(self.chosen))

    @property
    def are_all(self) -> bool:
        """Whether the columns are learned from all rows."""
        return bool(self.chosen.all())

    def learn(self, source: Rows, name: str, learn: Learn) -> Column:
        """What a column is, as ``learn`` says of these rows alone, and of those cells besides that do not fit."""
        drawn = [cells.filter(pl.Series(self.chosen[place])) for place, cells in self._parts(source, name)]
        cells, trained = pl.concat(drawn, rechunk=True), self.trained[self.chosen]
        rows_of_table = np.flatnonzero(self.present)
        rows = rows_of_table[self.chosen]
        column = learn(cells, np.flatnonzero(trained), rows)
        for _ in range(0 if self.are_all else MOST_TIMES):
            odd, places = self._odd(source, column, cells.filter(pl.Series(trained)))
            if not len(odd):
                break
            cells, trained = pl.concat([cells, odd]), np.concatenate([trained, self.trained[places]])
            rows = np.concatenate([rows, rows_of_table[places]])
            column = learn(cells, np.flatnonzero(trained), rows)
        return column

    def _parts(self, source: Rows, name: str) -> Iterator[tuple[slice, pl.Series]]:
        """The cells of the rows that are present, and which of those they are."""
        first = 0
        for begin in range(0, len(self.present), self.at_once):
            present = self.present[begin : begin + self.at_once]
            cells = source.rows(begin, begin + len(present), [name])[name].filter(pl.Series(present))
            yield slice(first, first + len(cells)), cells
            first += len(cells)

    def _odd(self, source: Rows, column: Column, seen: pl.Series) -> tuple[pl.Series, np.ndarray]:
        """Some cells that were not drawn and that the column does not fit; and their places among the rows present."""
        odd, places, count = [seen.clear()], [np.zeros(0, np.int64)], 0
        for place, cells in self._parts(source, column.name):
            others = ~self.chosen[place]
            wrong = np.flatnonzero(others & does_not_fit(column, cells, self.trained[place], seen))
            wrong = wrong[: MOST_ODD - count]
            odd.append(cells.gather(wrong))
            places.append(place.start + wrong)
            count += len(wrong)
            if count == MOST_ODD:
                break
        return pl.concat(odd), np.concatenate(places)


def does_not_fit(column: Column, cells: pl.Series, trained: np.ndarray, seen: pl.Series) -> np.ndarray:
    """Of each cell, whether the column would be another one if it had been among those that it was learned from.

    ``trained``: whether it is trained on; ``seen``: those that were. A number that is within the others, or a category
    that is rare, is no such cell.
    """
    cells, seen = without_missing(cells, column.missing), without_missing(seen, column.missing)
    present = cells.is_not_null().to_numpy()
    if column.kind == LEFT_OUT:
        values = seen.drop_nulls()
        if len(values) == 0:
            return present & trained
        if values.n_unique() > 1:
            return np.zeros(len(cells), bool)
        another = (cells != values[0]).fill_null(False).to_numpy()
        return trained & (another | ~present if seen.null_count() == 0 else another)
    if column.kind == CATEGORY:
        words = as_words(cells)
        known = words.is_in(column.categories).fill_null(False).to_numpy()
        rare, gaps = OTHER not in column.categories, MISSING not in column.categories
        return trained & ((present & ~known & rare) | (~present & gaps))
    numbers = column.values(cells)
    missing = np.isnan(numbers[:, 0])
    odd = (missing & present) if not column.tolerant else np.zeros(len(cells), bool)
    if not column.has_missing:
        odd |= trained & missing
    if column.levels:  # more of them, or one that is not whole
        odd |= trained & ~missing & ~np.isin(numbers[:, 0], column.levels)
    if column.kind == NUMBER and not column.quantiles:
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (numbers[:, 0] - column.mean[0]) / column.scale[0]
        odd |= trained & (np.abs(scaled) > FAR_OUT)
    return odd
