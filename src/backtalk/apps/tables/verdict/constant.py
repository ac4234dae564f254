"""What one predicts of a row without looking at it: the most frequent class, or one number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ....core.checked import field_of
from ....core.losses import Quantile
from ....core.network import Network
from ....errors import FileFormatError
from ..target import Target

UNEVEN = 1.5
LEAST_SHARE = 1e-6  # of a class that the training rows do not have


@dataclass(frozen=True, slots=True)
class Constant:
    """The ``shares`` of the classes in the training rows; or their ``mean``, and their ``middle``.

    ``balanced``: each class counted as much as another in training, and so it does where both are compared. The middle
    is the number of least absolute error, the median, or with the loss ``quantile`` the one at its level.

    >>> Constant(shares=[0.25, 0.75]).label
    1
    """

    shares: list[float] | None = None
    mean: float = 0.0
    middle: float = 0.0
    balanced: bool = False

    @classmethod
    def of(
        cls,
        target: Target,
        network: Network,
        truth: np.ndarray,
        balanced: bool = False,
        weight: np.ndarray | None = None,
    ) -> Constant:
        """From encoded targets, of the training rows, and their weights, if they have some."""
        if target.classifies:
            counts = np.bincount(truth, weights=weight, minlength=target.outputs)
            return cls((counts / counts.sum()).tolist(), balanced=balanced)
        with np.errstate(over="ignore", invalid="ignore"):
            y = target.decode(truth)
            return cls(None, float(np.average(y, weights=weight)), _quantile(y, level_of(network), weight))

    @property
    def label(self) -> int:
        """The most frequent class."""
        return int(np.argmax(self.shares or [0.0]))

    @property
    def is_uneven(self) -> bool:
        """Whether the most frequent class is so much more frequent than the rarest that weights would change much."""
        shares = [share for share in self.shares or [] if share > 0]
        return max(shares, default=1.0) >= UNEVEN * min(shares, default=1.0)

    def output(self, target: Target) -> np.ndarray:
        """What a network would give for every row: the shares of the classes, or the mean, encoded."""
        if self.shares is not None:
            return np.maximum(np.array(self.shares), LEAST_SHARE)
        return np.array([(self.mean - target.mean) / target.scale])

    def to_json(self) -> dict[str, Any]:
        """As ``metrics.json`` holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], target: Target, path: Path) -> Constant | None:
        """From ``metrics.json``; None in the folder of an earlier version, which has none."""
        if facts.get("constant") is None:
            return None
        found = field_of(facts, "constant", cls, path)
        if target.classifies != (found.shares is not None) or len(found.shares or []) != len(target.classes):
            raise FileFormatError(f"{path}: 'constant' is not that of the target's {len(target.classes)} classes.")
        return found


def level_of(network: Network) -> float:
    """Of the quantile that the network learns; ½ for the median."""
    return network.loss.level if isinstance(network.loss, Quantile) else 0.5


def _quantile(y: np.ndarray, level: float, weight: np.ndarray | None) -> float:
    if weight is None:
        return float(np.quantile(y, level))
    order = np.argsort(y, kind="stable")
    together = np.cumsum(weight[order].astype(np.float64))
    return float(y[order[min(int(np.searchsorted(together, level * together[-1])), len(y) - 1)]])
