"""Scores of classes: from labels and from the shares that the classes are given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .curves import Thresholds

Weight = np.ndarray | None
LEAST = float(np.finfo(np.float64).eps)  # of a share, in a logarithm: as in scikit-learn


def accuracy(labels: np.ndarray, predicted: np.ndarray, weight: Weight = None) -> float:
    """The share of the rows that are right.

    >>> accuracy(np.array([0, 1, 1]), np.array([0, 1, 0])).__round__(4)
    0.6667
    """
    return float(np.average(predicted == labels, weights=weight))


def recalls(labels: np.ndarray, predicted: np.ndarray, classes: int, weight: Weight = None) -> np.ndarray:
    """Of each class the share of its rows that are right; NaN for a class without rows.

    >>> recalls(np.array([0, 1, 1]), np.array([0, 1, 0]), 3).tolist()
    [1.0, 0.5, nan]
    """
    rows, right, _ = _counts(labels, predicted, classes, weight)
    return np.divide(right, rows, out=np.full(classes, np.nan), where=rows > 0)


def balanced_accuracy(labels: np.ndarray, predicted: np.ndarray, classes: int, weight: Weight = None) -> float:
    """The mean of the recalls of the classes that have rows.

    >>> balanced_accuracy(np.array([0, 1, 1]), np.array([0, 1, 0]), 3)
    0.75
    """
    return float(np.nanmean(recalls(labels, predicted, classes, weight)))


def f1(labels: np.ndarray, predicted: np.ndarray, classes: int, weight: Weight = None) -> float:
    """2·precision·recall/(precision + recall): of the second of two classes; of several the mean over all of them.

    0 for a class that is neither there nor predicted.

    >>> f1(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).__round__(4)
    0.6667
    """
    rows, right, said = _counts(labels, predicted, classes, weight)
    both = rows + said
    found = np.divide(2 * right, both, out=np.zeros(classes), where=both > 0)
    return float(found[1] if classes == 2 else found.mean())


def log_loss(labels: np.ndarray, shares: np.ndarray, weight: Weight = None) -> float | None:
    """−log of the share that the true class is given, the mean over the rows; None if a share is none.

    >>> log_loss(np.array([0]), np.array([[0.5, 0.5]])).__round__(4)
    0.6931
    """
    given = of_labels(shares, labels)
    if not np.isfinite(given).all():
        return None
    return float(np.average(-np.log(np.maximum(given, LEAST)), weights=weight))


def roc_auc(labels: np.ndarray, shares: np.ndarray, weight: Weight = None) -> float | None:
    """The area below the ROC curve: of the second of two classes; of several the mean of each against all others.

    A class that no row has, or every row, counts for nothing; None if no class is left, or a share is none.

    >>> roc_auc(np.array([0, 1]), np.array([[0.8, 0.2], [0.3, 0.7]]))
    1.0
    """
    return _mean_over_classes(labels, shares, weight, lambda found: found.roc_auc)


def average_precision(labels: np.ndarray, shares: np.ndarray, weight: Weight = None) -> float | None:
    """The mean precision over the recall: of the second of two classes; of several the mean of each against all others.

    None as for :func:`roc_auc`.

    >>> average_precision(np.array([0, 1]), np.array([[0.8, 0.2], [0.3, 0.7]]))
    1.0
    """
    return _mean_over_classes(labels, shares, weight, lambda found: found.average_precision)


def of_labels(shares: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share that each row's label is given, of all that the row gives; in float64."""
    shares = shares.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return shares[np.arange(len(labels)), labels] / shares.sum(axis=1)


def thresholds_of(labels: np.ndarray, output: np.ndarray, label: int, weight: Weight = None) -> Thresholds | None:
    """All thresholds of one class against the others; of two classes, by how much its share or score is higher.

    >>> thresholds_of(np.array([0, 1]), np.array([[0.75, 0.25], [0.5, 0.5]]), 1).threshold.tolist()
    [0.0, -0.5]
    """
    output = output.astype(np.float64)
    score = output[:, label] - output[:, 1 - label] if output.shape[1] == 2 else output[:, label]
    return Thresholds.of(score, labels == label, weight)


def _mean_over_classes(
    labels: np.ndarray, output: np.ndarray, weight: Weight, area: Callable[[Thresholds], float]
) -> float | None:
    """Of the second of two classes, else the mean over those that some rows have, and others not."""
    if not np.isfinite(output).all():
        return None
    those = [1] if output.shape[1] == 2 else range(output.shape[1])
    found = [thresholds_of(labels, output, label, weight) for label in those]
    areas = [area(each) for each in found if each is not None]
    return float(np.mean(areas)) if areas else None


def _counts(
    labels: np.ndarray, predicted: np.ndarray, classes: int, weight: Weight
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each class the weight of its rows, of those of them that are right, and of those predicted to be of it."""
    right = labels == predicted
    weight = np.ones(len(labels)) if weight is None else weight.astype(np.float64)
    return (
        np.bincount(labels, weights=weight, minlength=classes),
        np.bincount(labels[right], weights=weight[right], minlength=classes),
        np.bincount(predicted, weights=weight, minlength=classes),
    )
