"""Ctrl-C between two chunks of steps, and not within one."""

from __future__ import annotations

import _signal  # pyright: ignore[reportMissingImports]
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..distributed import Group

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# Below Python's wrappers, which look for an enum of each handler: with them a block costs a tenth of an epoch of a
# thousand examples
get_handler: Callable[[int], Any] = _signal.getsignal
set_handler: Callable[[int, Any], Any] = _signal.signal


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


class _Noted:
    """Within it, these signals are noted rather than raised; a second one is raised at once."""

    __slots__ = ("before", "came", "numbers")

    def __init__(self, numbers: list[Any]) -> None:
        self.numbers, self.came = numbers, False

    def __enter__(self) -> _Noted:
        self.before = [set_handler(number, self._receive) for number in self.numbers]
        return self

    def __exit__(self, *error: Any) -> None:
        for number, handler in zip(self.numbers, self.before, strict=True):
            set_handler(number, handler)

    def _receive(self, *signalled: Any) -> None:
        if self.came:  # whoever asks twice wants it at once
            raise KeyboardInterrupt
        self.came = True


@contextmanager
def noted(group: Group) -> Iterator[Callable[[], bool]]:
    """Within it, Ctrl-C, SIGTERM and SIGHUP are noted rather than raised; what it gives says whether one came.

    So all processes of a group stop after the same step. A process that trains alone needs none of this; neither does
    another thread than the main one, which no signal reaches.
    """
    if group.count == 1 or not _in_main_thread():
        yield lambda: False
        return
    heeded = [number for number in STOPS if get_handler(number) != signal.SIG_IGN]  # nohup ignores SIGHUP
    with _Noted(heeded) as stop:
        yield lambda: stop.came


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back Ctrl-C within the block and raise it at its end, so that what the block keeps track of is whole.

    If Ctrl-C does not raise KeyboardInterrupt anyway, or in another thread than the main one, nothing changes.
    """
    if not _in_main_thread() or get_handler(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    with _Noted([signal.SIGINT]) as stop:
        yield
    if stop.came:
        raise KeyboardInterrupt
