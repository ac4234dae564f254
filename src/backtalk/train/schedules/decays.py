"""Rates that stay, or fall by a formula."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...core.specification import require_range
from .schedule import Schedule, ScheduleState, StepPosition


@dataclass(frozen=True, slots=True, repr=False)
class Constant(Schedule):
    """η_t = η. With ``warm_up``, the rate rises to η and stays there."""

    name = "constant"

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> float:
        return 1.0


@dataclass(frozen=True, slots=True, repr=False)
class InverseScaling(Schedule):
    """η_t = η/t^power, t counting steps from 1 (Robbins and Monro 1951 for the conditions on the power).

    >>> InverseScaling(0.5).factors(StepPosition(1, 0, 4, 4), ScheduleState()).round(3)
    array([1.   , 0.707, 0.577, 0.5  ])
    """

    name = "inverse_scaling"
    power: float = 0.5

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "power", 0, math.inf)

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> np.ndarray:
        return (1 + steps) ** -self.power


@dataclass(frozen=True, slots=True, repr=False)
class Exponential(Schedule):
    """After each epoch the rate is multiplied by ``factor`` γ: η·γ^{epoch − 1}.

    >>> epochs = [StepPosition(number, number - 1, 1, 4) for number in (1, 2, 3, 4)]
    >>> [float(Exponential(factor=0.5).factors(epoch, ScheduleState())[0]) for epoch in epochs]
    [1.0, 0.5, 0.25, 0.125]
    """

    name = "exponential"
    factor: float = 0.95

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "factor", 0, 1, "(]")

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> float:
        return self.factor ** (place.number - 1)


@dataclass(frozen=True, slots=True, repr=False)
class Polynomial(Schedule):
    """From η to ``end``·η over the whole run: η·(end + (1 − end)·(1 − t/T)^power), t counting steps from 0 to T.

    A power of 1 is a straight line.

    >>> Polynomial(power=2.0).factors(StepPosition(1, 0, 4, 4), ScheduleState())
    array([1.    , 0.5625, 0.25  , 0.0625])
    """

    name = "polynomial"
    power: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "power", 0, math.inf, "()")
        require_range(self, "end", 0, 1, "[]")

    def require_steps(self, total: int) -> None:
        self._require_more_than_warm_up(total)

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> np.ndarray:
        left = 1 - np.clip((steps - self.warm_up) / max(place.total - self.warm_up, 1), 0, 1)
        return self.end + (1 - self.end) * left**self.power


@dataclass(frozen=True, slots=True, repr=False)
class StepDecay(Schedule):
    """After each ``every`` epochs the rate is multiplied by ``factor``.

    >>> schedule = StepDecay(every=2, factor=0.1)
    >>> epochs = [StepPosition(number, 0, 1, 5) for number in (1, 2, 3, 4, 5)]
    >>> [float(schedule.factors(epoch, ScheduleState()).round(3)[0]) for epoch in epochs]
    [1.0, 1.0, 0.1, 0.1, 0.01]
    """

    name = "step"
    every: float = 10.0
    factor: float = 0.1

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "every", 1, math.inf)
        require_range(self, "factor", 0, 1, "(]")

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> float:
        return self.factor ** ((place.number - 1) // self.every)
