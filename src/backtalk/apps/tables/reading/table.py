"""A table that was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True, slots=True, eq=False)
class TableInMemory:
    """A table that was read, as :class:`~backtalk.apps.tables.reading.parquet.ParquetTable` is read in parts.

    ``said``: what there is to say of how it was read, in sentences. ``decimal_comma``: whether numbers that can be read
    with a decimal comma and without have one, as between semicolons. ``index_columns``: those that pandas wrote as its
    index.
    """

    frame: pl.DataFrame
    said: list[str] = field(default_factory=list)
    decimal_comma: bool = False
    index_columns: frozenset[str] = frozenset()

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
        part = self.frame if (first, last) == (0, self.height) else self.frame.slice(first, last - first)
        return part if list(names) == part.columns else part.select(names)
