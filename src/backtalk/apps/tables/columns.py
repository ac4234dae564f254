"""What each column of a table is, and what the network is given of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import polars as pl

from ...errors import InputError, quoted
from .cells.dates import in_other_order, is_date_form
from .cells.kinds import CATEGORY, DATE, NUMBER, TIME, TOLERATED, YES_NO, read
from .cells.numbers import PLAIN, are_infinite, as_numbers, is_number_form
from .cells.otherwise import said_of_signs, written_otherwise
from .cells.truth import is_truth_form
from .cells.words import as_words, with_known_spelling, without_missing
from .pieces import days_in_words, fault_of, numbers_in_words, put_levels, put_pieces
from .rows import rows_text
from .scaling import normal_ranks
from .unknown import FAR, INFINITE, UNREADABLE, UNSEEN, Unknown

FAR_OUT = 12.0  # standard deviations from the mean: if some are further out, numbers are taken by their ranks
OTHER, MISSING, LEFT_OUT = "(other)", "(missing)", "left out"
EARLIEST = -354_285  # days from 1970 to the year 1000
AS_TIMES = r"^(\d{4}-\d\d-\d\d|\d\d:\d\d)"  # how dates and times look as text
CYCLES = {"time of year": 365.2425, "day of week": 7.0, "time of day": 1.0}  # in days

FEW = 64  # rows, of which cells are looked up one by one
PLAIN_NUMBERS: set[type[pl.DataType]] = {
    pl.Float64, pl.Float32, pl.Int64, pl.Int32, pl.Int16, pl.Int8, pl.UInt32, pl.UInt16, pl.UInt8,
}  # fmt: skip

IS_FORM: dict[str, Callable[[str], bool]] = {
    NUMBER: is_number_form,
    YES_NO: is_truth_form,
    DATE: is_date_form,
    TIME: lambda form: form == PLAIN,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its name, what it is, and in words what is done with it.

    ``missing``: words that stand for what is missing, besides those that always do, and numbers that do.
    Of a number, a yes/no, a date or a time: how it is written (``form``), whether some cells may be no such thing
    (``tolerant``), the names of the ``numbers`` that it becomes, and for each of them its ``median``, ``mean`` and
    ``scale``, or its ``quantiles`` if it is taken by ranks; and whether a missing value is an input of its own
    (``has_missing``). ``edges``: of the pieces that the first of the numbers has as well; ``levels``: the whole numbers
    that have an input each (:mod:`~.pieces`). Of a category: the ``categories``. ``examples``: some cells, as they
    stand in the table.
    """

    name: str
    kind: str
    remark: str = ""
    form: str = PLAIN
    tolerant: bool = False
    missing: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    median: list[float] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    scale: list[float] = field(default_factory=list)
    quantiles: list[float] = field(default_factory=list)
    edges: list[float] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)
    has_missing: bool = False
    categories: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    @property
    def used(self) -> bool:
        """Whether the network is given anything of it."""
        return self.kind != LEFT_OUT

    @property
    def fault(self) -> str:
        """What is wrong with one that was read from a file, in words; '' if nothing is."""
        lists = [self.numbers, self.median, self.mean, self.scale, self.quantiles, self.edges, self.levels]
        if self.kind not in (*IS_FORM, CATEGORY, LEFT_OUT):
            return f"is {self.kind!r}, which is no kind of column"
        if self.kind in (CATEGORY, LEFT_OUT):
            wanted = self.kind == CATEGORY
            if any(lists) or self.has_missing or wanted != bool(self.categories):
                return (
                    f"is {self.kind!r}, expected {'categories' if wanted else 'neither categories nor numbers'} of it"
                )
            return "has a category twice" if len(set(self.categories)) < len(self.categories) else ""
        if self.categories or not IS_FORM[self.kind](self.form):
            return f"is {self.kind!r}, expected no categories, and a form that such cells have"
        cycles = [name for name in CYCLES if self.kind in (DATE, TIME) and self.cycle(name) in self.numbers]
        if self.numbers != self._numbers_of(cycles):
            return f"has the numbers {self.numbers[:8]}, expected those of its name"
        sizes = {"median": len(self.median), "mean": len(self.mean), "scale": len(self.scale)}
        if set(sizes.values()) != {len(self.numbers)}:
            return f"has {sizes}, expected {len(self.numbers)} of each"
        if self.quantiles and (
            self.kind in (DATE, TIME) or len(self.quantiles) < 2 or sorted(self.quantiles) != self.quantiles
        ):
            return "has quantiles that are too few, or not in order"
        finite = all(map(math.isfinite, [*self.median, *self.mean, *self.quantiles]))
        if not (finite and all(0 < each < math.inf for each in self.scale)):
            return "has a median, mean, scale or quantile that is not finite, or a scale that is not above 0"
        if self.kind == DATE and self.form != PLAIN and self.median[0] < EARLIEST:
            return "has dates of the years 0 to 99, as an earlier backtalk read years of two digits: train anew"
        return fault_of(self.edges, self.levels)

    def cycle(self, name: str, wave: str = "sine") -> str:
        """The name of one of the two numbers that a cycle becomes."""
        return f"{self.name}: {name}, {wave}"

    def _numbers_of(self, cycles: Sequence[str]) -> list[str]:
        """The names of the numbers that a cell becomes."""
        return [self.name, *(self.cycle(name, wave) for name in cycles for wave in ("sine", "cosine"))]

    @property
    def pieces(self) -> list[str]:
        """The names of the inputs that say in which piece the number lies, and how far it is through it."""
        if not self.edges:
            return []
        ends = days_in_words(self.edges, self.kind == TIME) if self.kind in (DATE, TIME) else None
        ends = ends or numbers_in_words(self.edges)
        return [f"{self.name} in {low} to {high}" for low, high in pairwise(ends)]

    @property
    def refined_count(self) -> int:
        """How many inputs say more of the number than that it is scaled: those of its pieces and levels."""
        return max(0, len(self.edges) - 1) + len(self.levels)

    @property
    def refined(self) -> list[str]:
        """Their names: of the pieces, and then of the levels."""
        return [*self.pieces, *(f"{self.name} = {level:.15g}" for level in self.levels)]

    def values(self, cells: pl.Series) -> np.ndarray:
        """The numbers (rows, numbers), float64, NaN for what is missing and for what is no number."""
        return self._read(without_missing(cells, self.missing))

    def _read(self, cells: pl.Series) -> np.ndarray:
        found = read(cells, self.kind, self.form)
        if self.kind not in (DATE, TIME):
            return found.to_numpy().astype(np.float64)[:, None]
        days = found.cast(pl.Int64).to_numpy().astype(np.float64) / 8.64e10
        if found.null_count():
            days = np.where(found.is_null().to_numpy(), np.nan, days)
        circles = [2 * np.pi * days / CYCLES[name] for name in CYCLES if self.cycle(name) in self.numbers]
        return np.column_stack([days, *(wave(each) for each in circles for wave in (np.sin, np.cos))])

    def numbers_in(self, cells: pl.Series, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, Unknown]:
        """The numbers (rows, numbers), float64, with the median for what is missing; where that is; what is unknown.

        ``rows`` are the rows of the table, counted from 0.
        """
        said = ()
        if cells.dtype in PLAIN_NUMBERS and self.kind == NUMBER and self.form == PLAIN and not self.missing:
            A = cells.to_numpy().astype(np.float64)[:, None]  # the same, many times as fast for a few rows
            absent = np.isnan(A[:, 0])
            A = np.where(np.isinf(A), np.nan, A)
        else:
            cells = without_missing(cells, self.missing)
            A = self._read(cells)
            if self.kind == NUMBER and not self.tolerant:  # in training all others were no numbers
                A, said = self._read_otherwise(cells, A, rows)
            absent = cells.is_null().to_numpy() & np.isnan(A[:, 0])  # for one value or none, an empty cell is a value
        unreadable = np.isnan(A[:, 0]) & ~absent
        A = np.where(np.isnan(A), self.median, A)
        scaled = self.scaled(A)
        with np.errstate(over="ignore"):
            far = np.logical_not(np.isfinite(scaled.astype(np.float32)).all(axis=1))
        if self.kind == DATE and unreadable.any():
            self._require_order(cells, rows, unreadable)
        if far.any():
            A[far] = self.median
        strange, missing = far | unreadable, 0 if self.has_missing else int(absent.sum())
        found = Unknown(len(cells) - int(absent.sum()), missing=missing, said=said)
        outlying = (np.abs(scaled[:, 0]) > FAR_OUT) & ~far & (self.kind == NUMBER and not self.quantiles)
        if outlying.any():
            place = int(outlying.argmax())
            found = replace(
                found,
                outliers=int(outlying.sum()),
                outlier=cells[place] if cells.dtype.is_numeric() else str(cells[place]),
                outlier_row=int(rows[place]) + 1,
            )
        if strange.any():
            place = int(strange.argmax())
            infinite = self.kind == NUMBER and bool(are_infinite(cells[place : place + 1])[0])
            found = replace(
                found,
                strange=int(strange.sum()),
                why=FAR if far[place] else INFINITE if infinite else UNREADABLE,
                first=cells[place] if cells.dtype.is_numeric() else str(cells[place]),
                row=int(rows[place]) + 1,
            )
        return A, absent | strange, found

    def _read_otherwise(self, cells: pl.Series, A: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """The numbers, also of cells that are written otherwise than in training; and what there is to say of them."""
        said = (
            said_of_signs(cells, self.examples, self.remark) if cells.dtype == pl.String or self.form != PLAIN else []
        )
        if (found := written_otherwise(cells, self.form)) is not None:
            numbers = found.to_numpy().astype(np.float64)[:, None]
            changed = np.flatnonzero(~np.isnan(numbers[:, 0]) & (numbers[:, 0] != A[:, 0]))
            if len(changed):
                place = int(changed[0])
                more = f", as in {rows_text(len(changed) - 1)} more" if len(changed) > 1 else ""
                said.append(
                    f"holds {quoted(cells[place])} in row {rows[place] + 1}, written otherwise than in training{more}: "
                    f"read as {found[place]:.10g}"
                )
            A = numbers
        return A, tuple(said)

    def _require_order(self, cells: pl.Series, rows: np.ndarray, unreadable: np.ndarray) -> None:
        """Refuse dates of which some show that day and month are in another order than in training."""
        swapped = unreadable & in_other_order(cells, self.form).to_numpy()
        if swapped.sum() > TOLERATED * cells.count():
            place = int(swapped.argmax())
            raise InputError(
                f"column {quoted(self.name)} holds {quoted(cells[place])} in row {rows[place] + 1}, with day and month "
                f"in another order than in training ({self.form}): write such dates as {self.form}, or as %Y-%m-%d."
            )

    def scaled(self, A: np.ndarray) -> np.ndarray:
        """The numbers (rows, numbers) scaled, or taken by ranks."""
        if self.quantiles:
            return normal_ranks(A[:, 0], np.array(self.quantiles))[:, None]
        with np.errstate(over="ignore"):
            return (A - self.mean) / self.scale

    def put_refined(self, A: np.ndarray, out: np.ndarray) -> None:
        """Fill ``out`` (rows, pieces and levels), zeros before, from the numbers (rows, numbers)."""
        pieces = max(0, len(self.edges) - 1)
        if self.edges:
            put_pieces(A[:, 0], self.edges, out[:, :pieces])
        if self.levels:
            put_levels(A[:, 0], self.levels, out[:, pieces:])

    def places(self, cells: pl.Series, rows: np.ndarray) -> tuple[np.ndarray, Unknown]:
        """The place of each cell among the categories; what is unknown.

        Rare and unseen categories are '(other)'. The place is −1, for no category at all, if training had none that was
        rare, and for what is missing if nothing was in training.
        """
        if cells.dtype.is_temporal() and not self._names.str.contains(AS_TIMES).any():
            raise InputError(
                f"column {quoted(self.name)} holds the date {cells.drop_nulls()[0]}, but was text in training."
            )
        if len(cells) <= FEW and (found := self._known_places(cells)) is not None:
            return found
        cells = without_missing(cells, self.missing, known=self.categories)
        words = with_known_spelling(as_words(cells), self.categories).fill_null(MISSING)
        known = words.cast(pl.Enum(self.categories), strict=False)
        places = known.to_physical().cast(pl.Int64).fill_null(-1).to_numpy().copy()
        absent = (words == MISSING).to_numpy()
        never = (places < 0) & ~absent
        missing = 0 if MISSING in self.categories else int(absent.sum())
        found = Unknown(len(words) - int(absent.sum()), missing=missing)
        if never.any():
            place = int(never.argmax())
            found = replace(
                found,
                strange=int(never.sum()),
                why=UNSEEN,
                first=words[place],
                row=int(rows[place]) + 1,
                numbers=self._names_no_numbers and as_numbers(cells, PLAIN).null_count() == cells.null_count(),
            )
            if OTHER in self.categories:
                places[never] = self.categories.index(OTHER)
        return places, found

    def _known_places(self, cells: pl.Series) -> tuple[np.ndarray, Unknown] | None:
        """The same of few cells that are all known as they are written, which is told faster; None for others."""
        if cells.dtype != pl.String or self.missing:
            return None
        every = {name: place for place, name in enumerate(self.categories)}
        places = [every.get(MISSING if word is None else word, -1) for word in cells.to_list()]
        if -1 in places:
            return None
        present = len(places) - places.count(every.get(MISSING, -1))
        return np.array(places, np.int64), Unknown(present)

    @property
    def _names_no_numbers(self) -> bool:
        """Whether the categories are plainly text: some are known by name, and none is a number, as a code may be."""
        return len(self._names) > 0 and bool(as_numbers(self._names, PLAIN).is_null().all())

    @property
    def _names(self) -> pl.Series:
        """The categories that cells may hold."""
        names = [name for name in self.categories if name not in (MISSING, OTHER)]
        return pl.Series(names, dtype=pl.String)

    @property
    def takes_others(self) -> bool:
        """Whether what was never seen is taken for one of the rare categories."""
        return OTHER in self.categories

    @property
    def filler(self) -> str:
        """What is taken for a missing value."""
        return f"the median {_short(self.median[0])}" if self.kind == NUMBER else "the median"


def _short(number: float) -> str:
    """With four digits, and all of them before the decimal point."""
    return f"{number:,.0f}" if 10_000 <= abs(number) < 1e15 else f"{number:.4g}"
