"""CSV files to data frames; what is wrong with a file, in a sentence."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import polars as pl

from ....core.files import naming, require_ordinary
from ....data.names import require_names
from ....errors import FileFormatError

SEPARATORS = [",", ";", "\t", "|"]
UNNAMED = "column 1"  # the row numbers that pandas writes have no name


def read_csv(path: Path) -> pl.DataFrame:
    """The cells of a file as text; null for empty cells."""
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
    return frame.select(pl.when(cells != "").then(cells).name.keep())


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
