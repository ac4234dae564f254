"""The methods trak, midpoint and retrain beside explicit computations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backtalk import InputError, Network, fit, fit_many, forward, gradients, hypergradients, influence, retrain
from backtalk.analysis import per_example
from backtalk.analysis.influence import projected
from backtalk.analysis.influence.midpoint import GROUPS, at_half_weight

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int) + (X[:, 2] > 1)
TEST = (RNG.normal(size=(4, 3)), np.array([0, 1, 2, 1]))
RUN: dict[str, Any] = {
    "epochs": 8,
    "batch_size": 10,
    "optimizer": "sgd(learning_rate=0.2, momentum=0.5)",
    "rng": 0,
    "record": True,
}


def start(rng: int = 1, outputs: int = 3, **options) -> Network:
    return Network.create([3, 5, outputs], "tanh", rng=rng, **options)


def matrix_of(networks: Any, train: Any = (X, Y), test: Any = TEST, **options: Any) -> np.ndarray:
    found = influence(networks, train, test, matrix=True, agreement=0, **options).matrix
    assert found is not None
    return found


def flat(network: Network, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """∇ℓ of each example, (n, P): of each layer, for each unit its weights and its bias."""
    found = []
    for row in range(len(X)):
        own = gradients(network, X[[row]], y[[row]])
        parts = [np.concatenate([own.W[i], own.b[i][:, None]], axis=1).ravel() for i in own.W]
        found.append(np.concatenate(parts))
    return np.array(found)


def explicit_trak(networks: list[Network], k: int, damping: float, y=Y, test=TEST, slope=None) -> np.ndarray:
    """By the whole projection matrix, from gradients of the loss: ∇f = ∇ℓ/(∂ℓ/∂f)."""
    kernels, slopes = [], []
    for number, network in enumerate(networks):
        R = np.concatenate([block for *_, block in projected.projections(network, number, k)])
        assert R.shape == (network.parameter_count, k)
        of_sets = []
        for inputs, labels in ((X, y), test):
            trace = forward(network, inputs)
            if slope is None:
                slope_of = trace.output[np.arange(len(inputs)), labels] - 1
            else:
                slope_of = slope(trace.output[:, 0], labels)
            of_sets.append((flat(network, inputs, labels) / slope_of[:, None] @ R, slope_of))
        (features, own), (asked, its) = of_sets
        G = features.T @ features / len(X)
        G += damping * np.trace(G) / k * np.eye(k)
        kernels.append(asked @ np.linalg.inv(G) @ features.T / len(X))
        slopes.append((its, own))
    of_test, of_train = (np.mean(each, axis=0) for each in zip(*slopes, strict=True))
    return of_test[:, None] * np.mean(kernels, axis=0) * of_train


@pytest.mark.parametrize(("dimension", "weights"), [(7, 6), (1024, 4096)])
def test_trak_is_its_formula_however_it_is_divided(monkeypatch, dimension, weights):
    monkeypatch.setattr(projected, "DIMENSION", dimension)
    monkeypatch.setattr(projected, "WEIGHTS", weights)
    monkeypatch.setattr(projected, "ROWS", 11)
    trainings = fit_many([start(1), start(2)], X, Y, each=[{"rng": 1}, {"rng": 2}], epochs=8, record=True)
    networks = [training.network for training in trainings]
    for given in (list(trainings), networks):
        found = matrix_of(given, method="trak", damping=0.1)
        expected = explicit_trak(networks, min(dimension, networks[0].parameter_count), 0.1)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_trak_of_a_single_output_has_the_output_before_its_function_as_f():
    networks = [start(outputs=1, loss="squared_error")]
    y, test = X[:, 0] + 0.1, (TEST[0], TEST[0][:, 1])
    found = matrix_of(networks, (X, y), test, method="trak")
    expected = explicit_trak(
        networks, networks[0].parameter_count, projected.Projected.DAMPING, y, test, lambda yhat, t: yhat - t
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_trak_counts_weights_and_rows_that_a_run_did_not_see():
    weight = RNG.random(30) + 0.5
    training = fit(start(), X, Y, weight, **RUN)
    (fold,) = fit_many([start()], X, Y, each=[{"rows": range(20)}], **RUN)
    found = matrix_of(fold, method="trak")
    assert not found[:, 20:].any()
    of_seen = matrix_of(fold.network, (X[:20], Y[:20]), method="trak")
    np.testing.assert_allclose(found[:, :20], of_seen, rtol=1e-9)
    weighted, plain = (matrix_of(given, method="trak") for given in (training, training.network))
    assert np.abs(weighted - plain).max() > 1e-3 * np.abs(plain).max()


def test_trak_refuses_what_has_no_output_function():
    with pytest.raises(InputError, match="method is 'trak', whose output function is known for softmax"):
        influence(start(outputs=2, loss="squared_error"), (X, X[:, :2]), (X, X[:, :2]), method="trak")
    with pytest.raises(InputError, match=r"memory_limit is 1000, but the projected gradients of 30 examples take"):
        influence(start(), (X, Y), TEST, method="trak", memory_limit=1000)


def test_midpoint_is_the_derivative_by_the_weight_where_it_is_half():
    training = fit(start(), X, Y, **RUN)
    assert training.record is not None
    found = matrix_of(training, method="midpoint")
    group = np.random.default_rng(0).permutation(np.arange(30) % GROUPS)
    rows = np.flatnonzero(group == group[4])
    derivative = hypergradients(at_half_weight(training.record, rows), TEST).examples
    np.testing.assert_allclose(found[:, rows], -2 * derivative[:, rows])
    # dℓ/dw at ½, by differences of trainings
    h = 1e-5
    losses = []
    for sign in (1, -1):
        weight = np.ones(30)
        weight[rows] = 0.5
        weight[4] += sign * h
        network = fit(start(), X, Y, weight, **{**RUN, "record": False}).network
        losses.append(per_example.losses(network, *TEST))
    np.testing.assert_allclose(found[:, 4], -(losses[0] - losses[1]) / (2 * h), rtol=1e-4, atol=1e-9)


def test_midpoint_is_nearer_to_leaving_out_than_the_derivative_with_all():
    training = fit(start(), X, Y, **{**RUN, "epochs": 60, "optimizer": "adam(learning_rate=0.01)"})
    truth, unrolled, midpoint = (matrix_of(training, method=each) for each in ("retrain", "unrolled", "midpoint"))
    assert np.linalg.norm(midpoint - truth) < 0.8 * np.linalg.norm(unrolled - truth)


def test_retrain_is_what_leaving_out_does():
    training = fit(start(), X, Y, **RUN)
    found = matrix_of(training, method="retrain", memory_limit=10_000)
    before = per_example.losses(training.network, *TEST)
    for row, network in zip((0, 7, 29), retrain(training, [0, 7, 29]), strict=True):
        np.testing.assert_array_equal(found[:, row], per_example.losses(network, *TEST) - before)
    with pytest.raises(InputError, match="training was not recorded"):
        influence(fit(start(), X, Y, rng=0), (X, Y), TEST, method="retrain")
    with pytest.raises(InputError, match="damping is given, but method='midpoint' has none"):
        influence(training, (X, Y), TEST, method="midpoint", damping=1.0)
