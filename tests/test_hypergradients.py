"""Derivatives through a whole training, beside trainings whose weights, rates, penalty or start are a little other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backtalk import (
    InputError,
    InputTypeError,
    Network,
    Training,
    fit,
    gradients,
    hypergradients,
    retrain,
)
from backtalk.analysis.influence.unrolled.adjoints import RULES
from backtalk.core.optimizers import as_any_optimizer
from engines import needs_kernels

RNG = np.random.default_rng(0)
COUNT = 24
X = RNG.normal(size=(COUNT, 4))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
QUERIES = RNG.normal(size=(3, 4))
ANSWERS = np.array([0, 1, 1])
START = Network.create([4, 6, 5, 2], "tanh", rng=1)
BASE: dict[str, Any] = {"epochs": 3, "batch_size": 7, "rng": 0}
# each in turn: an optimizer, and one thing besides it that a run can have
RUNS: dict[str, dict[str, Any]] = {
    "plain": {"optimizer": "sgd(learning_rate=0.1, momentum=0)"},
    "gradient descent": {"optimizer": "gd(learning_rate=0.3)", "batch_size": None},
    "momentum": {"optimizer": "momentum(learning_rate=0.05)", "schedule": "cosine(warm_up=3)"},
    "sgd": {"optimizer": "sgd(learning_rate=0.05)", "clip_norm": 0.3},
    "nesterov": {"optimizer": "nesterov(learning_rate=0.05)", "l2_penalty": 0.05},
    "adam": {"optimizer": "adam(learning_rate=0.01)", "dropout": 0.3},
    "epsilon hat": {"optimizer": "adam_epsilon_hat(learning_rate=0.01)", "validation": 0.2, "patience": 1},
    "uncorrected": {"optimizer": "adam_uncorrected(learning_rate=0.003)"},
    "adamw": {"optimizer": "adamw(learning_rate=0.01, weight_decay=0.1)", "schedule": "linear(warm_up=2)"},
    "weights": {"optimizer": "adam(learning_rate=0.01)", "sample_weight": RNG.random(COUNT) + 0.2, "l2_penalty": 0.01},
}
ENGINES = ["formula", pytest.param("native", marks=needs_kernels)]
each_run = pytest.mark.parametrize("run", RUNS)
each_engine = pytest.mark.parametrize("engine", ENGINES)


def trained(run: str, start: Network = START, **more: Any) -> Training:
    return fit(start, X, Y, **(BASE | RUNS[run] | more))


def losses(network: Network) -> np.ndarray:
    rows = range(len(QUERIES))
    return np.array([float(gradients(network, QUERIES[[q]], ANSWERS[[q]]).loss) for q in rows])


def slope(train: Any, step: float) -> np.ndarray:
    """dℓ/dε of each query, by differences of the fourth order of the run ``train(ε)``."""
    far, near = (losses(train(k * step).network) - losses(train(-k * step).network) for k in (2, 1))
    return (8 * near - far) / (12 * step)


def assert_the_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()


@each_run
@each_engine
def test_the_derivative_by_an_example_is_that_of_training_with_another_weight(run, engine):
    training = trained(run, engine=engine, record=True)
    found = hypergradients(training, (QUERIES, ANSWERS))
    weight = RUNS[run].get("sample_weight", np.ones(COUNT))
    row = int(training.record.epochs[0].order[2])

    def with_weight(epsilon: float) -> Training:
        other = weight.copy()
        other[row] *= 1 + epsilon
        return trained(run, engine=engine, sample_weight=other)

    if "validation" in RUNS[run]:  # a weight of each example would weigh the held-out ones too
        left = np.setdiff1d(np.arange(COUNT), training.record.epochs[0].order)
        assert len(left) > 0
        assert not found.examples[:, left].any()
    assert_the_same(found.examples[:, row], slope(with_weight, 1e-3))


@each_run
def test_the_derivative_by_the_rates_is_that_of_training_with_all_of_them_scaled(run):
    training = trained(run, record=True)
    rates = np.array([rate for _, rate in training.record.mini_batches()])
    found = hypergradients(training, (QUERIES, ANSWERS)).learning_rates
    optimizer = as_any_optimizer(RUNS[run]["optimizer"])

    def scaled(epsilon: float) -> Training:
        return trained(run, optimizer=replace(optimizer, learning_rate=optimizer.learning_rate * (1 + epsilon)))

    assert_the_same(found @ rates, slope(scaled, 1e-3))


@each_run
def test_the_derivative_by_the_start_is_that_of_training_from_elsewhere(run):
    found = hypergradients(trained(run, record=True), (QUERIES, ANSWERS))
    rng = np.random.default_rng(3)
    V = [rng.normal(size=W.shape) for W in START.W.values()]
    c = [rng.normal(size=b.shape) for b in START.b.values()]

    def moved(epsilon: float) -> Training:
        W = [own + epsilon * each for own, each in zip(START.W.values(), V, strict=True)]
        b = [own + epsilon * each for own, each in zip(START.b.values(), c, strict=True)]
        return trained(run, START.replace(W, b))

    along = sum(
        (mine[i].reshape(len(QUERIES), -1) @ their.ravel())
        for mine, theirs in ((found.W, V), (found.b, c))
        for i, their in enumerate(theirs, start=1)
    )
    assert_the_same(np.asarray(along), slope(moved, 1e-4))


@pytest.mark.parametrize("run", ["nesterov", "weights"])
def test_the_derivative_by_the_penalty_is_that_of_training_with_another(run):
    found = hypergradients(trained(run, record=True), (QUERIES, ANSWERS))
    penalty = RUNS[run]["l2_penalty"]
    assert_the_same(found.l2_penalty, slope(lambda epsilon: trained(run, l2_penalty=penalty + epsilon), 1e-4))


def test_every_optimizer_whose_step_is_differentiated_is_tested():
    assert {type(as_any_optimizer(run["optimizer"])) for run in RUNS.values()} == set(RULES)


@pytest.mark.parametrize("run", ["nesterov", "adam"])
def test_networks_computed_again_between_kept_ones_give_the_same_to_the_bit(run):
    training = trained(run, record=True)
    T, size = training.record.steps, 8 * START.parameter_count
    each = size * (1 + len(training.record.settings.optimizer.families))
    least = each * (4 + 3)  # of 12 steps, each fourth, and those between two
    assert T == 12
    query = QUERIES[:1], ANSWERS[:1]  # several go down together if the limit allows, and round in another way
    whole, little = (hypergradients(training, query, memory_limit=limit) for limit in (2**30, least))
    assert np.array_equal(whole.examples, little.examples)
    assert np.array_equal(whole.learning_rates, little.learning_rates)
    with pytest.raises(InputError, match=rf"memory_limit is {least - 1}, but .* {least} bytes at least"):
        hypergradients(training, query, memory_limit=least - 1)


def test_a_float32_run_is_followed_in_float64():
    training = fit(Network.create([4, 3, 2], "tanh", rng=1, dtype="float32"), X, Y, **BASE, record=True)
    wide = fit(Network.create([4, 3, 2], "tanh", rng=1).to(np, dtype="float64"), X, Y, **BASE, record=True)
    found, other = (hypergradients(each, (QUERIES, ANSWERS)).examples for each in (training, wide))
    assert found.dtype == np.float64
    assert np.corrcoef(found.ravel(), other.ravel())[0, 1] > 0.99


@each_run
@each_engine
def test_without_nothing_the_run_is_the_same_to_the_bit(run, engine):
    training = trained(run, engine=engine, record=True)
    (network,) = retrain(training, [[]])
    for i in network.W:
        assert np.array_equal(network.W[i], training.network.W[i])
        assert np.array_equal(network.b[i], training.network.b[i])


@pytest.mark.parametrize("run", ["sgd", "adam", "weights"])
def test_retraining_without_rows_is_training_with_their_weights_0(run):
    weight = RUNS[run].get("sample_weight", np.ones(COUNT)).copy()
    weight[[1, 5]] = 0
    expected = trained(run, sample_weight=weight).network
    found, single = retrain(trained(run, record=True), [[5, 1], 1])
    for i in found.W:  # fit scales weights to the sum 1 first, which rounds
        np.testing.assert_allclose(found.W[i], expected.W[i], rtol=1e-12)
    assert not np.array_equal(found.W[1], single.W[1])


def test_a_small_change_of_the_run_is_what_the_derivative_says():
    training = trained("plain", record=True)
    found = hypergradients(training, (QUERIES, ANSWERS)).examples
    change = (
        np.array([losses(network) for network in retrain(training, range(COUNT))]).T - losses(training.network)[:, None]
    )
    assert np.corrcoef(-found.ravel(), change.ravel())[0, 1] > 0.99


def test_a_run_that_was_not_recorded_says_how():
    with pytest.raises(InputError, match=r"not recorded: call fit\(…, record=True\)"):
        hypergradients(trained("sgd"), (QUERIES, ANSWERS))
    with pytest.raises(InputTypeError, match="training is a Network"):
        retrain(START, [[]])  # pyright: ignore[reportArgumentType]


def test_examples_that_were_changed_since_are_refused():
    own = X.copy()
    training = fit(START, own, Y, **BASE, record=True)
    own[3, 0] += 1e-9
    for call in (lambda: hypergradients(training, (QUERIES, ANSWERS)), lambda: retrain(training, [0])):
        with pytest.raises(InputError, match="changed since"):
            call()


def test_an_optimizer_that_is_not_differentiated_is_named():
    training = fit(START, X, Y, **BASE, optimizer="rmsprop", record=True)
    with pytest.raises(InputError, match="rmsprop"):
        hypergradients(training, (QUERIES, ANSWERS))


def test_another_network_than_the_steps_lead_to_is_refused():
    training = trained("sgd", record=True)
    assert training.record is not None
    other = replace(training, record=replace(training.record, end=START))
    with pytest.raises(InputError, match="another version or other kernels"):
        hypergradients(other, (QUERIES, ANSWERS))


def test_queries_of_another_width_are_refused():
    with pytest.raises(InputError, match="4"):
        hypergradients(trained("sgd", record=True), (QUERIES[:, :3], ANSWERS))


@pytest.mark.parametrize(
    ("without", "error", "message"),
    [([COUNT], InputError, "rows of the training"), ([-1], InputError, "outside"), ([[0.5]], InputTypeError, "float64"),
     ([np.arange(COUNT) < 3], InputTypeError, r"bool in the shape"),
     ([range(COUNT)], InputError, "no example")],
)  # fmt: skip
def test_rows_that_cannot_be_left_out_are_refused(without, error, message):
    with pytest.raises(error, match=message):
        retrain(trained("sgd", record=True), without)
