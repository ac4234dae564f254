"""Files that are read and written: each is whole, or not there."""

from __future__ import annotations

import errno
import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FileFormatError, InputTypeError, cut

UNFINISHED = ".~"  # between the name of a file and the letters that are drawn, while it is being written


def as_path(path: str | os.PathLike[str], argument: str = "path") -> Path:
    """The name of a file or a folder as a path."""
    if not isinstance(path, str | os.PathLike):
        what = "folder" if argument == "folder" else "file"
        raise InputTypeError(f"{argument} is {cut(repr(path))}, expected the name of a {what}.")
    return Path(path)


def require_ordinary(path: Path) -> None:
    """Refuse what cannot be read as a file: with the plain ``OSError`` if it is missing or not readable."""
    if path.is_dir():
        raise FileFormatError("is a folder, expected a file.", file=path)
    if path.exists() and not path.is_file():
        raise FileFormatError("is no ordinary file but a pipe or a device: save what it gives in a file.", file=path)
    with path.open("rb"):
        pass


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Within it an ``OSError`` names ``path``, whatever the system said of it."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def append(path: Path, content: bytes) -> None:
    """Write at the end of a file, all of it; an ``OSError`` names ``path``."""
    with naming(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            while content:
                content = content[os.write(descriptor, content) :]
        finally:
            os.close(descriptor)


def unfinished(path: Path) -> list[Path]:
    """What processes left beside ``path`` that were killed while they wrote it: temporary files of these functions.

    Nothing else has such a name, ``.NAME.~`` and eight letters or digits.
    """
    path = Path(os.path.realpath(path))
    return sorted(path.parent.glob(f"{glob.escape(f'.{path.name}{UNFINISHED}')}{'[a-z0-9_]' * 8}"))


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside ``path``, sync it, and rename it to ``path``; an ``OSError`` names ``path``."""
    with naming(path):
        _write_atomically(path, content)


def _write_atomically(path: Path, content: bytes) -> None:
    path = Path(os.path.realpath(path))  # a link stays, and what it leads to is replaced
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():  # a pipe or a device, which nothing may take the place of
        path.write_bytes(content)
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}{UNFINISHED}")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
