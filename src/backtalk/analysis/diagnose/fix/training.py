"""One training by a plan, on rows that are finite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....core.inputs import as_target
from ....core.network import Network
from ....errors import DivergedError
from ....train import fit
from ..doctor import Doctor
from ..telemetry import Telemetry
from .plan import Plan
from .scaling import Scale, fold, scale_of_inputs, scale_of_targets

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # X, y, weight


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """``inner``: the network as it was trained; ``network``: the same for X and targets as they are.

    ``diverged``: whether training broke off; they are then the last good network.
    """

    inner: Network
    network: Network
    telemetry: Telemetry
    inputs: Scale | None
    targets: Scale | None
    diverged: bool

    def scaled(self, rows: Rows) -> Rows:
        """Rows as the inner network takes them."""
        X, y, weight = rows
        return _scaled(self.inner, X, self.inputs), _scaled_y(self.inner, y, self.targets), weight


def train(plan: Plan, rows: Rows, rng: np.random.Generator) -> Trained:
    """From random weights."""
    X, y, weight = rows
    start = plan.start(rng)
    inputs = scale_of_inputs(X) if plan.scales_inputs else None
    targets = scale_of_targets(as_target(start, y, len(X)), plan.output) if plan.scales_targets else None
    doctor, diverged, y = Doctor(), False, _scaled_y(start, y, targets)
    if plan.class_weight is not None and y.ndim == 2 and y.shape[1] > 1:
        y = y.argmax(axis=1)
    seen = _scaled(start, X, inputs), y, weight
    try:
        inner = fit(start, *seen, rng=rng, callbacks=doctor, **plan.arguments(len(X))).network
    except DivergedError as error:
        inner, diverged = error.network, True
    return Trained(inner, fold(inner, inputs, targets), doctor.telemetry, inputs, targets, diverged)


def _scaled(network: Network, X: np.ndarray, scale: Scale | None) -> np.ndarray:
    return X if scale is None else scale.apply(X).astype(network.W[1].dtype)


def _scaled_y(network: Network, y: np.ndarray, scale: Scale | None) -> np.ndarray:
    return y if scale is None else scale.apply(as_target(network, y, len(y)))
