"""A metric decides which epoch is the best: in fit, fit_many and resume, with every engine and every validation set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, MemoryMapped, Metric, Network, fit, fit_many, forward, load, resume
from backtalk.train.loggers.logger import numbers
from backtalk.train.state import BestEpoch
from engines import same_bits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = (X[:, 0] + RNG.normal(size=80) > 0).astype(int)
ROWS, HELD = np.arange(50), (X[50:], Y[50:])
ACCURACY = Metric("accuracy", lambda y, y_hat, weight: np.average(y_hat.argmax(axis=1) == y, weights=weight))
UNDEFINED = Metric("nothing", lambda y, y_hat, weight: np.nan)


def network(seed: int = 0, **options: Any) -> Network:
    return Network.create([3, 8, 2], activation="tanh", rng=seed, **options)


def train(**options: Any):
    return fit(network(), X[ROWS], Y[ROWS], **{"epochs": 30, "rng": 0, "validation": HELD, **options})


def test_the_best_epoch_is_the_first_of_the_lowest_loss_among_those_of_the_best_metric():
    training = train(metric=ACCURACY, patience=30, optimizer="adam(learning_rate=0.05)")
    pairs = zip(training.validation_metrics, training.validation_losses, strict=True)
    best = min(enumerate(pairs, start=1), key=lambda each: (-each[1][0], each[1][1]))[0]
    assert training.best_epoch == best != int(np.argmin(training.validation_losses)) + 1
    assert ACCURACY.value(HELD[1], forward(training.network, HELD[0]).output, None) == max(training.validation_metrics)
    assert training.metric == "accuracy" in repr(training)


def test_training_ends_when_the_metric_has_not_improved():
    falling = Metric("falling", lambda y, y_hat, weight: next(values), greater_is_better=True)
    values = iter([0.5, 0.7, 0.6, 0.5, 0.4, 0.9])
    training = train(metric=falling, patience=3)
    assert (training.best_epoch, len(training.losses), training.reason) == (2, 5, "patience")
    assert "then falling had not improved" in repr(training)


def test_a_metric_of_which_less_is_better_and_its_tolerance():
    error = Metric("error", lambda y, y_hat, weight: next(values), greater_is_better=False)
    values = iter([0.5, 0.4, 0.395, 0.39, 0.1])
    training = train(metric=error, patience=2, tolerance=0.05)
    assert (training.best_epoch, training.validation_metrics) == (4, (0.5, 0.4, 0.395, 0.39))


def test_a_metric_that_is_not_defined_leaves_it_to_the_loss():
    plain, other = train(patience=5), train(metric=UNDEFINED, patience=5)
    assert (plain.best_epoch, plain.losses) == (other.best_epoch, other.losses)
    assert same_bits(plain.network, other.network)
    assert set(other.validation_metrics) == {None}
    assert "nothing is not defined" in repr(other)


def test_a_defined_value_is_better_than_none():
    best = BestEpoch().after(1, 0.5, 0.0).after(2, 0.9, 0.0, cost=3.0).after(3, 0.1, 0.0)
    assert best == BestEpoch(2, 0.9, 1, 3.0)


@pytest.mark.parametrize("engine", ["auto", "formula"])
@pytest.mark.parametrize("loss", ["cross_entropy", "cross_entropy(label_smoothing=0.1)", "categorical_hinge", "focal"])
def test_labels_are_labels_whatever_the_loss_makes_of_them(engine, loss):
    seen = []
    metric = Metric("seen", lambda y, y_hat, weight: seen.append((y, y_hat, weight)) or 0.0)
    net = network(loss=loss)
    fit(net, X[ROWS], Y[ROWS], epochs=1, rng=0, validation=HELD, metric=metric, engine=engine)
    y, y_hat, weight = seen[0]
    assert np.array_equal(y, HELD[1])
    assert y_hat.shape == (30, 2)
    assert weight is None


@pytest.mark.parametrize(
    ("loss", "y", "outputs"),
    [("squared_error", X[:, :1], 1), ("gaussian_nll", X[:, 0], 2), ("kl_divergence", np.full((80, 2), 0.5), 2)],
)
def test_numbers_and_distributions_come_as_they_are(loss, y, outputs):
    seen = []
    metric = Metric("seen", lambda y, y_hat, weight: seen.append((y, y_hat)) or 0.0)
    net = Network.create([3, 4, outputs], loss=loss, rng=0)
    fit(net, X, y, epochs=1, rng=0, validation=(X[:9], y[:9]), metric=metric)
    assert np.array_equal(seen[0][0], y[:9].reshape(9, -1))
    assert seen[0][1].shape == (9, outputs)


def test_weights_that_differ_are_given_and_sum_to_one():
    seen = []
    metric = Metric("seen", lambda y, y_hat, weight: seen.append(weight) or 0.0)
    weight = np.arange(1.0, 31.0)
    train(metric=metric, validation=(*HELD, weight), epochs=1)
    assert np.allclose(seen[0], weight / weight.sum())


def test_rows_in_files_are_judged_alike(tmp_path):
    np.save(tmp_path / "X.npy", HELD[0])
    there = train(metric=ACCURACY, validation=MemoryMapped(str(tmp_path / "X.npy"), HELD[1]))
    here = train(metric=ACCURACY)
    assert there.validation_metrics == here.validation_metrics
    assert there.validation_losses == here.validation_losses


def test_fit_many_judges_each_network_by_its_own_metric_and_rows():
    each = [{"metric": ACCURACY, "patience": 4}, {"metric": UNDEFINED, "patience": 4}, {"patience": 4}]
    together = fit_many(
        [network()] * 3, X, Y, rows=ROWS, validation=HELD, epochs=30, each=[{"rng": 0, **own} for own in each]
    )
    for training, own in zip(together, each, strict=True):
        alone = train(**own)
        assert training.validation_metrics == alone.validation_metrics
        assert same_bits(training.network, alone.network)


@pytest.mark.parametrize("metric", [ACCURACY, UNDEFINED])
def test_training_goes_on_to_the_bit(tmp_path, metric):
    place = tmp_path / "run.safetensors"
    whole = train(metric=metric, patience=8)
    train(metric=metric, patience=8, checkpoint=place, callbacks=lambda epoch: epoch.number == 3)
    went_on = resume(place, X[ROWS], Y[ROWS], validation=HELD, metric=metric)
    assert went_on.validation_metrics == whole.validation_metrics
    assert same_bits(went_on.network, whole.network)
    assert (went_on.best_epoch, went_on.reason, went_on.metric) == (whole.best_epoch, whole.reason, whole.metric)
    assert load(place).sizes == (3, 8, 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "metric is missing, expected 'accuracy' of that run"),
        (UNDEFINED, "metric is 'nothing', expected 'accuracy' of that run"),
    ],
)
def test_another_metric_than_that_of_the_run_is_refused(tmp_path, given, said):
    place = tmp_path / "run.safetensors"
    train(metric=ACCURACY, checkpoint=place, epochs=2)
    with pytest.raises(InputError, match=said):
        resume(place, X[ROWS], Y[ROWS], validation=HELD, metric=given)


def test_a_search_is_judged_too():
    training = train(metric=ACCURACY, optimizer="lbfgs", patience=3)
    assert len(training.validation_metrics) == len(training.losses)
    assert training.metric == "accuracy"


def test_epochs_and_logs_have_the_metric():
    epochs = []
    training = train(metric=ACCURACY, epochs=2, callbacks=epochs.append)
    assert [epoch.validation_metric for epoch in epochs] == list(training.validation_metrics)
    assert numbers(epochs[0])["validation_metric"] == training.validation_metrics[0]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"metric": ACCURACY, "validation": None}, InputError, "there is no validation set"),
        ({"metric": "accuracy"}, InputTypeError, "metric is 'accuracy', expected a backtalk.Metric"),
        ({"metric": Metric("word", lambda y, y_hat, weight: "high")}, InputTypeError, "gave 'high', expected a number"),
    ],
)
def test_what_is_no_metric_is_refused(options, error, said):
    with pytest.raises(error, match=said):
        train(**options)
