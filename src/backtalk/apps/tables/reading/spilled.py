"""A file of delimited text that is larger than memory, as a folder of Parquet files: read in parts, each a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ....core.files import naming, require_ordinary
from ....errors import FileFormatError, InputError
from .delimited import ended, read_lines
from .encodings import as_utf8
from .layout import Layout, layout_of
from .parquet import ParquetTable

KINDS = (".csv", ".tsv", ".txt", ".data")
BEGINNING = 2**22  # bytes, from which the layout is told
MOST_PARTS = 4  # that are put together if a quoted cell does not end


def is_text(path: Path) -> bool:
    """Whether it is a file of delimited text by its name, and so can be read in parts."""
    return path.suffix.lower() in KINDS


def spill_delimited(path: Path, folder: Path, part_bytes: int, no_header: bool = False) -> ParquetTable:
    """The cells of a file as :func:`~backtalk.apps.tables.reading.delimited.read_delimited` gives them, in a folder."""
    layout, file = _layout_of(path, no_header), str(path)
    said, encodings, names = list(layout.said), set(), None
    with closing(parts_of(path, part_bytes, layout.separator)) as parts:  # by us, so that Ctrl-C is no traceback
        for number, (before, raw) in enumerate(parts):
            content, more = as_utf8(raw, file, before)
            encodings.add("" if content.isascii() else "UTF-8" if not more else "Windows-1252")
            if len(encodings - {""}) > 1:
                raise FileFormatError(
                    f"is partly in UTF-8 and partly in another encoding (from line {before + 1} on): save it as UTF-8.",
                    file=file,
                )
            here = replace(layout, above=0 if number else layout.above)
            frame, others = read_lines(ended(content), here, file, before)
            said += [*more, *others]
            names = names or frame.columns
            if frame.columns != names:
                raise FileFormatError(
                    f"has no name for a column that holds something from line {before + 1} on: name it.", file=file
                )
            if frame.height:
                frame.write_parquet(folder / f"{number:08}.parquet", row_group_size=frame.height, compression="lz4")
    if not any(folder.iterdir()):
        raise FileFormatError(
            "has the names of columns but no rows: add them below, or export the table anew.", file=file
        )
    table = ParquetTable(folder)
    table.named, table.said, table.decimal_comma = path, said, layout.decimal_comma
    return table


def _layout_of(path: Path, no_header: bool) -> Layout:
    require_ordinary(path)
    with naming(path), path.open("rb") as file:
        beginning = file.read(BEGINNING)
        is_whole = not file.read(1)
    if not beginning.strip():
        raise FileFormatError(
            "is empty, expected a line of column names and rows below it: export the table anew.", file=path
        )
    if b"\0" in beginning:
        raise InputError(
            f"{path} does not fit into memory, and is not text in UTF-8, which can be read in parts: save it as UTF-8, "
            "or give more --memory."
        )
    whole = beginning if is_whole else beginning[: _last_end(beginning)]
    return layout_of(ended(as_utf8(whole or beginning, str(path))[0]), str(path), no_header)


def parts_of(path: Path, size: int, separator: str) -> Generator[tuple[int, bytes], None, None]:
    """Some ``size`` bytes of lines at a time, and how many lines stand above them.

    A line break within quotes ends no line.
    """
    with naming(path), path.open("rb") as file:
        before, left = 0, b""
        while block := file.read(size):
            left += block
            end = end_of_lines(left, separator)
            if end == 0 and len(left) < MOST_PARTS * size:
                continue
            part, left = (left[:end], left[end:]) if end else (left, b"")
            yield before, part
            before += _lines(part)
        if left:
            yield before, left


def end_of_lines(content: bytes, separator: str) -> int:
    """How many bytes the lines have that end in some content, which begins with a line; 0 if none does.

    >>> end_of_lines(b'1,2\\n3,"a\\nb"\\n4,"c\\n', ",")
    12
    """
    last = _last_end(content)
    if b'"' not in content:
        return last
    at = end = 0

    def lines() -> Iterator[str]:
        nonlocal at
        for line in io.StringIO(content[:last].decode("latin-1"), newline=""):  # a letter for each byte
            at += len(line)
            yield line

    try:
        for _ in csv.reader(lines(), delimiter=separator, strict=True, skipinitialspace=True):
            end = at
    except csv.Error:  # a cell that does not end here; what is wrong in itself is said by who reads it
        pass
    return end


def _last_end(content: bytes) -> int:
    """How many bytes there are up to the last line end; a carriage return at the very end may be half of one."""
    return max(content.rfind(b"\n"), content.rfind(b"\r", 0, len(content) - 1)) + 1


def _lines(content: bytes) -> int:
    return content.count(b"\n") + (content.count(b"\r") - content.count(b"\r\n") if b"\r" in content else 0)
