"""Which rows train, validate and test: drawn at random, by time, or by group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from ...errors import InputError, cut, quoted
from .asked import read_as
from .cells.kinds import DATE, NUMBER, read, tell
from .cells.words import as_words, without_missing
from .options import BY_TIME, Options
from .rows import rows_text
from .split import hold_out
from .target import Target

Rows = dict[str, np.ndarray]  # of each part: training first, then validation and test if they are held out


def split_key(cells: pl.Series, options: Options) -> pl.Series:
    """The times, or the groups, by which rows are held out; null where a row has none."""
    cells = without_missing(cells)
    return _as_times(cells, options) if _is_by_time(options) else as_words(cells)


def split_rows(target: Target, y: np.ndarray, key: pl.Series | None, options: Options) -> tuple[Rows, list[str]]:
    """Rows of each part, as the options ask for it, and what there is to say of it."""
    shares = options.shares
    if key is None:
        return split_at_random(target, y, shares, options.seed), []
    return split_by_time(key, shares) if _is_by_time(options) else split_by_group(key, shares, options.seed)


def _is_by_time(options: Options) -> bool:
    return (options.split or "").startswith(BY_TIME)


def split_at_random(target: Target, y: np.ndarray, shares: Mapping[str, float], seed: int) -> Rows:
    """Rows of each part, drawn by the seed; of every class or tenth its share, if there are rows enough for that."""
    rows, parts = np.arange(len(y)), {}
    labels = y if target.classifies else tenths(y[:, 0])
    for part, share in _in_turn(shares):
        few = not target.classifies and 1 in np.bincount(labels[rows])  # of a tenth
        rows, parts[part] = hold_out(rows, None if few else labels, share, seed)
    return _in_order(rows, parts)


def tenths(y: np.ndarray) -> np.ndarray:
    """The tenth of the ordered numbers that each belongs to, so that all parts have small and large ones."""
    return np.argsort(np.argsort(y, kind="stable"), kind="stable") * 10 // len(y)


def split_by_time(times: pl.Series, shares: Mapping[str, float]) -> tuple[Rows, list[str]]:
    """The last rows are for test, those before for validation; rows of the same time are in one part.

    So a part may have some more or fewer rows than its share. Says where each begins.
    """
    _, place, counts = np.unique(times.to_numpy(), return_inverse=True, return_counts=True)
    _require_enough(times.name, len(counts), shares, "times")
    before = np.concatenate([[0], np.cumsum(counts)])  # so many rows are earlier than each of the times
    end, parts, said, held_out = len(counts), {}, [], _in_turn(shares)
    for left, (part, share) in zip(range(len(held_out), 0, -1), held_out, strict=True):
        wanted = before[end] * (1 - share)
        begin = left + int(np.abs(before[left:end] - wanted).argmin())  # a time stays for each of the other parts
        parts[part] = np.flatnonzero((begin <= place) & (place < end))
        said.append(f"{part} from {time_text(times, parts[part])} on ({rows_text(len(parts[part]))})")
        end = begin
    rows = np.flatnonzero(place < end)
    first = f"training before ({rows_text(len(rows))})"
    return _in_order(rows, parts), [f"split by time, {quoted(times.name)}: {', '.join([first, *reversed(said)])}."]


def split_by_group(groups: pl.Series, shares: Mapping[str, float], seed: int) -> tuple[Rows, list[str]]:
    """Whole groups, drawn by the seed, until their rows are as near to the share as they come. Says how many."""
    names, place, counts = np.unique(groups.to_numpy(), return_inverse=True, return_counts=True)
    _require_enough(groups.name, len(names), shares, "groups")
    drawn = np.random.default_rng(seed).permutation(len(names))
    parts, said, held_out = {}, [], _in_turn(shares)
    for left, (part, share) in zip(range(len(held_out), 0, -1), held_out, strict=True):
        held = np.cumsum(counts[drawn])
        count = 1 + int(np.abs(held[: len(drawn) - left] - share * held[-1]).argmin())
        parts[part] = np.flatnonzero(np.isin(place, drawn[:count]))
        drawn = drawn[count:]
        said.append(f"{count} for {part} ({rows_text(len(parts[part]))})")
    rows = np.flatnonzero(np.isin(place, drawn))
    first = f"{len(drawn)} for training ({rows_text(len(rows))})"
    return _in_order(rows, parts), [f"split by groups of {quoted(groups.name)}: {', '.join([first, *reversed(said)])}."]


def _in_turn(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    """Test first, and then validation, each as a share of the rows that are left."""
    held_out, left = [], 1.0
    for part in ("test", "validation"):
        if part in shares:
            held_out.append((part, shares[part] / left))
            left -= shares[part]
    return held_out


def _in_order(rows: np.ndarray, parts: Rows) -> Rows:
    return {"training": rows, **dict(reversed(parts.items()))}


def _require_enough(name: str, found: int, shares: Mapping[str, float], what: str) -> None:
    if found <= len(shares):
        *parts, last = ["training", *shares]
        raise InputError(
            f"split is by {quoted(name)}, which has {found} different {what if found > 1 else what[:-1]}, expected "
            f"{len(shares) + 1} or more, for {', '.join(parts)} and {last}."
        )


def _as_times(cells: pl.Series, options: Options) -> pl.Series:
    """Dates, or numbers such as years; refuses a column of anything else."""
    asked = options.types.get(cells.name)
    reading = tell(cells, learns_words=True) if asked is None else read_as(cells, asked)
    if reading.kind in (DATE, NUMBER):
        return read(cells, reading.kind, reading.form)
    present = cells.drop_nulls()
    held = f", such as {quoted(present[0])}" if len(present) else ""
    raise InputError(
        f"split is by the time in {quoted(cells.name)}, which holds no dates and no numbers{held}: if these are dates, "
        f"give their form, such as --types {quoted(f'{cut(cells.name)}=date(%d/%m/%y)')}."
    )


def time_text(times: pl.Series, rows: np.ndarray, last: bool = False) -> str:
    """The first time of these rows, or the last, as people write it."""
    of_rows = times.gather(rows)
    first = of_rows.max() if last else of_rows.min()
    if not isinstance(times.dtype, pl.Datetime):
        return f"{first:.15g}"
    whole = (times.dt.truncate("1d") == times).all()
    return f"{first:%Y-%m-%d}" if whole else f"{first:%Y-%m-%d %H:%M:%S}"
