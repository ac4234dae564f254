"""Scores of numbers: how far predictions are from the truth, in the units of the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Weight = np.ndarray | None
LEAST = 1e-6  # of the largest number


def rmse(y: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """The root of the mean squared error.

    >>> rmse(np.array([1.0, 2.0]), np.array([4.0, 6.0])).__round__(4)
    3.5355
    """
    return float(np.sqrt(np.average((predicted - y) ** 2, weights=weight)))


def mae(y: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """The mean absolute error.

    >>> mae(np.array([1.0, 2.0]), np.array([4.0, 6.0]))
    3.5
    """
    return float(np.average(np.abs(predicted - y), weights=weight))


def mape(y: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float | None:
    """The mean absolute error as a share of the true number; None if one of these is 0, as far as float32 can tell.

    >>> mape(np.array([1.0, 2.0]), np.array([4.0, 6.0])), mape(np.array([0.0]), np.array([1.0]))
    (2.5, None)
    """
    if zeros(y).any():
        return None
    return float(np.average(np.abs((predicted - y) / y), weights=weight))


def zeros(y: np.ndarray) -> np.ndarray:
    """Which numbers are 0, but for what float32 makes of 0 among the largest of them.

    >>> zeros(np.array([0.0, 1e-8, 1.0])).tolist()
    [True, True, False]
    """
    size = np.abs(y)
    return size <= LEAST * size.max(initial=0.0)


def r2(y: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float | None:
    """1 − Σ w (ŷ − y)²/Σ w (y − ȳ)²; None if all true numbers are the same.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
    0.5
    """
    spread = np.average((y - np.average(y, weights=weight)) ** 2, weights=weight)
    if not spread > 0 or _are_same(y, weight):
        return None
    return float(1 - np.average((predicted - y) ** 2, weights=weight) / spread)


def _are_same(y: np.ndarray, weight: Weight) -> bool:
    """Whether all numbers that count are the same: then they differ from their mean by its rounding."""
    return bool(np.ptp(y if weight is None else y[weight > 0]) == 0)


def mean_quantile_loss(y: np.ndarray, predicted: np.ndarray, levels: Sequence[float], weight: Weight = None) -> float:
    """max(q·r, (q − 1)·r) with r = y − ŷ, the mean over the levels q, whose predictions are the columns, and the rows.

    >>> mean_quantile_loss(np.array([2.0]), np.array([[1.0, 3.0]]), [0.1, 0.9]).__round__(4)
    0.1
    """
    return float(np.average(quantile_losses(y, predicted, levels), weights=weight))


def quantile_losses(y: np.ndarray, predicted: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """The same of each row.

    >>> quantile_losses(np.array([2.0]), np.array([[1.0, 3.0]]), [0.1, 0.9]).round(4).tolist()
    [0.1]
    """
    residual = y[:, None] - predicted
    q = np.asarray(levels, dtype=np.float64)
    return np.maximum(q * residual, (q - 1) * residual).mean(axis=1)


def mean_poisson_deviance(y: np.ndarray, rate: np.ndarray, weight: Weight = None) -> float | None:
    """2 [y log(y/ŷ) − y + ŷ], the mean over the rows; None if a rate is not above 0, or a count below it.

    >>> mean_poisson_deviance(np.array([0.0, 2.0]), np.array([1.0, 2.0]))
    1.0
    """
    if (rate <= 0).any() or (y < 0).any():
        return None
    ratio = np.where(y > 0, y, rate) / rate
    return float(np.average(2 * (np.where(y > 0, y * np.log(ratio), 0.0) - y + rate), weights=weight))


def d2_poisson(y: np.ndarray, rate: np.ndarray, weight: Weight = None) -> float | None:
    """The share of the Poisson deviance of the mean that the rates explain, as R² of the squared error.

    None if it is not defined for them, or if all counts are the same.

    >>> d2_poisson(np.array([1.0, 3.0]), np.array([1.0, 3.0]))
    1.0
    """
    own, mean = mean_poisson_deviance(y, rate, weight), np.full(len(y), np.average(y, weights=weight))
    other = mean_poisson_deviance(y, mean, weight)
    return None if own is None or not other or _are_same(y, weight) else 1 - own / other
