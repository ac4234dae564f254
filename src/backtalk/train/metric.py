"""A metric of a validation set, which decides instead of the loss when training ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arrays import to_numpy
from ..core.network import Network
from ..errors import InputError, InputTypeError


@dataclass(frozen=True, slots=True)
class Metric:
    """What decides which epoch is the best: a number that ``function(y, y_hat, weight)`` gives after each epoch.

    ``y``: the validation set's labels, shape (N,), or targets (N, k), as NumPy arrays; ``y_hat``: the network's output
    ŷ (N, k); ``weight``: of the examples, (N,) of sum 1, or None if all count alike. ``greater_is_better``: its
    direction. A number that is not finite says that the metric is not defined, and counts as worse than any other.
    If two epochs are equal by the metric, as often with accuracy, the one with the lower validation loss is better.

    >>> import numpy as np
    >>> from backtalk import Network, fit
    >>> accuracy = Metric("accuracy", lambda y, y_hat, weight: np.average(y_hat.argmax(axis=1) == y, weights=weight))
    >>> X, y = np.eye(4), [0, 1, 0, 1]
    >>> net = Network.create([4, 2], rng=0)
    >>> training = fit(net, X, y, epochs=20, validation=(X, y), metric=accuracy, patience=20, rng=0)
    >>> training.validation_metrics[training.best_epoch - 1] == max(training.validation_metrics)
    True
    """

    name: str
    function: Callable[[np.ndarray, np.ndarray, np.ndarray | None], Any]
    greater_is_better: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputTypeError(f"name of the metric is {self.name!r}, expected a text.")
        if not callable(self.function):
            raise InputTypeError(f"function of the metric {self.name!r} is {self.function!r}, expected a function.")

    def value(self, y: np.ndarray, y_hat: np.ndarray, weight: np.ndarray | None) -> float | None:
        """The number, or None if it is not defined."""
        found = self.function(y, y_hat, weight)
        try:
            number = float(found)
        except (TypeError, ValueError):
            raise InputTypeError(f"metric {self.name!r} gave {found!r}, expected a number.") from None
        return number if math.isfinite(number) else None

    def cost(self, value: float | None) -> float:
        """The same as a number of which less is better; infinite if it is not defined."""
        if value is None:
            return math.inf
        return -value if self.greater_is_better else value


def require_metric(metric: Any, is_validated: bool) -> None:
    """Refuse what is no metric, or has no validation set to judge."""
    if metric is None:
        return
    if not isinstance(metric, Metric):
        raise InputTypeError(f"metric is {metric!r}, expected a backtalk.Metric.")
    if not is_validated:
        raise InputError(
            f"metric is {metric.name!r}, but there is no validation set, which it would judge: give validation as well."
        )


def truth_of(network: Network, target: np.ndarray) -> np.ndarray:
    """y as a metric takes it: labels (N,) if the target is no more than these, else the numbers of each output."""
    head = network.head
    if head.takes_labels and target.shape[1] > 1:
        labels = target.argmax(axis=1)
        if np.array_equal(to_numpy(head.target(labels, len(labels), target.shape[1], network.spec)), target):
            return labels
    return np.asarray(head.loss.prediction(target))
