"""How far chance alone moves a number: the uncertainty of a set of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

UNLIKELY = 0.01  # what chance does more seldom is not laid to it: one table in a hundred, for each comparison
FEW_OF_A_KIND = 5  # rows, of which no test says anything
RARE = 0.001  # the same for what is looked at in every run, and is nearly always well


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of paired differences d_n of rows, and the standard deviation of that mean.

    ``probability``: that chance alone gives a mean as large or larger, if the truth is 0 (Student's t; with few rows
    no less than the sign test allows, ½ to the power of the rows that differ). ``opposite``: the same for as small.

    >>> Difference.of(np.array([1.0, 1.0, 0.0, -1.0])).mean
    0.25
    """

    mean: float
    error: float
    probability: float
    opposite: float

    @classmethod
    def of(cls, d: np.ndarray, group: np.ndarray | None = None, weight: np.ndarray | None = None) -> Difference:
        """With ``group``, the mean of the means of the groups, such as classes; ``weight``: of the rows."""
        w = np.ones(len(d)) if weight is None else weight
        groups = [(d, w)] if group is None else [(d[group == each], w[group == each]) for each in np.unique(group)]
        groups = [(values, own) for values, own in groups if own.sum() > 0]
        if not groups:
            return cls(0.0, 0.0, 1.0, 1.0)
        pooled, means, squares = float(d.var()), [], []
        for values, own in groups:
            count, mean = len(values), float(own @ values / own.sum())
            means.append(mean)
            spread = float(own**2 @ (values - mean) ** 2) / own.sum() ** 2
            squares.append(spread * count / (count - 1) if count > 1 else pooled)
        mean, error = float(np.mean(means)), math.sqrt(sum(squares)) / len(groups)
        least = 0.5 ** min(int(((d != 0) & (w > 0)).sum()), 1000)
        if error == 0 or len(d) < 2:
            sure, unsure = (least if len(d) > 1 else 0.5), 1.0
            return cls(mean, error, sure if mean > 0 else unsure, sure if mean < 0 else unsure)
        above = tail(mean / error, max(1.0, w.sum() ** 2 / (w @ w) - 1))
        return cls(mean, error, max(above, least), max(1 - above, least))

    @property
    def is_more(self) -> bool:
        """Whether it is above 0 by more than chance allows."""
        return self.probability < UNLIKELY

    @property
    def is_less(self) -> bool:
        """Whether it is below 0 by more than chance allows."""
        return self.opposite < UNLIKELY


def tail(t: float, degrees: float) -> float:
    """The probability of Student's t being as large or larger."""
    from scipy.special import stdtr

    return float(stdtr(degrees, -t))


def differ(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the means of two sets of rows differ by more than chance allows (Welch's t)."""
    parts = [each.var(ddof=1) / len(each) for each in (a, b)]
    spread = sum(parts)
    if not (np.isfinite(spread) and spread > 0):
        return False
    degrees = spread**2 / sum(part**2 / (len(each) - 1) for part, each in zip(parts, (a, b), strict=True))
    return 2 * tail(abs(float(a.mean() - b.mean())) / math.sqrt(spread), degrees) < RARE


def tells_apart(score: np.ndarray, positive: np.ndarray, level: float = UNLIKELY) -> bool:
    """Whether the score is larger for the positive rows than for the others by more than chance allows.

    The rank-sum test of Mann and Whitney; with fewer than 5 rows of a kind nothing is told.
    """
    first, second = int(positive.sum()), int((~positive).sum())
    if min(first, second) < FEW_OF_A_KIND:
        return False
    beyond = ranks(score)[positive].sum() - first * (first + second + 1) / 2
    return bool(tail(beyond / math.sqrt(first * second * (first + second + 1) / 12), first + second) < level)


def rises_with(a: np.ndarray, b: np.ndarray, level: float = RARE) -> bool:
    """Whether two numbers of the same rows rise together by more than chance allows (Spearman's correlation)."""
    if len(a) < FEW_OF_A_KIND or a.std() == 0 or b.std() == 0:
        return False
    r = float(np.corrcoef(ranks(a), ranks(b))[0, 1])
    return r > 0 and tail(r * math.sqrt((len(a) - 2) / max(1 - r * r, 1e-12)), len(a) - 2) < level


def ranks(values: np.ndarray) -> np.ndarray:
    """The place of each in their order, from 1; of equal ones the mean of their places.

    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]
