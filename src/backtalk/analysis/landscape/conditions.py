"""The steps along a line that the conditions of line searches accept, and the lowest point of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..diagnose.measure import finite_or_none

Interval = tuple[float, float]
HALVINGS = 40  # to find where a condition begins or ends to hold


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a line: its ``step``, ℒ there, and ``slope``, the derivative of ℒ along the line there."""

    step: float
    loss: float
    slope: float

    def to_dict(self) -> dict[str, float | None]:
        """For JSON, with None for what is not finite."""
        return finite_or_none({"step": self.step, "loss": self.loss, "slope": self.slope})


@dataclass(frozen=True, slots=True)
class Conditions:
    """For a step t > 0: ℒ(t) ≤ ℒ(0) + c_1·t·ℒ′(0) (Armijo 1966), and |ℒ′(t)| ≤ c_2·|ℒ′(0)| (Wolfe's, the strong one).

    ``armijo`` is c_1 and ``curvature`` c_2.
    """

    armijo: float
    curvature: float
    at_0: Point

    def fall_enough(self, point: Point) -> bool:
        """Armijo's; never if a loss is NaN."""
        return point.loss <= self.at_0.loss + self.armijo * point.step * self.at_0.slope

    def accept(self, point: Point) -> bool:
        """Both: what is called the strong Wolfe conditions."""
        return self.fall_enough(point) and abs(point.slope) <= self.curvature * abs(self.at_0.slope)


def intervals(
    points: Sequence[Point], holds: Callable[[Point], bool], at: Callable[[float], Point]
) -> tuple[Interval, ...]:
    """From where to where a condition holds among the points, whose steps grow; the ends by bisection."""
    found, start = [], None
    for k, point in enumerate(points):
        if holds(point) and start is None:
            start = _edge(points[k - 1].step, point.step, holds, at) if k else point.step
        elif not holds(point) and start is not None:
            found.append((start, _edge(point.step, points[k - 1].step, holds, at)))
            start = None
    return (*found, (start, points[-1].step)) if start is not None else tuple(found)


def _edge(outside: float, inside: float, holds: Callable[[Point], bool], at: Callable[[float], Point]) -> float:
    """Where a condition begins to hold between a step where it does not and one where it does."""
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        if middle in (outside, inside):
            break
        outside, inside = (outside, middle) if holds(at(middle)) else (middle, inside)
    return inside


def lowest(points: Sequence[Point], at: Callable[[float], Point]) -> Point:
    """The lowest point, refined between the neighbours of the lowest that is given; NaN if no loss is finite."""
    from scipy.optimize import minimize_scalar

    finite = [k for k, point in enumerate(points) if math.isfinite(point.loss)]
    if not finite:
        return Point(math.nan, math.nan, math.nan)
    k = min(finite, key=lambda each: points[each].loss)
    bounds = points[max(k - 1, 0)].step, points[min(k + 1, len(points) - 1)].step

    def value(step: float) -> float:
        loss = at(step).loss
        return loss if math.isfinite(loss) else np.finfo(float).max

    tolerance = 1e-10 * max(abs(bounds[0]), abs(bounds[1]))
    result: Any = minimize_scalar(value, bounds=bounds, method="bounded", options={"xatol": tolerance})
    found = at(float(result.x))
    return found if found.loss < points[k].loss else points[k]
