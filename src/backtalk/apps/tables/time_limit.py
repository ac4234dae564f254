"""A training that ends in time: how long it may take, as people write it, and who watches the clock."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from ...errors import InputError, InputTypeError, quoted
from ...train import Callback, Epoch

UNITS = {"s": 1, "m": 60, "h": 3600}
PART = r"([0-9]+(?:\.[0-9]+)?)\s*{}\s*"
TIME = re.compile("".join(f"(?:{PART.format(f'{unit}[a-z]*')})?" for unit in ("h", "m", "s")), re.IGNORECASE)
TIME_IS_OVER = "time_limit"  # why a training ended, in metrics.json


def seconds_of(limit: Any) -> float:
    """A time as people write it, in seconds; a number is one of seconds.

    >>> seconds_of("30s"), seconds_of("10m"), seconds_of("1h 30m"), seconds_of(2.5)
    (30.0, 600.0, 5400.0, 2.5)
    """
    if isinstance(limit, bool) or not isinstance(limit, Real | str):
        raise InputTypeError(f"is {quoted(limit)}, expected a time such as '10m', or seconds.", argument="time_limit")
    seconds = float(limit) if isinstance(limit, Real) else _read(limit)
    if not 0 < seconds < math.inf:
        raise InputError(f"is {quoted(limit)}, expected a time above 0, such as 30s, 10m or 1h.", argument="time_limit")
    return seconds


def _read(text: str) -> float:
    bare = text.strip()
    try:
        return float(bare)
    except ValueError:
        found = TIME.fullmatch(bare)
    if not bare or found is None:
        raise InputError(f"is {quoted(text)}, expected a time such as 30s, 10m or 1h.", argument="time_limit")
    return sum(float(part or 0) * size for part, size in zip(found.groups(), (3600, 60, 1), strict=True))


class TimeLimit:
    """When trainings must end, so that all of them end ``seconds`` after it was made.

    ``stages``: how many trainings there are in each stage, one stage after the other. A stage has the share of the time
    left that its number of trainings is of those that are left; in a stage, a training and those that have not begun
    share it. A training ends if another epoch would end too late, and has one at the least.

    ``now``: the clock, for tests.

    >>> limit = TimeLimit(60, stages=[2, 1])
    >>> [[watcher.ended for watcher in stage] for stage in limit.stages], limit.seconds_left > 59
    ([[False, False], [False]], True)
    """

    now: Callable[[], float]
    end: float
    stages: list[list[_Watcher]]

    def __init__(self, seconds: float, stages: Sequence[int], now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.end = now() + seconds
        self.stages = [[_Watcher(self, stage) for _ in range(count)] for stage, count in enumerate(stages)]

    @property
    def watchers(self) -> list[_Watcher]:
        """One for each training, stage after stage."""
        return [watcher for stage in self.stages for watcher in stage]

    @property
    def seconds_left(self) -> float:
        """Until all trainings must have ended; 0 if they should have."""
        return max(0.0, self.end - self.now())

    def end_of(self, stage: int) -> float:
        """When the trainings of a stage must end."""
        began = min(watcher.began for watcher in self.stages[stage])
        left = sum(map(len, self.stages[stage:]))
        return began + (self.end - began) * len(self.stages[stage]) / left


class _Watcher(Callback):
    """Ends one training; ``ended``: whether it did."""

    def __init__(self, limit: TimeLimit, stage: int) -> None:
        self._limit, self._stage, self.began, self._last = limit, stage, math.inf, math.inf
        self.has_begun = self.ended = False

    def on_start(self, settings: Any) -> None:
        self.began = self._last = self._limit.now()

    def on_epoch(self, epoch: Epoch) -> bool:
        now, limit, self.has_begun = self._limit.now(), self._limit, True
        took, self._last = now - self._last, now
        later = sum(not watcher.has_begun for watcher in limit.stages[self._stage])
        end = self.began + (limit.end_of(self._stage) - self.began) / (later + 1)
        self.ended = now + took > end
        return self.ended
