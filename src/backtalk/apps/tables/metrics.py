"""Scores of a network's output beside the truth, with scikit-learn's metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.losses import GaussianNLL, PoissonDeviance, Quantile, Quantiles
from ...core.network import Network
from ...core.outputs import Softmax
from ...distributed import ALONE, Group
from .judging.intervals import coverage
from .judging.numbers import d2_poisson, mean_poisson_deviance
from .metric_names import METRICS, fits, key_of, measure
from .target import Target

RARELY = "mape"  # means little of most numbers, and is measured if it is asked for


def score(target: Target, truth: np.ndarray, output: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The one number that is followed while training: accuracy, or R²."""
    return score_of_shares(target, truth, truth, output, ALONE, weight)


def score_of_shares(
    target: Target,
    all_truth: np.ndarray,
    truth: np.ndarray,
    output: np.ndarray,
    group: Group,
    weight: np.ndarray | None = None,
) -> float:
    """The same if each process of a group has the output for its rows, and the truth of them and of all.

    ``weight``: of its rows, if they do not count alike.
    """
    if weight is not None:
        return _weighted_score(target, truth, output, group, weight)
    if target.classifies:
        return sum(group.all_gather(int((target.labels_of(output) == truth).sum()))) / len(all_truth)
    residual = sum(group.all_gather(float(((_numbers(target, output) - truth[:, 0]) ** 2).sum())))
    spread = ((all_truth - all_truth.mean()) ** 2).sum()
    if spread == 0 or np.ptp(all_truth) == 0:  # the mean may be rounded
        return 0.0
    return float(1 - residual / spread)


def _weighted_score(target: Target, truth: np.ndarray, output: np.ndarray, group: Group, weight: np.ndarray) -> float:
    def in_all(values: np.ndarray) -> float:
        return sum(group.all_gather(float(weight @ values)))

    total = in_all(np.ones(len(weight)))
    if target.classifies:
        return in_all(target.labels_of(output) == truth) / total
    y = truth[:, 0].astype(np.float64)
    spread, counted = in_all((y - in_all(y) / total) ** 2), y[weight > 0]
    least = min(group.all_gather(float(counted.min(initial=np.inf))))
    largest = max(group.all_gather(float(counted.max(initial=-np.inf))))
    if spread == 0 or largest <= least:
        return 0.0
    return 1 - in_all((_numbers(target, output) - y) ** 2) / spread


def _numbers(target: Target, output: np.ndarray) -> np.ndarray:
    """The column of the output that is the number predicted."""
    return output[:, target.point if output.shape[1] > 1 else 0]


def scores(
    target: Target,
    truth: np.ndarray,
    output: np.ndarray,
    network: Network,
    weight: np.ndarray | None = None,
    first: str | None = None,
) -> dict[str, Any]:
    """Everything for ``metrics.json``, from encoded targets and the network's output.

    Each row counts by its ``weight``, if there is one, in all but ``rows``, ``largest_error`` and ``confusion_matrix``.
    ``first``: the metric that comes first, if one was asked for.
    """
    if target.classifies:
        found = _of_classes(target, truth, output, gives_shares(network), weight)
    else:
        with np.errstate(over="ignore", invalid="ignore"):  # of numbers that float32 does not hold
            found = _of_numbers(target, truth, output, network, weight)
    for name in METRICS:
        key = key_of(name, target)
        if key not in found and (name != RARELY or name == first) and fits(name, target, network.head):
            value = measure(name, target, network.head, truth, output, weight)
            found |= {} if value is None else {key: value}
    if first is None or (key := key_of(first, target)) not in found:
        return found
    return {"rows": found["rows"], key: found[key], **found}


def gives_shares(network: Network) -> bool:
    """Whether the outputs are a distribution over the classes."""
    return isinstance(network.output, Softmax)


def _of_classes(
    target: Target, labels: np.ndarray, output: np.ndarray, shares: bool, weight: np.ndarray | None
) -> dict[str, Any]:
    from sklearn import metrics

    f1_score: Any = metrics.f1_score
    predicted, known = target.labels_of(output), np.arange(len(target.classes))
    matrix = metrics.confusion_matrix(labels, predicted, labels=known)
    weighed = (
        matrix if weight is None else metrics.confusion_matrix(labels, predicted, labels=known, sample_weight=weight)
    )
    rows = weighed.sum(axis=1)
    recall = np.divide(weighed.diagonal(), rows, out=np.zeros(len(known)), where=rows > 0)
    f1 = f1_score(labels, predicted, labels=known, average="macro", zero_division=0, sample_weight=weight)
    found = {
        "rows": len(labels),
        "accuracy": float(np.average(predicted == labels, weights=weight)),
        "accuracy_of_the_most_frequent_class": float(rows.max() / rows.sum()),
        "balanced_accuracy": float(recall[rows > 0].mean()),
        "f1_macro": float(f1),
    }
    ordered = output.astype(np.float64)
    if shares:
        ordered /= ordered.sum(axis=1, keepdims=True)
        found["log_loss"] = float(metrics.log_loss(labels, ordered, labels=known, sample_weight=weight))
    if len(known) == 2 and (rows > 0).all():
        lead = ordered[:, 1] if shares else ordered[:, 1] - ordered[:, 0]
        found["roc_auc"] = float(metrics.roc_auc_score(labels, lead, sample_weight=weight))
    recalls = {name: float(value) for name, value in zip(target.classes, recall, strict=True)}
    return found | {"recall": recalls, "confusion_matrix": matrix.tolist()}


def _of_numbers(
    target: Target, truth: np.ndarray, output: np.ndarray, network: Network, weight: np.ndarray | None
) -> dict[str, Any]:
    y, predicted = target.decode(truth), target.decode(output)
    residual = predicted - y

    def mean(values: np.ndarray) -> float:
        return float(np.average(values, weights=weight))

    found = {
        "rows": len(y),
        "r2": score(target, y[:, None], predicted[:, None], weight),
        "mean_absolute_error": mean(np.abs(residual)),
        "root_mean_squared_error": mean(residual**2) ** 0.5,
        "root_mean_squared_error_of_the_mean": float(y.std()) if weight is None else mean((y - mean(y)) ** 2) ** 0.5,
        "largest_error": float(np.abs(residual).max()),
    }
    if isinstance(network.loss, Quantile):
        found["share_below"] = mean(residual >= 0)
    if isinstance(network.loss, GaussianNLL) and output.shape[1] > 1:
        found["share_within"] = mean(np.abs(residual) <= target.deviation(network, output))
    if isinstance(network.loss, PoissonDeviance):
        both = {"mean_poisson_deviance": mean_poisson_deviance, "d2": d2_poisson}
        found |= {name: of(y, predicted, weight) for name, of in both.items()}
    if isinstance(network.loss, Quantiles) and output.shape[1] > 1:
        quantiles = target.quantiles(output)
        found["share_within_quantiles"] = coverage(y, quantiles[:, 0], quantiles[:, -1], weight)
    return found
