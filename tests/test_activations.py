"""Every activation: g and g′ by closed forms, at the kinks, in the tails, and the table that users add to."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

import backtalk
from backtalk import Activation, BacktalkError, InputError, InputTypeError, Network, UnknownNameError, gradients
from backtalk.core.activations import (
    ACTIVATIONS,
    CELU,
    ELU,
    SELU,
    LeakyReLU,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    Softsign,
    Tanh,
    as_activation,
)

NAMES = list(ACTIVATIONS)
TAME = [name for name in NAMES if name != "exp"]  # g of a finite a is finite
DTYPES = [np.float32, np.float64]
POINTS = np.array([-6.0, -2.5, -1.0, -0.3, 0.2, 1.0, 2.5, 6.0])
SCALE, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def gelu_tanh(a):
    return a / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**3)))


# g and g′ as scipy and the papers have them
CLOSED_FORMS = {
    "identity": (lambda a: a, np.ones_like),
    "sigmoid": (special.expit, lambda a: special.expit(a) * special.expit(-a)),
    "tanh": (np.tanh, lambda a: 1 / np.cosh(a) ** 2),
    "relu": (lambda a: np.maximum(a, 0), lambda a: np.heaviside(a, 0)),
    "leaky_relu": (lambda a: np.maximum(a, 0.01 * a), lambda a: np.where(a > 0, 1, 0.01)),
    "leaky_relu(slope=2)": (lambda a: np.minimum(a, 2 * a), lambda a: np.where(a > 0, 1, 2)),
    "elu": (lambda a: np.where(a > 0, a, np.expm1(a)), lambda a: np.where(a > 0, 1, np.exp(a))),
    "elu(alpha=0.5)": (lambda a: np.where(a > 0, a, np.expm1(a) / 2), lambda a: np.where(a > 0, 1, np.exp(a) / 2)),
    "selu": (
        lambda a: SCALE * np.where(a > 0, a, ALPHA * np.expm1(a)),
        lambda a: SCALE * np.where(a > 0, 1, ALPHA * np.exp(a)),
    ),
    "gelu": (lambda a: a * stats.norm.cdf(a), lambda a: stats.norm.cdf(a) + a * stats.norm.pdf(a)),
    "gelu_tanh": (gelu_tanh, lambda a: np.imag(gelu_tanh(a + 1e-30j)) / 1e-30),
    "silu": (lambda a: a * special.expit(a), lambda a: special.expit(a) * (1 + a * special.expit(-a))),
    "exp": (np.exp, np.exp),
    "hard_sigmoid": (lambda a: np.clip(a / 6 + 0.5, 0, 1), lambda a: np.where(abs(a) < 3, 1 / 6, 0)),
    "hard_tanh": (lambda a: np.clip(a, -1, 1), lambda a: np.where((a > -1) & (a <= 1), 1, 0)),
    "hard_swish": (
        lambda a: a * np.clip(a + 3, 0, 6) / 6,
        lambda a: np.where(a > 3, 1, np.where(a > -3, a / 3 + 0.5, 0)),
    ),
    "softsign": (lambda a: a / (1 + abs(a)), lambda a: (1 + abs(a)) ** -2),
    "relu6": (lambda a: np.clip(a, 0, 6), lambda a: np.where((a > 0) & (a <= 6), 1, 0)),
    "celu": (lambda a: np.where(a > 0, a, np.expm1(a)), lambda a: np.where(a > 0, 1, np.exp(a))),
    "celu(alpha=2)": (lambda a: np.where(a > 0, a, 2 * np.expm1(a / 2)), lambda a: np.where(a > 0, 1, np.exp(a / 2))),
    "softplus": (lambda a: np.logaddexp(0, a), special.expit),
    "mish": (
        lambda a: a * np.tanh(np.logaddexp(0, a)),
        lambda a: np.tanh(np.logaddexp(0, a)) + a * special.expit(a) / np.cosh(np.logaddexp(0, a)) ** 2,
    ),
}

# mpmath with 60 digits: name, a, g(a), g′(a)
TAILS = [
    ("sigmoid", 40, 0.99999999999999999575, 4.2483542552915889592e-18),
    ("sigmoid", -40, 4.2483542552915889773e-18, 4.2483542552915889592e-18),
    ("tanh", 25, 1.0, 7.7149993918556711321e-22),
    ("tanh", -25, -1.0, 7.7149993918556711321e-22),
    ("softplus", -40, 4.2483542552915889863e-18, 4.2483542552915889773e-18),
    ("silu", -40, -1.6993417021166355909e-16, -1.6568581595637196939e-16),
    ("mish", -40, -1.6993417021166355945e-16, -1.656858159563719701e-16),
    ("gelu", -10, -7.619853024160526066e-23, -7.6184000964648140857e-22),
    ("gelu_tanh", -5, -2.2917961966295060456e-7, -1.5463619875325945956e-6),
    ("elu", -40, -0.99999999999999999575, 4.2483542552915889953e-18),
    ("selu", -40, -1.7580993408473768525, 7.469028815914291209e-18),
    ("celu", -40, -0.99999999999999999575, 4.2483542552915889953e-18),
    ("exp", -40, 4.2483542552915889953e-18, 4.2483542552915889953e-18),
    ("softsign", 4e7, 0.99999997500000062500, 6.2499996875000117187e-16),
]


@pytest.fixture
def register():
    """register_activation, with the names taken out of the table afterwards."""
    before = set(ACTIVATIONS)
    yield backtalk.register_activation
    for name in set(ACTIVATIONS) - before:
        del ACTIVATIONS[name]


def test_every_activation_has_its_closed_form_here():
    assert set(NAMES) <= set(CLOSED_FORMS) | {"square"}  # the example of register_activation's docstring


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_g_and_its_derivative_are_the_closed_forms(name):
    activation, (g, g_prime) = as_activation(name), CLOSED_FORMS[name]
    np.testing.assert_allclose(activation.g(POINTS), g(POINTS), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(activation.g_prime(POINTS), g_prime(POINTS), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    ("activation", "value", "slope"),
    [
        (ReLU(), 0, 0),
        (LeakyReLU(), 0, 0.01),
        (LeakyReLU(0.3), 0, 0.3),
        (ELU(), 0, 1),
        (ELU(0.5), 0, 0.5),
        (SELU(), 0, SCALE * ALPHA),
        (ReLU6(), 0, 0),
        (CELU(0.5), 0, 1),
        (Softsign(), 0, 1),
    ],
    ids=repr,
)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_at_zero_the_derivative_is_that_from_the_left(activation, value, slope, zero):
    assert 0.0 in activation.kinks
    assert activation.g(np.array([zero])) == value
    assert activation.g_prime(np.array([zero])) == slope


@pytest.mark.parametrize(
    ("name", "slopes"),
    [
        ("relu6", {0: 0, 6: 1}),
        ("hard_tanh", {-1: 0, 1: 1}),
        ("hard_sigmoid", {-3: 0, 3: 1 / 6}),
        ("hard_swish", {-3: 0, 3: 1.5}),
    ],
)
def test_at_every_kink_the_derivative_is_that_from_the_left(name, slopes):
    activation, a = as_activation(name), np.array([*slopes], float)
    assert activation.kinks == tuple(a)
    assert activation.g_prime(a).tolist() == list(slopes.values())
    np.testing.assert_array_equal(
        activation.g_prime(np.nextafter(a, -np.inf)).round(12), np.round([*slopes.values()], 12)
    )


def test_relu_derivative_at_zero_is_zero():
    assert ReLU().g_prime(np.array([-1e-300, 0.0, 1e-300])).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "name", ["identity", "sigmoid", "tanh", "gelu", "gelu_tanh", "silu", "softplus", "mish", "exp"]
)
def test_a_smooth_activation_has_no_kinks(name):
    assert as_activation(name).kinks == ()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan(name, dtype):
    result = as_activation(name).g(np.array([1.0, np.nan, -1.0], dtype))
    assert np.isnan(result).tolist() == [False, True, False]


@pytest.mark.parametrize("size", [0.0, 88.0, 104.0, 710.0, 746.0, 800.0, 1e4, 1e18])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TAME)
def test_big_numbers_give_finite_ones_of_the_same_dtype_without_a_warning(name, dtype, size):
    activation, a = as_activation(name), np.array([size, -size], dtype)
    for result in (activation.g(a), activation.g_prime(a)):
        assert result.dtype == dtype
        assert np.isfinite(result).all()


@pytest.mark.parametrize("a", [np.array([1e30, -1e30], np.float32), np.array([1e200, -1e200])], ids=["f32", "f64"])
@pytest.mark.parametrize("name", TAME)
def test_numbers_whose_square_overflows_give_no_warning(name, a):
    activation = as_activation(name)
    assert np.isfinite(activation.g(a)).all()
    assert np.isfinite(activation.g_prime(a)).all()


@pytest.mark.parametrize(("dtype", "last", "first"), [(np.float32, 88.7, 88.8), (np.float64, 709.7, 709.8)])
def test_the_exponential_is_finite_as_far_as_its_dtype_goes_and_infinite_beyond(dtype, last, first):
    assert np.isfinite(as_activation("exp").g(np.array([last, -1e18], dtype))).all()
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert np.isinf(as_activation("exp").g_prime(np.array([first], dtype))).all()


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("sigmoid", (1, 0)), ("tanh", (1, -1)), ("elu", (1e4, -1)), ("celu", (1e4, -1)), ("relu6", (6, 0)),
        ("hard_tanh", (1, -1)), ("hard_sigmoid", (1, 0)),
    ],
)  # fmt: skip
def test_far_out_g_is_its_limit(name, limits):
    assert tuple(as_activation(name).g(np.array([1e4, -1e4]))) == limits


@pytest.mark.parametrize("name", ["silu", "gelu", "gelu_tanh", "mish", "softplus", "relu", "hard_swish"])
def test_far_out_the_gates_are_open_or_closed(name):
    activation, a = as_activation(name), np.array([1e4, -1e4])
    assert activation.g(a).tolist() == [1e4, 0]
    assert activation.g_prime(a).tolist() == [1, 0]


@pytest.mark.parametrize(("name", "a", "value", "slope"), TAILS)
def test_the_tails_keep_their_relative_precision(name, a, value, slope):
    activation = as_activation(name)
    assert activation.g(np.array([float(a)]))[0] == pytest.approx(value, rel=1e-13, abs=0)
    assert activation.g_prime(np.array([float(a)]))[0] == pytest.approx(slope, rel=1e-13, abs=0)


@pytest.mark.parametrize(("name", "a", "value", "slope"), TAILS)
def test_the_tails_keep_their_relative_precision_in_float32(name, a, value, slope):
    activation, single = as_activation(name), np.array([a], np.float32)
    assert activation.g(single)[0] == pytest.approx(value, rel=3e-5, abs=0)
    assert activation.g_prime(single)[0] == pytest.approx(slope, rel=3e-5, abs=0)


@pytest.mark.parametrize("shape", [(0, 3), (), (1,), (2, 3, 4)])
@pytest.mark.parametrize("name", NAMES)
def test_the_shape_is_kept(name, shape):
    activation = as_activation(name)
    assert activation.g(np.ones(shape)).shape == activation.g_prime(np.ones(shape)).shape == shape


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("library", ["jax.numpy", "torch"])
@pytest.mark.parametrize("name", NAMES)
def test_other_libraries_give_the_same_numbers_in_the_same_dtype(name, library, dtype):
    xp = pytest.importorskip(library)
    activation, points = as_activation(name), np.concatenate([POINTS, [0.0]]).astype(dtype)
    for function in (activation.g, activation.g_prime):
        result = function(xp.asarray(points))
        assert result.dtype == getattr(xp, dtype)
        expected, tolerance = function(points), 1e-14 if dtype == "float64" else 1e-5
        np.testing.assert_allclose(np.asarray(result), expected, rtol=tolerance * 10, atol=tolerance)


def test_the_argument_is_never_changed():
    for name in NAMES:
        a = POINTS.copy()
        as_activation(name).g(a)
        as_activation(name).g_prime(a)
        np.testing.assert_array_equal(a, POINTS)


def test_activations_are_equal_by_value_and_cannot_be_changed():
    assert LeakyReLU(0.3) == LeakyReLU(0.3) != LeakyReLU(0.2)
    assert ReLU() != Sigmoid()
    assert len({Tanh(), Tanh(), Mish()}) == 2
    with pytest.raises(AttributeError):
        LeakyReLU().slope = 0.5


@pytest.mark.parametrize("text", ["elu(alpha=0)", "elu(alpha=-1)"])
def test_an_alpha_that_is_not_positive_is_refused(text):
    with pytest.raises(InputError, match=r"^alpha of elu is -?\d.0, expected a number in \(0, inf\)"):
        as_activation(text)


@pytest.mark.parametrize(("make", "value"), [(ELU, "1"), (ELU, None), (LeakyReLU, True), (LeakyReLU, 1j)])
def test_a_parameter_that_is_no_number_is_refused(make, value):
    with pytest.raises(InputTypeError, match="expected a number"):
        make(value)


@pytest.mark.parametrize("slope", [math.nan, math.inf, -math.inf])
def test_a_slope_that_is_not_finite_is_refused(slope):
    with pytest.raises(InputError, match=r"^slope of leaky_relu is .*, expected a number in \(-inf, inf\)"):
        LeakyReLU(slope)


def test_a_registered_activation_serves_in_a_network_by_name_and_as_itself(register):
    cubed = register("cubed_", lambda a: a**3, lambda a: 3 * a**2, initialization="lecun_uniform")
    assert isinstance(cubed, Activation)
    assert as_activation("cubed_") is cubed
    by_name = Network.create([2, 3, 1], activation="cubed_", loss="squared_error", rng=0)
    by_value = Network.create([2, 3, 1], activation=cubed, loss="squared_error", rng=0)
    assert "cubed_" in repr(by_name)
    assert np.abs(by_name.W[1]).max() <= math.sqrt(3 / 2)
    X, y = np.array([[0.5, -1.0], [2.0, 1.0]]), [1.0, 0.0]
    grads = gradients(by_name, X, y)
    assert grads.loss == gradients(by_value, X, y).loss
    a = X @ by_name.W[1].T
    grad_a2 = (a**3 @ by_name.W[2].T - [[1.0], [0.0]]) / 2
    np.testing.assert_allclose(grads.a[1], grad_a2 @ by_name.W[2] * 3 * a**2, rtol=1e-12)


def test_a_registered_activation_runs_on_the_arrays_of_its_network(register):
    register("cubed_", lambda a: a**3, lambda a: 3 * a**2)
    network = Network.create([2, 3, 1], activation="cubed_", loss="squared_error", rng=0)
    X, y = np.ones((1, 2)), np.ones(1)
    there = gradients(network.to(jnp), jnp.asarray(X), jnp.asarray(y))
    np.testing.assert_allclose(there.W[1], gradients(network, X, y).W[1], rtol=1e-13)


def test_kinks_and_initialization_are_kept(register):
    ramp = register("ramp_", lambda a: a, lambda a: a, kinks=(-1, 1))
    assert ramp.kinks == (-1.0, 1.0)
    assert ramp.initialization == "he_normal"
    assert repr(ramp) == "ramp_"


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"name": "relu"}, InputError, "name is 'relu', which is taken"),
        ({"name": "two words"}, InputError, "name is 'two words', expected one word"),
        ({"name": "f(x)"}, InputError, "name is .*, expected one word"),
        ({"name": "2nd"}, InputError, "name is '2nd', expected one word"),
        ({"name": ""}, InputError, "name is '', expected one word"),
        ({"g": 3}, InputTypeError, "g and g_prime must be functions"),
        ({"g_prime": None}, InputTypeError, "g and g_prime must be functions"),
        ({"initialization": "he"}, UnknownNameError, "initialization is 'he', which is not known"),
        ({"kinks": 0.0}, BacktalkError, "kinks"),
        ({"kinks": ("a",)}, BacktalkError, "kinks"),
        ({"kinks": (math.nan,)}, BacktalkError, "kinks"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_activation_that_cannot_be_registered_is_refused_and_not_added(register, changes, kind, message):
    before = dict(ACTIVATIONS)
    arguments = {"name": "new_", "g": np.sin, "g_prime": np.cos} | changes
    with pytest.raises(kind, match=f"^{message}"):
        register(**arguments)
    assert before == ACTIVATIONS


def test_a_cell_that_registers_a_name_may_run_twice(register):
    first = register("new_", np.sin, np.cos)
    network = backtalk.Network.create([2, 3, 1], "new_", "squared_error", rng=0)
    again = register("new_", np.tanh, lambda a: 1 - np.tanh(a) ** 2)
    assert as_activation("new_") == again != first
    assert network.activations == (first,)


def test_a_registered_activation_takes_no_parameters(register):
    register("new_", np.sin, np.cos)
    with pytest.raises(InputError, match="new_ has no parameter 'slope': it takes none"):
        as_activation("new_(slope=1)")
