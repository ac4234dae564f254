"""Is ∂ℓ/∂ŷ the derivative of ℓ?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.arrays import ArraySpec
from ...core.losses import Loss
from ...core.losses.table import RegisteredLoss
from ...errors import InputError
from .measure import CENTRAL_STEP, COMPLEX_STEP, EPSILON, Method, relative_error
from .report import CheckReport, CheckRow

EXAMPLES, OUTPUTS = 60, 4
REACH = 3.0  # how far outputs and targets lie from 0, or from the end of a domain


def check_loss(loss: Loss, method: Method, tolerance: float | None) -> CheckReport:
    """Compare ∂ℓ/∂ŷ with the measured derivative of ℓ, for 60 random examples of 4 outputs inside the domain."""
    yhat, target = _points(loss)
    with np.errstate(all="ignore"):
        given = _evaluate(loss.gradient, "gradient", loss, yhat, target)
        size = np.abs(_evaluate(loss.value, "value", loss, yhat, target))
    rows, undecided, errors = [], 0, []
    limit = method.tolerance if tolerance is None else tolerance
    for place in np.ndindex(*yhat.shape):
        derivative = _derivative(loss, method, yhat, target, place)
        if derivative is None:
            undecided += 1
            continue
        floor = 1e-6 if method.is_complex else 10 * EPSILON * (size[place[0]] + 1) / CENTRAL_STEP / limit
        errors.append((relative_error(float(given[place]), derivative, floor), place, float(given[place]), derivative))
    worst = max(errors, key=lambda each: each[0], default=(0.0, None, 0.0, 0.0))
    rows.append(CheckRow("∂ℓ/∂ŷ", len(errors), undecided, worst[0], worst[1], worst[2], worst[3], worst[0] <= limit))
    return CheckReport(f"loss {loss}", method.name, "coordinates", limit, tuple(rows))


def loss_takes_complex(loss: Loss) -> bool:
    """Whether ℓ may be differentiated by a complex step: it keeps i·s, and agrees with central differences."""
    yhat, target = (part[:6] for part in _points(loss))
    direction = np.random.default_rng(1).choice([-1.0, 1.0], yhat.shape)
    step = CENTRAL_STEP * direction
    try:
        with np.errstate(all="ignore"):
            by_complex = np.imag(loss.value(yhat + 1j * COMPLEX_STEP * direction, target)) / COMPLEX_STEP
            by_difference = (loss.value(yhat + step, target) - loss.value(yhat - step, target)) / (2 * CENTRAL_STEP)
    except Exception:  # a user's function may raise anything for complex numbers; then it is not used so
        return False
    return bool(np.allclose(by_complex, by_difference, rtol=1e-4, atol=1e-6))


def _points(loss: Loss) -> tuple[np.ndarray, np.ndarray]:
    """ŷ inside the domain, away from its ends, and targets that the loss accepts."""
    rng = np.random.default_rng(0)
    low, high = loss.domain
    yhat = _between(rng, low, high)
    if isinstance(loss, RegisteredLoss):
        return yhat, _between(rng, low, high)
    spec = ArraySpec.of(yhat)
    y = loss.draw_target(rng, EXAMPLES, OUTPUTS)
    if loss.takes_classes:
        return yhat, loss.smoothed(np.eye(OUTPUTS)[y])
    return yhat, loss.smoothed(loss.target(y, EXAMPLES, OUTPUTS, spec))


def _between(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    shape = (EXAMPLES, OUTPUTS)
    if math.isinf(low) and math.isinf(high):
        return REACH / 2 * rng.normal(size=shape)
    if math.isinf(high):
        return low + rng.uniform(0.05, REACH, size=shape)
    if math.isinf(low):
        return high - rng.uniform(0.05, REACH, size=shape)
    return low + (high - low) * rng.uniform(0.02, 0.98, size=shape)


def _derivative(
    loss: Loss, method: Method, yhat: np.ndarray, target: np.ndarray, place: tuple[int, ...]
) -> float | None:
    """∂ℓ/∂ŷ_j of one example; None at a kink that the loss names."""
    n, j = place
    row, t = yhat[n : n + 1], target[n : n + 1]
    direction = np.zeros(row.shape)
    direction[0, j] = 1.0
    with np.errstate(all="ignore"):
        if method.is_complex:
            return float(np.imag(loss.value(row + 1j * COMPLEX_STEP * direction, t))[0]) / COMPLEX_STEP
        high, low = row + CENTRAL_STEP * direction, row - CENTRAL_STEP * direction
        sides = [loss.kink_side(point, t) for point in (low, high)]
        if sides[0] is not None and np.any(sides[0] != sides[1]):
            return None
        width = float(high[0, j] - low[0, j])
        return float(loss.value(high, t)[0] - loss.value(low, t)[0]) / width


def _evaluate(function: Callable[..., Any], name: str, loss: Loss, yhat: np.ndarray, target: np.ndarray) -> np.ndarray:
    try:
        return np.asarray(function(yhat.copy(), target.copy()), dtype=np.float64)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{name} of {loss} raises {type(error).__name__} ({error}), expected an array of numbers."
        ) from error
