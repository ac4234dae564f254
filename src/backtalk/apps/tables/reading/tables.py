"""Tables of any origin to data frames, whole or in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ....core.files import naming, require_ordinary
from ....errors import FileFormatError, InputError
from .arrow import read_arrow
from .delimited import read_delimited
from .encodings import as_utf8
from .excel import read_excel
from .json_lines import read_json_lines
from .kinds import JSON_LINES, SHEETS, TEXT, compression_of, kind_of, kind_of_text
from .layout import layout_of
from .limits import most_unpacked
from .origins import Origin
from .packed import unpacked
from .parquet import ParquetTable, is_parquet
from .table import TableInMemory

BEGINNING = 2**16  # bytes of a file, which have the names of its columns


Source = TableInMemory | ParquetTable


def read_table(table: Any, most_bytes: int | None = None) -> TableInMemory:
    """A table of any kind that :mod:`~backtalk.apps.tables.reading.kinds` names, or a data frame.

    A folder of .parquet files with the same columns is one table.

    Text is separated as :mod:`~backtalk.apps.tables.reading.layout` tells from its first lines, and may be compressed;
    its cells come as text, and so do those of a sheet or of JSON: what they are is for the columns to tell. Empty cells
    are null. ``table``: what :class:`~backtalk.apps.tables.reading.origins.Origin` takes. ``most_bytes``: what may be
    unpacked, by default 256 MB and 1000 times the size of the file.

    Raises ``OSError``, and :class:`~backtalk.errors.FileFormatError` naming the file and what is wrong with it.
    """
    origin = Origin.of(table)
    if origin.frame is not None:
        _require_text(origin)
        found = TableInMemory(origin.frame, origin.said)
    elif origin.path is not None and is_parquet(origin.path):
        _require_text(origin)
        in_parts = ParquetTable(origin.path, most_bytes)
        found = TableInMemory(in_parts.columns(), index_columns=in_parts.index_columns)
    else:
        found = _read(origin, most_bytes)
    _require_rows(origin, found.height)
    return found


def _read(origin: Origin, most_bytes: int | None) -> TableInMemory:
    """What a file or standard input holds; the first bytes of the latter say what it is."""
    if origin.path is None:
        content = origin.content or b""
        kind, compression = "", compression_of(content)
    else:
        require_ordinary(origin.path)  # a file that is not there is that, whatever its name
        kind, compression = kind_of(origin.path)
        with naming(origin.path):
            content = origin.path.read_bytes()
    most = most_bytes or most_unpacked(len(content))
    if compression:
        content = unpacked(content, compression, most, origin.name)
    kind = kind or kind_of_text(content)
    if kind in TEXT:
        return read_delimited(content, origin.name, origin.no_header)
    _require_text(origin)
    if kind in JSON_LINES:
        return read_json_lines(content, origin.name)
    return (read_excel if kind in SHEETS else read_arrow)(content, origin.name, most)


def _require_text(origin: Origin) -> None:
    if origin.no_header:
        raise InputError(
            f"is given, but {origin} is no delimited text, such as CSV: leave it out.", argument="no_header"
        )


def _require_rows(origin: Origin, count: int) -> None:
    if count == 0:
        raise FileFormatError(
            "has the names of columns but no rows: add them below, or export the table anew.", file=origin.name
        )


def open_table(table: Any, in_parts: bool) -> Source:
    """The same; with ``in_parts``, only what is asked for is read of it, if it is Parquet."""
    origin = Origin.of(table)
    if not in_parts or origin.path is None or not is_parquet(origin.path):
        return read_table(origin)
    _require_text(origin)
    found = ParquetTable(origin.path)
    _require_rows(origin, found.height)
    return found


def column_names(path: Path) -> list[str]:
    """The names of the columns of a file, without reading all of a large one; for completion in a shell."""
    if is_parquet(path):
        return list(ParquetTable(path).schema)
    kind, compression = kind_of(path)
    if kind not in ("", *TEXT):
        return list(read_table(path).schema)
    with path.open("rb") as file:
        content = file.read(BEGINNING)
    if compression:
        content = unpacked(content, compression, BEGINNING * BEGINNING, str(path), is_part=True)
    if b"\0" not in content:
        content = content[: content.rfind(b"\n") + 1] or content
    return list(filter(None, layout_of(as_utf8(content, str(path))[0], str(path)).names))
