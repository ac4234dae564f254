"""What a schedule is, where a run stands, and what a schedule remembers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ...core.specification import require_range, write_specification
from ...errors import InputError


@dataclass(frozen=True, slots=True)
class StepPosition:
    """Where an epoch lies: its ``number`` from 1, its first ``step`` from 0, the steps in an epoch and in the run."""

    number: int
    step: int
    steps_per_epoch: int
    total: int


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """What a schedule that watches the loss remembers: its factor so far, the best loss, and the epochs since then.

    ``resting``: epochs in which it does not count, after it lowered the rate.
    """

    factor: float = 1.0
    best: float = math.inf
    waited: int = 0
    resting: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Schedule:
    """``factors`` gives the factor of each step of an epoch; ``after_epoch`` is told the epoch's loss.

    ``follows_loss``: whether the factors depend on it.
    """

    name: ClassVar[str]
    follows_loss: ClassVar[bool] = False
    warm_up: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_range(self, "warm_up", 0, math.inf)

    def require_steps(self, total: int) -> None:
        """Refuse a run of so few steps that the schedule, if it goes over the whole run, has no room."""

    def _require_more_than_warm_up(self, total: int) -> None:
        if self.warm_up > total:
            raise InputError(
                f"schedule is {self!r}, whose warm-up takes {self.warm_up:g} steps, but the run has {total}: expected "
                "a shorter warm-up, or more epochs."
            )

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


def half_cosine(begin: float, end: float, done: np.ndarray) -> np.ndarray:
    """From ``begin`` to ``end`` along half a cosine, of which the share ``done`` lies behind."""
    return end + (begin - end) * (1 + np.cos(math.pi * done)) / 2
