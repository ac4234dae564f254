"""Metrics, thresholds, intervals, calibration and curves of tables, beside scikit-learn's."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from backtalk import InputError, UnknownNameError
from backtalk.apps.tables.judging import calibration, classes, intervals, numbers
from backtalk.apps.tables.judging.curves import MOST_POINTS, Thresholds, precision_recall_points, roc_points
from backtalk.apps.tables.judging.threshold import best_threshold, decide
from backtalk.apps.tables.metric_names import (
    METRICS,
    is_the_loss,
    measure,
    metric_of,
    require_defined,
    require_metric,
)
from backtalk.apps.tables.target import Target
from backtalk.core.head import as_head

RNG = np.random.default_rng(0)
N = 300
WEIGHT = RNG.uniform(0, 2, N) * (RNG.random(N) > 0.1)
LABELS = {k: RNG.integers(0, k, N) for k in (2, 3)}
SHARES = {k: RNG.dirichlet(np.ones(k), N).round(2).astype(np.float32) + np.float32(0.01) for k in (2, 3)}  # with ties
SHARES = {k: shares / shares.sum(axis=1, keepdims=True) for k, shares in SHARES.items()}
Y, FOUND = RNG.gamma(2, size=N), RNG.gamma(2, size=N)
WEIGHTS = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
OF_CLASSES = Target("y", "classification", "", classes=["no", "yes"])
OF_NUMBERS = Target("y", "regression", "", form="plain", mean=3.0, scale=2.0)
SOFTMAX, SQUARES = as_head("cross_entropy"), as_head("squared_error")


@WEIGHTS
@pytest.mark.parametrize("k", [2, 3])
def test_scores_of_classes_are_scikit_learns(k, weight):
    labels, shares = LABELS[k], SHARES[k]
    found, average = shares.argmax(axis=1), "binary" if k == 2 else "macro"
    given = {"sample_weight": weight}
    assert classes.accuracy(labels, found, weight) == pytest.approx(metrics.accuracy_score(labels, found, **given))
    assert classes.balanced_accuracy(labels, found, k, weight) == pytest.approx(
        metrics.balanced_accuracy_score(labels, found, **given)
    )
    assert classes.f1(labels, found, k, weight) == pytest.approx(
        metrics.f1_score(labels, found, average=average, **given)
    )
    exact = shares.astype(np.float64) / shares.sum(axis=1, keepdims=True, dtype=np.float64)
    assert classes.log_loss(labels, shares, weight) == pytest.approx(metrics.log_loss(labels, exact, **given))
    score = exact[:, 1] if k == 2 else exact
    of_each = [metrics.roc_auc_score(labels == j, shares[:, j], **given) for j in range(k)]
    assert classes.roc_auc(labels, shares, weight) == pytest.approx(of_each[1] if k == 2 else np.mean(of_each))
    assert classes.average_precision(labels, shares, weight) == pytest.approx(
        metrics.average_precision_score(labels if k == 2 else np.eye(k)[labels], score if k == 2 else shares, **given)
    )


@WEIGHTS
def test_scores_of_numbers_are_scikit_learns(weight):
    given = {"sample_weight": weight}
    assert numbers.rmse(Y, FOUND, weight) == pytest.approx(metrics.root_mean_squared_error(Y, FOUND, **given))
    assert numbers.mae(Y, FOUND, weight) == pytest.approx(metrics.mean_absolute_error(Y, FOUND, **given))
    assert numbers.mape(Y, FOUND, weight) == pytest.approx(metrics.mean_absolute_percentage_error(Y, FOUND, **given))
    assert numbers.r2(Y, FOUND, weight) == pytest.approx(metrics.r2_score(Y, FOUND, **given))
    both = [metrics.mean_pinball_loss(Y, FOUND + d, alpha=q, **given) for q, d in ((0.1, -1), (0.9, 1))]
    found = numbers.mean_quantile_loss(Y, np.stack([FOUND - 1, FOUND + 1], axis=1), [0.1, 0.9], weight)
    assert found == pytest.approx(np.mean(both))
    counts = np.floor(Y)
    assert numbers.mean_poisson_deviance(counts, FOUND, weight) == pytest.approx(
        metrics.mean_poisson_deviance(counts, FOUND, **given)
    )
    assert numbers.d2_poisson(counts, FOUND, weight) == pytest.approx(
        metrics.d2_tweedie_score(counts, FOUND, power=1, **given)
    )


def test_what_is_not_defined_is_absent():
    one, nan = np.zeros(4, int), np.full((4, 2), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            classes.roc_auc(one, np.full((4, 2), 0.5)) is classes.average_precision(one, np.full((4, 2), 0.5)) is None
        )
        assert classes.log_loss(one, nan) is classes.roc_auc(np.array([0, 1, 0, 1]), nan) is None
        assert calibration.Reliability.of(one, nan) is best_threshold(one == 1, one + 0.5) is None
        assert calibration.best_temperature(one, nan) == 1.0
        assert numbers.r2(np.full(7, 3.3), np.ones(7), np.arange(7.0)) is None
        assert numbers.d2_poisson(np.full(7, 3.3), np.ones(7), np.arange(7.0)) is None
        assert numbers.r2(np.ones(4), np.ones(4)) is numbers.mape(np.zeros(4), np.ones(4)) is None
        assert numbers.d2_poisson(np.ones(4), np.ones(4)) is None
        assert numbers.mean_poisson_deviance(np.ones(4), np.zeros(4)) is None
        assert intervals.reach(np.array([]), 0.9) is intervals.reach(np.full(5, np.nan), 0.5) is None
        assert classes.balanced_accuracy(one, one, 3) == 1.0
        assert classes.f1(one, one, 2) == 0.0
        assert measure("rmse", OF_NUMBERS, SQUARES, np.zeros((2, 1)), np.full((2, 1), np.nan)) is None


def test_constant_outputs_tell_nothing_apart():
    labels, same = np.array([0, 1, 1, 0]), np.full((4, 2), 0.5)
    assert classes.roc_auc(labels, same) == 0.5
    assert classes.average_precision(labels, same) == 0.5
    assert roc_points(Thresholds.of(same[:, 1], labels == 1)) == [(0.0, 0.0), (1.0, 1.0)]


def test_curves_have_few_points_and_nearly_the_same_area():
    positive = RNG.random(20_000) < 0.2
    found = Thresholds.of(RNG.normal(positive * 1.0), positive)
    for points, area in (
        (roc_points(found), found.roc_auc),
        (precision_recall_points(found), found.average_precision),
    ):
        assert len(points) <= MOST_POINTS
        x, y = np.array(points).T
        assert np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) == pytest.approx(area, abs=0.01)
        assert (np.diff(x) >= 0).all()


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "f1"])
@WEIGHTS
def test_the_best_threshold_is_the_best_of_all(metric, weight):
    positive = RNG.random(N) < 0.1
    shares = np.clip(RNG.normal(0.2 + 0.15 * positive, 0.1), 0, 1).round(3)
    output = np.stack([1 - shares, shares], axis=1)

    def value(threshold: float) -> float | None:
        target = replace(OF_CLASSES, threshold=threshold)
        return measure(metric, target, SOFTMAX, positive.astype(int), output, weight)

    best = best_threshold(positive, shares, metric, weight)
    assert value(best) == pytest.approx(max(value(t) for t in np.linspace(0.0005, 0.9995, 1000)))
    assert value(best) >= value(0.5)


def test_a_threshold_decides_from_there_on():
    output = np.array([[0.7, 0.3], [0.5, 0.5], [0.71, 0.29]], np.float32)
    assert decide(output, 0.3).tolist() == [1, 1, 0]
    assert decide(output).tolist() == [0, 0, 0]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_intervals_cover_new_rows_as_often_as_they_say(level):
    rng, covered = np.random.default_rng(1), []
    for _ in range(2000):
        scores = np.abs(rng.normal(size=20))
        covered.append(scores[-1] <= intervals.reach(scores[:-1], level))
    assert level - 0.02 < np.mean(covered) < level + 1 / 20 + 0.02


def test_equal_weights_change_no_interval_and_rows_without_weight_count_for_nothing():
    scores = RNG.random(99)
    for level in (0.1, 0.9, 0.95):
        exact = np.sort(scores)[math.ceil(100 * level) - 1]
        assert intervals.reach(scores, level) == intervals.reach(scores, level, np.full(99, 0.3)) == exact
    doubled = np.concatenate([scores, RNG.random(50)])
    assert intervals.reach(doubled, 0.9, np.repeat([1.0, 0.0], [99, 50])) == intervals.reach(scores, 0.9)


def test_too_few_rows_give_no_interval():
    assert intervals.reach(np.ones(8), 0.9) is None
    assert intervals.reach(np.ones(9), 0.9) == 1.0


def test_a_temperature_mends_what_was_too_sure():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(4000, 3))
    labels = np.array([rng.choice(3, p=p) for p in np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)])
    sure = np.exp(3 * logits) / np.exp(3 * logits).sum(axis=1, keepdims=True)
    found = calibration.best_temperature(labels, sure)
    assert found == pytest.approx(3, rel=0.1)
    mended = calibration.tempered(sure, found)
    assert calibration.best_temperature(labels, mended) == pytest.approx(1, abs=0.02)
    assert calibration.best_temperature(labels[:5], sure[:5]) == pytest.approx(1, abs=0.5)  # few rows say little
    before, after = (calibration.Reliability.of(labels, each).error for each in (sure, mended))
    assert after < 0.03 < 0.15 < before
    assert sum(each.rows for each in calibration.Reliability.of(labels, sure).bins) == 4000


@pytest.mark.parametrize(
    ("name", "target", "head", "said"),
    [
        ("f1", OF_NUMBERS, SQUARES, "^metric is f1, but 'y' is a regression: expected one of rmse, mae, mape, r2"),
        ("rmse", OF_CLASSES, SOFTMAX, "^metric is rmse, but 'y' is a classification: expected one of accuracy"),
        ("quantile_loss", OF_NUMBERS, SQUARES, "no quantile is learned: give --quantiles"),
        ("log_loss", OF_CLASSES, as_head("categorical_hinge"), "gives no probabilities: expected softmax"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(name, target, head, said):
    with pytest.raises(InputError, match=said):
        require_metric(name, target, head)


def test_a_name_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(UnknownNameError, match="roc_auc"):
        require_metric("auc", OF_CLASSES, SOFTMAX)


def test_a_percentage_of_0_is_refused():
    with pytest.raises(InputError, match="in 1 row, of which no percentage can be taken: expected mae"):
        require_defined("mape", OF_NUMBERS, np.array([[1.0], [-1.5]]))
    require_defined("mae", OF_NUMBERS, np.array([[-1.5]]))


@pytest.mark.parametrize(
    ("name", "target", "loss", "expected"),
    [
        ("log_loss", OF_CLASSES, "cross_entropy", True),
        ("log_loss", OF_CLASSES, "cross_entropy(label_smoothing=0.1)", False),
        ("accuracy", OF_CLASSES, "cross_entropy", False),
        ("rmse", OF_NUMBERS, "squared_error", True),
        ("mae", OF_NUMBERS, "squared_error", False),
        ("quantile_loss", OF_NUMBERS, "quantiles", True),
    ],
)
def test_a_metric_that_the_loss_follows_is_not_measured_again(name, target, loss, expected):
    head = as_head(loss)
    assert is_the_loss(name, target, head) is (metric_of(name, target, head) is None) is expected


def test_metrics_of_numbers_are_in_the_units_of_the_table():
    truth, output = np.array([[0.0], [1.0]]), np.array([[1.0], [1.0]])
    assert measure("mae", OF_NUMBERS, SQUARES, truth, output) == 1.0
    head = as_head("quantiles(levels=[0.1, 0.9])")
    both = np.array([[0.0, 1.0], [0.0, 2.0]])
    assert measure("quantile_loss", OF_NUMBERS, head, truth, both) == pytest.approx((0 + 0.2 + 0.2 + 0.2) / 4)
    assert metric_of("mae", OF_NUMBERS, SQUARES).value(truth, output, None) == 1.0
    assert set(METRICS) >= {"accuracy", "balanced_accuracy", "f1", "roc_auc", "average_precision", "log_loss"}
