"""Second derivatives in the native kernels: beside the formulas, which the tests of Hessian products prove."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import threadpoolctl

from backtalk import Hypergradients, Network, fit, hessian_product, hypergradients
from backtalk.analysis.influence.unrolled import by_kernels
from backtalk.core.activations import ACTIVATIONS, as_activation
from backtalk.engines.native import passes as native
from backtalk.engines.native.kernels import extension, kernels
from backtalk.engines.native.steps import in_training
from engines import needs_kernels

pytestmark = needs_kernels
RNG = np.random.default_rng(0)
# each in turn: an optimizer, a loss, and what else a step can have
RUNS: dict[str, dict[str, Any]] = {
    "whole batch": {"optimizer": "gd(learning_rate=0.1)", "loss": "squared_error", "weights": True, "clip_norm": 0.1},
    "momentum": {"optimizer": "sgd(learning_rate=0.05)", "batch_size": 33, "l2_penalty": 0.1, "dropout": 0.3},
    "nesterov": {"optimizer": "nesterov(learning_rate=0.05)", "batch_size": 300, "loss": "focal", "activation": "mish"},
    "adam": {"optimizer": "adam(weight_decay=0.1)", "batch_size": 64, "weights": True, "activation": "relu",
             "clip_norm": 0.5, "l2_penalty": 0.1},
}  # fmt: skip


def followed(run: str, memory_limit: int = 2**30, dtype: str = "float64", epochs: int = 2) -> Hypergradients:
    """Twenty queries through a run on 350 examples."""
    given = dict(RUNS[run])
    loss, weights = given.pop("loss", "cross_entropy"), given.pop("weights", False)
    network = Network.create([9, 33, 17, 3], given.pop("activation", "tanh"), loss=loss, rng=1, dtype=dtype)
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(370, 9)), network.loss.draw_target(rng, 370, 3)
    weight = rng.uniform(0.1, 3, 350) if weights else None
    before = fit(network, X[:350], y[:350], weight, epochs=1, rng=0, **given)
    training = fit(
        before.network, X[:350], y[:350], weight, epochs=epochs, rng=1, state=before.state, record=True, **given
    )
    return hypergradients(training, (X[350:], y[350:]), memory_limit=memory_limit)


def parts_of(found: Hypergradients) -> list[np.ndarray]:
    return [found.examples, found.learning_rates, found.l2_penalty, *found.W.values(), *found.b.values()]


def assert_close(ones: list[np.ndarray], others: list[np.ndarray], tolerance: float) -> None:
    for one, other in zip(ones, others, strict=True):
        assert np.abs(one - other).max() <= tolerance * np.abs(other).max()


@pytest.mark.parametrize("run", RUNS)
def test_steps_go_back_in_the_kernels_as_by_the_formulas(run, monkeypatch):
    with threadpoolctl.threadpool_limits(2):
        found, little = followed(run), followed(run, memory_limit=400_000)
    with threadpoolctl.threadpool_limits(1):
        alone = followed(run)
    assert all(np.array_equal(one, other) for one, other in zip(parts_of(found), parts_of(alone), strict=True))
    assert_close(parts_of(little), parts_of(found), 1e-13)  # fewer at once
    monkeypatch.setattr(by_kernels, "serves", lambda recording: False)
    assert_close(parts_of(found), parts_of(followed(run)), 1e-10)


def test_a_float32_run_goes_back_in_float64(monkeypatch):
    found = followed("momentum", dtype="float32")
    monkeypatch.setattr(by_kernels, "serves", lambda recording: False)
    assert_close(parts_of(found), parts_of(followed("momentum", dtype="float32")), 1e-6)  # weights of 1/33 in float32


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_second_derivatives_are_those_of_the_formulas_far_out_too(name):
    g = as_activation(name)
    a = np.concatenate(
        [np.linspace(-9.3, 9.1, 200), [-1e4, -700.0, -200.0, -60.0, -39.0, 0.0, 39.0, 60.0, 200.0, 700.0]]
    )
    if name == "exp":
        a = a[a < 2]  # the others would be rounding beside e^9
    # ŷ = Σ_j g(a_j) with a = b_1, along c_1 = 1 and c_2 so that ŷ stays: R{∇b_1j} = (ŷ − t) g″(a_j)
    network = Network([np.zeros((len(a), 1)), np.ones((1, len(a)))], [a, np.zeros(1)], name, "squared_error")
    target = np.asarray(g.g(a)).sum() - 1.0
    V = [np.zeros((len(a), 1)), np.zeros((1, len(a)))]
    along = V, [np.ones(len(a)), np.array([-g.g_prime(a).sum()])]
    found = hessian_product(network, [[0.0]], [target], along).b[1]
    residual = float((network.W[2] @ np.asarray(g.g(a)))[0] - target)
    scale = np.abs(g.g_prime(a)).max()
    np.testing.assert_allclose(found / residual, g.g_second(a), rtol=1e-11, atol=1e-11 * scale)


def test_a_network_that_gave_a_product_computes_as_before():
    network, X = Network.create([5, 7, 3], "tanh", rng=0), RNG.normal(size=(40, 5))
    before, y = native.forward(network, X), RNG.integers(0, 3, 40)
    one, two = (hessian_product(network, X, y, network).W[1] for _ in range(2))
    assert np.array_equal(one, two)
    assert np.array_equal(native.forward(network, X).output, before.output)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"rows": [0, 9]}, "leaves X"), ({"labels": [0, 2, 1]}, "label"), ({"left": 2}, "one batch"),
     ({"starts": [0, 3]}, "leaves its rows"), ({"points": np.zeros((1, 3))}, "another network"),
     ({"by_example": np.zeros((1, 2))}, "result"), ({"starts": [1, 1]}, "no rows")],
)  # fmt: skip
def test_the_kernels_leave_no_array(change, message):
    training = fit(Network.create([2, 2], rng=0), np.eye(3)[:, :2], [0, 1, 1], epochs=1, record=True, rng=0)
    assert training.record is not None
    net = in_training(training.network, training.record.settings)
    given: dict[str, Any] = {
        "points": np.zeros((1, net.size())), "left": 1, "labels": [0, 1, 1], "rows": [0, 1], "starts": [0, 2],
        "by_example": np.zeros((1, 3)),
    } | change  # fmt: skip
    with pytest.raises(ValueError, match=message):
        extension.Sweep(net, kernels() or "", 1).back(
            net, given["points"], given["left"], np.eye(3)[:, :2].copy(), np.array(given["labels"]), None, None,
            np.array(given["rows"]), np.array(given["starts"]), np.ones(1), 0, 0, given["by_example"],
            np.zeros((1, 1)), np.zeros(1), 1.0, 1,
        )  # fmt: skip
