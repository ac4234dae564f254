"""Rows for validation and test that have a table of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ...distributed import Group
from ...errors import InputError, quoted
from .division import split_key, time_text
from .options import BY_GROUP, Options
from .preprocessing import Preprocessing
from .reading.origins import Origin
from .reading.tables import TableInMemory, read_table
from .rows import rows_text
from .target import Target
from .target_rows import require_name, with_target
from .weights import row_weights


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where rows stand: their numbers in a table, counted from 0, and the table if it is in memory as a whole."""

    rows: np.ndarray
    frame: pl.DataFrame | None


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """X of this process' rows, y and weights of all, which rows are its own, and what there is to say of them.

    ``place``: where the rows stand in their own table.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    own: slice
    said: list[str]
    place: Place


def read_held_out(
    part: str,
    options: Options,
    learned: Preprocessing,
    target: Target,
    key: pl.Series | None,
    training: np.ndarray,
    group: Group,
) -> HeldOut:
    """The rows of a file, as the columns of the table were understood; each process reads the file and takes its own.

    ``key``: the times or groups of the table's rows that count, if they are split by them, of which ``training`` are
    trained on. Rows without a target are left out. Raises :class:`~backtalk.errors.InputError` if a column of the
    inputs, the target or the weights are missing, or if a group is in the table too.
    """
    origin = Origin.of(options.files[part], options.no_header)
    if group.count > 1:
        what = f"the SHA-256 of the table for {part}"
        group.require_equal({what: group.run(origin.digest)}, "give all of them the same table")

    def work() -> HeldOut:
        table = read_table(origin)
        beside = [] if key is None else _say_of_split(part, origin, table.frame, options, key, training)
        try:
            found = _understood(part, table, options, learned, target, group)
        except InputError as error:
            raise InputError(f"{origin}, the table for {part}: {error}") from None
        return replace(found, said=[*beside, *found.said])

    return group.run(work)


def _understood(
    part: str, table: TableInMemory, options: Options, learned: Preprocessing, target: Target, group: Group
) -> HeldOut:
    whole, weights = table.frame, None
    frame, rows, left_out = with_target(whole, target, options.files[part])
    if options.weight is not None:
        require_name("weight", options.weight, whole.columns)
        weights = row_weights(whole[options.weight], rows)
    own = group.share(frame.height)
    X, remarks = learned.transform(frame.drop(target.name)[own], rows[own])
    said = [f"{part} rows: {sentence}" for sentence in [*table.said, *left_out, *remarks]]
    return HeldOut(X, target.encode(frame[target.name]), weights, own, said, Place(rows, whole))


def refuse_table_itself(part: str, table: Origin, options: Options) -> None:
    """Refuse a file that has the content of the table, whose rows are trained on."""
    held_out = Origin.of(options.files[part])
    if table.path is None or held_out.path is None or not (table.path.is_file() and held_out.path.is_file()):
        return
    if table.path.stat().st_size == held_out.path.stat().st_size and table.digest() == held_out.digest():
        raise InputError(
            f"{held_out}, the table for {part}, is the same as {table}, from which the network learns: give other "
            "rows, or a share such as 0.2."
        )


def _say_of_split(
    part: str, origin: Origin, frame: pl.DataFrame, options: Options, key: pl.Series, training: np.ndarray
) -> list[str]:
    """What there is to say of the rows of a file beside those of the table, if these are split by time or by group.

    Raises :class:`~backtalk.errors.InputError` if a group of the table is in the file too, since no group is to be in
    two parts.
    """
    name = options.split_column or ""
    if name not in frame.columns:
        return [f"{part} rows: {origin} lacks the column {quoted(name)}: whether the split holds there is not known."]
    own = split_key(frame[name], options)
    if (options.split or "").startswith(BY_GROUP):
        shared = own.is_in(key.unique().implode()).fill_null(False)
        if shared.any():
            row = int(shared.arg_max() or 0)
            raise InputError(
                f"{origin}, the table for {part}: {rows_text(int(shared.sum()))} of a group in {quoted(name)} that "
                f"the training table has too, the first {quoted(own[row])} in row {row + 1}, but split is by groups: "
                "leave out these rows, or --split."
            )
        return []
    if own.dtype != key.dtype:
        raise InputError(f"{origin}, the table for {part}: {quoted(name)} holds no such times as the training table.")
    last = key.gather(training).max()
    early = int((own <= last).sum())
    if not early:
        return []
    return [
        f"{part} rows: {rows_text(early)} of {origin} not later than the last training row by {quoted(name)} "
        f"({time_text(key, training, last=True)}): the scores do not say how later rows go."
    ]
