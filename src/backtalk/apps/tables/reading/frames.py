"""Data frames of other libraries, taken instead of a file."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import polars as pl

from ....data.names import first_repeated
from ....errors import FileFormatError, InputError, InputTypeError, MissingLibraryError, first_line, quoted
from .typed import ADDED

ROWS_AT_A_TIME = 50_000  # of a frame whose content is digested


def as_frame(table: Any) -> tuple[pl.DataFrame, list[str]]:
    """A frame of polars, pandas or pyarrow, or of what else gives Arrow's stream; and what there is to say of it.

    Raises :class:`~backtalk.errors.InputTypeError` for anything else.
    """
    if isinstance(table, pl.LazyFrame):
        return table.collect(), []
    if isinstance(table, pl.DataFrame):
        return table, []
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(table, pandas.DataFrame):
        return _from_pandas(table, pandas)
    if not hasattr(table, "__arrow_c_stream__"):
        raise InputTypeError(
            f"is of the type {type(table).__name__}, expected the name of a file, or a data frame of polars, "
            "pandas or pyarrow.",
            argument="table",
        )
    try:
        return pl.DataFrame(table), []
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise FileFormatError(f"table cannot be read as a data frame ({first_line(error)}).") from None


def _from_pandas(table: Any, pandas: Any) -> tuple[pl.DataFrame, list[str]]:
    names = [str(name) for name in table.columns]
    if (twice := first_repeated(names)) is not None:
        raise InputError(f"has two columns named {quoted(twice)}: rename one of them.", argument="table")
    frame = pl.DataFrame([_cells(name, table.iloc[:, place], pandas) for place, name in enumerate(names)])
    if isinstance(table.index, pandas.RangeIndex):
        return frame, []
    index = [quoted(str(name)) for name in table.index.names if name is not None]
    what = f"the index {', '.join(index)}" if index else "the index of the data frame"
    return frame, [f"{what} is not read: reset_index() makes columns of it."]


def _cells(name: str, cells: Any, pandas: Any) -> pl.Series:
    try:
        found = pl.from_pandas(cells).alias(name)
        if not isinstance(found.dtype, ADDED):
            return found
    except ImportError:
        raise MissingLibraryError(
            "A data frame of pandas with text needs pyarrow: pip install 'backtalk[data]', or give a polars.DataFrame."
        ) from None
    except Exception:  # pyarrow's own errors, for cells of several kinds
        pass
    missing = [bool(each) for each in pandas.isna(cells)]  # cells of several kinds, periods or intervals: as text
    return pl.Series(name, [None if gone else str(cell) for cell, gone in zip(cells, missing, strict=True)])


def frame_digest(frame: pl.DataFrame) -> str:
    """SHA-256 of the columns' names and kinds and of all cells."""
    sums = hashlib.sha256(repr(list(frame.schema.items())).encode())
    for part in frame.iter_slices(ROWS_AT_A_TIME):
        sums.update(part.write_csv(include_header=False).encode())
    return sums.hexdigest()
