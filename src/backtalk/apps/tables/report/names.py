"""The scores by the names that people know, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = {
    "accuracy": "accuracy",
    "accuracy_of_the_most_frequent_class": "share of the most frequent class",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "F1, mean over classes",
    "log_loss": "log loss",
    "roc_auc": "area under the ROC curve",
    "r2": "R²",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
    "root_mean_squared_error_of_the_mean": "RMSE of these rows' own mean",
    "largest_error": "largest error",
    "share_below": "share at or below the prediction",
    "share_within": "share within one standard deviation",
    "rows": "rows",
}
LESS_IS_BETTER = {"log_loss", "mean_absolute_error", "root_mean_squared_error", "largest_error"}
COMPARED = ["log_loss", "accuracy", "balanced_accuracy", "f1_macro", "roc_auc"]
COMPARED += ["root_mean_squared_error", "mean_absolute_error", "r2", "largest_error"]


def main_score(metrics: Mapping[str, Any]) -> str:
    """The score that comes first: what was asked for, or the first one that a run has."""
    found = metrics["scores"][metrics["judged"]]
    return next(name for name in [metrics.get("metric"), *COMPARED] if name in found)
