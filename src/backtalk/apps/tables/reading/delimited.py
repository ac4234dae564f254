"""Delimited text, such as CSV, to data frames; what is wrong with it, in a sentence."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import numpy as np
import polars as pl

from ....data.names import require_names
from ....errors import FileFormatError, is_no_memory
from .encodings import as_utf8
from .faults import unreadable_text
from .layout import UNNAMED, Layout, by_tabs, layout_of
from .table import TableInMemory
from .typed import stripped

BLOCK = 2**24  # bytes whose lines are counted at a time


def read_delimited(content: bytes, file: str, no_header: bool = False) -> TableInMemory:
    """The cells as text without blanks around them, null if nothing is left.

    Raises :class:`~backtalk.errors.FileFormatError` naming ``file``, the line and what is wrong with it.
    ``no_header``: the first line is a row.
    """
    if not content or content.isspace():
        raise FileFormatError(
            "is empty, expected a line of column names and rows below it: export the table anew.", file=file
        )
    content, said = as_utf8(content, file)
    content = ended(content)
    layout = layout_of(content, file, no_header)
    if len(layout.names) == 1 and b" " in content and (tabbed := by_tabs(content, no_header)) is not None:
        content, said = tabbed, [*said, "its columns are separated by blanks."]
        layout = layout_of(content, file, no_header)
    frame, more = read_lines(content, layout, file)
    return TableInMemory(frame, [*said, *layout.said, *more], decimal_comma=layout.decimal_comma)


def read_lines(content: bytes, layout: Layout, file: str, before: int = 0) -> tuple[pl.DataFrame, list[str]]:
    """The cells, and what there is to say, of text in UTF-8 whose layout is known.

    ``before``: physical lines of the file above it.
    """
    try:
        frame = _Body(content, layout, file, before).frame()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise unreadable_text(error, file) from None
    return _named(frame.select(stripped(pl.all())), layout.names, file)


def ended(content: bytes) -> bytes:
    """With one line end behind the last line."""
    if not content.endswith(b"\n") or content.endswith(b"\n\n"):
        return content.rstrip(b"\n\x1a") + b"\n"  # the last is how files ended under DOS
    return content


def _named(frame: pl.DataFrame, names: list[str], file: str) -> tuple[pl.DataFrame, list[str]]:
    """With the names of its columns, and without columns that have neither a name nor a cell, or rows of names."""
    empty = {place for place, name in enumerate(names) if not name and frame.to_series(place).is_null().all()}
    kept = [place for place in range(len(names)) if place not in empty]
    names = [names[place] or (UNNAMED if place == 0 and len(kept) > 1 else "") for place in kept]
    require_names(names, file)
    frame = frame.select(pl.nth(place).alias(name) for place, name in zip(kept, names, strict=True))
    if not (frame.to_series(0) == names[0]).any():
        return frame, []
    repeated = frame.select(pl.all_horizontal(pl.col(name).eq_missing(name) for name in names)).to_series()
    count = int(repeated.sum())
    rows = "row that repeats" if count == 1 else "rows that repeat"
    return frame.filter(~repeated), [f"left out: {count} {rows} the names of the columns."] if count else []


class _Body:
    """The lines below the names, each of which has as many cells as there are names, or none."""

    def __init__(self, content: bytes, layout: Layout, file: str, before: int) -> None:
        start = 0
        for _ in range(layout.above):
            start = content.find(b"\n", start) + 1
        self.content, self.above, self.file = content[start:], before + layout.above, file
        self.separator, self.quote, self.width = layout.separator, layout.quote, len(layout.names)
        self.schema = {str(place): pl.String for place in range(self.width)}

    def frame(self) -> pl.DataFrame:
        """The cells as text; refuses a line that has more or fewer than the first, and skips empty lines."""
        if self.quote.encode() not in self.content:
            self._require_even()
            has_empty = b"\n\n" in self.content or self.content.startswith(b"\n")
            return self._by_polars(re.sub(rb"\n\n+", b"\n", self.content).lstrip(b"\n") if has_empty else self.content)
        text = self.content.decode()
        try:
            count = self._count(text)
        except csv.Error:
            text = re.sub(
                rf"(?<={self.quote})[ ]+(?=[{re.escape(self.separator)}\n])", "", text
            )  # blanks behind a quoted cell
            count = self._count_or_refuse(text)
        try:
            frame = pl.DataFrame() if self._has_blanks_before_quotes() else self._by_polars(text.encode())
        except pl.exceptions.PolarsError as error:  # a quote within a cell, as in 5" of pipe
            if is_no_memory(error):
                raise
            frame = pl.DataFrame()
        if frame.height != count:  # so does an empty line, which is a row to polars
            rows = list(filter(None, self._rows(text)))
            frame = pl.DataFrame(rows, schema=self.schema, orient="row")
        return frame

    def _require_even(self) -> None:
        """Without quotes each separator and each line end counts, and NumPy counts faster."""
        line = self.above
        for block in self._blocks():
            raw = np.frombuffer(block, np.uint8)
            ends = np.flatnonzero(raw == ord("\n"))
            counts = np.diff(np.searchsorted(np.flatnonzero(raw == ord(self.separator)), ends), prepend=0)
            empty = np.diff(ends, prepend=-1) == 1
            if (wrong := (counts != self.width - 1) & ~empty).any():
                place = int(wrong.argmax())
                self._refuse(line + place + 1, int(counts[place]) + 1)
            line += len(ends)

    def _blocks(self) -> Iterator[memoryview]:
        """The content in parts that end with a line."""
        whole, start = memoryview(self.content), 0
        while start < len(whole):
            end = self.content.find(b"\n", start + BLOCK) + 1 or len(whole)
            yield whole[start:end]
            start = end

    def _rows(self, text: str) -> Iterator[list[str]]:
        lines = io.StringIO(text, newline="")
        return csv.reader(lines, delimiter=self.separator, quotechar=self.quote, strict=True, skipinitialspace=True)

    def _count(self, text: str) -> int:
        """How many rows there are."""
        reader, count, before = self._rows(text), 0, 0
        for row in reader:
            count += bool(row)
            if row and len(row) != self.width:
                self._refuse(self.above + before + 1, len(row))
            before = reader.line_num  # pyright: ignore[reportAttributeAccessIssue]
        return count

    def _count_or_refuse(self, text: str) -> int:
        try:
            return self._count(text)
        except csv.Error as error:
            raise FileFormatError(f"cannot be read as CSV ({error}).", file=self.file) from None

    def _has_blanks_before_quotes(self) -> bool:
        quote = f" {self.quote}".encode()
        found = [each + quote in self.content for each in (self.separator.encode(), b"\n")]
        return any(found) or self.content.startswith(quote)

    def _by_polars(self, content: bytes) -> pl.DataFrame:
        if not content:  # which some versions of polars refuse
            return pl.DataFrame(schema=self.schema)
        return pl.read_csv(
            content, separator=self.separator, has_header=False, schema=self.schema, quote_char=self.quote, glob=False
        )

    def _refuse(self, line: int, cells: int) -> None:
        found = "1 cell" if cells == 1 else f"{cells} cells"
        raise FileFormatError(
            f"has {found} in line {line}, expected {self.width}, as in its first line.", file=self.file
        )
