"""What is measured when a column is taken away: the loss of each row, and the one number made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....core.network import Network
from ..judging.classes import LEAST, of_labels
from ..judging.numbers import quantile_losses
from ..metric_names import levels_of
from ..metrics import gives_shares
from ..target import Target

IN_WORDS = {
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "mape": "mean absolute percentage error",
    "quantile_loss": "mean quantile loss",
    "log_loss": "log loss",
    "accuracy": "share of errors",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """The mean of the rows' losses, or its root.

    The ``metric`` that was asked for, if it is such a mean; or else the log loss of classes, or their share of errors
    if there are no probabilities; of numbers the root of the mean squared error, or the loss of the quantiles.
    """

    target: Target
    network: Network
    metric: str | None = None

    @property
    def name(self) -> str:
        """The metric's name; 'accuracy' is measured by the errors."""
        if self.target.classifies:
            return "accuracy" if self.metric == "accuracy" or not gives_shares(self.network) else "log_loss"
        if self.metric in ("mae", "mape", "rmse"):
            return self.metric
        return "rmse" if levels_of(self.network.head) is None else "quantile_loss"

    @property
    def words(self) -> str:
        """The name in words."""
        return IN_WORDS[self.name]

    @property
    def is_root(self) -> bool:
        """Whether the root of the mean is taken."""
        return self.name == "rmse"

    def losses(self, truth: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Of each row, from the encoded target and the network's output; of numbers in the target's unit."""
        name, target = self.name, self.target
        if name == "accuracy":
            return (target.labels_of(output) != truth).astype(np.float64)
        if name == "log_loss":
            return -np.log(np.maximum(of_labels(output, truth), LEAST))
        y = target.decode(truth)
        if name == "quantile_loss":
            return quantile_losses(y, target.quantiles(output), levels_of(self.network.head) or ())
        residual = np.abs(y - target.decode(output))
        return residual**2 if name == "rmse" else residual / np.abs(y) if name == "mape" else residual
