"""Initial weights: the variance and bounds of each scheme, who takes which, and seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backtalk import BacktalkError, InputError, Network, UnknownNameError
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.initialization import SCHEMES, initial_weights

FAN_OUT, FAN_IN = 500, 300
VARIANCE = {"glorot": 2 / (FAN_IN + FAN_OUT), "he": 2 / FAN_IN, "lecun": 1 / FAN_IN}
DEFAULTS = dict.fromkeys(ACTIVATIONS, "he_normal") | {
    "identity": "glorot_uniform",
    **dict.fromkeys(["sigmoid", "tanh", "exp", "hard_sigmoid", "hard_tanh", "softsign"], "glorot_uniform"),
    "selu": "lecun_normal",
}


def draw(scheme: str, seed: int = 0) -> np.ndarray:
    return initial_weights(scheme, FAN_OUT, FAN_IN, np.random.default_rng(seed))


def test_there_are_three_schemes_each_uniform_and_normal():
    assert sorted(SCHEMES) == sorted(f"{name}_{shape}" for name in VARIANCE for shape in ("uniform", "normal"))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_weights_have_the_shape_mean_and_variance_of_the_scheme(scheme):
    W = draw(scheme)
    variance = VARIANCE[scheme.partition("_")[0]]
    assert W.shape == (FAN_OUT, FAN_IN)
    assert W.dtype == np.float64
    # with 150,000 weights the mean deviates by 0.0026 standard deviations, the variance by 0.0037 of itself
    assert abs(W.mean()) < 5 * math.sqrt(variance / W.size)
    assert W.var() == pytest.approx(variance, rel=0.02)


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme.endswith("uniform")])
def test_uniform_weights_fill_their_bounds(scheme):
    W, bound = draw(scheme), math.sqrt(3 * VARIANCE[scheme.partition("_")[0]])
    assert 0.999 * bound < np.abs(W).max() <= bound
    assert np.mean(np.abs(W) < bound / 2) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme.endswith("normal")])
def test_normal_weights_have_the_tails_of_the_normal_distribution(scheme):
    W, deviation = draw(scheme), math.sqrt(VARIANCE[scheme.partition("_")[0]])
    for bound in (1, 2, 3):
        assert np.mean(np.abs(W) < bound * deviation) == pytest.approx(math.erf(bound / math.sqrt(2)), abs=0.005)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(scheme):
    np.testing.assert_array_equal(draw(scheme), draw(scheme))
    assert not np.any(draw(scheme) == draw(scheme, seed=1))


@pytest.mark.parametrize("scheme", ["he", "xavier_other", "", "HE_normal", None, 3])
def test_an_unknown_scheme_is_refused(scheme):
    with pytest.raises(UnknownNameError, match=r"^initialization is .*Known are glorot_uniform, "):
        initial_weights(scheme, 2, 3, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("alias", "scheme"),
    [("xavier", "glorot_uniform"), ("xavier_normal", "glorot_normal"), ("kaiming_uniform", "he_uniform")],
)
def test_a_scheme_is_known_by_its_other_names(alias, scheme):
    np.testing.assert_array_equal(draw(alias), draw(scheme))


def test_plain_initializations_do_not_look_at_the_size_of_the_layer():
    assert not draw("zeros").any()
    assert (draw("constant(value=0.3)") == 0.3).all()
    assert draw("normal(std=0.2)").std() == pytest.approx(0.2, rel=0.02)
    assert draw("normal").std() == pytest.approx(0.01, rel=0.02)
    W = draw("uniform(scale=0.5)")
    assert 0.499 < np.abs(W).max() <= 0.5
    assert W.var() == pytest.approx(0.25 / 3, rel=0.02)
    network = Network.create([3, 4, 2], initialization="constant(value=-1)", rng=0)
    assert (network.W[1] == -1).all()
    assert (network.W[2] == -1).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("normal(std=-1)", r"std of normal is -1.0, expected a number in \[0, 1e\+30\)"),
        ("uniform(scale=-1)", "scale of uniform is -1.0"),
        ("constant", r"initialization is 'constant', which lacks value: expected constant\(value=number\)"),
        ("zeros(value=1)", "zeros has no parameter 'value'"),
    ],
)
def test_an_initialization_without_sense_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        Network.create([3, 2], initialization=text)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hidden_layers_take_the_scheme_of_their_activation_and_the_output_glorot_uniform(activation):
    network = Network.create([7, 6, 5, 4], activation=activation, rng=3)
    rng = np.random.default_rng(3)
    for i, scheme in enumerate([DEFAULTS[activation], DEFAULTS[activation], "glorot_uniform"], start=1):
        expected = initial_weights(scheme, network.sizes[i], network.sizes[i - 1], rng)
        np.testing.assert_array_equal(network.W[i], expected)


def test_each_hidden_layer_follows_its_own_activation():
    network = Network.create([400, 300, 200, 2], activation=["tanh", "selu"], rng=0)
    assert np.abs(network.W[1]).max() <= math.sqrt(6 / 700)
    assert network.W[2].var() == pytest.approx(1 / 300, rel=0.03)
    assert np.abs(network.W[2]).max() > math.sqrt(3 / 300)
    assert np.abs(network.W[3]).max() <= math.sqrt(6 / 202)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_named_scheme_serves_every_layer(scheme):
    network = Network.create([7, 6, 5], activation="selu", initialization=scheme, rng=3)
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(network.W[1], initial_weights(scheme, 6, 7, rng))
    np.testing.assert_array_equal(network.W[2], initial_weights(scheme, 5, 6, rng))


def test_biases_begin_at_zero():
    assert all(not b.any() for b in Network.create([3, 4, 2], rng=0).b.values())


def test_float32_weights_are_the_float64_ones_rounded():
    double, single = (Network.create([3, 4, 2], rng=0, dtype=dtype) for dtype in ("float64", "float32"))
    for i in (1, 2):
        assert single.W[i].dtype == single.b[i].dtype == np.float32
        np.testing.assert_array_equal(single.W[i], double.W[i].astype(np.float32))


def test_a_generator_goes_on_and_a_seed_begins_anew():
    rng = np.random.default_rng(5)
    first, second = (Network.create([3, 2], rng=rng).W[1] for _ in range(2))
    assert np.all(first != second)
    np.testing.assert_array_equal(first, Network.create([3, 2], rng=5).W[1])


def test_without_a_seed_every_network_is_another():
    assert np.all(Network.create([3, 2]).W[1] != Network.create([3, 2]).W[1])


@pytest.mark.parametrize("rng", ["zero", -1, 1.5])
def test_a_seed_that_is_none_is_refused(rng):
    with pytest.raises(BacktalkError, match=r"^rng is "):
        Network.create([3, 2], rng=rng)
