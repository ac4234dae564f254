"""Derivatives along a direction, measured on values of ℒ alone.

Complex step (Squire and Trapp 1998): Im ℒ(θ + i·s·v)/s, exact to rounding, since nothing is subtracted.
Central difference: [ℒ(θ + s·v) − ℒ(θ − s·v)]/(2s), with an error of order s² and rounding of order ε|ℒ|/s.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...core.activations import Activation
from .substitute import Outcome, crosses_kink, moves_off_kink

EPSILON = float(np.finfo(np.float64).eps)
SMALLEST = float(np.finfo(np.float64).smallest_subnormal)
COMPLEX_STEP = 1e-30
CENTRAL_STEP = EPSILON ** (1 / 3)
LEAST_ROOM = 1e-270  # a complex step of so much, and of more, is a number that float64 holds with all its digits


@dataclass(frozen=True, slots=True)
class Method:
    """A way to measure, with the relative error that it must stay under."""

    name: str
    step: float
    tolerance: float
    is_complex: bool

    def without_rounding(self, value: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """The direction in which a step from ``value`` goes once it is rounded: float64 holds both of its ends."""
        if self.is_complex:
            return direction
        return np.where(direction == 0, 0.0, (value + self.step * direction - value) / self.step)

    def derivative(
        self, outcome: Callable[[np.ndarray], Outcome], value: np.ndarray, direction: np.ndarray
    ) -> float | None:
        """dℒ/ds at ``value`` along ``direction``; None if a kink lies inside the step."""
        if self.is_complex:
            there = outcome(value + 1j * self.step * direction)
            return None if moves_off_kink(there) else float(there.loss.imag) / self.step
        high, low = outcome(value + self.step * direction), outcome(value - self.step * direction)
        return None if crosses_kink(low, high) else float(high.loss.real - low.loss.real) / (2 * self.step)


COMPLEX = Method("complex step", COMPLEX_STEP, 1e-7, is_complex=True)
CENTRAL = Method("central differences", CENTRAL_STEP, 1e-5, is_complex=False)


def takes_complex(activation: Activation) -> bool:
    """Whether g may be differentiated by a complex step: it keeps i·s, and agrees with central differences."""
    a = np.array([-2.3, -0.71, -0.13, 0.29, 0.83, 3.1])
    a = a[[all(abs(point - kink) > 1e-3 for kink in activation.kinks) for point in a]]
    try:
        with np.errstate(all="ignore"):
            by_complex = np.imag(activation.g(a + 1j * COMPLEX_STEP)) / COMPLEX_STEP
            by_difference = (activation.g(a + CENTRAL_STEP) - activation.g(a - CENTRAL_STEP)) / (2 * CENTRAL_STEP)
    except Exception:  # a user's function may raise anything for complex numbers; then it is not used so
        return False
    return bool(np.allclose(by_complex, by_difference, rtol=1e-4, atol=1e-6))


def relative_error(given: float, derivative: float, floor: float) -> float:
    """|given − derivative| relative to the larger, or to ``floor`` if both are smaller; inf if not finite."""
    if given == derivative:
        return 0.0
    if not math.isfinite(given - derivative):
        return math.inf
    return abs(given - derivative) / max(abs(given), abs(derivative), floor)
