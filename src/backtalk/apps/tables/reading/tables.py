"""Tables of any origin to data frames, whole or in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ....core.files import naming, require_ordinary
from ....errors import FileFormatError
from .delimited import read_delimited
from .encodings import as_utf8
from .layout import layout_of
from .origins import Origin
from .parquet import ParquetTable, is_parquet

BEGINNING = 2**16  # bytes of a file, which have the names of its columns


@dataclass(frozen=True, slots=True, eq=False)
class TableInMemory:
    """A table that was read, as :class:`~backtalk.apps.tables.reading.parquet.ParquetTable` is read in parts.

    ``said``: what there is to say of how it was read, in sentences.
    """

    frame: pl.DataFrame
    said: list[str] = field(default_factory=list)

    @property
    def schema(self) -> pl.Schema:
        """The columns' names, and their kinds."""
        return self.frame.schema

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.frame.height

    def columns(self, names: Sequence[str]) -> pl.DataFrame:
        """All rows of these columns."""
        return self.frame.select(names)

    def rows(self, first: int, last: int, names: Sequence[str]) -> pl.DataFrame:
        """Rows ``first`` … ``last`` − 1 of these columns."""
        return self.frame.slice(first, last - first).select(names)


Source = TableInMemory | ParquetTable


def read_table(table: Any, most_bytes: int | None = None) -> TableInMemory:
    """A .csv file with a line of names, a .parquet file, or a folder of .parquet files with the same columns.

    Columns of a CSV file are separated as :mod:`~backtalk.apps.tables.reading.layout` tells from its first lines. Empty
    cells are null. Cells of a CSV file come as text: what they are is for the columns to tell. ``table``: what
    :class:`~backtalk.apps.tables.reading.origins.Origin` takes. ``most_bytes``: as for
    :class:`~backtalk.apps.tables.reading.parquet.ParquetTable`.

    Raises ``OSError``, and :class:`~backtalk.errors.FileFormatError` naming the file and what is wrong with it.
    """
    origin = Origin.of(table)
    if origin.frame is not None:
        found = TableInMemory(origin.frame, origin.said)
    elif origin.path is not None and is_parquet(origin.path):
        found = TableInMemory(ParquetTable(origin.path, most_bytes).columns())
    elif origin.path is None or origin.path.suffix.lower() in (".csv", ".tsv", ".txt"):
        found = TableInMemory(*read_delimited(_content_of(origin), origin.name))
    else:
        require_ordinary(Path(origin.name))  # a file that is not there is that, whatever its name
        raise FileFormatError("is no .csv or .parquet file, expected one of them by its name.", file=origin.name)
    _require_rows(origin, found.height)
    return found


def _content_of(origin: Origin) -> bytes:
    if origin.path is None:
        return origin.content or b""
    require_ordinary(origin.path)
    with naming(origin.path):
        return origin.path.read_bytes()


def _require_rows(origin: Origin, count: int) -> None:
    if count == 0:
        raise FileFormatError("has the names of columns but no rows.", file=origin.name)


def open_table(table: Any, in_parts: bool) -> Source:
    """The same; with ``in_parts``, only what is asked for is read of it, if it is Parquet."""
    origin = Origin.of(table)
    if not in_parts or origin.path is None or not is_parquet(origin.path):
        return read_table(origin)
    found = ParquetTable(origin.path)
    _require_rows(origin, found.height)
    return found


def column_names(path: Path) -> list[str]:
    """The names of the columns of a file, without reading it all; for completion in a shell, so nothing is refused."""
    if path.suffix.lower() == ".parquet":
        return list(ParquetTable(path).schema)
    with path.open("rb") as file:
        content, _ = as_utf8(file.read(BEGINNING), str(path))
    return list(filter(None, layout_of(content, str(path)).names))
