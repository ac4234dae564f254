"""JAX's runtime ends a process by abort() where another one is lost, from a thread of its own: here it is a sentence.

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

from .host import listed

WORDS_FIRST = 1.0  # seconds in which Python may say more than the abort does
MOST_READ = 200_000  # of the last that C++ said, bytes

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
        time.sleep(WORDS_FIRST)
        end(reason(_last(log)))
        os._exit(2)

    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(handle)
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    libc.signal(signal.SIGABRT, ctypes.cast(handler, ctypes.c_void_p))
    _kept.append(handler)


def reason(log: str) -> str:
    """What the runtime said before it gave up, in words without an end.

    >>> reason("absl::Status: UNAVAILABLE: The following tasks are unhealthy (stopped sending heartbeats):\\n1\\nThe")
    'process 1 no longer answers'
    """
    said = log.rpartition("absl::Status: ")[2]
    if tasks := re.search(r"unhealthy[^\n]*:\n((?:\d+\n)+)", said):
        numbers = [int(number) for number in tasks[1].split()]
        return f"{listed(numbers)} no longer answer{'s' * (len(numbers) == 1)}"
    if "Failed to send RPC to coordination service" in said or "failed to connect" in said:
        return "process 0 no longer answers"
    if "Shutdown barrier" in said:
        return "not all processes came to an end"
    if "RegisterTask" in said:
        return "not all processes came"
    if "Deadline Exceeded" in said:
        return "process 0 no longer answers"
    words = said.partition("\n")[0].strip().rstrip(".")[:200]
    return f"JAX's runtime gave up ({words})" if words else "JAX's runtime gave up"


def _moved(stream: io.TextIOWrapper, log: int) -> io.TextIOWrapper:
    """The same stream over a descriptor of its own, while that which C++ writes to is the log."""
    stream.flush()
    number = stream.fileno()
    own = os.dup(number)
    os.dup2(log, number)
    return io.TextIOWrapper(
        os.fdopen(own, "wb"),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering or stream is sys.__stderr__,
        write_through=stream.write_through,
    )


def _last(log: int) -> str:
    size = os.fstat(log).st_size
    return os.pread(log, MOST_READ, max(0, size - MOST_READ)).decode(errors="replace")
