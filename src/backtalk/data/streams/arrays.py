"""``MemoryMapped``: data in .npy files, or in NumPy's memory maps, of which a part at a time is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.network import Network
from ...distributed import ALONE, Group
from ...errors import InputError
from ..sources import Stream
from .drawing import Block
from .rows import InFileRows, InMemoryRows, in_file, in_file_or_memory, rows_of_map
from .source import BUFFER_BYTES, Rows, TableSource, require_buffer

BLOCKS_IN_BUFFER = 64  # that are mixed in it: of 1 MiB, which a disk still reads at its full speed
STREAMED_FROM = 2**28  # bytes of a memory map that fit reads while it trains, and does not copy into memory
ROWS_OF_TARGETS = 2**20  # of y in one reading


class MemoryMapped(Stream):
    """X and y in files of NumPy arrays that may be larger than memory, read during training.

    ``X`` (N, n_0): a .npy file, or a ``numpy.memmap``. ``y`` and ``sample_weight``, of N rows: the same, or an array
    in memory. The files are read, not mapped: two or three buffers of ``buffer_bytes`` of X are in memory at a time.
    Blocks of 1/64 of a buffer are drawn in random order, and shuffled in the buffer.

    ``count`` is N, ``inputs`` n_0. A value that is not finite ends training when it is read; the error gives its row
    and column. Raises :class:`~backtalk.errors.FileFormatError` for a file that holds no array of numbers.

    >>> import tempfile
    >>> from backtalk import Network, fit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/X.npy", np.eye(4))
    ...     data = MemoryMapped(folder + "/X.npy", [0, 1, 0, 1])
    ...     net = Network.create([data.inputs, 2], rng=0)
    ...     training = fit(net, data, epochs=200, optimizer="adam(learning_rate=0.1)", rng=0)
    >>> data.count, training.losses[-1] < 0.1
    (4, True)
    """

    buffer_bytes: int
    count: int
    inputs: int

    def __init__(self, X: Any, y: Any, sample_weight: Any = None, *, buffer_bytes: int = BUFFER_BYTES) -> None:
        self.buffer_bytes = require_buffer(buffer_bytes)
        self._X, self._y = in_file(X, "X"), in_file_or_memory(y, "y")
        self._weight = None if sample_weight is None else in_file_or_memory(sample_weight, "sample_weight")
        if len(self._X.shape) != 2:
            raise InputError(f"X has shape {self._X.shape}, expected (examples, columns).")
        if len(self._y.shape) not in (1, 2):
            raise InputError(f"y has shape {self._y.shape}, expected (examples,) or (examples, outputs).")
        self.count, self.inputs = self._X.shape
        if self._y.shape[0] != self.count:
            raise InputError(f"y has {self._y.shape[0]} rows, but X has {self.count}: expected one for each.")
        if self._weight is not None and self._weight.shape != (self.count,):
            raise InputError(
                f"sample_weight has shape {self._weight.shape}, expected ({self.count},): one for each row of X."
            )

    def __repr__(self) -> str:
        return f"MemoryMapped({self._X.name!r}: {self.count} rows of {self.inputs} columns, {self._X.dtype})"

    def rows(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """X and y of rows ``first`` … ``last`` − 1."""
        return self._X.read(first, last), self._y.read(first, last)

    def weights(self) -> np.ndarray | None:
        """All of ``sample_weight``, in memory."""
        return None if self._weight is None else self._weight.read(0, self.count)

    def source(self, network: Network, takes_labels: bool, class_weight: Any, group: Group = ALONE) -> TableSource:
        sizes = self.buffer_bytes, BLOCKS_IN_BUFFER
        return TableSource(self, network, takes_labels, class_weight, *sizes, group=group)

    def groups(self, block_rows: int) -> list[int]:
        """A block is a group: any of them can be read at any time."""
        whole, left = divmod(self.count, block_rows)
        return [block_rows] * whole + [left] * (left > 0)

    def lanes(self, block_rows: int) -> int:
        """How many groups may be open at a time: one, which is a block."""
        return 1

    def reader(self, block_rows: int, dtype: np.dtype[Any]) -> _Reader:
        """A reader of the blocks of an epoch."""
        return _Reader(self._X, self._y, self._weight, block_rows)

    def targets(self) -> Iterator[np.ndarray]:
        """All of y, block by block."""
        for first in range(0, self.count, ROWS_OF_TARGETS):
            yield self._y.read(first, min(first + ROWS_OF_TARGETS, self.count))

    def place(self, group: int, row: int, block_rows: int, column: int | None = None) -> str:
        """The place of a row, or of a value in a column, in words."""
        rest = "" if column is None else f", column {column}"
        return f"row {group * block_rows + row}{rest} of {self._X.name}"

    def fingerprint(self) -> str:
        """A text that differs if the data do."""
        return "; ".join("-" if each is None else each.fingerprint() for each in (self._X, self._y, self._weight))


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    X: InFileRows
    y: InFileRows | InMemoryRows
    weight: InFileRows | InMemoryRows | None
    block_rows: int

    def read(self, block: Block, X: np.ndarray) -> Rows:
        first = block.group * self.block_rows + block.first
        self.X.read_into(first, X)
        weight = None if self.weight is None else self.weight.read(first, first + block.rows)
        return Rows(self.y.read(first, first + block.rows), weight)

    def expect(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            first = block.group * self.block_rows + block.first
            self.X.expect(first, first + block.rows)

    def close(self) -> None:
        pass  # a file is open only while it is read


def is_streamed(X: Any) -> bool:
    """Whether ``X`` is a memory map so large that it is read during training."""
    return isinstance(X, np.memmap) and X.ndim == 2 and X.nbytes > STREAMED_FROM and rows_of_map(X) is not None
