"""Rows of an array, a few at a time: from the file that it lies in, or from memory."""

from __future__ import annotations

import math
import mmap
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.arrays import as_array
from ...core.files import require_ordinary
from ...errors import FileFormatError, InputError, InputTypeError
from ..npy import map_array
from ..sources import fingerprint

ASKED_AT_ONCE = 2**19  # bytes: of each request, Linux reads no more than the device's read-ahead
ZIP = b"PK\x03\x04"  # how an .npz file begins
SAMPLE = 2**16  # bytes of either end of a file in its fingerprint


@dataclass(frozen=True, slots=True, eq=False)
class InMemoryRows:
    """Rows of an array in memory, called ``name``."""

    name: str
    array: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def read(self, first: int, last: int) -> np.ndarray:
        """Rows ``first`` … ``last`` − 1."""
        return self.array[first:last]

    def fingerprint(self) -> str:
        """A text that differs where the array does."""
        return fingerprint(self.array)


@dataclass(frozen=True, slots=True, eq=False)
class InFileRows:
    """Rows of an array in a file, whose first element is at the byte ``offset``."""

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...]

    @classmethod
    def of_floats(cls, path: Path, shape: tuple[int, ...]) -> InFileRows:
        """A file of nothing but numbers in float32, row by row."""
        strides = tuple(4 * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return cls(path, 0, shape, np.dtype(np.float32), strides)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def row_bytes(self) -> int:
        """From the first byte of a row to its last."""
        beyond = zip(self.shape[1:], self.strides[1:], strict=True)
        return self.dtype.itemsize + sum((count - 1) * stride for count, stride in beyond)

    @property
    def by_row(self) -> bool:
        """Whether each row ends in the file before the next one begins."""
        return min(self.strides) > 0 and self.strides[0] >= self.row_bytes

    def read(self, first: int, last: int) -> np.ndarray:
        """Rows ``first`` … ``last`` − 1."""
        buffer = np.empty((last - first - 1) * self.strides[0] + self.row_bytes, np.uint8)
        self._fill(first, buffer)
        return np.ndarray((last - first, *self.shape[1:]), self.dtype, buffer.data, strides=self.strides)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Rows by their numbers, one after the other."""
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for place, row in enumerate(rows.tolist()):
            found[place] = self.read(row, row + 1)[0]
        return found

    def read_into(self, first: int, into: np.ndarray) -> None:
        """The rows from ``first`` on, as many as ``into`` has, in its dtype."""
        if self.dtype == into.dtype and self.strides == into.strides:
            self._fill(first, into)
        else:
            into[...] = self.read(first, first + len(into))

    def _fill(self, first: int, into: np.ndarray) -> None:
        left = into.data.cast("B")
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset + first * self.strides[0])
            while left and (count := file.readinto(left)):
                left = left[count:]
        if left:
            raise FileFormatError(f"{self.path} ends before row {first + len(into)}: it was made shorter.")

    def expect(self, first: int, last: int) -> None:
        """Ask the system to read rows ``first`` … ``last`` − 1 from the disk, while we go on."""
        ask_for(self.path, self.offset + first * self.strides[0], (last - first) * self.strides[0])

    def fingerprint(self) -> str:
        """Shape, dtype, and a check sum of the rows at both ends."""
        count = min(self.shape[0], -(-SAMPLE // self.strides[0]))
        ends = (self.read(0, count), self.read(self.shape[0] - count, self.shape[0]))
        sums = [f"{zlib.crc32(np.ascontiguousarray(end).data.cast('B')):08x}" for end in ends]
        return f"{self.shape} {self.dtype} {' '.join(sums)}"


def ask_for(path: Path, first: int, count: int) -> None:
    """Ask the system to read so many bytes of a file into its cache, from byte ``first`` on; it does not wait."""
    if not hasattr(os, "posix_fadvise"):
        return
    with path.open("rb", buffering=0) as file:
        for at in range(first, first + count, ASKED_AT_ONCE):
            os.posix_fadvise(file.fileno(), at, min(ASKED_AT_ONCE, first + count - at), os.POSIX_FADV_WILLNEED)


def in_file(value: Any, argument: str) -> InFileRows:
    """The rows of a .npy file, or of a memory map."""
    if isinstance(value, InFileRows):
        return value
    if isinstance(value, str | os.PathLike):
        value = _open(Path(value))
    if not isinstance(value, np.memmap):
        raise InputTypeError(f"{argument} is a {type(value).__name__}, expected the name of a .npy file, or a memmap.")
    rows = rows_of_map(value)
    if rows is None:
        raise InputError(
            f"{argument} is a memmap whose values do not lie in its file row by row: save it with "
            "np.save(FILE, np.ascontiguousarray(…)), or give an array in memory."
        )
    return rows


def in_file_or_memory(value: Any, argument: str) -> InFileRows | InMemoryRows:
    """The same; any other array is taken as it is in memory."""
    if isinstance(value, str | os.PathLike | InFileRows):
        return in_file(value, argument)
    rows = rows_of_map(value) if isinstance(value, np.memmap) else None
    return rows or InMemoryRows(argument, np.asarray(as_array(value, argument)))


def rows_of_map(array: np.memmap[Any, Any]) -> InFileRows | None:
    """Where a memory map, or a part of one, lies in its file; None where it cannot be read there row by row."""
    whole: Any = array
    while isinstance(whole, np.ndarray) and not isinstance(whole.base, mmap.mmap):
        whole = whole.base
    real = array.dtype.kind in "biuf"
    # what is written into a copy-on-write map ("c") is not in the file
    if not isinstance(whole, np.memmap) or whole.filename is None or whole.mode == "c" or not real:
        return None
    if array.ndim == 0 or 0 in array.shape:
        return None
    offset = whole.offset + array.ctypes.data - whole.ctypes.data
    rows = InFileRows(Path(whole.filename), offset, array.shape, array.dtype, array.strides)
    return rows if rows.by_row else None


def _open(path: Path) -> np.memmap[Any, Any]:
    require_ordinary(path)
    with path.open("rb") as file:
        if file.read(4) == ZIP:
            raise FileFormatError(f"{path} holds several arrays (.npz), expected a .npy file with one.")
    try:
        array = map_array(path)
    except ValueError as error:
        raise FileFormatError(f"{path} is not a .npy file of numbers, or is damaged ({error}).") from None
    if array.dtype.kind not in "biuf":
        raise FileFormatError(f"{path} holds {array.dtype}, expected real numbers.")
    if 0 in array.shape:
        raise FileFormatError(f"{path} has shape {array.shape}, which holds nothing: expected at least one row.")
    return array
