"""What a run makes of its output: a metric that decides, quantiles in order, intervals, thresholds and temperatures."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from backtalk import InputError, Network
from backtalk.apps.tables import Options, evaluate, predict, train
from backtalk.apps.tables.decisions import (
    decided,
    interval_of,
    interval_scores,
    level_of,
    tempered_members,
    threshold_for,
    with_point,
)
from backtalk.apps.tables.judging.calibration import tempered
from backtalk.apps.tables.metric_names import measure
from backtalk.apps.tables.model import output_of
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.target import Target

RNG = np.random.default_rng(0)
N = 400
A, B = RNG.normal(size=N), RNG.normal(size=N)
NUMBERS = pl.DataFrame({"a": A, "b": B, "y": 2 * A + RNG.normal(size=N) * (1 + abs(B))})
CLASSES = pl.DataFrame({"a": A, "b": B, "k": np.where(A + RNG.normal(size=N) > 1.3, "yes", "no")})
COUNTS = pl.DataFrame({"a": A, "b": B, "n": RNG.poisson(np.exp(0.6 * A))})
FAST = {"epochs": 6, "hidden": (8,), "members": 2}
OF_NUMBERS = Target("y", "regression", "", form="plain", mean=3.0, scale=2.0)


def network(loss: str, outputs: int, **options) -> Network:
    return Network.create([2, 4, outputs], "tanh", loss, rng=0, dtype="float32", **options)


# Functions


@pytest.mark.parametrize(
    ("loss", "outputs"),
    [("squared_error", 1), ("gaussian_nll", 2), ("quantiles(levels=[0.1, 0.5, 0.9])", 3), ("quantiles", 2)],
)
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_hold_as_many_of_the_rows_that_they_were_made_of_as_they_say(loss, outputs, level):
    net, X = network(loss, outputs), RNG.normal(size=(999, 2)).astype(np.float32)
    y, output = RNG.normal(size=(999, 1)).astype(np.float32), output_of([net], X)
    target = decided(Options("y", interval=level), net, OF_NUMBERS, (y, output, None))
    found = interval_scores(net, target, y, output)
    assert found["interval_coverage"] == pytest.approx(level, abs=0.003)
    lower, upper = interval_of(net, target, output)
    assert (lower <= upper).all()
    assert target.interval.level == level


def test_a_deviation_that_was_learned_makes_intervals_of_that_width():
    net, X = network("gaussian_nll", 2), RNG.normal(size=(99, 2)).astype(np.float32)
    output = output_of([net], X)
    target = decided(Options("y"), net, OF_NUMBERS, (RNG.normal(size=(99, 1)), output, None))
    lower, upper = interval_of(net, target, output)
    ratio = (upper - lower) / target.deviation(net, output)
    assert ratio == pytest.approx(ratio[0])


def test_an_interval_ends_where_the_output_does():
    net, X = network("poisson_deviance", 1), RNG.normal(size=(99, 2)).astype(np.float32)
    output, target = output_of([net], X), Target("n", "regression", "", form="plain")
    target = decided(Options("n"), net, target, (RNG.poisson(output), output, None))
    lower, upper = interval_of(net, target, output)
    assert lower.min() == 0
    assert (upper > output[:, 0]).all()


def test_the_level_is_what_was_asked_for_else_that_of_the_outer_quantiles():
    assert level_of(Options("y")) == 0.9
    assert level_of(Options("y", quantiles=(0.05, 0.5, 0.85))) == 0.8
    assert level_of(Options("y", quantiles=(0.5,))) == 0.9
    assert level_of(Options("y", quantiles=(0.1, 0.9), interval=0.5)) == 0.5
    none = decided(Options("y", interval=0), network("squared_error", 1), OF_NUMBERS, (A[:, None], A[:, None], None))
    assert none.interval is None


def test_a_temperature_is_part_of_the_last_layer():
    members = [Network.create([2, 4, 3], "tanh", rng=seed, dtype="float32") for seed in range(2)]
    X = RNG.normal(size=(50, 2)).astype(np.float32)
    before, after = output_of(members, X), output_of(tempered_members(members, 1.7), X)
    assert after == pytest.approx(tempered(before, 1.7), abs=1e-6)
    assert tempered_members(members, 1.0) == tuple(members)


def test_a_threshold_is_chosen_by_the_metric_if_it_can_be():
    shares = np.clip(RNG.normal(0.2 + 0.2 * (CLASSES["k"] == "yes").to_numpy(), 0.1), 0.01, 0.99)
    labels, output = (CLASSES["k"] == "yes").to_numpy().astype(int), np.stack([1 - shares, shares], axis=1)
    found = {
        metric: threshold_for(Options("k", threshold="auto", metric=metric), (labels, output, None))
        for metric in (None, "balanced_accuracy", "accuracy", "f1", "roc_auc")
    }
    assert found[None] == found["balanced_accuracy"] == found["roc_auc"] < found["accuracy"]
    assert threshold_for(Options("k", threshold=0.3), None) == 0.3
    assert threshold_for(Options("k", threshold="auto"), None) is None
    assert threshold_for(Options("k"), (labels, output, None)) is None


def test_the_number_that_is_predicted_is_the_quantile_nearest_to_the_median():
    assert with_point(OF_NUMBERS, [0.1, 0.45, 0.9]).point == 1
    assert with_point(OF_NUMBERS, [0.5, 0.9]).decode(np.array([[1.0, 2.0]])) == [5.0]


# Whole runs


def test_quantiles_are_predicted_in_order_with_ends_that_cover(tmp_path):
    options = Options("y", quantiles=(0.1, 0.5, 0.9), metric="quantile_loss", test=0.3, **FAST | {"epochs": 25})
    result = train(NUMBERS, tmp_path / "run", options)
    found, _ = predict(tmp_path / "run", NUMBERS)
    assert found.columns == ["prediction", "quantile 0.1", "quantile 0.5", "quantile 0.9", "lower 0.8", "upper 0.8"]
    low, middle, high = (found[f"quantile {level}"] for level in (0.1, 0.5, 0.9))
    assert ((low <= middle) & (middle <= high)).all()
    assert found["prediction"].equals(middle.alias("prediction"))
    of_test = result.metrics["scores"]["test"]
    assert list(of_test)[:2] == ["rows", "mean_quantile_loss"]
    assert 0.65 < of_test["interval_coverage"] < 0.95
    assert result.metrics["metric"] == "mean_quantile_loss"
    assert any("put in order" in each for each in result.said)


def test_a_metric_decides_in_training_and_stands_in_the_history(tmp_path):
    options = Options("k", metric="roc_auc", patience=2, **FAST | {"epochs": 30})
    result = train(CLASSES, tmp_path / "run", options)
    lines = [json.loads(line) for line in (tmp_path / "run" / "history-1.jsonl").read_text().splitlines()]
    of_first = result.metrics["trainings"][0]
    assert [line["validation_score"] for line in lines] == of_first["validation_metrics"]
    best = max(of_first["validation_metrics"])
    assert of_first["validation_metrics"][of_first["kept_epoch"] - 1] == best
    assert next(iter(result.metrics["scores"]["out_of_fold"].items()))[0] == "rows"
    assert len(result.metrics["roc"][0]["points"]) <= 200
    assert {"bins", "error"} == set(result.metrics["reliability"])
    scores, _ = evaluate(tmp_path / "run", CLASSES)
    assert scores["metric"] == "roc_auc"


def test_a_threshold_decides_in_predictions_and_scores(tmp_path):
    result = train(CLASSES, tmp_path / "run", Options("k", threshold=0.2, **FAST))
    found, _ = predict(tmp_path / "run", CLASSES)
    assert ((found["prediction"] == "yes") == (found["probability of yes"] >= 0.2)).all()
    scores, _ = evaluate(tmp_path / "run", CLASSES)
    assert scores["accuracy"] == (found["prediction"] == CLASSES["k"]).mean()
    assert result.metrics["threshold"] == 0.2
    assert any("if its probability of that is 0.2 or more" in each for each in result.said)


def test_counts_are_advised_and_scored_as_such(tmp_path):
    ready = prepare(COUNTS, Options("n", task="regression"))
    assert any("--loss poisson_deviance" in each for each in ready.said)
    assert not any("--loss poisson_deviance" in each for each in prepare(NUMBERS, Options("y")).said)
    options = Options("n", task="regression", loss="poisson_deviance", **FAST)
    scores = train(COUNTS, tmp_path / "run", options).metrics["scores"]["out_of_fold"]
    assert {"d2", "mean_poisson_deviance"} <= set(scores)


def test_rows_of_one_class_in_a_fold_are_no_error():
    ready = prepare(CLASSES.head(40).with_columns(pl.Series("k", ["no"] * 38 + ["yes"] * 2)), Options("k"))
    net, target = ready.network, ready.target
    same = np.zeros(5, int)
    assert measure("roc_auc", target, net.head, same, np.full((5, 2), 0.5)) is None
    assert measure("average_precision", target, net.head, same, np.full((5, 2), 0.5)) is None


@pytest.mark.parametrize(
    ("frame", "options", "said"),
    [
        (NUMBERS, {"target": "y", "metric": "f1"}, "^metric is f1, but 'y' is a regression"),
        (CLASSES, {"target": "k", "metric": "rmse"}, "^metric is rmse, but 'k' is a classification"),
        (NUMBERS, {"target": "y", "metric": "quantile_loss"}, "no quantile is learned"),
        (COUNTS, {"target": "n", "task": "regression", "metric": "mape"}, "no percentage can be taken"),
        (NUMBERS, {"target": "y", "metric": "auc"}, "metric is 'auc'"),
        (NUMBERS, {"target": "y", "quantiles": (0.9, 0.1)}, "expected numbers between 0 and 1 that rise"),
        (NUMBERS, {"target": "y", "quantiles": (0.0, 0.5)}, "expected numbers between 0 and 1 that rise"),
        (NUMBERS, {"target": "y", "quantiles": (0.5,), "loss": "huber"}, "leave out one of them"),
        (CLASSES, {"target": "k", "quantiles": (0.5,)}, "'k' holds classes, which have none"),
        (NUMBERS, {"target": "y", "interval": 1.0}, "expected a level between 0 and 1"),
        (CLASSES, {"target": "k", "interval": 0.5}, "^interval is 0.5, but 'k' holds classes, which have no ends"),
        (NUMBERS, {"target": "y", "loss": "poisson_deviance"}, r"but 'y' is -\d.* in row \d+, expected counts"),
        (NUMBERS, {"target": "y", "threshold": "auto"}, "^threshold is auto, but 'y' holds numbers"),
        (CLASSES, {"target": "k", "threshold": 1.5}, "expected a probability between 0 and 1, or auto"),
        (CLASSES, {"target": "k", "threshold": 0.5, "loss": "categorical_hinge"}, "gives no probabilities"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(frame, options, said, tmp_path):
    with pytest.raises(InputError, match=said):
        train(frame, tmp_path / "run", Options(**options))
    assert not (tmp_path / "run").exists()


def test_a_threshold_of_three_classes_is_refused():
    three = CLASSES.with_columns(pl.Series("k", np.array(["a", "b", "c"])[np.arange(N) % 3]))
    with pytest.raises(InputError, match="has 3 classes, and it parts two: give --class-weight balanced"):
        prepare(three, Options("k", threshold="auto"))
