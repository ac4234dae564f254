"""What each column of a table is, learned from its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from ...errors import InputError, cut, quoted
from .cells.kinds import CATEGORY, DATE, NUMBER, TIME, YES_NO, Reading, tell
from .cells.numbers import PLAIN, as_numbers
from .cells.truth import OR_EMPTY
from .cells.words import as_words, without_missing
from .columns import CYCLES, FAR_OUT, LEFT_OUT, MISSING, OTHER, Column
from .pieces import MOST_CELLS, MOST_IN_ALL, edges_of, levels_of, thinned
from .row_numbers import row_numbers_in
from .rows import rows_text
from .scaling import means_and_deviations, medians, quantiles_of

MOST_SHOWN = 5  # words, in a remark
MOST_CATEGORIES = (50, 500)  # of one column: one for 100 rows, within these; rarer ones become one, "(other)"
LEAST_ROWS = 2  # of a category, in the training rows
SHARE_OF_DISTINCT = 0.5  # above it, texts are names or free text
QUANTILES = 101
EXAMPLES, CELLS_FOR_EXAMPLES = 3, 1000
# Days within which the times of dates in a cycle are one time: up to rounding, or to leap years.
SAME_TIME = {"time of year": 2.0, "day of week": 1e-6, "time of day": 1e-6}
CLOSE = 1e-6  # numbers that are closer together than this have one rank


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


def bounded(columns: Sequence[Column], rows: int) -> list[Column]:
    """The same with fewer pieces and levels if they would be too many in all; the remark of a column says so."""
    most = min(MOST_IN_ALL, MOST_CELLS // max(1, rows))
    refined = sum(column.refined_count > 0 for column in columns)
    if sum(column.refined_count for column in columns) <= most:
        return [*columns]
    each = most // refined
    return [_bounded(column, each) for column in columns]


def _bounded(column: Column, most: int) -> Column:
    """With so many pieces and levels at the most, levels only if all of them are among these."""
    if column.refined_count <= most:
        return column
    levels = column.levels if len(column.levels) <= most else []
    edges = thinned(column.edges, most - len(levels))
    pieces = max(0, len(edges) - 1)
    said = f"in {pieces} pieces, since the table is large" if pieces else "in no pieces, since the table is large"
    return replace(column, edges=edges, levels=levels, remark="; ".join(filter(None, [column.remark, said])))


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
    name = cells.name
    column = Column(name, reading.kind, form=reading.form, tolerant=reading.unreadable > 0)
    cycles = ["time of day"] if reading.kind == TIME else []
    if reading.kind == DATE:
        days = replace(column, numbers=[name]).values(cells)[:, 0]
        cycles = [cycle for cycle in CYCLES if _spread(days, CYCLES[cycle]) > SAME_TIME[cycle]]
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
    present = A[~np.isnan(A[:, 0]), 0]
    learned = replace(
        column,
        has_missing=missing > 0,
        median=median.tolist(),
        mean=mean.tolist(),
        scale=scale.tolist(),
        quantiles=quantiles,
        edges=edges_of(present),
        levels=levels_of(present) if reading.kind == NUMBER else [],
    )
    filled_with = f"{missing} of {len(A)} missing, filled with {learned.filler}" if missing else ""
    return replace(learned, remark="; ".join(filter(None, [*_how(reading, cycles), filled_with, by_ranks])))


def _spread(days: np.ndarray, cycle: float) -> float:
    """Within how many days of a cycle all lie, whose end is its beginning."""
    places = np.unique(days[~np.isnan(days)] % cycle)
    return cycle - float(np.diff(places, append=places[:1] + cycle).max()) if len(places) else 0.0


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


def _how(reading: Reading, cycles: Sequence[str]) -> list[str]:
    """How the cells are read, if that is not plain."""
    remarks = []
    if reading.kind == DATE:
        times = [f"of the {cycle.rpartition(' ')[2]}" for cycle in cycles]
        last = f"{', '.join(times[:-1])} and {times[-1]}" if len(times) > 1 else "".join(times)
        remarks.append(f"as days, and as the time {last}" if times else "as days")
    if reading.kind == TIME:
        remarks.append("as the time of the day")
    if reading.form != PLAIN and reading.kind != YES_NO:
        remarks.append(f"written {reading.form}" if reading.kind == NUMBER else f"written as {reading.form}")
    return remarks
