"""From which probability on a row is of the second of two classes, so that a rare class is not overlooked."""

from __future__ import annotations

import numpy as np

from .curves import Thresholds

HALF = 0.5
AUTO = "auto"  # a threshold that is to be chosen
BY = ("balanced_accuracy", "accuracy", "f1")  # by what a threshold is chosen, the first unless another is asked for


def decide(output: np.ndarray, threshold: float | None = None) -> np.ndarray:
    """The class of each row: that of the largest share, or of two the second one from the threshold on.

    >>> decide(np.array([[0.7, 0.3], [0.9, 0.1]]), 0.2).tolist()
    [1, 0]
    """
    if threshold is None:
        return output.argmax(axis=1)
    return (output[:, 1] >= np.float32(threshold)).astype(np.int64)


def best_threshold(
    positive: np.ndarray, share: np.ndarray, metric: str = BY[0], weight: np.ndarray | None = None
) -> float | None:
    """The threshold on the share of the second class at which the metric of these rows is highest.

    Of a range of thresholds that are equally good, the middle; of several such ranges, the one nearest to ½. None if
    all rows are of one class, or a share is none.

    >>> best_threshold(np.array([False, False, True]), np.array([0.1, 0.2, 0.4])).__round__(2)
    0.3
    """
    found = Thresholds.of(share.astype(np.float64), positive, weight)
    if found is None:
        return None
    # from above all shares, where nothing is of the class, down to the lowest one
    right, wrong = (np.concatenate([[0.0], values]) for values in (found.positives, found.others))
    value = _values(metric, right, wrong)
    ends = np.concatenate([[1.0], found.threshold, [0.0]])  # a threshold in (ends[i + 1], ends[i]] has value[i]
    best = np.flatnonzero(value >= value.max() * (1 - 1e-12))
    middles = (ends[best] + ends[best + 1]) / 2
    return float(middles[np.abs(middles - HALF).argmin()])


def _values(metric: str, right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """The metric if so much weight of each kind is taken for the class."""
    positives, others = right[-1], wrong[-1]
    if metric == "f1":
        return 2 * right / (positives + right + wrong)
    rest = others - wrong
    if metric == "accuracy":
        return (right + rest) / (positives + others)
    return (right / positives + rest / others) / 2
