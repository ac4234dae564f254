"""The rows of a table that have a target."""

from __future__ import annotations

from difflib import get_close_matches

import polars as pl

from ...errors import InputError, cut, quoted, unknown_name
from .rows import rows_text

MOST_NAMES = 20  # of columns, in an error


def with_target(frame: pl.DataFrame, name: str, table: object) -> tuple[pl.DataFrame, list[str]]:
    """The rows with a target, and what there is to say of the others."""
    require_columns(frame.columns, name, table)
    present = rows_with_target(frame[name], table)
    return frame.filter(present), rows_left_out(present, name)


def require_columns(names: list[str], target: str, table: object) -> list[str]:
    """The names of the columns besides the target."""
    if target not in names:
        near = get_close_matches(cut(target), names[:1000], n=MOST_NAMES, cutoff=0.3)
        raise unknown_name("target", target, names if len(names) <= MOST_NAMES else near or names[:MOST_NAMES])
    if len(names) == 1:
        raise InputError(f"{table} has no column besides the target, expected at least one.")
    return [name for name in names if name != target]


def rows_with_target(cells: pl.Series, table: object) -> pl.Series:
    """Of each row, whether it has a target."""
    present = cells.is_not_null()
    if not present.any():
        name = quoted(cells.name)
        raise InputError(f"target {name} is missing in every row of {table}: there is nothing to learn from.")
    return present


def rows_left_out(present: pl.Series, name: str) -> list[str]:
    """What there is to say of the rows without a target."""
    missing = len(present) - int(present.sum())
    return [f"left out: {rows_text(missing)} without a value of {quoted(name)}."] if missing else []
