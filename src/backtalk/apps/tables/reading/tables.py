"""Files of tables to data frames, whole or in parts."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ....core.files import naming, require_ordinary
from ....errors import FileFormatError, first_line
from .delimited import SEPARATORS, read_csv
from .parquet import ParquetTable, files_of, is_parquet


def read_table(path: Path, most_bytes: int | None = None) -> pl.DataFrame:
    """A .csv file with a line of names, a .parquet file, or a folder of .parquet files with the same columns.

    Columns of a CSV file are separated by commas, semicolons, tabs or bars, whichever its first line has most of. Empty
    cells are null. Cells of a CSV file come as text: what they are is for the columns to tell. ``most_bytes``: as for
    :class:`~backtalk.apps.tables.reading.parquet.ParquetTable`.

    Raises ``OSError``, and :class:`~backtalk.errors.FileFormatError` naming the file and what is wrong with it.
    """
    if is_parquet(path):
        frame = ParquetTable(path, most_bytes).columns()
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        try:
            frame = read_csv(path)
        except pl.exceptions.PanicException as error:  # which is no Exception
            raise FileFormatError(f"cannot be read: it is damaged ({first_line(error)}).", file=path) from None
    else:
        require_ordinary(path)  # a file that is not there is that, whatever its name
        raise FileFormatError("is no .csv or .parquet file, expected one of them by its name.", file=path)
    _require_rows(path, frame.height)
    return frame


def _require_rows(path: Path, count: int) -> None:
    if count == 0:
        raise FileFormatError("has a line of names but no rows below it.", file=path)


class TableInMemory:
    """A table that was read, as :class:`~backtalk.apps.tables.reading.parquet.ParquetTable` is read in parts."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame, self.schema, self.height = frame, frame.schema, frame.height

    def columns(self, names: Sequence[str]) -> pl.DataFrame:
        """All rows of these columns."""
        return self.frame.select(names)

    def rows(self, first: int, last: int, names: Sequence[str]) -> pl.DataFrame:
        """Rows ``first`` … ``last`` − 1 of these columns."""
        return self.frame.slice(first, last - first).select(names)


Source = TableInMemory | ParquetTable


def open_table(path: Path, in_parts: bool) -> Source:
    """The same; with ``in_parts``, only what is asked for is read of it, if the file is Parquet."""
    if not (in_parts and is_parquet(path)):
        return TableInMemory(read_table(path))
    table = ParquetTable(path)
    _require_rows(path, table.height)
    return table


def digest(path: Path) -> str:
    """SHA-256 of a file, or of all .parquet files of a folder."""
    sums = hashlib.sha256()
    for file in files_of(path):
        with naming(file), file.open("rb") as content:
            while block := content.read(1 << 20):
                sums.update(block)
    return sums.hexdigest()


def column_names(path: Path) -> list[str]:
    """The names of the columns of a file, without reading it all; for completion in a shell, so nothing is refused."""
    if path.suffix.lower() == ".parquet":
        return list(ParquetTable(path).schema)
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    separator = max(SEPARATORS, key=first.count)
    return [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
