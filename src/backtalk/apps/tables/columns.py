"""What each column of a table is, and what the network is given of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from ...errors import InputError, cut, quoted
from .cells.dates import in_other_order, is_date_form
from .cells.kinds import CATEGORY, DATE, NUMBER, TIME, TOLERATED, YES_NO, Reading, read, tell
from .cells.numbers import PLAIN, are_infinite, as_numbers, is_number_form
from .cells.otherwise import said_of_signs, written_otherwise
from .cells.truth import OR_EMPTY, is_truth_form
from .cells.words import as_words, with_known_spelling, without_missing
from .row_numbers import row_numbers_in
from .rows import rows_text
from .scaling import means_and_deviations, medians, normal_ranks, quantiles_of
from .unknown import FAR, INFINITE, UNREADABLE, UNSEEN, Unknown

MOST_SHOWN = 5  # words, in a remark
MOST_CATEGORIES = (50, 500)  # of one column: one for 100 rows, within these; rarer ones become one, "(other)"
LEAST_ROWS = 2  # of a category, in the training rows
SHARE_OF_DISTINCT = 0.5  # above it, texts are names or free text
FAR_OUT = 12.0  # standard deviations from the mean: if some are further out, numbers are taken by their ranks
QUANTILES = 101
EXAMPLES, CELLS_FOR_EXAMPLES = 3, 1000
CLOSE = 1e-6  # numbers that are closer together than this have one rank
OTHER, MISSING, LEFT_OUT = "(other)", "(missing)", "left out"
EARLIEST = -354_285  # days from 1970 to the year 1000
AS_TIMES = r"^(\d{4}-\d\d-\d\d|\d\d:\d\d)"  # how dates and times look as text
CYCLES = {"time of year": 365.2425, "day of week": 7.0, "time of day": 1.0}  # in days

IS_FORM = {NUMBER: is_number_form, YES_NO: is_truth_form, DATE: is_date_form, TIME: lambda form: form == PLAIN}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its name, what it is, and in words what is done with it.

    ``missing``: words that stand for what is missing, besides those that always do, and numbers that do.
    Of a number, a yes/no, a date or a time: how it is written (``form``), whether some cells may be no such thing
    (``tolerant``), the names of the ``numbers`` that it becomes, and for each of them its ``median``, ``mean`` and
    ``scale``, or its ``quantiles`` if it is taken by ranks; and whether a missing value is an input of its own
    (``has_missing``). Of a category: the ``categories``. ``examples``: some cells, as they stand in the table.
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
        lists = [self.numbers, self.median, self.mean, self.scale, self.quantiles]
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
        cycles = [name for name in CYCLES if self.kind in (DATE, TIME) and self._cycle(name) in self.numbers]
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
        return ""

    def _cycle(self, name: str, wave: str = "sine") -> str:
        return f"{self.name}: {name}, {wave}"

    def _numbers_of(self, cycles: Sequence[str]) -> list[str]:
        """The names of the numbers that a cell becomes."""
        return [self.name, *(self._cycle(name, wave) for name in cycles for wave in ("sine", "cosine"))]

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
        circles = [2 * np.pi * days / CYCLES[name] for name in CYCLES if self._cycle(name) in self.numbers]
        return np.column_stack([days, *(wave(each) for each in circles for wave in (np.sin, np.cos))])

    def scaled(self, cells: pl.Series, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, Unknown]:
        """The inputs (rows, numbers), float32, with the median for what is missing; where that is; what is unknown.

        ``rows`` are the rows of the table, counted from 0.
        """
        cells = without_missing(cells, self.missing)
        A, said = self._read(cells), ()
        if self.kind == NUMBER and not self.tolerant:  # in training all others were no numbers
            A, said = self._read_otherwise(cells, A, rows)
        absent = cells.is_null().to_numpy() & np.isnan(A[:, 0])  # for one value or none, an empty cell is a value
        inputs = self._scale(A)
        far = np.logical_not(np.isfinite(inputs).all(axis=1))
        unreadable = np.isnan(A[:, 0]) & ~absent
        if self.kind == DATE and unreadable.any():
            self._require_order(cells, rows, unreadable)
        if far.any():
            A[far] = np.nan
            inputs = self._scale(A)
        strange, missing = far | unreadable, 0 if self.has_missing else int(absent.sum())
        found = Unknown(len(cells) - int(absent.sum()), missing=missing, said=said)
        outlying = (np.abs(inputs[:, 0]) > FAR_OUT) & (self.kind == NUMBER and not self.quantiles)
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
        return inputs, absent | strange, found

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

    def _scale(self, A: np.ndarray) -> np.ndarray:
        """The numbers filled and scaled, or taken by ranks; infinite where float32 does not hold them."""
        filled = np.where(np.isnan(A), self.median, A)
        with np.errstate(over="ignore"):
            if self.quantiles:
                return normal_ranks(filled[:, 0], np.array(self.quantiles)).astype(np.float32)[:, None]
            return ((filled - self.mean) / self.scale).astype(np.float32)

    def places(self, cells: pl.Series, rows: np.ndarray) -> tuple[np.ndarray, Unknown]:
        """The place of each cell among the categories; what is unknown.

        Rare and unseen categories are '(other)'. The place is −1, for no category at all, if training had none that was
        rare, and for what is missing if nothing was in training.
        """
        if cells.dtype.is_temporal() and not self._names.str.contains(AS_TIMES).any():
            raise InputError(
                f"column {quoted(self.name)} holds the date {cells.drop_nulls()[0]}, but was text in training."
            )
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


def learn(
    cells: pl.Series,
    training: np.ndarray,
    missing: Sequence[str] = (),
    *,
    decimal_comma: bool = False,
    asked: Reading | None = None,
    rows: np.ndarray | None = None,
    is_index: bool = False,
) -> Column:
    """What a column is, from all cells; and its numbers and categories, from the training rows.

    ``missing``: words that stand for what is missing. ``decimal_comma``: as for :func:`~.cells.kinds.tell`.
    ``asked``: how it is to be read; then it is no identifier and no free text. ``rows``: of the table, counted from 0,
    in which the cells stand, if they are not the first ones. ``is_index``: whether pandas wrote it as its index.
    """
    written, cells = cells, without_missing(cells, missing)
    reading = asked or tell(cells, learns_words=True, decimal_comma=decimal_comma)
    said = [*_said_of_missing(written, cells), *reading.remarks]
    known = without_missing(cells, reading.missing) if reading.missing else cells
    column = _learn(known, reading, training, asked is not None)
    if column.kind == NUMBER and asked is None:
        rows = np.arange(len(cells)) if rows is None else rows
        if found := row_numbers_in(column.name, as_numbers(known, reading.form), rows, is_index):
            column, said = Column(column.name, LEFT_OUT, found), said[: len(said) - len(reading.remarks)]
    remark = "; ".join(filter(None, [*said, column.remark]))
    examples = examples_of(written.filter(cells.is_not_null())) or examples_of(written)
    return replace(column, missing=[*missing, *reading.missing], remark=remark, examples=examples)


def examples_of(cells: pl.Series) -> list[str]:
    """The first different cells that have a value, as they stand in the table."""
    some = cells.drop_nulls().head(CELLS_FOR_EXAMPLES).unique(maintain_order=True).head(EXAMPLES)
    return [cut(str(cell)) for cell in some]


def _said_of_missing(written: pl.Series, cells: pl.Series) -> list[str]:
    """What there is to say of cells that hold a word, or a number, for what is missing."""
    if written.null_count() == cells.null_count():
        return []
    gone = as_words(written.filter(cells.is_null())).drop_nulls().str.strip_chars()
    gone = gone.filter(gone != "")
    shown = ", ".join(map(cut, gone.unique().sort()[:MOST_SHOWN]))
    count = "1 cell holds" if len(gone) == 1 else f"{len(gone)} cells hold"
    return [f"{count} {shown}, which counts as missing"] if len(gone) else []


def _learn(cells: pl.Series, reading: Reading, training: np.ndarray, asked: bool) -> Column:
    chosen = cells.gather(training)
    name, present = cells.name, chosen.drop_nulls()
    if len(present) == 0:
        return Column(name, LEFT_OUT, "every value is missing")
    is_or_empty = reading.kind == YES_NO and reading.form.endswith(OR_EMPTY) and chosen.null_count() > 0
    if not is_or_empty and present.n_unique() == 1:
        return Column(name, LEFT_OUT, f"one value only: {cut(str(present[0]))}")
    if reading.kind == CATEGORY:
        return _learn_categories(as_words(chosen), asked)
    return _learn_numbers(chosen, reading)


def _learn_numbers(cells: pl.Series, reading: Reading) -> Column:
    name, cycles = cells.name, []
    if reading.kind == TIME:
        cycles = ["time of day"]
    if reading.kind == DATE:
        dates = read(cells, DATE, reading.form)
        has_times = bool((dates.dt.truncate("1d") != dates).any())
        cycles = [cycle for cycle in CYCLES if cycle != "time of day" or has_times]
    column = Column(name, reading.kind, form=reading.form, tolerant=reading.unreadable > 0)
    column = replace(column, numbers=column._numbers_of(cycles))
    A = column.values(cells)
    missing = int(np.isnan(A[:, 0]).sum())
    if missing == len(A):
        return Column(name, LEFT_OUT, "no cell of the training rows holds a number")
    median = medians(A)
    filled = np.where(np.isnan(A), median, A)
    mean, scale = means_and_deviations(filled)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (filled - mean) / scale
        can_be_scaled = bool(np.isfinite(scaled).all()) and abs(scaled[:, 0].std() - 1) < 0.1
    by_ranks = ""
    if not can_be_scaled and np.ptp(filled[:, 0] / 2) < CLOSE:
        return Column(name, LEFT_OUT, "its numbers are too close to one another to be told apart")
    if reading.kind == NUMBER and not can_be_scaled:  # such as 1e300, whose square float64 does not hold
        mean, scale, by_ranks = np.zeros(1), np.ones(1), "taken by ranks, since they are too large to scale"
    elif reading.kind == NUMBER and np.abs(scaled).max() > FAR_OUT:
        by_ranks = "taken by ranks, since some are far out"
    quantiles = quantiles_of(filled[:, 0], min(QUANTILES, len(A))).tolist() if by_ranks else []
    learned = replace(
        column,
        has_missing=missing > 0,
        median=median.tolist(),
        mean=mean.tolist(),
        scale=scale.tolist(),
        quantiles=quantiles,
    )
    filled_with = f"{missing} of {len(A)} missing, filled with {learned.filler}" if missing else ""
    return replace(learned, remark="; ".join(filter(None, [*_how(reading), filled_with, by_ranks])))


def _learn_categories(words: pl.Series, asked: bool) -> Column:
    present = words.drop_nulls()
    counts = Counter(present.to_list())
    most = min(max(MOST_CATEGORIES[0], len(words) // 100), MOST_CATEGORIES[1])
    if asked and len(counts) == len(present):
        raise InputError(
            f"column {quoted(words.name)} is to be read as category, but none of its {len(counts):,} values stands in "
            "two rows to train on: give another type, or --ignore the column."
        )
    if not asked and (len(counts) > max(most, SHARE_OF_DISTINCT * len(present)) or len(counts) == len(present)):
        remark = f"{len(counts)} different texts in {rows_text(len(present))}: a name, an identifier or free text"
        return Column(words.name, LEFT_OUT, remark)
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    kept = sorted(word for word in ordered[:most] if counts[word] >= LEAST_ROWS and word != OTHER)
    rare, missing = len(counts) - len(kept), words.null_count()
    categories = [*kept, *([OTHER] if rare else []), *([MISSING] if missing else [])]
    remarks = [
        f"{rare} rarer values taken together" if rare else "",
        f"{missing} of {len(words)} missing" if missing else "",
    ]
    return Column(words.name, CATEGORY, "; ".join(filter(None, remarks)), categories=categories)


def _how(reading: Reading) -> list[str]:
    """How the cells are read, if that is not plain."""
    remarks = []
    if reading.kind == DATE:
        remarks.append("as days, and as the time of the year and of the week")
    if reading.kind == TIME:
        remarks.append("as the time of the day")
    if reading.form != PLAIN and reading.kind != YES_NO:
        remarks.append(f"written {reading.form}" if reading.kind == NUMBER else f"written as {reading.form}")
    return remarks
