"""``ParquetFiles``: data in a Parquet file, or in a folder of them, of which a part at a time is read."""

from __future__ import annotations

import os
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...core.network import Network
from ...distributed import ALONE, Group
from ...errors import FileFormatError, InputError, InputTypeError, first_line, quoted, unknown_name
from ..names import first_repeated
from ..sources import Stream
from .arrays import MemoryMapped
from .columns import NUMBER, TEXT, WHOLE, ParquetFile, distinct, encode, first_missing, matrix, numbers
from .drawing import Block
from .row_numbers import are_row_numbers
from .rows import SAMPLE, ask_for
from .source import BUFFER_BYTES, Rows, TableSource, require_buffer

BLOCKS_IN_BUFFER = 16  # that are mixed in it, or more where row groups are smaller
LANE_BYTES = 2**27  # of all row groups that are open at a time
COLUMN_BYTES = 2**21  # of one column of an open row group: a page and a dictionary of about 1 MiB each
DECODED_BYTES = 2**24  # of X that are decoded at a time: pyarrow takes some time for each column of each
MOST_LANES = 8
ROWS_OF_TARGETS = 2**16  # of y in one reading


class RowGroup(NamedTuple):
    """A row group that holds ``rows``, of which the first is row ``first`` of the file."""

    file: ParquetFile
    number: int
    rows: int
    first: int


