"""The one rule: anything named a gradient is the derivative of one named scalar.

Every loss × activation, and every loss × output function, by the native kernels and by the formulas, against autodiff,
at 1e-12 in float64; numbers of outputs, weights, depth and the other array libraries by turns, and all of them drawn by
chance in one test.
The error of an array is its largest deviation, relative to the largest entry of the expected array.
"""

from __future__ import annotations

import itertools
import os
from functools import cache
from pathlib import Path
from typing import Any

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backtalk import Dropout, Gradients, Network, Trace, gradients
from backtalk.analysis.check.network import magnitudes
from backtalk.analysis.check.substitute import Scene
from backtalk.core.arrays import to_numpy
from engines import by_formula, can_have
from oracle import JAX_ACTIVATIONS, JAX_LOSSES, JAX_OUTPUTS, Expected, jax_gradients, torch, torch_gradients

TOLERANCE = 1e-12
BY_FORMULAS = "numpy by formulas"
OTHER_LIBRARIES = [library for library in (jnp, array_api_strict, torch) if library is not None]
SHAPES = [(3, 2, True), (1, 5, True), (4, 5, False), (2, 3, False)]  # outputs, depth, with weights


def as_target(loss: str, y: np.ndarray, k: int) -> np.ndarray:
    if loss.startswith("quantiles"):
        return np.concatenate([y, y], axis=1)
    if loss == "gaussian_nll":
        return np.concatenate([y, np.zeros_like(y)], axis=1)
    return np.eye(k)[y] if y.ndim == 1 else y.astype(float)


def error(actual: np.ndarray, expected: np.ndarray, terms: Any = 0.0) -> float:
    assert actual.shape == expected.shape
    scale = max(np.abs(expected).max(), np.max(terms))
    return float(np.abs(actual - expected).max() / scale) if scale > 0 else float(np.abs(actual).max())


def largest_error(grads: Gradients, expected: Expected, terms: dict[Any, np.ndarray] | None = None) -> float:
    errors = [abs(float(grads.loss) - expected.loss) / max(abs(expected.loss), 1e-300 if expected.loss else 1)]
    for family in ("a", "h", "W", "b"):
        ours, theirs = getattr(grads, family), getattr(expected, family)
        errors += [
            error(to_numpy(ours[i]), other, (terms or {}).get((family, i), 0.0))
            for i, other in zip(ours, theirs, strict=True)
        ]
    return max(errors)


def record(value: float) -> None:
    """With BACKTALK_ERRORS=FILE, keep each comparison's error, so that the largest can be reported."""
    if path := os.environ.get("BACKTALK_ERRORS"):
        with Path(path).open("a") as file:
            file.write(f"{value:.3e}\n")


class Case:
    """A seeded network with a batch, as plain arrays."""

    def __init__(
        self, loss: str, activation: str, k: int, depth: int, weighted: bool, output: str | None = None
    ) -> None:
        rng = np.random.default_rng([k, depth, weighted])
        sizes = [*[3, 4, 5, 4, 3][:depth], k]
        self.loss, self.output, self.activations, count = loss, output, [activation] * (depth - 1), 7
        scale = 0.2 if activation == "exp" else 1.0  # else e^a of e^a of e^a overflows
        self.W = [rng.normal(size=(n, m)) * scale / np.sqrt(m) for m, n in itertools.pairwise(sizes)]
        self.b = [rng.normal(size=n) / 2 for n in sizes[1:]]
        if output is not None:  # ŷ inside the domain of every loss: between 0 and 1
            self.W[-1] *= 0.1
            self.b[-1] = np.full(k, -0.5 if output in ("exp", "softplus") else 0.5)
        self.X = rng.normal(size=(count, 3))
        self.y = Network.create([3, k], loss=loss).loss.draw_target(rng, count, k)
        self.sample_weight = rng.uniform(0, 3, count) * (np.arange(count) != 2) if weighted else None
        weight = np.ones(count) if self.sample_weight is None else self.sample_weight
        target = as_target(loss, self.y, k)
        self.oracle_arguments = (
            self.activations, loss, self.W, self.b, self.X, target, weight / weight.sum()
        )  # fmt: skip

    def gradients(self, library: Any, dropout: Dropout | None = None) -> Gradients:
        network = Network(self.W, self.b, self.activations, self.loss, output=self.output)
        batch = (self.X, self.y, self.sample_weight)
        if library == BY_FORMULAS:
            return by_formula(network, *batch, dropout=dropout)
        network = network.to(library)
        arrays = (None if part is None else library.asarray(part) for part in batch)
        return gradients(network, *arrays, dropout=dropout)


