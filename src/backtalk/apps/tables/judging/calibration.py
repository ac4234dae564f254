"""Whether probabilities are what they say, and the temperature that brings them closer to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 10
RANGE = 0.2, 5.0  # of temperatures
SPREAD = 0.3  # of their logarithms, as far as one knows before there are rows
TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows with similar probabilities: how many, what was said of them on average, and how often it was so.

    >>> Bin(2, 0.3, 0.5).rows
    2
    """

    rows: int
    said: float
    found: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The ``bins`` that hold rows, and the expected calibration ``error`` (Naeini et al. 2015).

    The error is Σ share of the rows · |said − found| over the bins.

    >>> found = Reliability.of(np.array([0, 1]), np.array([[0.75, 0.25], [0.25, 0.75]]))
    >>> found.bins, found.error
    ((Bin(rows=1, said=0.25, found=0.0), Bin(rows=1, said=0.75, found=1.0)), 0.25)
    """

    bins: tuple[Bin, ...]
    error: float

    @classmethod
    def of(cls, labels: np.ndarray, shares: np.ndarray, weight: np.ndarray | None = None) -> Reliability | None:
        """Of two classes the probability of the second; of several that of the class that is the likeliest.

        None if a share is none, or no row counts.
        """
        if not len(labels) or not np.isfinite(shares).all():
            return None
        shares = shares.astype(np.float64) / shares.sum(axis=1, keepdims=True, dtype=np.float64)
        if shares.shape[1] == 2:
            said, so = shares[:, 1], labels == 1
        else:
            said, so = shares.max(axis=1), labels == shares.argmax(axis=1)
        weight = np.ones(len(labels)) if weight is None else weight.astype(np.float64)
        if not weight.sum() > 0:
            return None
        place = np.minimum((said * BINS).astype(np.int64), BINS - 1)
        rows, weights, sums, times = (
            np.bincount(place, weights=values, minlength=BINS)
            for values in ((weight > 0).astype(float), weight, weight * said, weight * so)
        )
        held = np.flatnonzero(weights > 0)
        bins = tuple(Bin(int(rows[k]), float(sums[k] / weights[k]), float(times[k] / weights[k])) for k in held)
        return cls(bins, float(np.abs(sums - times).sum() / weights.sum()))


def tempered(shares: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(a/T) from softmax(a): the shares to the power 1/T, of sum 1.

    >>> tempered(np.array([[0.2, 0.8]]), 0.5).round(3).tolist()
    [[0.059, 0.941]]
    """
    logarithms = np.log(np.maximum(shares.astype(np.float64), TINY)) / temperature
    powers = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(shares.dtype)


def best_temperature(labels: np.ndarray, shares: np.ndarray, weight: np.ndarray | None = None) -> float:
    """T of the lowest log loss of softmax(a/T) (Guo et al. 2017), between 0.2 and 5; 1 if a share is none.

    Above 1 the network was too sure, below 1 not sure enough. Few rows say little of T: what is minimized is
    n · log loss + (log T)²/(2 · 0.3²), so that they leave it near to 1.

    >>> shares = np.array([[0.99, 0.01]] * 400)
    >>> best_temperature(np.array([0, 0, 0, 1] * 100), shares).__round__(1)
    3.7
    """
    from scipy.optimize import minimize_scalar

    if not len(labels) or not np.isfinite(shares).all():
        return 1.0
    logarithms, rows = np.log(np.maximum(shares.astype(np.float64), TINY)), np.arange(len(labels))

    def cost(logarithm: float) -> float:
        scaled = logarithms / np.exp(logarithm)
        most = scaled.max(axis=1)
        total = most + np.log(np.exp(scaled - most[:, None]).sum(axis=1))
        loss = np.average(total - scaled[rows, labels], weights=weight)
        return float(len(labels) * loss + (logarithm / SPREAD) ** 2 / 2)

    found: Any = minimize_scalar(cost, bounds=np.log(RANGE), method="bounded")
    return float(np.exp(found.x)) if cost(found.x) < cost(0.0) else 1.0