class ParquetFiles(Stream):
    """Columns of a Parquet file, or of all ``*.parquet`` files of a folder, read during training.

    ``target``: the column that is y; or a list of columns of numbers, for several outputs. Text is numbered 0 … k−1
    in sorted order. ``columns``: those that are X, in this order; by default all except y, the weights and row numbers,
    which a warning names. They must hold numbers, without missing values. ``sample_weight``: a column. Row groups come
    in random order, and the rows in a buffer of ``buffer_bytes`` of X are shuffled; row groups of some thousand rows
    mix best.

    ``count`` is N, ``inputs`` n_0, ``columns`` the names of the columns of X, ``left_out`` those of row numbers: the
    index of pandas, and 0 … N−1 or 1 … N in row order, of 10 rows or more. ``classes``: the sorted values of y, if
    it holds text or whole numbers; None for other numbers. It takes a pass over y, once.

    Needs pyarrow. Raises :class:`~backtalk.errors.MissingLibraryError` without it,
    :class:`~backtalk.errors.FileFormatError` for a file that is not Parquet, and
    :class:`~backtalk.errors.InputError` for columns that are missing, differ between files, or hold no numbers.

    >>> import tempfile
    >>> import pyarrow.parquet
    >>> from backtalk import Network, fit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = pyarrow.table({"width": [0.0, 1.0], "height": [1.0, 0.0], "kind": ["tall", "wide"]})
    ...     pyarrow.parquet.write_table(table, folder + "/boxes.parquet")
    ...     data = ParquetFiles(folder + "/boxes.parquet", target="kind")
    ...     training = fit(Network.create([data.inputs, 2], rng=0), data, epochs=3, rng=0)
    ...     print(data.count, data.columns, data.classes, training.reason)
    2 ('width', 'height') ('tall', 'wide') epochs
    """

    buffer_bytes: int
    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    inputs: int
    count: int

    def __init__(
        self,
        path: str | os.PathLike[str],
        target: str | Sequence[str] = "y",
        columns: Sequence[str] | None = None,
        sample_weight: str | None = None,
        *,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        self.buffer_bytes = require_buffer(buffer_bytes)
        self._path = Path(path)
        self._files = [ParquetFile.open(each) for each in _paths(self._path)]
        self._targets = [target] if isinstance(target, str) else list(target)
        self._one = isinstance(target, str)
        self._weight = sample_weight
        kinds = self._files[0].kinds
        besides = [*self._targets, *([] if sample_weight is None else [sample_weight])]
        if isinstance(columns, str):
            raise InputTypeError(f"columns is {columns!r}, expected a list of names.")
        self.columns = tuple(name for name in kinds if name not in besides) if columns is None else tuple(columns)
        self.left_out = ()
        if columns is None:
            self._leave_out_row_numbers()
        self._check(besides)
        self._text = self._one and kinds[self._targets[0]] == TEXT
        self._groups = [RowGroup(file, *each) for file in self._files for each in file.groups() if each[1]]
        self.inputs, self.count = len(self.columns), sum(group.rows for group in self._groups)
        if self.count == 0:
            raise InputError(f"{path} has no rows, expected at least one example.")

    def _leave_out_row_numbers(self) -> None:
        """Row numbers are no measurements: the index of pandas, and what is 0 … N−1 or 1 … N in row order."""
        found = tuple(name for name in self.columns if are_row_numbers(self._files, name))
        if not found or len(found) == len(self.columns):
            return
        self.left_out, self.columns = found, tuple(name for name in self.columns if name not in found)
        names, them = ", ".join(map(quoted, found)), "them" if len(found) > 1 else "it"
        warnings.warn(
            f"{self._path}: left out the row numbers {names}; name the columns with columns=[…] to take {them}.",
            stacklevel=3,
        )

    def _check(self, besides: list[str]) -> None:
        """Refuse columns that are missing, given twice, or hold no numbers."""
        if not self._targets or not self.columns:
            raise InputError(f"{'columns' if self._targets else 'target'} is empty, expected at least one column.")
        both = [name for name in self.columns if name in besides]
        if both:
            raise InputError(f"columns holds {quoted(both[0])}, which is the target or the weight: leave it out.")
        arguments = [
            ("target", self._targets),
            ("columns", self.columns),
            ("sample_weight", besides[len(self._targets) :]),
        ]
        for argument, names in arguments:
            if (twice := first_repeated(names)) is not None and twice in self._files[0].kinds:
                raise InputError(f"{argument} names {quoted(twice)} twice.")
            for name in names:
                if name not in self._files[0].kinds:
                    raise unknown_name(argument, name, self._files[0].kinds)
                may_be_text = argument == "target" and self._one
                for file in self._files:
                    found, expected = file.kinds.get(name), self._files[0].kinds[name]
                    if found not in (NUMBER, WHOLE, *([TEXT] if may_be_text else [])):
                        held = "is missing" if found is None else f"holds {found}"
                        raise InputError(f"column {quoted(name)} {held} in {file.path}: {_HINTS[argument]}.")
                    if argument == "target" and found != expected:
                        raise InputError(
                            f"column {quoted(name)} holds {found} in {file.path}, but {expected} in "
                            f"{self._files[0].path}: expected the same in every file."
                        )

    def __repr__(self) -> str:
        return (
            f"ParquetFiles({str(self._path)!r}: {self.count} rows of {self.inputs} columns, {len(self._files)} files)"
        )

    @cached_property
    def classes(self) -> tuple[Any, ...] | None:
        """The sorted values of y; None if they are no classes."""
        if not self._one or self._files[0].kinds[self._targets[0]] == NUMBER:
            return None
        found: set[Any] = set()
        for group in self._groups:
            first = group.first
            for batch in group.file.batches(group.number, self._targets, ROWS_OF_TARGETS):
                column = batch.column(self._targets[0])
                _refuse_missing(column, self._targets[0], group.file, first)
                try:
                    found.update(distinct(column))
                except ValueError as error:  # text that is none
                    raise FileFormatError(
                        f"{group.file.path} cannot be read ({first_line(error)}): it is damaged."
                    ) from None
                first += batch.num_rows
        return tuple(sorted(found))

    def to_npy(self, folder: str | os.PathLike[str], dtype: Any = "float32") -> MemoryMapped:
        """The same data as ``X.npy``, ``y.npy`` and, with weights, ``sample_weight.npy`` in a folder, which is made.

        Parquet is decoded again in each epoch, but these files are read as they are: they are faster from the second
        epoch on, and take room on the disk. Text in y is numbered as in ``classes``. A file of one of these names is
        replaced once its successor is complete.
        """
        folder, kind = Path(folder), np.dtype(dtype)
        folder.mkdir(parents=True, exist_ok=True)
        header = {"descr": kind.str, "fortran_order": False, "shape": (self.count, self.inputs)}
        y, weights = [], []
        unfinished = folder / "X.npy.part"
        with unfinished.open("wb") as file:
            np.lib.format.write_array_header_2_0(file, header)
            for number in range(len(self._groups)):
                for piece in self.decoded(number, kind):
                    piece.X.tofile(file)
                    y.append(piece.y)
                    weights.append(piece.weight)
        unfinished.replace(folder / "X.npy")
        np.save(folder / "y.npy", np.concatenate(y))
        weight = None if self._weight is None else folder / "sample_weight.npy"
        if weight is not None:
            np.save(weight, np.concatenate(weights))
        return MemoryMapped(folder / "X.npy", folder / "y.npy", weight, buffer_bytes=self.buffer_bytes)

    def source(self, network: Network, takes_labels: bool, class_weight: Any, group: Group = ALONE) -> TableSource:
        sizes = self.buffer_bytes, BLOCKS_IN_BUFFER
        return TableSource(self, network, takes_labels, class_weight, *sizes, group=group)

    def groups(self, block_rows: int) -> list[int]:
        """The rows of each row group."""
        return [group.rows for group in self._groups]

    def lanes(self, block_rows: int) -> int:
        """As many row groups as fit into LANE_BYTES: pyarrow takes three times a small one, and a part is decoded."""
        largest = max(each.file.metadata.row_group(each.number).total_byte_size for each in self._groups)
        bytes_of_one = min(3 * largest, COLUMN_BYTES * self.inputs) + min(largest, DECODED_BYTES)
        return max(1, min(MOST_LANES, LANE_BYTES // bytes_of_one))

    def reader(self, block_rows: int, dtype: np.dtype[Any]) -> _Reader:
        """A reader of the blocks of an epoch."""
        return _Reader(self, dtype)

    def group(self, number: int) -> RowGroup:
        """One of the row groups of all files."""
        return self._groups[number]

    def decoded(self, number: int, dtype: np.dtype[Any]) -> Iterator[_Decoded]:
        """A row group, some rows at a time."""
        file, group, _, begins = self._groups[number]
        names = [*self.columns, *self._targets, *([] if self._weight is None else [self._weight])]
        first = 0
        for batch in file.batches(group, names, max(1, DECODED_BYTES // (dtype.itemsize * self.inputs))):
            for name in self.columns:
                _refuse_missing(batch.column(name), name, file, begins + first)
            y, weight = self._target_of(batch, file, begins + first), self._weight_of(batch, file, begins + first)
            yield _Decoded(first, matrix(batch, self.columns, dtype), y, weight)
            first += batch.num_rows

    def targets(self) -> Iterator[np.ndarray]:
        """All of y, row group by row group."""
        for group in self._groups:
            first = group.first
            for batch in group.file.batches(group.number, self._targets, ROWS_OF_TARGETS):
                yield self._target_of(batch, group.file, first)
                first += batch.num_rows

    def _target_of(self, batch: Any, file: ParquetFile, first: int) -> np.ndarray:
        """y of a batch, whose first row is row ``first`` of the file."""
        parts = []
        for name in self._targets:
            column = batch.column(name)
            _refuse_missing(column, name, file, first)
            if self._text:
                assert self.classes is not None
                parts.append(encode(column, self.classes))
                if (parts[-1] < 0).any():
                    raise InputError(
                        f"{file.path} has changed: column {quoted(name)} holds a class that it did not hold."
                    )
            else:
                values = numbers(column)
                parts.append(values.astype(np.int64) if values.dtype.kind in "bui" else values)
        return parts[0] if self._one else np.stack(parts, axis=1)

    def _weight_of(self, batch: Any, file: ParquetFile, first: int) -> np.ndarray | None:
        """The weights of a batch."""
        if self._weight is None:
            return None
        column = batch.column(self._weight)
        _refuse_missing(column, self._weight, file, first)
        return numbers(column)

    def place(self, group: int, row: int, block_rows: int, column: int | None = None) -> str:
        """The place of a row, or of a value in a column, in words."""
        there = self._groups[group]
        rest = "" if column is None else f", column {quoted(self.columns[column])}"
        return f"row {there.first + row}{rest} of {there.file.path}"

    def fingerprint(self) -> str:
        """A text that differs if the data do."""
        asked = zlib.crc32(repr((self._targets, self.columns, self._weight)).encode())
        files = [f"{file.path.name} {file.path.stat().st_size} {_ends(file.path):08x}" for file in self._files]
        return f"{self.count} rows, {asked:08x}; {len(files)} files, {zlib.crc32(' '.join(files).encode()):08x}"


class _Decoded(NamedTuple):
    """Rows of a row group, from its row ``first`` on."""

    first: int
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None


class _Reader:
    """Reads each row group from its first row to its last; several may be open."""

    table: ParquetFiles
    dtype: np.dtype
    open: dict[int, tuple[Iterator[_Decoded], _Decoded]]

    def __init__(self, table: ParquetFiles, dtype: np.dtype[Any]) -> None:
        self.table, self.dtype = table, dtype
        self.open = {}

    def read(self, block: Block, X: np.ndarray) -> Rows:
        first, count, targets, weights = block.first, block.rows, [], []
        for piece in self._pieces(block):
            at = slice(first - piece.first, first - piece.first + count)
            X[block.rows - count : block.rows - count + len(piece.X[at])] = piece.X[at]
            targets.append(piece.y[at])
            weights.append(None if piece.weight is None else piece.weight[at])
            first, count = first + len(targets[-1]), count - len(targets[-1])
        if first == self.table.group(block.group).rows:
            self.open.pop(block.group)[0].close()  # pyright: ignore[reportAttributeAccessIssue]  # a generator
        return Rows(np.concatenate(targets), None if weights[0] is None else np.concatenate(weights))

    def _pieces(self, block: Block) -> Iterator[_Decoded]:
        """What holds the rows of a block, in order."""
        if block.group not in self.open:
            decoded = self.table.decoded(block.group, self.dtype)
            self.open[block.group] = decoded, self._next(decoded, block)
        decoded, piece = self.open[block.group]
        while (ends := piece.first + len(piece.X)) < block.first + block.rows:
            if ends > block.first:
                yield piece
            piece = self._next(decoded, block)
            self.open[block.group] = decoded, piece
        yield piece

    def _next(self, decoded: Iterator[_Decoded], block: Block) -> _Decoded:
        if (piece := next(decoded, None)) is None:
            path = self.table.group(block.group).file.path
            raise FileFormatError(f"{path} holds fewer rows than it says: it is damaged.")
        return piece

    def expect(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            if block.first == 0:
                group = self.table.group(block.group)
                ask_for(group.file.path, *group.file.bytes_of(group.number))

    def close(self) -> None:
        while self.open:
            self.open.popitem()[1][0].close()  # pyright: ignore[reportAttributeAccessIssue]


_HINTS = {
    "target": "expected numbers or text, of one kind in every file",
    "columns": "expected numbers, in every file; name the columns to use with columns=[…]",
    "sample_weight": "expected numbers, in every file",
}


def _paths(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.parquet"))
    if not found:
        raise InputError(f"the folder {path} holds no file named *.parquet, expected at least one.")
    return found


def _refuse_missing(column: Any, name: str, file: ParquetFile, first: int) -> None:
    if (row := first_missing(column)) is not None:
        raise InputError(
            f"column {quoted(name)} has no value in row {first + row} of {file.path}: fill it in, or leave it out."
        )


def _ends(path: Path) -> int:
    """A check sum of the first and the last bytes: the last hold the places and the extremes of every column."""
    with path.open("rb") as file:
        first = file.read(SAMPLE)
        file.seek(max(0, path.stat().st_size - SAMPLE))
        return zlib.crc32(file.read(SAMPLE), zlib.crc32(first))
