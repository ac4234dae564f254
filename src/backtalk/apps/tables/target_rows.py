"""The rows of a table that have a target."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import polars as pl

from ...errors import InputError, cut, quoted, unknown_name
from .cells.words import as_words
from .rows import rows_text
from .target import Target

MOST_NAMES = 20  # of columns, in an error
MOST_SHOWN = 3  # cells, in a message


def with_target(frame: pl.DataFrame, target: Target, table: Any) -> tuple[pl.DataFrame, np.ndarray, list[str]]:
    """The rows with a target that is known; which rows of the table they are; what there is to say of the others."""
    require_columns(frame.columns, target.name, table)
    frame = frame.with_columns(target.read_again(frame[target.name]))
    rows, said = known_rows(frame[target.name], target, table)
    return frame[rows], rows, said


def known_rows(cells: pl.Series, target: Target, table: Any) -> tuple[np.ndarray, list[str]]:
    """The rows with a target that is known, counted from 0; and what there is to say of the others."""
    present = rows_with_target(cells, target, table)
    known = present & target.known(cells)
    if not known.any():
        target.encode(cells.filter(present))  # says what is wrong with the first
    said = [*rows_left_out(present, target.name), *_rows_unknown(cells.filter(present & ~known), target)]
    return np.flatnonzero(known.to_numpy()), said


def _rows_unknown(cells: pl.Series, target: Target) -> list[str]:
    if not len(cells):
        return []
    held = ", ".join(map(quoted, as_words(cells).unique(maintain_order=True)[:MOST_SHOWN]))
    what = "no class of the training" if target.classifies else "no number"
    return [f"left out: {rows_text(len(cells))} in which {quoted(target.name)} is {what} (such as {held})."]


def column_named(name: str, names: Sequence[str]) -> str:
    """The column of this name, blanks around it aside; the name as it is if there is none, or are several."""
    alike = [each for each in names if each.strip() == name.strip()]
    return name if name in names or len(alike) != 1 else alike[0]


def require_columns(names: Sequence[str], target: str, table: object) -> list[str]:
    """The names of the columns besides the target."""
    require_name("target", target, names)
    if len(names) == 1:
        raise InputError(f"{table} has no column besides the target, expected at least one.")
    return [name for name in names if name != target]


def require_name(option: str, name: str, names: Sequence[str]) -> None:
    """Refuse a name that no column has, with those that are near."""
    if name not in names:
        near = get_close_matches(cut(name), names[:1000], n=MOST_NAMES, cutoff=0.3)
        raise unknown_name(option, name, names if len(names) <= MOST_NAMES else near or names[:MOST_NAMES])


def rows_with_target(cells: pl.Series, target: Target, table: Any) -> pl.Series:
    """Of each row, whether it has a target."""
    present = target.present(cells)
    require_any(present, target.name, table)
    return present


def require_any(present: pl.Series, name: str, table: Any) -> None:
    """Refuse a target that no row has."""
    if not present.any():
        raise InputError(f"target {quoted(name)} is missing in every row of {table}: there is nothing to learn from.")


def rows_left_out(present: pl.Series, name: str) -> list[str]:
    """What there is to say of the rows without a target."""
    missing = len(present) - int(present.sum())
    return [f"left out: {rows_text(missing)} without a value of {quoted(name)}."] if missing else []
