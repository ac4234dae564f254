"""Conformal intervals: from how far predictions were off for rows that their network did not see.

A row's *score* says how far its true number lies outside of what was predicted, in units that suit the loss. The
interval of a new row reaches as far as the scores of a share of these rows do. Nothing is assumed of the network or of
the numbers but that the new row is exchangeable with those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

LEVEL = 0.9  # unless another is asked for


@dataclass(frozen=True, slots=True)
class Interval:
    """``reach``: the score up to which a row lies within its interval, at that ``level``.

    >>> Interval(0.9, 1.5).level
    0.9
    """

    level: float
    reach: float


def distances(y: np.ndarray, predicted: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """|y − ŷ|, in units of a ``scale`` of each row if the network learned one (Lei et al. 2018).

    >>> distances(np.array([3.0]), np.array([1.0]), np.array([4.0])).tolist()
    [0.5]
    """
    return np.abs(y - predicted) / (1.0 if scale is None else scale)


def excesses(y: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """How far y lies outside of two quantiles, negative if it lies between them (Romano, Patterson, Candès 2019).

    >>> excesses(np.array([3.0, 1.0]), np.array([0.0, 0.0]), np.array([2.0, 2.0])).tolist()
    [1.0, -1.0]
    """
    return np.maximum(lower - y, y - upper)


def reach(scores: np.ndarray, level: float, weight: np.ndarray | None = None) -> float | None:
    """The ⌈(n + 1)·level⌉-th smallest of n scores: a new one is no larger with probability ``level`` or more.

    ``weight``: of the rows; the new one then counts as much as they do on average. None if so few rows say nothing at
    this level: fewer than level/(1 − level).

    >>> reach(np.array([3.0, 1.0, 2.0]), 0.75), reach(np.array([3.0, 1.0, 2.0]), 0.9)
    (3.0, None)
    """
    weight = np.ones(len(scores)) if weight is None else weight.astype(np.float64)
    known = ~np.isnan(scores) & (weight > 0)
    scores, weight = scores[known], weight[known]
    if not len(scores):
        return None
    order = np.argsort(scores, kind="stable")
    share = np.cumsum(weight[order]) / weight.mean()
    place = int(np.searchsorted(share, level * (len(scores) + 1) * (1 - 1e-12)))  # 0.9·10 is no more than 9
    if place >= len(scores):
        return None
    found = float(scores[order[place]])
    return found if math.isfinite(found) else None


def coverage(y: np.ndarray, lower: np.ndarray, upper: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The share of the true numbers that lie within their intervals.

    >>> coverage(np.array([1.0, 5.0]), np.array([0.0, 0.0]), np.array([2.0, 2.0]))
    0.5
    """
    return float(np.average((y >= lower) & (y <= upper), weights=weight))
