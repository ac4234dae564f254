"""Columns of known kinds, as Parquet, Arrow and data frames have them, to those that a table has here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ....errors import FileFormatError, quoted

EXACT_DIGITS = 18  # of a decimal number, up to which 64 bits hold it
DICTIONARIES = (pl.Categorical, pl.Enum)
ADDED: Any = getattr(pl, "BaseExtension", ())  # kinds that libraries have added, which newer polars tells apart


def require_flat(schema: Mapping[str, pl.DataType], file: str | os.PathLike[str] = "") -> None:
    """Refuse columns of lists, structs or bytes."""
    for name, kind in schema.items():
        kind = _stored(kind)
        if kind.is_nested() or kind in (pl.Binary, pl.Object):
            what = "bytes" if kind == pl.Binary else "lists"
            raise FileFormatError(
                f"has {what} in the column {quoted(name)}, expected numbers, text or dates.", file=file or "table"
            )


def plain_columns(schema: Mapping[str, pl.DataType], names: Sequence[str] | None = None) -> list[pl.Expr]:
    """Durations as seconds, decimals as the numbers that programs compute with, NaN as a missing value.

    Dictionaries of text stay as they are until :func:`with_text`, since they may be much larger once they are text.
    """
    return [_plain(name, schema[name]) for name in (schema if names is None else names)]


def _stored(kind: Any) -> Any:
    """What the cells are stored as, of a kind that a library has added, such as pandas' periods."""
    return kind.ext_storage() if isinstance(kind, ADDED) else kind


def _plain(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, ADDED):
        column, kind = column.ext.storage(), _stored(kind)
    if isinstance(kind, pl.Duration):
        return column.dt.total_microseconds() / 1e6
    if kind.is_float():
        return column.fill_nan(None)
    if isinstance(kind, pl.Decimal) and kind.scale == 0:  # text is exact too
        return column.cast(pl.Int64 if (kind.precision or 38) <= EXACT_DIGITS else pl.String)
    if isinstance(kind, pl.Decimal):
        return column.cast(pl.Float64)
    return column.cast(pl.String) if kind == pl.Null else column


def with_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Text without blanks around it; null for empty cells, as in a CSV file."""
    text = [name for name, kind in frame.schema.items() if kind == pl.String or kind in DICTIONARIES]
    if not text:
        return frame
    return frame.with_columns(stripped(pl.col(name).cast(pl.String)) for name in text)


def stripped(cells: pl.Expr) -> pl.Expr:
    """The cells without blanks around them; null if nothing is left."""
    bare = cells.str.strip_chars()
    return pl.when(bare != "").then(bare).name.keep()
