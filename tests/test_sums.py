"""Sums over many rows: of biases, weights, losses and norms, in float32."""

from __future__ import annotations

import numpy as np
import pytest
import threadpoolctl

from backtalk import Network, fit, gradients, per_example
from backtalk.core.sums import sum_products, sum_rows
from engines import by_formula, needs_kernels, same_bits

ROWS = 300_001  # one running sum of so many equal numbers is off by 1e-3


@pytest.fixture(scope="module")
def equal_rows():
    """A float32 network with X and y of equal rows, and the gradient of its biases."""
    network = Network([np.full((3, 2), 0.25)], [np.full(3, 0.1)], loss="squared_error").to(np, dtype="float32")
    X, y = np.ones((ROWS, 2), np.float32), np.full((ROWS, 3), 0.7, np.float32)
    return network, X, y, float(np.float32(0.1)) + 0.5 - float(np.float32(0.7))


@pytest.mark.parametrize("engine", [pytest.param(gradients, marks=needs_kernels), by_formula])
def test_the_mean_gradient_of_equal_rows_is_that_of_one(engine, equal_rows):
    network, X, y, expected = equal_rows
    grads = engine(network, X, y)
    np.testing.assert_allclose(grads.b[1], expected, rtol=1e-5)
    np.testing.assert_allclose(grads.W[1], expected, rtol=1e-5)
    np.testing.assert_allclose(grads.loss, 3 * expected**2 / 2, rtol=1e-5)


@needs_kernels
def test_many_rows_have_the_same_bits_for_any_number_of_threads(equal_rows):
    network, X, y, _ = equal_rows
    few = X[:4001] * np.linspace(-1, 1, 4001, dtype=np.float32)[:, None]
    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        alone = gradients(network, few, y[:4001]), fit(network, few, y[:4001], epochs=2, batch_size=1500, rng=0).network
    with threadpoolctl.threadpool_limits(3, user_api="openmp"):
        together = gradients(network, few, y[:4001])
        trained = fit(network, few, y[:4001], epochs=2, batch_size=1500, rng=0).network
    assert same_bits(alone[0], together)
    assert same_bits(alone[1], trained)


def test_training_on_all_rows_at_once_takes_the_step_of_one_row(equal_rows):
    network, X, y, expected = equal_rows
    after = fit(network, X, y, epochs=1, batch_size=ROWS, optimizer="gd(learning_rate=1)", rng=0).network
    np.testing.assert_allclose(network.b[1] - after.b[1], expected, rtol=1e-5)
    np.testing.assert_allclose(network.W[1] - after.W[1], expected, rtol=1e-5)


def test_the_sum_of_clipped_gradients_is_as_exact(equal_rows):
    network, X, y, expected = equal_rows
    total = per_example.clipped_sum(network, X, y, clip_norm=1e-3)
    length = np.sqrt(9.0) * abs(expected)  # of one example's gradient: 3 outputs, each with 2 weights and a bias
    np.testing.assert_allclose(total.b[1], ROWS * 1e-3 * expected / length, rtol=1e-5)
    np.testing.assert_allclose(total.W[1], ROWS * 1e-3 * expected / length, rtol=1e-5)


def test_the_norm_of_a_wide_row_is_as_exact():
    network = Network([np.zeros((1, ROWS))], [np.ones(1)], loss="squared_error").to(np, dtype="float32")
    found = per_example.norms(network, np.full((1, ROWS), 0.1, np.float32), [0.0])
    assert found.h[0][0] == pytest.approx(float(np.float32(0.1)) * np.sqrt(ROWS), rel=1e-6)


def test_sums_of_infinite_and_undefined_numbers_are_what_they_are():
    rows = np.ones((2000, 4), np.float32)
    rows[1500, 0], rows[3, 1], rows[700, 2], rows[701, 2] = np.inf, np.nan, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(sum_rows(rows), [np.inf, np.nan, np.nan, 2000])


@needs_kernels
def test_a_sum_that_overflows_is_infinite_in_the_kernels_too():
    network = Network([[[1.0]]], [[0.0]], loss="squared_error").to(np, dtype="float32")
    X = np.full((100, 1), 1e38, np.float32)
    grads = gradients(network, X, -2 * X, np.full(100, 1.0))
    assert grads.W[1][0, 0] == np.inf
    assert grads.b[1][0] == pytest.approx(3e38, rel=1e-6)


def test_products_over_many_rows_are_those_of_all_at_once():
    rng = np.random.default_rng(0)
    a, h = rng.normal(size=(40_000, 3)), rng.normal(size=(40_000, 2))
    np.testing.assert_allclose(sum_products(a, h), a.T @ h, rtol=1e-11)
