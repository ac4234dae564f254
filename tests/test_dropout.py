"""Dropout: the masks, what they do to a network, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from backtalk import Dropout, InputError, InputTypeError, Network, backward, fit, forward, gradients


def test_the_same_seed_and_step_draw_the_same_mask_and_others_draw_others():
    shape = (20, 33)
    mask = Dropout(0.5, seed=3, step=7).mask(2, shape)
    np.testing.assert_array_equal(mask, Dropout(0.5, seed=3, step=7).mask(2, shape))
    for other in (
        Dropout(0.5, 4, 7).mask(2, shape),
        Dropout(0.5, 3, 8).mask(2, shape),
        Dropout(0.5, 3, 7).mask(1, shape),
    ):
        assert not np.array_equal(mask, other)


def test_the_draws_of_an_example_do_not_depend_on_the_batch_after_it():
    long, short = (Dropout(0.5).mask(1, (count, 21)) for count in (50, 8))
    np.testing.assert_array_equal(long[:8], short)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_of_silent_units_is_the_rate_and_the_mean_stays(rate):
    mask = Dropout(rate, seed=1).mask(1, (1000, 100))
    assert (mask == 0).mean() == pytest.approx(rate, abs=0.01)
    assert mask.mean() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(np.unique(mask), [0, 1 / (1 - rate)], rtol=1e-4)
    rows, columns = (mask == 0).mean(axis=1), (mask == 0).mean(axis=0)
    assert rows.std() == pytest.approx(np.sqrt(rate * (1 - rate) / 100), rel=0.2)  # as of independent draws
    assert columns.std() == pytest.approx(np.sqrt(rate * (1 - rate) / 1000), rel=0.35)


def test_a_rate_of_0_changes_nothing():
    network, X = Network.create([3, 8, 2], rng=0), np.random.default_rng(0).normal(size=(5, 3))
    with_it, without = forward(network, X, dropout=Dropout(0.0)), forward(network, X)
    np.testing.assert_allclose(with_it.output, without.output, rtol=1e-14)


def test_forward_shows_the_masked_units_and_backward_takes_the_masks_of_its_trace():
    network = Network.create([3, 8, 8, 2], "tanh", rng=0)
    X, y = np.random.default_rng(0).normal(size=(6, 3)), [0, 1] * 3
    dropout = Dropout((0.5, 0.25), seed=9)
    trace = forward(network, X, dropout=dropout)
    for i in (1, 2):
        np.testing.assert_allclose(trace.h[i], np.tanh(trace.a[i]) * dropout.mask(i, (6, 8)), rtol=1e-13)
    one, other = backward(network, trace, y), gradients(network, X, y, dropout=dropout)
    for i in (1, 2, 3):
        np.testing.assert_allclose(one.W[i], other.W[i], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(one.a[i], other.a[i], rtol=1e-12, atol=1e-15)


def test_a_network_without_hidden_layers_has_nothing_to_drop():
    network, X = Network.create([3, 2], rng=0), np.ones((4, 3))
    np.testing.assert_array_equal(forward(network, X, dropout=Dropout(0.9)).output, forward(network, X).output)


def test_training_with_dropout_repeats_to_the_bit_and_takes_other_masks_in_every_step():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), [0, 1] * 20
    start = Network.create([3, 16, 2], rng=0)
    first, again, other, without = (
        fit(start, X, y, epochs=3, dropout=rate, rng=seed).network
        for rate, seed in ((0.5, 1), (0.5, 1), (0.5, 2), (0, 1))
    )
    np.testing.assert_array_equal(first.W[1], again.W[1])
    assert not np.array_equal(first.W[1], other.W[1])
    assert not np.array_equal(first.W[1], without.W[1])


@pytest.mark.parametrize(
    ("rates", "error", "words"),
    [
        (1.0, InputError, "dropout is 1.0, expected numbers of 0 or more, and below 1"),
        (-0.1, InputError, "dropout is -0.1"),
        (float("nan"), InputError, "dropout is nan"),
        ("0.5", InputTypeError, "dropout is '0.5', expected a number, or a list"),
        ([0.5, None], InputTypeError, "expected numbers in"),
    ],
)
def test_rates_that_cannot_be_used_are_named(rates, error, words):
    with pytest.raises(error, match=words):
        Dropout(rates)


@pytest.mark.parametrize(
    "use", [lambda n, X, d: forward(n, X, dropout=d), lambda n, X, d: gradients(n, X, [0], dropout=d)]
)
def test_a_dropout_that_does_not_fit_the_network_is_refused(use):
    network, X = Network.create([3, 8, 2], rng=0), np.ones((1, 3))
    with pytest.raises(InputError, match="dropout has 2 rates, expected 1"):
        use(network, X, Dropout((0.5, 0.5)))
    with pytest.raises(InputTypeError, match=r"dropout is 0.5, expected a backtalk.Dropout"):
        use(network, X, 0.5)
    with pytest.raises(InputError, match="dropout has 2 rates"):
        fit(network, X, [0], dropout=[0.5, 0.5])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"seed": -1}, InputError, "seed of dropout is -1, expected a whole number from 0 to"),
        ({"seed": 2**64}, InputError, "seed of dropout is"),
        ({"seed": 0.5}, InputTypeError, "seed of dropout is 0.5"),
        ({"step": 0}, InputError, "step of dropout is 0, expected a whole number from 1"),
        ({"step": 1.5}, InputTypeError, "step of dropout is 1.5"),
    ],
)
def test_a_seed_or_step_that_cannot_be_used_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        Dropout(0.5, **arguments)
