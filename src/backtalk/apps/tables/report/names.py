"""The scores by the names that people know, in the order in which they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import cut
from ....pages.page import number_text

OWN = "this run"
LONGEST = 24  # letters of a class

NAMES = {
    "accuracy": "accuracy",
    "accuracy_of_the_most_frequent_class": "share of the most frequent class",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "f1_macro": "F1, mean over classes",
    "log_loss": "log loss",
    "roc_auc": "area under the ROC curve",
    "average_precision": "average precision",
    "r2": "R²",
    "d2": "D², of the Poisson deviance",
    "mean_poisson_deviance": "mean Poisson deviance",
    "mean_quantile_loss": "mean quantile loss",
    "mean_absolute_error": "mean absolute error",
    "mean_absolute_percentage_error": "mean absolute percentage error",
    "root_mean_squared_error": "root mean squared error",
    "root_mean_squared_error_of_the_mean": "RMSE of these rows' own mean",
    "largest_error": "largest error",
    "share_below": "share at or below the prediction",
    "share_within": "share within one standard deviation",
    "share_within_quantiles": "share within the outer quantiles",
    "interval_coverage": "share within its interval",
    "interval_width": "mean width of an interval",
    "rows": "rows",
}
ERRORS = ["mean_quantile_loss", "mean_poisson_deviance", "root_mean_squared_error", "mean_absolute_error"]
LESS_IS_BETTER = {"log_loss", "mean_absolute_percentage_error", "largest_error", *ERRORS}
COMPARED = ["log_loss", "accuracy", "balanced_accuracy", "f1", "f1_macro", "roc_auc", "average_precision"]
COMPARED += [*ERRORS, "mean_absolute_percentage_error", "r2", "d2", "largest_error"]


def names_of(metric: str | None) -> dict[str, str]:
    """The scores and their names in order: first that of the metric, if one was asked for."""
    return NAMES if metric is None else {metric: NAMES[metric], **NAMES}


def scores_beside(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scores of the rows that are judged: of the run, and by their names of the baselines and of the constant."""
    part = metrics["judged"]
    found: dict[str, Mapping[str, Any]] = {OWN: metrics["scores"][part]}
    baselines: list[dict[str, Any]] = metrics.get("baselines") or [{"scores": {}}]
    constant, *others = baselines
    for each in others:
        if part in each["scores"]:
            own = each["scores"][part]
            fewer = own["rows"] < found[OWN]["rows"]
            found[f"{each['name']}, {own['rows']:,} rows" if fewer else each["name"]] = own
    if part in constant["scores"]:
        shares = metrics["constant"]["shares"]
        own = constant["scores"][part]
        always = "the same quantiles" if "mean_quantile_loss" in own else "the mean"
        if shares is not None:
            always = f"'{cut(metrics['classes'][shares.index(max(shares))], LONGEST)}'"
        found[f"always {always}"] = own
    return found


def apart(names: Sequence[str], most: int) -> list[str]:
    """Names of so many letters at the most; those that would be the same are cut in the middle, or numbered.

    >>> apart(["short", "a long name 1", "a long name 2"], 9)
    ['short', 'a lo…me 1', 'a lo…me 2']
    """
    found = [cut(name, most) for name in names]
    half = most // 2
    for shorten in (lambda name, _: f"{name[: most - 1 - half]}…{name[-half:]}", lambda _, k: f"number {k + 1}"):
        counts = Counter(found)
        found = [
            cut(shorten(name, k)) if counts[text] > 1 else text
            for k, (name, text) in enumerate(zip(names, found, strict=True))
        ]
    return found


def compared_in(metrics: Mapping[str, Any]) -> list[str]:
    """The scores by which a run is compared with others, what comes first first."""
    first, found = main_score(metrics), scores_beside(metrics).values()
    return [first, *(name for name in COMPARED if name != first and any(name in each for each in found))]


def best_of(name: str, values: Mapping[str, float | None]) -> set[str]:
    """Those with the best value of a score, as it is written; nobody if all are alike."""
    known = {who: value for who, value in values.items() if value is not None}
    if len(set(map(number_text, known.values()))) < 2:
        return set()
    best = number_text((min if name in LESS_IS_BETTER else max)(known.values()))
    return {who for who, value in known.items() if number_text(value) == best}


def main_score(metrics: Mapping[str, Any]) -> str:
    """The score that comes first: what was asked for, or the first one that a run has."""
    found = metrics["scores"][metrics["judged"]]
    return next(name for name in [metrics.get("metric"), *COMPARED] if name in found)
