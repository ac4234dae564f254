"""Ctrl-C, heard between two chunks of steps and not within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """Within it, Ctrl-C, SIGTERM and SIGHUP are noted rather than raised; what it gives says whether one came.

    A second one is raised at once. In another thread than the main one, none is noted.
    """
    heard: list[Any] = []

    def hear(*signalled: Any) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(signalled)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]  # nohup ignores SIGHUP
    before = {number: signal.signal(number, hear) for number in heeded}
    try:
        yield lambda: bool(heard)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back Ctrl-C within the block and raise it at its end, so that what the block keeps track of is whole.

    A second Ctrl-C is raised at once.

    Where Ctrl-C does not raise KeyboardInterrupt anyway, or in another thread than the main one, nothing changes.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    heard: list[Any] = []

    def hear(*signalled: Any) -> None:
        if heard:  # whoever asks twice wants it at once
            raise KeyboardInterrupt
        heard.append(signalled)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if heard:
        raise KeyboardInterrupt
