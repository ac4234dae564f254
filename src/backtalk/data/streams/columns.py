"""Columns of Parquet files: what they hold, and how they become numbers. The one module that knows pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.files import require_ordinary
from ...errors import FileFormatError, InputError, MissingLibraryError, first_line

NUMBER, WHOLE, TEXT = "numbers", "whole numbers", "text"
READ_AHEAD = 2**14  # bytes of a column that are read at a time; without it a whole row group is in memory


@dataclass(frozen=True, slots=True, eq=False)
class ParquetFile:
    """A file: its ``metadata``, and of each column whether it holds numbers, whole numbers, text or something else."""

    path: Path
    metadata: Any
    kinds: dict[str, str]

    @classmethod
    def open(cls, path: Path) -> ParquetFile:
        """Read the footer of a file."""
        parquet = _parquet()
        require_ordinary(path)
        try:
            metadata = parquet.read_metadata(path)
            schema = metadata.schema.to_arrow_schema()
        except _unreadable() as error:
            if isinstance(error, FileNotFoundError | PermissionError):
                raise
            raise FileFormatError(f"{path} is not a Parquet file, or is damaged ({first_line(error)}).") from None
        return cls(path, metadata, {field.name: _kind(field.type) for field in schema})

    def batches(self, group: int, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """A row group, ``rows`` at a time, as record batches of some columns."""
        parquet = _parquet()
        try:
            file = parquet.ParquetFile(self.path, metadata=self.metadata, buffer_size=READ_AHEAD, pre_buffer=False)
            with file:
                yield from file.iter_batches(rows, row_groups=[group], columns=list(columns), use_threads=True)
        except _unreadable() as error:
            if isinstance(error, InputError):
                raise
            raise FileFormatError(
                f"{self.path} cannot be read ({first_line(error)}): it is damaged, or changed."
            ) from None

    def groups(self) -> Iterator[tuple[int, int, int]]:
        """Of each row group its number, how many rows it has, and the row of the file at which it begins."""
        first = 0
        for number in range(self.metadata.num_row_groups):
            rows = self.metadata.row_group(number).num_rows
            yield number, rows, first
            first += rows

    def bytes_of(self, group: int) -> tuple[int, int]:
        """Where a row group begins in the file, and how many bytes it has."""
        group_data = self.metadata.row_group(group)
        chunk = group_data.column(0)
        first = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
        return first, sum(group_data.column(j).total_compressed_size for j in range(group_data.num_columns))


def numbers(column: Any) -> np.ndarray:
    """A column of numbers, without missing values, as an array."""
    import pyarrow

    if pyarrow.types.is_decimal(column.type):
        column = column.cast(pyarrow.float64())
    return column.to_numpy(zero_copy_only=False)


def matrix(batch: Any, columns: Sequence[str], dtype: np.dtype[Any]) -> np.ndarray:
    """Columns of numbers, without missing values, as an array that lies row by row."""
    chosen = [batch.column(name) for name in columns]
    rows = np.empty((batch.num_rows, len(columns)), dtype)
    if all(str(column.type) == {"float32": "float", "float64": "double"}[dtype.name] for column in chosen):
        rows[...] = batch.select(list(columns)).to_tensor(row_major=False).to_numpy()  # several times as fast
    else:
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then is refused by its place
            for j, column in enumerate(chosen):
                rows[:, j] = numbers(column)
    return rows


def first_missing(column: Any) -> int | None:
    """The first row without a value."""
    if not column.null_count:
        return None
    return int(column.is_null().to_numpy(zero_copy_only=False).argmax())


def distinct(column: Any) -> list[Any]:
    """The values that occur."""
    return column.unique().to_pylist()


def encode(column: Any, classes: Sequence[str]) -> np.ndarray:
    """The place of each value in ``classes``, as whole numbers; −1 where it is not among them."""
    import pyarrow
    import pyarrow.compute

    index_in: Any = pyarrow.compute.index_in  # pyright: ignore[reportAttributeAccessIssue]  # made at run time
    places = index_in(column.cast(pyarrow.string()), pyarrow.array(classes, pyarrow.string()))
    return places.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _kind(kind: Any) -> str:
    from pyarrow import types

    if types.is_integer(kind) or types.is_boolean(kind):
        return WHOLE
    if types.is_floating(kind) or types.is_decimal(kind):
        return NUMBER
    inner = kind.value_type if types.is_dictionary(kind) else kind
    return TEXT if types.is_string(inner) or types.is_large_string(inner) else str(kind)


def _unreadable() -> tuple[type[Exception], ...]:
    """What pyarrow raises over a damaged file: some of it is no ValueError."""
    import pyarrow

    return OSError, ValueError, pyarrow.ArrowException


def _parquet() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingLibraryError(
            "Parquet files are read by pyarrow, which is not installed: pip install 'backtalk[data]'."
        ) from None
    return parquet
