"""Rates that fall when the loss no longer does."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ...core.specification import require_range
from .schedule import Schedule, ScheduleState, StepPosition


@dataclass(frozen=True, slots=True, repr=False)
class Adaptive(Schedule):
    """The rate is multiplied by ``factor`` when the loss has not fallen by ``tolerance`` for ``patience`` epochs.

    As scikit-learn's 'adaptive'; PyTorch's rule is :class:`ReduceOnPlateau`.
    """

    name = "adaptive"
    follows_loss = True
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
class ReduceOnPlateau(Schedule):
    """The rate is multiplied by ``factor`` after more than ``patience`` epochs without a better loss.

    A loss is better if it is below the best one by more than the share ``threshold`` of it. After a reduction,
    ``cooldown`` epochs do not count. The rate goes no lower than ``end``·η. As PyTorch's ReduceLROnPlateau; the loss is
    the validation loss where there is one.

    >>> schedule, state = ReduceOnPlateau(factor=0.5, patience=1), ScheduleState()
    >>> for loss in (1.0, 1.0, 1.0, 1.0):
    ...     state = schedule.after_epoch(loss, state)
    >>> state.factor
    0.5
    """

    name = "reduce_on_plateau"
    follows_loss = True
    factor: float = 0.1
    patience: float = 10.0
    threshold: float = 1e-4
    cooldown: float = 0.0
    end: float = 0.0

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        require_range(self, "factor", 0, 1, "()")
        require_range(self, "patience", 0, math.inf)
        require_range(self, "threshold", 0, 1)
        require_range(self, "cooldown", 0, math.inf)
        require_range(self, "end", 0, 1)

    def shape(self, steps: np.ndarray, place: StepPosition, state: ScheduleState) -> float:
        return state.factor

    def after_epoch(self, loss: float, state: ScheduleState) -> ScheduleState:
        # of the size of the best loss, so that a loss below 0 is judged alike
        better = (
            loss < state.best - self.threshold * abs(state.best) if math.isfinite(state.best) else loss < state.best
        )
        waited, resting = 0 if better else state.waited + 1, state.resting
        if resting > 0:
            waited, resting = 0, resting - 1
        state = replace(state, best=loss if better else state.best, waited=waited, resting=resting)
        if waited <= self.patience:
            return state
        return replace(state, factor=max(state.factor * self.factor, self.end), waited=0, resting=int(self.cooldown))