@cache
def case_with_oracle(*what: Any) -> tuple[Case, Expected]:
    case = Case(*what)
    return case, jax_gradients(*case.oracle_arguments, output_name=case.output)


@cache
def case_with_dropout(dropout: Dropout, *what: Any) -> tuple[Case, Expected]:
    case = Case(*what)
    sizes = [case.X.shape[1], *(len(b) for b in case.b)]
    masks = [dropout.mask(i, (len(case.X), sizes[i])) for i in range(1, len(case.b))]
    return case, jax_gradients(*case.oracle_arguments, masks=masks)


def known(loss: str) -> str:
    """Its name without parameters."""
    return loss.partition("(")[0]


def judge(found: float) -> None:
    record(found)
    assert found < TOLERANCE


def in_turn(choices: list[Any], *names: str) -> Any:
    """One of the choices: each name of a table meets all of them, whatever other it stands beside."""
    return choices[sum([*JAX_OUTPUTS, *JAX_LOSSES].index(name) for name in names) % len(choices)]


def shapes(loss: str, activation: str) -> list[tuple[int, int, bool]]:
    """Two of those that the loss can have."""
    fit = [shape for shape in SHAPES if can_have(loss, shape[0])]
    turn = fit.index(in_turn(fit, loss, activation))
    return [fit[turn], fit[turn - 1]]


def libraries(loss: str, activation: str) -> list[Any]:
    """The kernels, the formulas on NumPy arrays, and those on arrays of another library."""
    other = in_turn(OTHER_LIBRARIES, loss, activation)
    if activation == "gelu" and other is array_api_strict:  # the standard has no error function
        other = jnp
    return [np, BY_FORMULAS, other]


@pytest.mark.parametrize("activation", JAX_ACTIVATIONS)
@pytest.mark.parametrize("loss", JAX_LOSSES)
def test_every_gradient_is_the_derivative_of_the_loss(loss, activation):
    for shape in shapes(loss, activation):
        case, expected = case_with_oracle(loss, activation, *shape)
        for library in libraries(loss, activation):
            judge(largest_error(case.gradients(library), expected))


@pytest.mark.parametrize("library", [np, BY_FORMULAS, *OTHER_LIBRARIES], ids=lambda library: str(library)[:40])
@pytest.mark.parametrize("loss", JAX_LOSSES)
def test_every_gradient_of_a_single_layer_is_the_derivative_of_the_loss(loss, library):
    case, expected = case_with_oracle(loss, "tanh", 2, 1, False)
    judge(largest_error(case.gradients(library), expected))


@pytest.mark.parametrize("output", JAX_OUTPUTS)
@pytest.mark.parametrize("loss", JAX_LOSSES)
def test_every_gradient_is_the_derivative_of_any_loss_of_any_output_function(loss, output):
    case, expected = case_with_oracle(loss, "tanh", 4, 2, True, output)
    for library in libraries(loss, output):
        judge(largest_error(case.gradients(library), expected))


@pytest.mark.parametrize("activation", JAX_ACTIVATIONS)
def test_with_dropout_every_gradient_is_the_derivative_of_the_masked_loss(activation):
    for loss, depth, weighted in (("cross_entropy", 2, False), ("squared_error", 5, True)):
        dropout = Dropout(tuple([0.5, 0.2, 0.7, 0.0][: depth - 1]), seed=depth, step=3)
        case, expected = case_with_dropout(dropout, loss, activation, 3, depth, weighted)
        for library in libraries(loss, activation):
            judge(largest_error(case.gradients(library, dropout), expected))


@pytest.mark.skipif(torch is None, reason="torch is not installed")
@pytest.mark.parametrize("activation", JAX_ACTIVATIONS)
@pytest.mark.parametrize("loss", JAX_LOSSES)
def test_every_gradient_is_what_torch_autograd_finds(loss, activation):
    for shape in shapes(loss, activation):
        case = Case(loss, activation, *shape)
        judge(largest_error(case.gradients(np), torch_gradients(*case.oracle_arguments)))


