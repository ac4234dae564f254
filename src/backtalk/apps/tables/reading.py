"""CSV and Parquet files to data frames; what is wrong with a file, in a sentence."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from ...core.files import naming, require_ordinary
from ...data.names import require_names
from ...errors import FileFormatError, first_line
from .cells import MISSING_WORDS
from .parquet import ParquetTable, files_of, is_parquet

SEPARATORS = [",", ";", "\t", "|"]
UNNAMED = "column 1"  # the row numbers that pandas writes have no name


def read_table(path: Path, most_bytes: int | None = None) -> pl.DataFrame:
    """A .csv file with a line of names, a .parquet file, or a folder of .parquet files with the same columns.

    Columns of a CSV file are separated by commas, semicolons (then a comma in a number is the decimal point), tabs or
    bars, whichever its first line has most of. Empty cells, and ?, NA, NaN, null and None, are missing values. Cells of
    a CSV file come as text: what they are is for the columns to tell. ``most_bytes``: as for
    :class:`~backtalk.apps.tables.parquet.ParquetTable`.

    Raises ``OSError``, and :class:`~backtalk.errors.FileFormatError` naming the file and what is wrong with it.
    """
    if is_parquet(path):
        frame = ParquetTable(path, most_bytes).columns()
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        try:
            frame = _read_csv(path)
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
    """A table that was read, as :class:`~backtalk.apps.tables.parquet.ParquetTable` is read in parts."""

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


def _read_csv(path: Path) -> pl.DataFrame:
    require_ordinary(path)
    with naming(path):
        content = path.read_bytes()
    if not content.strip():
        raise FileFormatError("is empty, expected a line of column names and rows below it.", file=path)
    if b"\0" in content:
        hint = " (UTF-16? Save it as UTF-8)" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise FileFormatError(f"holds binary data, expected text{hint}.", file=path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileFormatError(f"is not text in UTF-8 (line {line}): save it as UTF-8.", file=path) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n") + "\n"
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    try:
        names = [name.strip() for name in next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))]
    except csv.Error as error:
        raise FileFormatError(f"has a first line that cannot be read ({error}).", file=path) from None
    if len(names) > 1 and not names[0]:
        names[0] = UNNAMED
    require_names(names, path)
    frame = _parse(path, text, separator, names)
    cells = pl.all().str.strip_chars()
    if separator == ";":  # if a cell of a column has a decimal comma, a point stands between thousands
        plain = cells.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        whole = r"^[-+]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)"
        is_number = cells.str.contains(whole + r",[0-9]+$").any() & cells.str.contains(whole + r"(,[0-9]+)?$")
        cells = pl.when(is_number).then(plain).otherwise(cells)
    return frame.select(pl.when(~cells.is_in(MISSING_WORDS)).then(cells).name.keep())


def column_names(path: Path) -> list[str]:
    """The names of the columns of a file, without reading it all; for completion in a shell, so nothing is refused."""
    if path.suffix.lower() == ".parquet":
        return list(ParquetTable(path).schema)
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    separator = max(SEPARATORS, key=first.count)
    return [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]


def _parse(path: Path, text: str, separator: str, names: list[str]) -> pl.DataFrame:
    """The cells as text; refuses a line that has more or fewer than the first, and skips empty lines."""
    if '"' not in text:  # then each separator and each line end counts, and NumPy counts faster
        raw = np.frombuffer(text.encode(), np.uint8)
        ends = np.flatnonzero(raw == ord("\n"))
        counts = np.diff(np.searchsorted(np.flatnonzero(raw == ord(separator)), np.concatenate([[0], ends])))
        empty = np.diff(ends, prepend=-1) == 1
        if (wrong := (counts != len(names) - 1) & ~empty).any():
            line = int(wrong.argmax())
            _refuse_ragged(path, line + 1, int(counts[line]) + 1, len(names))
        return _by_polars(re.sub(r"\n\n+", "\n", text), separator, names)
    reader, count = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), 0
    try:
        for row in reader:
            count += bool(row)
            if row and len(row) != len(names):
                _refuse_ragged(path, reader.line_num, len(row), len(names))
    except csv.Error as error:
        raise FileFormatError(f"cannot be read as CSV (line {reader.line_num}: {error}).", file=path) from None
    try:
        frame = _by_polars(text, separator, names)
    except pl.exceptions.PolarsError:  # a quote within a cell, as in 5" of pipe
        frame = pl.DataFrame()
    if frame.height != count - 1:  # so does an empty line, which is a row to polars
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
        frame = pl.DataFrame(rows[1:], schema=dict.fromkeys(names, pl.String), orient="row")
    return frame


def _by_polars(text: str, separator: str, names: list[str]) -> pl.DataFrame:
    return pl.read_csv(io.BytesIO(text.encode()), separator=separator, infer_schema=False, new_columns=names)


def _refuse_ragged(path: Path, line: int, cells: int, width: int) -> None:
    found = "1 cell" if cells == 1 else f"{cells} cells"
    raise FileFormatError(f"has {found} in line {line}, expected {width}, as in its first line.", file=path)
