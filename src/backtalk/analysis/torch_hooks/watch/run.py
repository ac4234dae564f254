"""A training so far, as the rules of its course read it: its loss from the start to the end, with its noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .recorder import Recorder
from .step import Step

WINDOWS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """``steps``: with a loss. ``losses``: means of up to 20 windows of steps; ``errors``: their standard errors.

    ``first``: the losses of the first steps one by one; ``start``: of the first three, ``late``: of the last windows.
    ``constant``: the loss of the best constant output, if it is known. ``measured``: steps in which updates were
    measured. ``rates``: of learning, in as many windows. ``shared``: other models are trained in the same loop, or
    parts of the model in turns: then its loss need not fall.
    """

    steps: int
    losses: np.ndarray
    errors: np.ndarray
    first: list[float]
    start: float
    late: float
    constant: float | None
    measured: list[Step]
    rates: np.ndarray
    validation: list[tuple[int, float]]
    shared: bool

    @property
    def scale(self) -> float:
        """A loss that means 'nothing was learned'."""
        return self.constant if self.constant is not None else self.start

    @property
    def rate(self) -> float | None:
        """The highest learning rate."""
        return float(self.rates.max()) if len(self.rates) else None

    @property
    def fall(self) -> float:
        """How much of the first loss is gone."""
        return 1 - self.late / self.start if self.start > 0 else math.nan

    @property
    def is_small(self) -> bool:
        """Whether the first loss was."""
        return self.start < 0.25 * self.scale

    def ratios(self, above: int = 0) -> list[float]:
        """‖Δw‖/‖w‖ of the measured steps above this one."""
        return [step.ratio for step in self.measured if step.number > above and step.ratio is not None]


def run_of(recorder: Recorder) -> Run | None:
    """None if there is no finite loss yet."""
    curve = recorder.losses.curve
    windows = curve.windows(WINDOWS)
    first = [value for value in curve.first if math.isfinite(value)]
    if not windows or not first:
        return None
    counts = np.array([window.count for window in windows])
    losses = np.array([window.total / window.count for window in windows])
    squares = np.array([window.squares for window in windows])
    with np.errstate(all="ignore"):
        inside = np.maximum(squares - counts * losses**2, 0).sum() / max(1, int((counts - 1).sum()))
    last = losses[-max(1, len(losses) // 10) :]
    constant = recorder.targets.constant if curve is recorder.losses.seen else None
    return Run(
        steps=curve.count,
        losses=losses,
        errors=np.sqrt(inside / counts),
        first=first,
        start=float(np.mean(first[:3])),
        late=float(last.mean()),
        constant=constant,
        measured=recorder.measured(),
        rates=recorder.rates.means(WINDOWS),
        validation=recorder.validation,
        shared=recorder.is_shared,
    )
