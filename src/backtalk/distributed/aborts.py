"""JAX's runtime aborts a process if another one is lost, from a thread of its own: here it is a sentence.

For the command line alone, since the whole process is concerned: what C++ says goes to a file that nobody sees, and the
abort ends the process with an exit code, after a sentence.
"""

from __future__ import annotations

import ctypes
import io
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .rendezvous import listed

PYTHON_FIRST = 1.0  # seconds in which Python may say more than the abort does
NOT_ALL_CAME = "not all processes came"
REASONS = {  # what its last status holds, and what that means
    "Failed to send RPC to coordination service": "process 0 no longer answers",
    "failed to connect": "process 0 no longer answers",
    "Shutdown barrier": "not all processes came to an end",
    "RegisterTask": NOT_ALL_CAME,
    "Deadline Exceeded": "process 0 no longer answers",
}
_kept: list[Any] = []  # the handler, which lives as long as the process


def speak_for_aborts(end: Callable[[str], None]) -> None:
    """From now on an abort calls ``end`` with the reason, and what C++ writes is not seen.

    ``sys.stdout`` and ``sys.stderr`` stay what they are. ``end`` ends the process.
    """
    if _kept or os.name != "posix":
        return
    log, path = tempfile.mkstemp()
    os.unlink(path)  # it lives as long as the process
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError, ValueError):  # one without a file of its own is left alone
                setattr(sys, name, _moved(stream, log))

    def handle(_: int) -> None:
        time.sleep(PYTHON_FIRST)
        end(reason(os.pread(log, os.fstat(log).st_size, 0).decode(errors="replace")))
        os._exit(2)

    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(handle)
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    libc.signal(signal.SIGABRT, ctypes.cast(handler, ctypes.c_void_p))
    _kept.append(handler)


def reason(log: str) -> str:
    """What the runtime said before it gave up, in words without an end."""
    status = log.rpartition("absl::Status: ")[2]
    if tasks := re.search(r"unhealthy[^\n]*:\n((?:\d+\n)+)", status):
        numbers = [int(number) for number in tasks[1].split()]
        return f"{listed(numbers)} no longer answer{'s' * (len(numbers) == 1)}"
    for words, meaning in REASONS.items():
        if words in status:
            return meaning
    words = status.partition("\n")[0].strip().rstrip(".")[:200]
    return f"JAX's runtime gave up{f' ({words})' if words else ''}"


def _moved(stream: io.TextIOWrapper, log: int) -> io.TextIOWrapper:
    """The same stream over a descriptor of its own, while that which C++ writes to is the log."""
    stream.flush()
    own = os.dup(stream.fileno())
    os.dup2(log, stream.fileno())
    by_line = stream.line_buffering or stream.write_through or stream is sys.__stderr__
    return os.fdopen(own, "w", 1 if by_line else -1, encoding=stream.encoding, errors=stream.errors)  # pyright: ignore
