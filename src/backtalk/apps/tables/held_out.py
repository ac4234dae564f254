"""Rows for validation and test that have a table of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...distributed import Group
from ...errors import InputError
from .options import Options
from .preprocessing import Preprocessing
from .reading.origins import Origin
from .reading.tables import TableInMemory, read_table
from .target import Target
from .target_rows import require_name, with_target
from .weights import row_weights


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """X of this process' rows, y and weights of all, which rows are its own, and what there is to say of them."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    own: slice
    said: list[str]


def read_held_out(part: str, options: Options, learned: Preprocessing, target: Target, group: Group) -> HeldOut:
    """The rows of a file, as the columns of the table were understood; each process reads the file and takes its own.

    Rows without a target are left out. Raises :class:`~backtalk.errors.InputError` if a column of the inputs, the
    target or the weights are missing.
    """
    origin = Origin.of(options.files[part], options.no_header)
    if group.count > 1:
        what = f"the SHA-256 of the table for {part}"
        group.require_equal({what: group.run(origin.digest)}, "give all of them the same table")

    def work() -> HeldOut:
        table = read_table(origin)
        try:
            return _understood(part, table, options, learned, target, group)
        except InputError as error:
            raise InputError(f"{origin}, the table for {part}: {error}") from None

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
    return HeldOut(X, target.encode(frame[target.name]), weights, own, said)
