"""JSON with one object a line, to data frames."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl

from ....data.names import require_names
from ....errors import FileFormatError, is_no_memory, quoted
from .encodings import as_utf8
from .faults import unreadable_text
from .table import TableInMemory
from .typed import require_flat, stripped


def read_json_lines(content: bytes, file: str) -> TableInMemory:
    """The cells as text, so that all digits stay; null for null, and for what a line does not have.

    Raises :class:`~backtalk.errors.FileFormatError` naming ``file``, the line and what is wrong with it.
    """
    if not content or content.isspace():
        raise FileFormatError("is empty, expected a JSON object in each line.", file=file)
    content, said = as_utf8(content, file)
    try:
        names = pl.scan_ndjson(io.BytesIO(content), infer_schema_length=None).collect_schema()
        require_flat(names, file)
        frame = pl.read_ndjson(io.BytesIO(content), schema=dict.fromkeys(names, pl.String))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        if is_no_memory(error):
            raise unreadable_text(error, file) from None
        frame = _by_lines(content, file)  # with the line that is wrong, or NaN, which Python writes
    require_names(frame.columns, file)
    return TableInMemory(frame.select(stripped(pl.all())), said)


def _by_lines(content: bytes, file: str) -> pl.DataFrame:
    columns: dict[str, list[str | None]] = {}
    height = 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise FileFormatError(f"has no JSON object in line {number}, expected one in each line.", file=file)
        for name, value in row.items():
            cells = columns.setdefault(name, [])
            cells += [None] * (height - len(cells))
            cells.append(_cell(name, value, number, file))
        height += 1
    for cells in columns.values():
        cells += [None] * (height - len(cells))
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _cell(name: str, value: Any, line: int, file: str) -> str | None:
    if isinstance(value, list | dict):
        raise FileFormatError(
            f"has a list or an object in the column {quoted(name)} in line {line}, expected numbers, text or dates.",
            file=file,
        )
    return str(value).lower() if isinstance(value, bool) else value
