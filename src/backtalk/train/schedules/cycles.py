"""Rates along cosines: over the whole run, anew after some epochs, and up and down."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...core.specification import require_range
from ...errors import InputError
from .schedule import Schedule, ScheduleState, StepPosition, half_cosine


@dataclass(frozen=True, slots=True, repr=False)
class Cosine(Schedule):
    """From η to ``end``·η along half a cosine over the whole run (Loshchilov and Hutter 2017, without restarts).

    >>> Cosine().factors(StepPosition(1, 0, 5, 5), ScheduleState()).round(3)
    array([1.   , 0.905, 0.655, 0.345, 0.095])
    """

    name = "cosine"
    end: float = 0.0

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "end", 0, 1, "[]")

    def require_steps(self, total: int) -> None:
        self._require_more_than_warm_up(total)

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> np.ndarray:
        done = np.clip((steps - self.warm_up) / max(place.total - self.warm_up, 1), 0, 1)
        return half_cosine(1.0, self.end, done)


@dataclass(frozen=True, slots=True, repr=False)
class CosineRestarts(Schedule):
    """From η to ``end``·η along half a cosine in ``every`` epochs, and then again from η.

    Each cycle is ``growth`` times as long as the one before. Source: Loshchilov and Hutter 2017 (SGDR).

    >>> schedule = CosineRestarts(every=2, growth=2.0)
    >>> epochs = [StepPosition(number, number - 1, 1, 7) for number in range(1, 8)]
    >>> [float(schedule.factors(epoch, ScheduleState())[0].round(3)) for epoch in epochs]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    name = "cosine_restarts"
    every: float = 10.0
    growth: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "every", 1, math.inf)
        require_range(self, "growth", 1, math.inf)
        require_range(self, "end", 0, 1, "[]")

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> np.ndarray:
        left = np.maximum(steps - self.warm_up, 0) / place.steps_per_epoch  # epochs into the cycle
        length = np.full_like(left, self.every)
        while (left >= length).any():
            over = left >= length
            left, length = np.where(over, left - length, left), np.where(over, length * self.growth, length)
        return half_cosine(1.0, self.end, left / length)


@dataclass(frozen=True, slots=True, repr=False)
class OneCycle(Schedule):
    """From η/``start`` up to η in the share ``rise`` of the run, then down to η/(``start``·``end``), along cosines.

    It begins with the first step, is at the top in step ``rise``·T of T and at the end in the last one, as in PyTorch.
    Source: Smith and Topin 2019.

    >>> OneCycle(rise=0.5).factors(StepPosition(1, 0, 6, 6), ScheduleState()).round(3)
    array([0.04, 0.52, 1.  , 0.75, 0.25, 0.  ])
    """

    name = "one_cycle"
    rise: float = 0.3
    start: float = 25.0
    end: float = 1e4

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "rise", 0, 1, "()")
        require_range(self, "start", 1, math.inf)
        require_range(self, "end", 1, math.inf)

    def require_steps(self, total: int) -> None:
        self._require_more_than_warm_up(total)
        if self.rise * total <= 1:
            raise InputError(
                f"schedule is {self!r}, which rises in the first {self.rise:g} of the run, but the run has {total} "
                f"{'step' if total == 1 else 'steps'}: expected more than {1 / self.rise:g}; train for more epochs, or "
                "use another schedule."
            )

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> np.ndarray:
        top, last, first = self.rise * place.total - 1, place.total - 1, 1 / self.start
        up = half_cosine(first, 1.0, np.minimum(steps / top, 1))
        down = half_cosine(1.0, first / self.end, np.clip((steps - top) / (last - top), 0, 1))
        return np.where(steps < top, up, down)
