"""Parquet files, of which the columns and the rows that are asked for are read, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import polars as pl

from ....errors import FileFormatError
from .faults import POLARS, unreadable
from .footer import unpacked_bytes
from .kinds import PARQUET
from .limits import most_unpacked, require_moderate
from .origins import files_of
from .typed import plain_columns, require_flat, with_text


class ParquetTable:
    """A .parquet file, or a folder of .parquet files with the same columns, which follow each other by their names.

    ``most_bytes``: what is read at a time may unpack to so many, by default to 256 MB and 1000 times the files' size:
    a text that all rows share is stored once, but each row that is understood has it.

    Raises ``OSError``, and :class:`~backtalk.errors.FileFormatError` naming the file and what is wrong with it.
    """

    path: Path
    named: Path
    said: list[str]
    decimal_comma: bool
    schema: pl.Schema

    def __init__(self, path: Path, most_bytes: int | None = None) -> None:
        self.path, files = path, files_of(path)
        if not files:
            raise FileFormatError("is a folder without .parquet files, expected some.", file=path)
        for file in files:
            with file.open("rb"):
                pass
        self._first = files[0]
        self.named = files[0].parent if len(files) > 1 else files[0]
        self._most_bytes = most_bytes or most_unpacked(sum(file.stat().st_size for file in files))
        self._require_moderate(sum(map(unpacked_bytes, files)))
        self.said = []
        self.decimal_comma = False
        try:
            self._lazy = pl.scan_parquet(files)
            self.schema = self._lazy.collect_schema()
        except POLARS as error:
            raise unreadable(error, self.named) from None
        require_flat(self.schema, files[0])

    @cached_property
    def height(self) -> int:
        """How many rows there are; what the files say of themselves is read for it."""
        return self._collect(self._lazy.select(pl.len())).item()

    @cached_property
    def index_columns(self) -> frozenset[str]:
        """The columns that pandas wrote as its index, by what it wrote beside the schema."""
        try:
            written = json.loads(pl.read_parquet_metadata(self._first).get("pandas", "{}"))
            return frozenset(name for name in written["index_columns"] if isinstance(name, str))
        except (*POLARS, AttributeError, KeyError, TypeError, ValueError, RecursionError):
            return frozenset()

    def columns(self, names: Sequence[str] | None = None) -> pl.DataFrame:
        """All rows of these columns, or of all."""
        self._require_moderate(8 * self.height * len(self.schema if names is None else names))
        return self._measured(self._collect(self._lazy.select(plain_columns(self.schema, names))))

    def rows(self, first: int, last: int, names: Sequence[str]) -> pl.DataFrame:
        """Rows ``first`` … ``last`` − 1 of these columns: of the files, the groups of rows in which they lie."""
        self._require_moderate(8 * (last - first) * len(names))
        return self._measured(
            self._collect(self._lazy.slice(first, last - first).select(plain_columns(self.schema, names)))
        )

    def widths(self) -> dict[str, float]:
        """Of each column, the bytes of a cell's text on average; 8 of a number or a date."""
        texts = [name for name, kind in self.schema.items() if kind == pl.String]
        sums = [pl.col(name).str.len_bytes().cast(pl.UInt64).sum() for name in texts]
        try:
            found = self._lazy.select(sums).collect(engine="streaming") if texts else pl.DataFrame()
        except POLARS as error:
            raise unreadable(error, self.named) from None
        return {name: (found[name].item() / max(1, self.height) if name in texts else 8.0) for name in self.schema}

    def _measured(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The same, in which texts still share their letters; refused if these are too many once each has its own."""
        count = 8 * frame.height * frame.width
        for cells in frame:
            if cells.dtype in (pl.String, pl.Categorical):
                lengths = cells.str.len_bytes() if cells.dtype == pl.String else cells.cat.len_bytes()
                count += int(lengths.cast(pl.UInt64).sum())  # the sum of 32 bits holds no more than 4 GB
        self._require_moderate(count)
        return with_text(frame)

    def _require_moderate(self, count: int) -> None:
        require_moderate(count, self._most_bytes, self.named)

    def _collect(self, lazy: pl.LazyFrame) -> pl.DataFrame:
        try:
            return lazy.collect()
        except POLARS as error:
            raise unreadable(error, self.named) from None


def is_parquet(path: Path) -> bool:
    """Whether it is a Parquet file by its name, or a folder."""
    return path.is_dir() or path.suffix.lower() in PARQUET
