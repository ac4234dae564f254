"""Every optimizer: the numbers of PyTorch, its own formula, the kernels and the compiled steps, and what is refused."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

import backtalk
from backtalk import InputError, InputTypeError, Network, fit
from backtalk.core.optimizers import OPTIMIZERS, GradientDescent, Nesterov, Optimizer, as_any_optimizer
from backtalk.engines.native import kernels as module
from engines import needs_kernels, same_bits

try:
    import torch
except ImportError:  # tested where it is installed
    torch = None

# Ours, and PyTorch's: its class with its arguments; the learning rate of both
PAIRS = {
    "gd": ("SGD", {}),
    "sgd(momentum=0)": ("SGD", {}),
    "sgd": ("SGD", {"momentum": 0.9}),
    "momentum(momentum=0.5)": ("SGD", {"momentum": 0.5}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop(rho=0.9, momentum=0.8)": ("RMSprop", {"alpha": 0.9, "momentum": 0.8}),
    "rmsprop(centered=True)": ("RMSprop", {"centered": True}),
    "rmsprop(momentum=0.5, centered=True)": ("RMSprop", {"momentum": 0.5, "centered": True}),
    "adadelta": ("Adadelta", {}),
    "adam": ("Adam", {}),
    "adam(beta_1=0.8, beta_2=0.95, epsilon=0.001)": ("Adam", {"betas": (0.8, 0.95), "eps": 1e-3}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "adamax": ("Adamax", {}),
    "nadam": ("NAdam", {}),
    "nadam(beta_1=0.5, momentum_decay=0.5)": ("NAdam", {"betas": (0.5, 0.999), "momentum_decay": 0.5}),
    "adamw(weight_decay=0)": ("AdamW", {"weight_decay": 0}),
}
EVERY = [*PAIRS, "adam_epsilon_hat", "adam_uncorrected", "lion", "lion(beta_1=0.5, beta_2=0.75)"]
ENGINES = [pytest.param("native", marks=needs_kernels), "formula"]
SIZES, ROWS = [5, 9, 6, 3], 24


def drawn(dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    W = [rng.normal(size=(n, m)) / np.sqrt(m) for m, n in itertools.pairwise(SIZES)]
    network = Network(W, [rng.normal(size=n) / 2 for n in SIZES[1:]], "tanh").to(np, dtype=dtype)
    return network, rng.normal(size=(ROWS, SIZES[0])).astype(dtype), rng.integers(0, SIZES[-1], ROWS)


def rate_of(text):
    """A rate by which 100 steps go somewhere; what is above Adadelta's and below Lion's would not."""
    return {"adadelta": 1.0, "lion": 1e-3}.get(text.partition("(")[0], 0.02)


def with_rate(text):
    name, _, inside = text.partition("(")
    return f"{name}(learning_rate={rate_of(text)}" + (f", {inside}" if inside else ")")


def largest_difference(one, other):
    """Relative to the largest entry of each array."""
    pairs = zip(*[[*each.W.values(), *each.b.values()] for each in (one, other)], strict=True)
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def train(text, network, X, y, *, steps=100, batch_size=None, **settings):
    if text.startswith("gd"):
        batch_size = None
    elif batch_size is None:
        batch_size = len(X)
    epochs = steps // -(-len(X) // (batch_size or len(X)))
    return fit(network, X, y, epochs=epochs, batch_size=batch_size, optimizer=with_rate(text), rng=0, **settings)


@cache
def torch_steps(text):
    """The network after 100 steps of torch.optim; on one thread, which is enough for so few numbers."""
    network, X, y = drawn()
    kind, arguments = PAIRS[text]
    theirs, threads = backtalk.to_torch(network), torch.get_num_threads()
    torch.set_num_threads(1)
    optimizer = getattr(torch.optim, kind)(theirs.parameters(), lr=rate_of(text), **arguments)
    for _ in range(100):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(theirs(torch.tensor(X)), torch.tensor(y)).backward()
        optimizer.step()
    torch.set_num_threads(threads)
    return backtalk.from_torch(theirs, "cross_entropy").to(np)


@pytest.mark.skipif(torch is None, reason="torch is not installed")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", PAIRS)
def test_100_steps_are_those_of_torch(text, engine):
    network, X, y = drawn()
    ours = train(text, network, X, y, engine=engine).network
    assert largest_difference(ours, network) > 0.1
    assert largest_difference(ours, torch_steps(text)) < 1e-6


def lion_by_hand(parameters, gradients_of, *, rate, beta_1, beta_2, decay, steps):
    """Algorithm 2 of Chen et al. 2023, with decay for matrices alone."""
    m = [np.zeros_like(theta) for theta in parameters]
    for _ in range(steps):
        g = gradients_of(parameters)
        c = [beta_1 * each + (1 - beta_1) * now for each, now in zip(m, g, strict=True)]
        parameters = [
            theta - rate * (np.sign(update) + (decay * theta if theta.ndim == 2 else 0))
            for theta, update in zip(parameters, c, strict=True)
        ]
        m = [beta_2 * each + (1 - beta_2) * now for each, now in zip(m, g, strict=True)]
    return parameters


@pytest.mark.parametrize("engine", ENGINES)
def test_lion_is_the_formula_of_its_paper(engine):
    network, X, y = drawn()

    def gradients_of(parameters):
        grads = backtalk.gradients(network.replace(parameters[:3], parameters[3:]), X, y)
        return [*grads.W.values(), *grads.b.values()]

    text = "lion(beta_1=0.5, beta_2=0.75, weight_decay=0.1)"
    start = [*network.W.values(), *network.b.values()]
    found = lion_by_hand(start, gradients_of, rate=rate_of(text), beta_1=0.5, beta_2=0.75, decay=0.1, steps=100)
    ours = train(text, network, X, y, engine=engine).network
    assert largest_difference(ours, network.replace(found[:3], found[3:])) < 1e-12


def test_nesterovs_base_point_goes_as_sutskever_wrote_it():
    network, X, y = drawn()

    def gradient(theta):
        grads = backtalk.gradients(network.replace(theta[:3], theta[3:]), X, y)
        return [*grads.W.values(), *grads.b.values()]

    optimizer = Nesterov(0.05, 0.8)
    theta = base = [*network.W.values(), *network.b.values()]
    state, velocity = optimizer.start(theta), [np.zeros_like(part) for part in theta]
    for _ in range(20):
        theta, state = optimizer.step(theta, gradient(theta), state)
        ahead = gradient([part + 0.8 * v for part, v in zip(base, velocity, strict=True)])
        velocity = [0.8 * v - 0.05 * grad for v, grad in zip(velocity, ahead, strict=True)]
        base = [part + v for part, v in zip(base, velocity, strict=True)]
    for ours, by_hand in zip(optimizer.base_point(theta, state), base, strict=True):
        np.testing.assert_allclose(ours, by_hand, rtol=0, atol=1e-14)


SETTINGS = [
    {},
    {"l2_penalty": 0.01, "clip_norm": 0.5, "measure_every": 1},
    {"l2_penalty": 0.01, "dropout": 0.2, "batch_size": 7, "schedule": "exponential"},
]


@needs_kernels
@pytest.mark.parametrize("settings", SETTINGS, ids=["plain", "clipped", "small batches"])
@pytest.mark.parametrize("text", EVERY)
def test_the_kernels_and_the_formulas_take_the_same_steps(text, settings):
    network, X, y = drawn()
    _, *weights = np.random.default_rng(3).uniform(0.5, 2, (2, len(X)))
    if "weight_decay" not in text and not text.startswith("gd"):
        text = text.rstrip(")") + (", " if "(" in text else "(") + "weight_decay=0.01)"
    measures = {}
    found = {
        engine: train(
            text, network, X, y, steps=40, sample_weight=weights[0], engine=engine,
            callbacks=lambda epoch, engine=engine: measures.setdefault(engine, []).append(epoch.measures), **settings,
        )
        for engine in ("native", "formula")
    }  # fmt: skip
    ours, theirs = found["native"], found["formula"]
    assert largest_difference(ours.network, theirs.network) < 1e-10
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-10)
    plain = text.startswith("sgd(momentum=0")  # of which the kernels keep no velocity
    for family, arrays in () if plain else theirs.state.arrays.items():
        for ours_of, theirs_of in zip(ours.state.arrays[family], arrays, strict=True):
            np.testing.assert_allclose(ours_of, theirs_of, rtol=1e-9, atol=1e-10 * np.abs(theirs_of).max())
    for one, other in zip(measures["native"], measures["formula"], strict=True):
        np.testing.assert_allclose([m.update for m in one], [m.update for m in other], rtol=1e-9)


@needs_kernels
@pytest.mark.parametrize("text", EVERY)
def test_training_is_equal_to_the_bit_for_any_number_of_threads(text, monkeypatch):
    rng = np.random.default_rng(0)
    network = Network.create([60, 150, 7], "relu", rng=0, dtype="float32")
    X, y = rng.normal(size=(200, 60)).astype(np.float32), rng.integers(0, 7, 200)
    found = []
    for threads in (1, 3, 8):
        monkeypatch.setattr(module, "_limit", threads)
        found.append(train(text, network, X, y, steps=6, clip_norm=1.0))
    assert all(same_bits(each.network, found[0].network) for each in found[1:])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", EVERY)
def test_a_resumed_run_is_equal_to_the_bit(text, engine, dtype, tmp_path):
    network, X, y = drawn(dtype)
    settings = {"engine": engine, "clip_norm": 1.0, "batch_size": 10, "schedule": "cosine_restarts(every=2)"}
    whole = train(text, network, X, y, steps=12, **settings)
    path = tmp_path / "run.safetensors"
    half = train(text, network, X, y, steps=12, **settings, checkpoint=path, callbacks=lambda epoch: epoch.number == 2)
    assert half.reason == "callback"
    resumed = backtalk.resume(path, X, y)
    assert same_bits(resumed.network, whole.network)
    assert resumed.losses == whole.losses


@pytest.mark.parametrize("text", EVERY)
def test_the_compiled_steps_are_those_of_the_formulas(text):
    network, X, y = drawn()
    settings = {"steps": 12, "batch_size": 12, "clip_norm": 1.0}
    found = [train(text, network, X, y, engine=engine, **settings).network for engine in ("compiled", "formula")]
    assert largest_difference(*found) < 1e-10


def test_the_momenta_of_nadam_are_the_same_inside_a_compiled_step():
    import jax.numpy as jnp

    for text in ("nadam", "nadam(beta_1=0)", "nadam(beta_1=0.99, momentum_decay=2)"):
        nadam = as_any_optimizer(text)
        for t in (1, 2, 30, 200, 5000):
            assert float(nadam.momenta_risen(jnp.asarray(float(t)))) == pytest.approx(nadam.momenta_risen(t), rel=1e-6)


def test_centered_rmsprop_stays_finite_where_the_variance_is_zero():
    rmsprop = as_any_optimizer("rmsprop(centered=True, rho=0.5)")
    theta, gradient = [np.ones(50)], [np.linspace(0.1, 1e3, 50)]
    state = rmsprop.start(theta)
    for _ in range(200):
        theta, state = rmsprop.step(theta, gradient, state)
    assert np.isfinite(theta[0]).all()


@pytest.mark.parametrize("text", ["lion", "adamax", "amsgrad", "rmsprop(centered=True)"])
def test_a_gradient_that_is_not_a_number_stays_visible(text):
    optimizer = as_any_optimizer(text)
    theta, _ = optimizer.step([np.ones(3)], [np.array([1.0, np.nan, -1.0])], optimizer.start([np.ones(3)]))
    assert np.isnan(theta[0]).tolist() == [False, True, False]


def test_every_optimizer_is_tested_here():
    assert {text.partition("(")[0] for text in EVERY} == set(OPTIMIZERS)
    assert all(issubclass(kind, Optimizer) for kind in OPTIMIZERS.values())


# The whole batch


def test_gd_takes_all_examples_in_each_step_in_every_engine():
    network, X, y = drawn()
    grads = backtalk.gradients(network, X, y)
    for engine in ("native", "formula", "compiled"):
        training = fit(network, X, y, epochs=1, optimizer="gd(learning_rate=0.5)", engine=engine, rng=0)
        assert training.state.step == 1
        for i in (1, 2, 3):
            expected = network.W[i] - 0.5 * grads.W[i]
            np.testing.assert_allclose(training.network.W[i], expected, rtol=0, atol=1e-14)
    assert same_bits(
        fit(network, X, y, epochs=2, optimizer="gd", batch_size=ROWS, rng=0).network,
        fit(network, X, y, epochs=2, optimizer="gd", rng=0).network,
    )


@pytest.mark.parametrize("text", ["gd", "gd(armijo=0.0001)"])
def test_gd_refuses_a_batch_that_is_not_the_whole(text):
    network, X, y = drawn()
    words = r"^batch_size is 7, but the optimizer gd.* takes all 24 examples in each step: leave batch_size out, or use"
    with pytest.raises(InputError, match=words):
        fit(network, X, y, optimizer=text, batch_size=7)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_line_search_halves_the_rate_until_the_loss_falls_enough(engine):
    # ℒ = ½(w − 3)² + ½b² at w = b = 0, on one example with x = 1 and y = 3 split over w alone
    network = Network([[[0.0]]], [[0.0]], loss="squared_error")
    told = []
    training = fit(
        network, [[1.0]], [3.0], epochs=3, optimizer="gd(learning_rate=8, armijo=0.25)", engine=engine,
        callbacks=told.append,
    )  # fmt: skip
    # ŷ = w + b, ∇ = (−3, −3): from 8, 4, 2, 1 the rate ½ is the first with ℒ(θ − η∇) ≤ ℒ − ¼·η·‖∇‖²
    assert [epoch.learning_rate for epoch in told] == [0.5]
    assert training.reason == "converged"
    assert (float(training.network.W[1][0, 0]), float(training.network.b[1][0])) == (1.5, 1.5)
    assert training.losses == (0.0,)


def test_the_line_search_never_goes_up_also_from_a_rate_that_overflows():
    network, X, y = drawn()
    losses = fit(network, X, y, epochs=30, optimizer="gd(learning_rate=1e30, armijo=1e-4)", l2_penalty=0.01).losses
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dropout": 0.5}, r"^dropout is given, but the optimizer 'gd\(armijo=0.1\)' cannot use it"),
        ({"schedule": "cosine"}, "^schedule is given, but the optimizer"),
        ({"clip_norm": 1.0}, "^clip_norm is given, but the optimizer"),
        ({"checkpoint": "run.safetensors"}, r"^optimizer is 'gd\(armijo=0.1\)', which takes no checkpoint"),
        ({"engine": "compiled"}, r"^engine is 'compiled', which does not know the optimizer 'gd\(armijo=0.1\)'"),
    ],
)
def test_what_a_line_search_cannot_use_is_refused(settings, words):
    network, X, y = drawn()
    with pytest.raises(InputError, match=words):
        fit(network, X, y, optimizer="gd(armijo=0.1)", **settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gd(learning_rate=0)", r"^learning_rate of gd is 0.0, expected a number in \(0, inf\)"),
        ("gd(armijo=1)", r"^armijo of gd is 1.0, expected a number in \[0, 1\)"),
        ("gd(armijo=0.1, shrink=1)", r"^shrink of gd is 1.0, expected a number in \(0, 1\)"),
        ("gd(armijo=0.1, weight_decay=0.1)", "^weight_decay of gd is 0.1, but with armijo the search knows the loss"),
        ("momentum(momentum=1)", r"^momentum of momentum is 1.0, expected a number in \[0, 1\)"),
        ("adagrad(epsilon=0)", r"^epsilon of adagrad is 0.0"),
        ("rmsprop(rho=1)", r"^rho of rmsprop is 1.0"),
        ("rmsprop(momentum=-1)", r"^momentum of rmsprop is -1.0"),
        ("adadelta(rho=-0.1)", r"^rho of adadelta is -0.1"),
        ("amsgrad(beta_2=1)", r"^beta_2 of amsgrad is 1.0"),
        ("adamax(weight_decay=-1)", r"^weight_decay of adamax is -1.0"),
        ("nadam(momentum_decay=-1)", r"^momentum_decay of nadam is -1.0"),
        ("lion(beta_1=1.5)", r"^beta_1 of lion is 1.5"),
        (
            "rmsprop(alpha=0.9)",
            "^optimizer is 'rmsprop\\(alpha=0.9\\)', but rmsprop has no parameter 'alpha': it takes",
        ),
    ],
)
def test_a_parameter_out_of_range_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        as_any_optimizer(text)


def test_an_unknown_optimizer_is_refused_with_all_that_there_are():
    with pytest.raises(
        InputError, match=r"optimizer is 'adamm', .*did you mean 'adam'\? Known are gd, sgd, momentum, "
    ):
        as_any_optimizer("adamm")
    with pytest.raises(InputTypeError, match="armijo of gd is True, expected a number"):
        GradientDescent(armijo=True)