@pytest.mark.parametrize(
    ("loss", "activation"),
    [*[(loss, "tanh") for loss in JAX_LOSSES], *[("cross_entropy", activation) for activation in JAX_ACTIVATIONS]],
)
def test_gradients_are_the_same_under_jit_and_vmap(loss, activation):
    cases = [case_with_oracle(loss, activation, 4, 2, weighted) for weighted in (False, True)]
    networks = [Network(c.W, c.b, c.activations, loss).to(jnp) for c, _ in cases]
    stacked = jax.tree.map(lambda *parts: jnp.stack(parts), *networks)
    X, y = (jnp.stack([jnp.asarray(getattr(c, name)) for c, _ in cases]) for name in ("X", "y"))
    weights = jnp.stack([jnp.ones(7) if c.sample_weight is None else c.sample_weight for c, _ in cases])
    both = jax.jit(jax.vmap(gradients))(stacked, X, y, weights)
    for i, (_, expected) in enumerate(cases):
        found = largest_error(jax.tree.map(lambda part, i=i: part[i], both), expected)
        record(found)
        assert found < TOLERANCE


def oracle_has_the_digits(network: Network, trace: Trace) -> bool:
    """Autodiff writes g′ as 1 − h² for tanh and h(1 − h) for the sigmoid, which lose digits where they saturate.

    So does ŷ − e(y), as it is written there, where ŷ is nearly certain.
    """
    if network.output.name == "softmax" and trace.output.shape[1] > 1 and trace.output.max() > 0.999:
        return False
    limits = {"tanh": 4.0, "sigmoid": 7.0, "binary_cross_entropy": 7.0}
    names = [*(activation.name for activation in network.activations), network.loss.name]
    return all(np.abs(trace.a[i]).max() < limits.get(name, np.inf) for i, name in enumerate(names, 1))


ORACLE = jax_gradients if torch is None else torch_gradients


@settings(max_examples=25 if torch is None else 300, deadline=None)
@given(data=st.data())
def test_every_gradient_is_right_for_drawn_shapes_values_and_weights(data):
    draw = data.draw
    loss = draw(st.sampled_from(sorted(JAX_LOSSES)))
    size = st.sampled_from([1, 2, 3, 7])
    sizes = draw(st.lists(size, min_size=2, max_size=6).filter(lambda each: can_have(loss, each[-1])))
    names = st.sampled_from(sorted(JAX_ACTIVATIONS))
    activations = [draw(names) for _ in sizes[2:]]
    count, k = draw(size), sizes[-1]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([0.1, 1.0, 1.5]))
    W = [rng.normal(size=(n, m)) * scale / np.sqrt(m) for m, n in itertools.pairwise(sizes)]
    b = [rng.normal(size=n) * scale for n in sizes[1:]]
    X = rng.normal(size=(count, sizes[0])) * scale
    network = Network(W, b, activations, loss)
    y = network.loss.draw_target(rng, count, k)
    if known(loss) in ("cross_entropy", "kl_divergence", "focal") and k > 1 and draw(st.booleans()):
        y = rng.dirichlet(np.ones(k), size=count)
    weights = draw(
        st.none() | st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.0]), min_size=count, max_size=count).filter(any)
    )
    w = np.full(count, 1 / count) if weights is None else np.array(weights) / sum(weights)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = ORACLE(activations, loss, W, b, X, as_target(loss, y, k), w)
    assume(np.isfinite(expected.loss) and np.abs(expected.W[0]).max() < 1e12)  # e^a of e^a is soon too large
    scene = Scene.of(network, X, as_target(loss, y, k), w)
    assume(oracle_has_the_digits(network, scene.trace))
    # where the terms of a sum, or of g′, cancel to nothing, no arithmetic has 12 digits of what is left
    terms = {quantity: size / 100 for quantity, size in magnitudes(scene).items()}
    for grads in (gradients(network, X, y, weights), by_formula(network, X, y, weights)):
        found = largest_error(grads, expected, terms)
        record(found)
        assert found < TOLERANCE


@pytest.mark.parametrize("family", ["a", "h", "W", "b"])
def test_the_shared_test_sees_an_error_of_one_part_in_1e11(family):
    case, expected = case_with_oracle("cross_entropy", "tanh", 3, 2, False)
    wrong = getattr(expected, family)[1].copy()
    wrong.flat[np.abs(wrong).argmax()] *= 1 + 1e-11
    parts = [*getattr(expected, family)]
    parts[1] = wrong
    assert largest_error(case.gradients(np), expected._replace(**{family: parts})) > TOLERANCE
