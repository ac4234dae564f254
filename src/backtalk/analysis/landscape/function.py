"""ℒ of a call as a function of one vector of parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.batch import Batch
from ...core.inputs import require_network
from ...core.network import Network
from ...engines.native import passes as native
from ...errors import InputError, InputTypeError
from ...train.objective import Objective
from ...train.settings import TrainSettings

MOST_POINTS = 1000  # along one direction


def loss_of(network: Network, X: Any, y: Any, sample_weight: Any, l2_penalty: Any) -> Objective:
    """ℒ + ½λ Σ_i ‖W_i‖² with its gradient, by the kernels if they serve; raises as ``gradients`` does."""
    require_network(network)
    penalty = float(TrainSettings(l2_penalty=l2_penalty).l2_penalty)
    batch = Batch.of(network, X, y, sample_weight)
    return Objective(network, batch, penalty, native.serves(network))


def require_points(points: Any) -> int:
    """How many points along a direction: a whole number."""
    if isinstance(points, bool) or not isinstance(points, int | np.integer):
        raise InputTypeError(f"points is {points!r}, expected a whole number.")
    if not 2 <= points <= MOST_POINTS:
        raise InputError(f"points is {points}, expected 2 to {MOST_POINTS} along each direction.")
    return int(points)


def as_interval(value: Any, name: str) -> tuple[float, float]:
    """A pair (low, high) of finite numbers, not so far apart that the distance overflows."""
    try:
        low, high = (float(each) for each in value)
    except (TypeError, ValueError):
        raise InputTypeError(f"{name} is {value!r}, expected a pair (low, high) of numbers.") from None
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError(f"{name} is ({low:g}, {high:g}), expected finite numbers of which the first is lower.")
    if not np.isfinite(high - low):
        raise InputError(f"{name} is ({low:g}, {high:g}), expected numbers less than {np.finfo(float).max:.2g} apart.")
    return low, high
