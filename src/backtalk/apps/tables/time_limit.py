"""A training that ends in time: how long it may take, as people write it, and who watches the clock."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from numbers import Real
from typing import Any

from ...errors import InputError, InputTypeError, quoted
from ...train import Callback, Epoch

UNITS = {"s": 1, "m": 60, "h": 3600}
PART = r"([0-9]+(?:\.[0-9]+)?)\s*{}\s*"
TIME = re.compile("".join(f"(?:{PART.format(f'{unit}[a-z]*')})?" for unit in ("h", "m", "s")), re.IGNORECASE)
REASON = "time_limit"  # why a training ended, in metrics.json


def seconds_of(limit: Any) -> float:
    """A time as people write it, in seconds; a number is one of seconds.

    >>> seconds_of("30s"), seconds_of("10m"), seconds_of("1h 30m"), seconds_of(2.5)
    (30.0, 600.0, 5400.0, 2.5)
    """
    if isinstance(limit, bool) or not isinstance(limit, Real | str):
        raise InputTypeError(f"time_limit is {quoted(limit)}, expected a time such as '10m', or seconds.")
    seconds = float(limit) if isinstance(limit, Real) else _read(limit)
    if not 0 < seconds < math.inf:
        raise InputError(f"time_limit is {quoted(limit)}, expected a time above 0, such as 30s, 10m or 1h.")
    return seconds


def _read(text: str) -> float:
    bare = text.strip()
    try:
        return float(bare)
    except ValueError:
        found = TIME.fullmatch(bare)
    if not bare or found is None:
        raise InputError(f"time_limit is {quoted(text)}, expected a time such as 30s, 10m or 1h.")
    return sum(float(part or 0) * size for part, size in zip(found.groups(), (3600, 60, 1), strict=True))


class TimeLimit:
    """When several trainings must end, so that all of them end ``seconds`` after it was made.

    Each gets its share: the time that is left is divided among a training and those that have not begun. It ends if
    another epoch would end too late, and has one at the least.

    ``now``: the clock, for tests.

    >>> limit = TimeLimit(60, trainings=2)
    >>> [watcher.ended for watcher in limit.watchers]
    [False, False]
    """

    def __init__(self, seconds: float, trainings: int, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.end = now() + seconds
        self.watchers = [_Watcher(self) for _ in range(trainings)]

    @property
    def reached(self) -> bool:
        """Whether any of the trainings was ended."""
        return any(watcher.ended for watcher in self.watchers)


class _Watcher(Callback):
    """Ends one training; ``ended``: whether it did."""

    def __init__(self, limit: TimeLimit) -> None:
        self._limit, self._began, self._last = limit, math.inf, math.inf
        self.has_begun = self.ended = False

    def on_start(self, settings: Any) -> None:
        self._began = self._last = self._limit.now()

    def on_epoch(self, epoch: Epoch) -> bool:
        now, limit, self.has_begun = self._limit.now(), self._limit, True
        took, self._last = now - self._last, now
        later = sum(not watcher.has_begun for watcher in limit.watchers)
        end = self._began + (limit.end - self._began) / (later + 1)
        self.ended = now + took > end
        return self.ended
