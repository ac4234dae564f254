"""Sheets of Excel and of OpenOffice, to data frames."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import polars as pl

from ....errors import FileFormatError, InputError, MissingLibraryError, quoted
from .delimited import read_delimited
from .faults import POLARS, unreadable
from .limits import require_moderate
from .table import TableInMemory

CELL = 32  # bytes of a cell while a sheet is read, empty ones between others included
ROWS, COLUMNS = re.compile(rb'<row [^>]*?\br="(\d{1,9})"'), re.compile(rb'<c [^>]*?\br="([A-Z]{1,4})\d')
NO_DAY = r"^1899-12-3[01] "  # of a time without a date


def read_excel(content: bytes, file: str, most: int) -> TableInMemory:
    """The first sheet: its cells as text, of which the first rows are understood as those of a CSV file are.

    Raises :class:`~backtalk.errors.FileFormatError` naming ``file`` and what is wrong with it.
    """
    try:
        import fastexcel
    except ImportError:
        raise MissingLibraryError("A sheet of Excel needs fastexcel: pip install 'backtalk[excel]'.") from None
    try:
        _require_moderate(content, file, most)
        book = fastexcel.read_excel(content)
        names = book.sheet_names
        sheet: Any = book.load_sheet(0, header_row=None, dtypes="string")
        frame: pl.DataFrame = sheet.to_polars()
    except InputError:
        raise
    except (fastexcel.FastExcelError, *POLARS, zipfile.BadZipFile, ValueError) as error:
        raise unreadable(error, file) from None
    frame = frame.filter(~pl.all_horizontal(pl.all().is_null())) if frame.width else frame
    if frame.height == 0:
        raise FileFormatError(
            "is empty, expected a line of column names and rows below it: export the table anew.", file=file
        )
    text = frame.select(pl.all().str.replace(NO_DAY, "")).write_csv(include_header=False)
    found = read_delimited(b"sep=,\n" + text.encode(), file)
    others = f"of its {len(names)} sheets only the first, {quoted(names[0])}, is read."
    return TableInMemory(found.frame, [*([others] if len(names) > 1 else []), *found.said])


def _require_moderate(content: bytes, file: str, most: int) -> None:
    """Refuse what is small only while it is packed, or as long as nobody fills the cells between the others."""
    if not content.startswith(b"PK"):  # as Excel wrote before 2007
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        require_moderate(sum(part.file_size for part in archive.infolist()), most, file)
        for part in archive.infolist():
            inside = archive.read(part)  # which also refuses a size that is not the one it says
            if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                rows = max(map(int, ROWS.findall(inside)), default=0)
                columns = max(map(_number, set(COLUMNS.findall(inside))), default=0)
                require_moderate(rows * columns * CELL, most, file)


def _number(letters: bytes) -> int:
    """Of a column: A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number
