"""The metrics by their names, as scikit-learn has them: which of them fit what is learned, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.head import Head
from ...core.losses import AbsoluteError, CrossEntropy, Quantile, Quantiles, SquaredError
from ...core.outputs import Softmax
from ...errors import InputError, quoted, unknown_name
from .judging import classes, numbers
from .target import Target

if TYPE_CHECKING:
    from ...train import Metric

Value = float | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A metric: its name among the scores, what its function takes, and which way is better.

    >>> METRICS["rmse"].key, METRICS["rmse"].greater_is_better
    ('root_mean_squared_error', False)
    """

    key: str
    function: Callable[..., Value]
    takes: str
    greater_is_better: bool = True


LABELS, SHARES, NUMBERS, QUANTILES = "labels", "shares", "numbers", "quantiles"
METRICS: dict[str, Kind] = {
    "accuracy": Kind("accuracy", lambda y, found, _, weight: classes.accuracy(y, found, weight), LABELS),
    "balanced_accuracy": Kind("balanced_accuracy", classes.balanced_accuracy, LABELS),
    "f1": Kind("f1", classes.f1, LABELS),
    "roc_auc": Kind("roc_auc", classes.roc_auc, SHARES),
    "average_precision": Kind("average_precision", classes.average_precision, SHARES),
    "log_loss": Kind("log_loss", classes.log_loss, SHARES, greater_is_better=False),
    "rmse": Kind("root_mean_squared_error", numbers.rmse, NUMBERS, greater_is_better=False),
    "mae": Kind("mean_absolute_error", numbers.mae, NUMBERS, greater_is_better=False),
    "mape": Kind("mean_absolute_percentage_error", numbers.mape, NUMBERS, greater_is_better=False),
    "r2": Kind("r2", numbers.r2, NUMBERS),
    "quantile_loss": Kind("mean_quantile_loss", numbers.mean_quantile_loss, QUANTILES, greater_is_better=False),
}


def key_of(name: str, target: Target) -> str:
    """The name of a metric among the scores: of several classes F1 is the mean over them."""
    return "f1_macro" if name == "f1" and target.outputs > 2 else METRICS[name].key


def fits(name: str, target: Target, head: Head) -> bool:
    """Whether a metric fits what is learned."""
    try:
        require_metric(name, target, head)
    except InputError:
        return False
    return True


def require_metric(name: str, target: Target, head: Head) -> None:
    """Refuse a metric that does not fit what is learned."""
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)
    takes = METRICS[name].takes
    of_classes = takes in (LABELS, SHARES)
    if of_classes != target.classifies:
        fitting = ", ".join(each for each, kind in METRICS.items() if (kind.takes in (LABELS, SHARES)) != of_classes)
        raise InputError(
            f"is {name}, but {quoted(target.name)} is a {target.task}: expected one of {fitting}.", argument="metric"
        )
    if takes == QUANTILES and levels_of(head) is None:
        raise InputError(
            f"is {name}, but no quantile is learned: give --quantiles 0.1,0.5,0.9 as well.", argument="metric"
        )
    if name == "log_loss" and not isinstance(head.output, Softmax):
        raise InputError(
            f"is {name}, but the output {head.output} gives no probabilities: expected softmax.", argument="metric"
        )


def require_defined(name: str, target: Target, truth: np.ndarray) -> None:
    """Refuse a metric that these rows leave without a meaning."""
    if name != "mape":
        return
    zeros = int(numbers.zeros(target.decode(truth)).sum())
    if zeros:
        raise InputError(
            f"is mape, but {quoted(target.name)} is 0 in {zeros} row{'s' * (zeros != 1)}, of which no "
            "percentage can be taken: expected mae or rmse.",
            argument="metric",
        )


def levels_of(head: Head) -> tuple[float, ...] | None:
    """The levels of the quantiles that are learned, or None."""
    if isinstance(head.loss, Quantiles):
        return head.loss.levels
    return (head.loss.level,) if isinstance(head.loss, Quantile) else None


def measure(
    name: str,
    target: Target,
    head: Head,
    truth: np.ndarray,
    output: np.ndarray,
    weight: np.ndarray | None = None,
) -> Value:
    """A metric of encoded targets and of the network's output; None if it is not defined for them."""
    kind = METRICS[name]
    if isinstance(head.loss, Quantiles):
        output = np.sort(output, axis=1)  # as they are predicted
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if kind.takes == LABELS:
            value = kind.function(truth, target.labels_of(output), target.outputs, weight)
        elif kind.takes == SHARES:
            value = kind.function(truth, output, weight)
        elif kind.takes == QUANTILES:
            value = kind.function(target.decode(truth), target.quantiles(output), levels_of(head), weight)
        else:
            value = kind.function(target.decode(truth), target.decode(output), weight)
    return None if value is None or not np.isfinite(value) else value


def is_the_loss(name: str, target: Target, head: Head) -> bool:
    """Whether the loss itself says which of two networks is better by the metric, so that nothing else is measured."""
    loss = head.loss
    if name == "log_loss":
        return isinstance(loss, CrossEntropy) and not loss.label_smoothing and isinstance(head.output, Softmax)
    kinds = {"rmse": SquaredError, "r2": SquaredError, "mae": AbsoluteError, "quantile_loss": Quantile | Quantiles}
    return name in kinds and isinstance(loss, kinds[name]) and _is_scaled_only(target)


def _is_scaled_only(target: Target) -> bool:
    """Whether the network's numbers are those of the table but for a mean and a scale, so that no order changes."""
    low, middle, high = target.decode(np.array([[-1.0], [0.0], [1.0]]))
    return bool(abs(low + high - 2 * middle) <= 1e-9 * (abs(low) + abs(high)))


def metric_of(name: str | None, target: Target, head: Head) -> Metric | None:
    """The metric that decides in training, for :func:`~backtalk.fit`; None if the loss does."""
    from ...train import Metric

    if name is None or is_the_loss(name, target, head):
        return None

    def function(y: Any, output: Any, weight: Any) -> float:
        value = measure(name, target, head, y, output, weight)
        return float("nan") if value is None else value

    return Metric(name, function, METRICS[name].greater_is_better)
