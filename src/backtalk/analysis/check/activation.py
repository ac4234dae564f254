"""Is g′ the derivative of g?"""

from __future__ import annotations

import numpy as np

from ...core.activations import Activation
from ...errors import InputError
from .measure import CENTRAL, CENTRAL_STEP, COMPLEX_STEP, EPSILON, Method, relative_error
from .report import CheckReport, CheckRow

# every 1/20 from −30 to 30 (so 0 and the whole numbers, where corners like to be), and points between
POINTS = np.concatenate([np.arange(-600, 601) / 20, np.random.default_rng(0).normal(0, 4, 300)])


@np.errstate(all="ignore")
def check_activation(activation: Activation, method: Method, tolerance: float | None) -> CheckReport:
    """Compare g′ with the measured derivative of g at about 1500 points from −30 to 30, if g is finite there."""
    g, g_prime = (_evaluate(f, name, POINTS) for f, name in ((activation.g, "g"), (activation.g_prime, "g′")))
    step = CENTRAL_STEP * np.maximum(1, np.abs(POINTS))
    if method.is_complex:
        derivative = np.imag(activation.g(POINTS + 1j * COMPLEX_STEP)) / COMPLEX_STEP
        at_kink = np.isin(POINTS, activation.kinks)
        floor = np.full_like(POINTS, 1e-6)
    else:
        derivative = (activation.g(POINTS + step) - activation.g(POINTS - step)) / (2 * step)
        at_kink = np.any([np.abs(POINTS - kink) <= step for kink in activation.kinks], axis=0)
        floor = 10 * EPSILON * (np.abs(g) + 1) / step / CENTRAL.tolerance
    errors = np.array([relative_error(*numbers) for numbers in zip(g_prime, derivative, floor, strict=True)])
    undecided = at_kink | ~np.isfinite(g)
    errors[undecided] = 0
    worst = int(errors.argmax())
    limit = method.tolerance if tolerance is None else tolerance
    row = CheckRow(
        quantity=f"g′ at {POINTS[worst]:.6g}" if errors[worst] > limit else "g′",
        compared=int((~undecided).sum()),
        undecided=int(undecided.sum()),
        largest_error=float(errors[worst]),
        where=None,
        given=float(g_prime[worst]),
        derivative=float(derivative[worst]),
        passed=bool(errors[worst] <= limit),
    )
    return CheckReport(f"activation {activation}", method.name, "points", limit, (row,))


def _evaluate(function: object, name: str, points: np.ndarray) -> np.ndarray:
    try:
        values = np.asarray(function(points.copy()))  # pyright: ignore[reportCallIssue]
    except Exception as error:
        raise InputError(f"{name} raises {type(error).__name__} ({error}), expected an array of numbers.") from error
    if values.shape != points.shape:
        raise InputError(f"{name} gives shape {values.shape} for {points.shape}, expected an element-wise function.")
    return values
