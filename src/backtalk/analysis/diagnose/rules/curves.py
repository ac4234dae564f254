"""Loss curves as numbers: what is small, what fell, and what a loss is without its penalty."""

from __future__ import annotations

import math

import numpy as np

from ....core.losses import BinaryCrossEntropy, CrossEntropy
from ....core.network import Network
from ..telemetry import Telemetry
from ..thresholds import LIMITS


def scale_of(network: Network, telemetry: Telemetry) -> float | None:
    """A loss that means 'nothing was learned', if the data are not at hand: log k, or the first epoch's."""
    return guessing_of(network) or (telemetry.losses[0] if telemetry.epochs and telemetry.losses[0] > 0 else None)


def guessing_of(network: Network) -> float | None:
    """The loss of equal probabilities: log k, or log 2 for each yes or no; None for another loss."""
    if not network.head.is_natural:
        return None
    if isinstance(network.loss, CrossEntropy) and network.sizes[-1] > 1:
        return math.log(network.sizes[-1])
    return network.sizes[-1] * math.log(2) if isinstance(network.loss, BinaryCrossEntropy) else None


def losses_without_penalty(telemetry: Telemetry) -> np.ndarray:
    """Of each epoch, as far as it can be told from the weights after it: the penalty ½λ Σ_i ‖W_i‖² is part of what
    epochs report."""
    losses, penalty = np.array(telemetry.losses), telemetry.settings.get("l2_penalty")
    if not isinstance(penalty, int | float) or not penalty or len(telemetry.sizes) != len(losses):
        return losses
    squares = np.array([sum(size * size for size in sizes) for sizes in telemetry.sizes])
    return np.maximum(losses - 0.5 * penalty * squares, 0.0)


def fall_of(losses: tuple[float, ...]) -> float:
    """How much of the first epoch's loss is gone."""
    return 1 - min(losses) / losses[0] if losses[0] > 0 else 0.0


def is_small(loss: float, scale: float | None) -> bool:
    return scale is not None and loss < LIMITS.small * scale


def gain_of_as_much_again(quarter: float, half: float, end: float) -> float:
    """By how much a loss falls in as many steps again, from its values at a quarter, at half and at the end of them.

    It falls less from doubling to doubling of the steps, or as much: by f_2 · min(f_2/f_1, 1) after f_1 and f_2.
    """
    first, second = quarter - half, half - end
    return second * min(second / first, 1.0) if first > 0 else second
