"""Compressed files, unpacked within bounds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from typing import IO, Any

from ....errors import FileFormatError, InputError, MissingLibraryError, first_line
from .limits import MEGABYTE

BLOCK = 2**20  # bytes that are unpacked at a time


def _zstd(file: IO[bytes]) -> Any:
    try:
        from compression import zstd  # pyright: ignore[reportMissingImports]  # since Python 3.14
    except ImportError:
        try:
            from backports import zstd
        except ImportError:
            raise MissingLibraryError(
                "A .zst file needs Python 3.14, or backports.zstd: pip install 'backtalk[zstd]'."
            ) from None
    return zstd.ZstdFile(file)


def _zip(file: IO[bytes]) -> Any:
    archive = zipfile.ZipFile(file)
    inside = [each for each in archive.infolist() if not each.is_dir() and not each.filename.startswith("__MACOSX/")]
    if len(inside) != 1:
        raise InputError(
            f"is a .zip file with {len(inside)} files in it, expected one: unpack it, and give one of them."
        )
    return archive.open(inside[0])


OPENED: dict[str, Callable[[IO[bytes]], Any]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file),
    ".zst": _zstd,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zip": _zip,
}


def unpacked(content: bytes, suffix: str, most: int, name: str, is_part: bool = False) -> bytes:
    """What a compressed file holds. ``suffix``: how it is compressed. ``is_part``: the rest of it is missing.

    Raises :class:`~backtalk.errors.InputError` naming the file if that is more than ``most`` bytes.
    """
    parts, size = [], 0
    try:
        with OPENED[suffix](io.BytesIO(content)) as file:
            while part := file.read(BLOCK):
                size += len(part)
                if size > most:
                    raise InputError(
                        f"holds more than {most / MEGABYTE:.0f} MB once it is unpacked, the most that is taken of a "
                        "file of its size: take some of its rows or columns.",
                        file=name,
                    )
                parts.append(part)
    except InputError as error:
        error.file = name
        raise
    except (MissingLibraryError, MemoryError):
        raise
    except Exception as error:  # each library has its own
        if not (is_part and isinstance(error, EOFError)):
            raise FileFormatError(f"cannot be unpacked: it is damaged ({first_line(error)}).", file=name) from None
    return b"".join(parts)
