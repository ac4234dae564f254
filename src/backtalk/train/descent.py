"""Gradient descent on the whole batch that looks for the rate of each step, by Armijo's rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.batch import Batch
from ..core.network import Network
from ..core.optimizers import GradientDescent
from .objective import Evaluated, Minimum, Objective
from .records import Epoch

MOST_TRIES = 2000  # of rates in one step: with a shrink of ½ all that float64 has


def descend(
    network: Network,
    batch: Batch,
    *,
    l2_penalty: float,
    iterations: int,
    options: GradientDescent,
    by_kernels: bool,
    validation_loss: Callable[[Network], float | None],
    tell: Callable[[Epoch], Any],
    evaluated: Evaluated | None = None,
) -> Minimum:
    """Minimize ℒ + ½λ Σ_i ‖W_i‖² over all examples. Each step is told as an epoch; a true answer ends it.

    ``evaluated`` is told of each evaluation of ℒ: of the start, and then of each rate that is tried, in order.
    """
    objective = Objective(network, batch, l2_penalty, by_kernels, evaluated)
    theta = objective.flat(network)
    loss, gradient = objective(theta)
    done, converged, stopped = 0, False, False
    while done < iterations and not stopped:
        found = _step(objective, theta, loss, gradient, options)
        if found is None:
            converged = True
            break
        theta, loss, gradient, rate = found
        done, network = done + 1, objective.network(theta)
        stopped = bool(tell(Epoch(done, loss, network, (), validation_loss(network), rate)))
    message = "no rate lowers the loss" if converged else "the steps are over"
    return Minimum(network, loss, done, objective.evaluations, converged, stopped, message)


def _step(
    objective: Objective, theta: np.ndarray, loss: float, gradient: np.ndarray, options: GradientDescent
) -> tuple[np.ndarray, float, np.ndarray, float] | None:
    """θ after a step, its loss, gradient and rate; None if no rate lowers the loss enough."""
    slope, rate = float(gradient @ gradient), options.learning_rate
    for _ in range(MOST_TRIES):
        after = theta - rate * gradient
        if np.array_equal(after, theta):
            return None
        found, its_gradient = objective.evaluate(after)
        if found <= loss - options.armijo * rate * slope:  # never if it is NaN
            return after, found, its_gradient, rate
        rate *= options.shrink
    return None
