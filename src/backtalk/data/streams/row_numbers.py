"""Which columns of Parquet files hold row numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from .columns import WHOLE, ParquetFile, first_missing, numbers

FEWEST = 10  # rows: below that, 1 to N may well be measured
ROWS = 2**16  # that are read at a time
INDEX = re.compile(r"unnamed: ?0([._].*)?|__index_level_\d+__|level_0", re.IGNORECASE)  # as pandas names it


def are_row_numbers(files: Sequence[ParquetFile], name: str) -> bool:
    """Whether a column is the index that pandas wrote, or counts the rows, through all files or in each anew."""
    if any(file.kinds.get(name) != WHOLE for file in files):
        return False
    if INDEX.fullmatch(name) or all(name in _index_columns(file) for file in files):
        return True
    total = sum(file.metadata.num_rows for file in files)
    if total < FEWEST:
        return False
    before = 0
    for file in files:
        if not any(_counts(file, name, first) for first in {0, 1, before, before + 1}):
            return False
        before += file.metadata.num_rows
    return True


def _index_columns(file: ParquetFile) -> list[str]:
    """The columns that pandas names as its index, beside the schema."""
    try:
        return list(json.loads((file.metadata.metadata or {})[b"pandas"])["index_columns"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return []


def _counts(file: ParquetFile, name: str, first: int) -> bool:
    """Whether a column is ``first``, ``first`` + 1, … from row to row; it is read as far as it is so."""
    for group, _, begins in file.groups():
        for batch in file.batches(group, [name], ROWS):
            column = batch.column(name)
            if first_missing(column) is not None:
                return False
            values = numbers(column)
            if values.dtype.kind not in "iu" or not np.array_equal(
                values, np.arange(first + begins, first + begins + len(values))
            ):
                return False
            begins += len(values)
    return True
