"""What is measured when a column is taken away: the loss of each row, and the one number made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....core.losses import Quantile
from ....core.network import Network
from ..metrics import gives_shares
from ..target import Target

IN_WORDS = {
    "root_mean_squared_error": "RMSE",
    "log_loss": "log loss",
    "quantile_loss": "quantile loss",
    "error": "share of errors",
}
TINY = float(np.finfo(np.float64).eps)  # below which no share counts, as in scikit-learn's log_loss


@dataclass(frozen=True, slots=True)
class Measure:
    """The mean of the rows' losses, or its root."""

    target: Target
    network: Network

    @property
    def name(self) -> str:
        """As ``metrics.json`` names it."""
        if not self.target.classifies:
            return "quantile_loss" if isinstance(self.network.loss, Quantile) else "root_mean_squared_error"
        return "log_loss" if gives_shares(self.network) else "error"

    @property
    def words(self) -> str:
        """The name in words."""
        return IN_WORDS[self.name]

    @property
    def is_root(self) -> bool:
        """Whether the root of the mean is taken."""
        return self.name == "root_mean_squared_error"

    def losses(self, truth: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Of each row, from the encoded target and the network's output; of numbers in the target's unit."""
        if self.target.classifies:
            own = np.arange(len(truth))
            if self.name == "error":
                return (output.argmax(axis=1) != truth).astype(np.float64)
            shares = output.astype(np.float64)
            return -np.log(np.maximum(shares[own, truth] / shares.sum(axis=1), TINY))
        residual = self.target.decode(truth) - self.target.decode(output)
        if isinstance(self.network.loss, Quantile):
            level = self.network.loss.level
            return np.maximum(level * residual, (level - 1) * residual)
        return residual**2
