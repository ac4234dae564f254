"""Ctrl-C between two chunks of steps, and not within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..distributed import Group

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _noting(numbers: list[Any]) -> Iterator[Callable[[], bool]]:
    """Within it, these signals are noted rather than raised; a second one is raised at once."""
    received: list[Any] = []

    def receive(*signalled: Any) -> None:
        if received:  # whoever asks twice wants it at once
            raise KeyboardInterrupt
        received.append(signalled)

    before = {number: signal.signal(number, receive) for number in numbers}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def noted(group: Group) -> Iterator[Callable[[], bool]]:
    """Within it, Ctrl-C, SIGTERM and SIGHUP are noted rather than raised; what it gives says whether one came.

    So all processes of a group stop after the same step. A process that trains alone needs none of this; neither does
    another thread than the main one, which no signal reaches.
    """
    if group.count == 1 or not _in_main_thread():
        yield lambda: False
        return
    with _noting([number for number in STOPS if signal.getsignal(number) != signal.SIG_IGN]) as came:  # as under nohup
        yield came


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back Ctrl-C within the block and raise it at its end, so that what the block keeps track of is whole.

    If Ctrl-C does not raise KeyboardInterrupt anyway, or in another thread than the main one, nothing changes.
    """
    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    with _noting([signal.SIGINT]) as came:
        yield
    if came():
        raise KeyboardInterrupt
