"""Learning rates over time: by which factor a schedule multiplies the optimizer's learning rate in each step.

Each schedule has ``warm_up``, a number of steps over which the rate first rises in a straight line from 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ..core.specification import read_specification, require_range, write_specification


@dataclass(frozen=True, slots=True)
class StepPosition:
    """Where an epoch lies: its ``number`` from 1, its first ``step`` from 0, the steps in an epoch and in the run."""

    number: int
    step: int
    steps_per_epoch: int
    total: int


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """What an adaptive schedule remembers: its factor so far, the best loss, and the epochs since then."""

    factor: float = 1.0
    best: float = math.inf
    waited: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Schedule:
    """``factors`` gives the factor of each step of an epoch; ``after_epoch`` is told the epoch's loss."""

    name: ClassVar[str]
    warm_up: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_range(self, "warm_up", 0, math.inf)

    def factors(self, place: StepPosition, state: ScheduleState) -> np.ndarray:
        """The factor of each step of an epoch, float64."""
        steps = np.arange(place.step, place.step + place.steps_per_epoch, dtype=np.float64)
        factors = self.shape(steps, place, state) * np.ones_like(steps)
        return factors * np.minimum((steps + 1) / self.warm_up, 1) if self.warm_up else factors

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> np.ndarray | float:
        """The factors without the warm-up, for steps numbered from 0 over the whole run."""
        raise NotImplementedError

    def after_epoch(self, loss: float, state: ScheduleState) -> ScheduleState:
        """What is remembered after an epoch, whose loss is the validation loss where there is one."""
        return state

    def __repr__(self) -> str:
        return write_specification(self)


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


@dataclass(frozen=True, slots=True, repr=False)
class Adaptive(Schedule):
    """The rate is multiplied by ``factor`` when the loss has not fallen by ``tolerance`` for ``patience`` epochs."""

    name = "adaptive"
    factor: float = 0.2
    patience: float = 2.0
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "factor", 0, 1, "()")
        require_range(self, "patience", 1, math.inf)
        require_range(self, "tolerance", 0, math.inf)

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> float:
        return state.factor

    def after_epoch(self, loss: float, state: ScheduleState) -> ScheduleState:
        if loss < state.best - self.tolerance:
            return ScheduleState(state.factor, loss)
        if state.waited + 1 < self.patience:
            return replace(state, waited=state.waited + 1, best=min(loss, state.best))
        return ScheduleState(state.factor * self.factor, min(loss, state.best))


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

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> np.ndarray:
        done = np.clip((steps - self.warm_up) / max(place.total - self.warm_up, 1), 0, 1)
        return _half_cosine(1.0, self.end, done)


@dataclass(frozen=True, slots=True, repr=False)
class OneCycle(Schedule):
    """From η/``start`` up to η in the share ``rise`` of the run, then down to η/(``start``·``end``), along cosines.

    Source: Smith and Topin 2019.

    >>> OneCycle(rise=0.5).factors(StepPosition(1, 0, 5, 5), ScheduleState()).round(3)
    array([0.04 , 0.372, 0.908, 0.905, 0.345])
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

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> np.ndarray:
        done, first = np.minimum(steps / place.total, 1), 1 / self.start
        up = _half_cosine(first, 1.0, np.minimum(done / self.rise, 1))
        down = _half_cosine(1.0, first / self.end, np.maximum(done - self.rise, 0) / (1 - self.rise))
        return np.where(done < self.rise, up, down)


def _half_cosine(begin: float, end: float, done: np.ndarray) -> np.ndarray:
    return end + (begin - end) * (1 + np.cos(math.pi * done)) / 2


SCHEDULES: dict[str, type[Schedule]] = {
    kind.name: kind for kind in (Constant, InverseScaling, StepDecay, Adaptive, Cosine, OneCycle)
}


def as_schedule(value: str | Schedule, argument: str = "schedule") -> Schedule:
    """A schedule from itself or from its name, with parameters where it has some.

    >>> as_schedule("cosine(warm_up=100)")
    cosine(warm_up=100.0)
    """
    if isinstance(value, Schedule):
        return value
    return read_specification(value, SCHEDULES, argument)
