"""The ROC curve and the precision-recall curve: their points at every threshold, and the areas below them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_POINTS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """What lies at or above each threshold, from the highest down.

    ``threshold``: each different score; ``positives``, ``others``: the weight of the rows at or above it that are of
    the class, and of those that are not, of all of which the last one holds everything.

    >>> found = Thresholds.of(np.array([0.9, 0.2, 0.2]), np.array([True, False, True]))
    >>> found.threshold.tolist(), found.positives.tolist(), found.others.tolist()
    ([0.9, 0.2], [1.0, 2.0], [0.0, 1.0])
    """

    threshold: np.ndarray
    positives: np.ndarray
    others: np.ndarray

    @classmethod
    def of(cls, score: np.ndarray, positive: np.ndarray, weight: np.ndarray | None = None) -> Thresholds | None:
        """From the scores of rows (n,), which of them are of the class, and their weights.

        None if one kind of rows has no weight, or a score is none: then there is nothing to tell apart.
        """
        weight = np.ones(len(score)) if weight is None else weight.astype(np.float64)
        counted = weight > 0
        score, positive, weight = score[counted], positive[counted], weight[counted]
        if not len(score) or positive.all() or not positive.any() or np.isnan(score).any():
            return None
        order = np.argsort(-score, kind="stable")
        score, positive, weight = score[order], positive[order], weight[order]
        last = np.flatnonzero(np.append(score[1:] != score[:-1], True))  # of the rows with equal scores
        return cls(score[last], np.cumsum(weight * positive)[last], np.cumsum(weight * ~positive)[last])

    @property
    def false_positive_rate(self) -> np.ndarray:
        """The share of the others that lie at or above each threshold."""
        return self.others / self.others[-1]

    @property
    def recall(self) -> np.ndarray:
        """The share of the rows of the class that lie at or above each threshold."""
        return self.positives / self.positives[-1]

    @property
    def precision(self) -> np.ndarray:
        """The share of the class among the rows at or above each threshold."""
        return self.positives / (self.positives + self.others)

    @property
    def roc_auc(self) -> float:
        """The area below the ROC curve, as scikit-learn's ``roc_auc_score``."""
        across, up = (np.concatenate([[0.0], values]) for values in (self.false_positive_rate, self.recall))
        return float(np.sum(np.diff(across) * (up[1:] + up[:-1])) / 2)

    @property
    def average_precision(self) -> float:
        """The mean precision over the recall, as scikit-learn's ``average_precision_score``."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


def roc_points(found: Thresholds) -> list[tuple[float, float]]:
    """(false positive rate, recall) from (0, 0) to (1, 1): at most 200 points, the corners before others.

    >>> roc_points(Thresholds.of(np.array([0.9, 0.2, 0.1]), np.array([True, False, True])))
    [(0.0, 0.0), (0.0, 0.5), (1.0, 0.5), (1.0, 1.0)]
    """
    across, up = (np.concatenate([[0.0], values]) for values in (found.false_positive_rate, found.recall))
    return _thinned(across, up)


def precision_recall_points(found: Thresholds) -> list[tuple[float, float]]:
    """(recall, precision) from the highest threshold down: at most 200 points.

    >>> precision_recall_points(Thresholds.of(np.array([0.9, 0.2]), np.array([True, False])))
    [(1.0, 1.0), (1.0, 0.5)]
    """
    return _thinned(found.recall, found.precision)


def _thinned(across: np.ndarray, up: np.ndarray) -> list[tuple[float, float]]:
    """The points without those on a straight line between their neighbours, and of too many some at even distances."""
    steps = np.diff(across), np.diff(up)
    straight = steps[0][1:] * steps[1][:-1] == steps[0][:-1] * steps[1][1:]
    kept = np.flatnonzero(np.concatenate([[True], ~straight, [True]])) if len(across) > 1 else np.arange(len(across))
    if len(kept) > MOST_POINTS:
        length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(across[kept]), np.diff(up[kept])))])
        wanted = np.linspace(0, length[-1], MOST_POINTS)
        kept = kept[np.unique(np.searchsorted(length, wanted).clip(max=len(kept) - 1))]
    return [(float(a), float(b)) for a, b in zip(across[kept], up[kept], strict=True)]
