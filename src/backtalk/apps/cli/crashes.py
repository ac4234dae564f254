"""A library in another language that gives up over a table: what it prints is not seen, and its abort is a sentence."""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import first_line
from ..visible import say

NO_MEMORY = re.compile(r"memory allocation of \d+ bytes failed")


@contextmanager
def spoken(table: Path | str) -> Iterator[None]:
    """Within it, an abort ends this process with a sentence about the table and exit code 2.

    What libraries write to stderr past Python comes at the end, unless one of them panicked: that is the sentence of
    the error then. The command line alone does this, since the whole process is concerned.
    """
    try:
        real = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    with tempfile.TemporaryFile() as log, os.fdopen(real, "wb", 0) as stderr:
        python, ours = sys.stderr, _over(stderr)
        os.dup2(log.fileno(), 2)
        sys.stderr = ours or python
        before = _at_abort(table, log, ours or python)
        try:
            yield
        finally:
            if before is not None:
                _signal(before)
            sys.stderr = python
            if ours is not None:
                ours.close()
            os.dup2(stderr.fileno(), 2)
            if b"panicked at" not in (said := _content(log)):
                stderr.write(said)


def _over(stderr: BinaryIO) -> io.TextIOWrapper | None:
    """Python's stderr over another descriptor, if it writes to that of the process."""
    given = sys.stderr
    try:
        if not isinstance(given, io.TextIOWrapper) or given.fileno() != 2:
            return None
    except (OSError, ValueError):  # it was put in its place, and has none
        return None
    given.flush()
    copied = os.dup(stderr.fileno())
    return os.fdopen(copied, "w", 1, encoding=given.encoding, errors=given.errors)  # pyright: ignore[reportReturnType]


def _content(log: BinaryIO) -> bytes:
    """All of it, once nobody writes to it any more."""
    size = os.lseek(log.fileno(), 0, os.SEEK_END)
    os.lseek(log.fileno(), 0, os.SEEK_SET)
    return os.read(log.fileno(), size)


def _at_abort(table: Path | str, log: BinaryIO, stderr: Any) -> Any:
    """From now on an abort is said; gives what was done before, None if it cannot be changed here."""
    if os.name != "posix":
        return None
    import ctypes

    os.environ["RUST_BACKTRACE"] = "0"  # to write one takes memory, and if there is none, it takes for ever
    reserve = bytearray(2**20)  # for the sentence, if memory ran out
    sentence = f"backtalk: {table} cannot be read: it is damaged, or needs more memory than there is"

    def handle(_: int) -> None:
        try:
            reserve.clear()
            said = _content(log).decode(errors="replace")
            what = NO_MEMORY.search(said)
            why = f"({what[0]}): give fewer rows or columns" if what else f"({first_line(RuntimeError(said))})"
            say(f"{sentence} {why}.", on=stderr, flush=True)
        finally:
            os._exit(2)

    return _signal(ctypes.CFUNCTYPE(None, ctypes.c_int)(handle))


_kept: list[Any] = []  # the handlers, since C may call them as long as the process lives


def _signal(handler: Any) -> Any:
    """What C does at SIGABRT; gives what it did before."""
    import ctypes
    import signal

    _kept.append(handler)
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    return ctypes.c_void_p(libc.signal(signal.SIGABRT, ctypes.cast(handler, ctypes.c_void_p)))
