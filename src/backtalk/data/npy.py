"""NumPy's files, read without trust: what a header promises is compared with what the file holds, before it is made."""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from ..errors import FileFormatError, cut

READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}  # version 3 is for names of fields
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # as NumPy writes
AT_ONCE = 2**22  # bytes


class Header(NamedTuple):
    """What a .npy file says of its array, whose first element is at the byte ``offset``."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Any  # 'C' or 'F'
    offset: int

    @property
    def nbytes(self) -> int:
        """The bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes]) -> Header:
    """The header of a .npy file; ``ValueError`` if there is none, or it promises what no array is."""
    try:
        shape, is_fortran, dtype = READERS[npy.read_magic(file)](file)
    except OSError:
        raise
    except Exception:  # NumPy reads it as Python, so a damaged one raises nearly anything, MemoryError too
        raise ValueError("its header is damaged") from None
    if any(isinstance(size, bool) or size < 0 for size in shape):
        raise ValueError(f"its shape is {cut(str(shape))}")
    return Header(shape, dtype, "F" if is_fortran else "C", file.tell())


def map_array(path: Path) -> np.memmap[Any, Any]:
    """The array in a .npy file as a memory map, to be read; ``ValueError`` for another file, and for one cut short."""
    with path.open("rb") as file:
        header = read_header(file)
        size = os.fstat(file.fileno()).st_size
    if header.dtype.hasobject or not header.dtype.itemsize:
        raise ValueError(f"it holds {header.dtype}")
    if header.offset + header.nbytes > size:
        raise ValueError(f"it has {size} bytes, expected {header.offset + header.nbytes}")
    return np.memmap(path, header.dtype, "r", header.offset, header.shape, header.order)


def read_arrays(path: Path, *names: str) -> list[np.ndarray]:
    """Arrays of an .npz file by their names, in memory.

    Raises ``OSError``, and :class:`~backtalk.errors.FileFormatError` for another file, or one without these arrays.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            parts = {part.filename.removesuffix(".npy"): part for part in archive.infolist()}
            missing = not set(names) <= set(parts)
            if missing:
                found = cut(str(sorted(parts)))
                raise FileFormatError(f"holds the arrays {found}, expected {' and '.join(names)}.", file=path)
            return [_read_part(archive, parts[name], path, name) for name in names]
    except (FileFormatError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None:
            raise
    except Exception:  # zipfile raises much of what a damaged archive leads to
        pass
    raise FileFormatError("is not an .npz file, or is damaged.", file=path)


def _read_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, path: Path, name: str) -> np.ndarray:
    """One array, for which no more memory is taken than the file gives bytes."""
    if part.compress_type not in PACKED:
        raise FileFormatError("is packed in a way that NumPy does not write: save it with np.savez.", file=path)
    with archive.open(part) as file:
        if file.read(len(npy.MAGIC_PREFIX)) != npy.MAGIC_PREFIX:
            raise FileFormatError(f"holds {name}, which is no array, expected arrays of numbers.", file=path)
    with archive.open(part) as file:
        header = read_header(file)
        if header.dtype.hasobject:
            raise FileFormatError("holds Python objects, expected arrays of numbers.", file=path)
        if not header.dtype.itemsize:  # its length costs a file nothing
            what = f"{name} of shape {cut(str(header.shape))} and kind {header.dtype}"
            raise FileFormatError(f"has {what}, expected at least one number.", file=path)
        content, left = bytearray(), header.nbytes
        while left and (block := file.read(min(left, AT_ONCE))):
            content += block
            left -= len(block)
    if left:
        raise ValueError(f"{name} ends too early")
    return np.ndarray(header.shape, header.dtype, content, order=header.order)
