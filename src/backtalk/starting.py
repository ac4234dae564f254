"""Ctrl-C while the command line starts ends it as it does later, with exit code 130 and no traceback.

What the command line loads takes so long on a slow machine that people press it, and ``main`` is not reached by then.
In other programs nothing changes.
"""

from __future__ import annotations

import _signal as signal  # pyright: ignore[reportMissingImports]  # without the enumerations of Python's own module, whose making takes time
import os
import sys

NAMES = ("backtalk", "backtalk.exe")
INTERRUPTED = 130  # the exit code of Ctrl-C


def _is_command_line() -> bool:
    """Whether this process was started as ``backtalk`` or ``python -m backtalk``."""
    first = sys.argv[0] if sys.argv else ""
    return os.path.basename(first) in NAMES or (first == "-m" and "backtalk" in sys.orig_argv)


def _end(*_: object) -> None:
    os.write(2, b"backtalk: interrupted.\n")
    os._exit(INTERRUPTED)


def started() -> None:
    """From here on Ctrl-C raises KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if _is_command_line() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
