"""Products of the Hessian with a direction: beside jax.jvp of jax.grad, for every activation, loss and output."""

from __future__ import annotations

from typing import Any

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backtalk import (
    Dropout,
    HessianProduct,
    InputError,
    InputTypeError,
    Network,
    gradients,
    hessian_product,
)
from backtalk.core.activations import RegisteredActivation, as_activation
from backtalk.core.arrays import to_numpy
from backtalk.core.backward import talk_back
from backtalk.core.curvature import talk_along
from backtalk.core.forward import propagate
from backtalk.core.inputs import as_target, as_weight
from backtalk.core.layers import Layers
from backtalk.core.losses import RegisteredLoss
from oracle import JAX_ACTIVATIONS, JAX_LOSSES, JAX_OUTPUTS, torch

CASES = [("cross_entropy", None, name) for name in JAX_ACTIVATIONS]
CASES += [(loss, output, "tanh") for loss in JAX_LOSSES for output in (None, *JAX_OUTPUTS)]
LIBRARIES = [library for library in (jnp, array_api_strict, torch) if library is not None]


class Problem:
    """A seeded network with examples, weights and a direction."""

    def __init__(self, loss: str, output: str | None = None, activation: str = "tanh") -> None:
        rng = np.random.default_rng(0)
        self.loss, self.output, self.activation = loss, output, activation
        self.network = Network.create([3, 5, 4, 4], activation, loss=loss, output=output, rng=1)
        self.X, self.y = rng.normal(size=(6, 3)), self.network.loss.draw_target(rng, 6, 4)
        self.sample_weight = rng.random(6)
        self.V = [rng.normal(size=W.shape) for W in self.network.W.values()]
        self.c = [rng.normal(size=b.shape) for b in self.network.b.values()]

    def product(self, network: Network | None = None, **options: Any) -> Any:
        network = network or self.network
        X, y, weight, *both = (
            network.spec.xp.asarray(part) for part in (self.X, self.y, self.sample_weight, *self.V, *self.c)
        )
        return hessian_product(network, X, y, (both[:3], both[3:]), weight, **options)

    def by_formulas(self) -> HessianProduct:
        """By core/curvature.py, whoever serves."""
        network, target = self.network, as_target(self.network, self.y, 6)
        weight, trace = as_weight(network, self.sample_weight, 6), propagate(network, self.X)
        grads = talk_back(network, trace, target, weight)
        return talk_along(network, trace, grads, target, weight, Layers(self.V), Layers(self.c))

    def expected(self) -> tuple[Any, tuple[Any, Any]]:
        """∇ℒ·v and ∇²ℒ v, by jax."""
        output, of_a, of_output = JAX_LOSSES[self.loss]
        if self.output is not None:
            output = JAX_OUTPUTS[self.output]

            def of_a(a: Any, t: Any) -> Any:
                return of_output(output(a), t)

        t, w = as_target(self.network, self.y, 6), self.sample_weight / self.sample_weight.sum()

        def loss_of(parameters: Any) -> Any:
            h = self.X
            for i, (W, b) in enumerate(zip(*parameters, strict=True), start=1):
                a = h @ W.T + b
                h = JAX_ACTIVATIONS[self.activation](a) if i < 3 else a
            return jnp.sum(w * of_a(h, t))

        point, along = ([*self.network.W.values()], [*self.network.b.values()]), (self.V, self.c)
        grads, product = jax.jvp(jax.grad(loss_of), (point,), (along,))
        slope = sum(
            (g * v).sum() for family, own in zip(grads, along, strict=True) for g, v in zip(family, own, strict=True)
        )
        return slope, product


def largest_error(product: Any, expected: tuple[Any, Any]) -> float:
    families = zip((*product.W.values(), *product.b.values()), (*expected[0], *expected[1]), strict=True)
    pairs = [(to_numpy(own), np.asarray(other)) for own, other in families]
    scale = max(np.abs(other).max() for _, other in pairs)
    return max(np.abs(own - other).max() for own, other in pairs) / (scale or 1.0)


@pytest.mark.parametrize(("loss", "output", "activation"), CASES)
def test_it_is_the_derivative_of_the_gradient_along_the_direction(loss, output, activation):
    if loss == "focal" and output in ("exp", "softplus"):
        pytest.skip("the focal loss is not defined for outputs above 1")
    problem = Problem(loss, output, activation)
    if not np.isfinite(float(gradients(problem.network, problem.X, problem.y).loss)):
        pytest.skip("the loss is infinite for these outputs")
    slope, expected = problem.expected()
    for product in (problem.product(), problem.by_formulas()):  # the first one by the kernels, where they are
        assert float(product.slope) == pytest.approx(float(slope), rel=1e-12, abs=1e-13)
        assert largest_error(product, expected) < 1e-12


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("loss", ["cross_entropy", "focal", "poisson_deviance", "categorical_hinge", "gaussian_nll"])
def test_arrays_of_other_libraries_give_the_same(library, loss):
    problem = Problem(loss)
    ours = problem.product()
    theirs = problem.product(problem.network.to(library))
    assert largest_error(theirs, ([*ours.W.values()], [*ours.b.values()])) < 1e-12


@pytest.mark.parametrize("name", sorted(JAX_ACTIVATIONS))
def test_g_second_is_the_derivative_of_g_prime(name):
    g = as_activation(name)
    a = np.linspace(-9.3, 9.1, 400)
    slope = g.g_prime(a + 1e-60j)
    expected = slope.imag / 1e-60 if np.iscomplexobj(slope) else np.zeros_like(a)
    np.testing.assert_allclose(g.g_second(a), expected, rtol=1e-12, atol=1e-14)
    far = np.array([-1e4, -200.0, -60.0, 60.0, 200.0])
    assert np.isfinite(g.g_second(far)).all() or name == "exp"


def test_the_hessian_is_symmetric_and_linear():
    problem, rng = Problem("cross_entropy", activation="mish"), np.random.default_rng(3)
    U = [rng.normal(size=v.shape) for v in problem.V], [rng.normal(size=c.shape) for c in problem.c]

    def along(direction: Any) -> np.ndarray:
        product = hessian_product(problem.network, problem.X, problem.y, direction)
        return np.concatenate([part.ravel() for part in (*product.W.values(), *product.b.values())])

    u, v = (
        np.concatenate([part.ravel() for family in pair for part in family]) for pair in (U, (problem.V, problem.c))
    )
    both = tuple(
        [first + 2 * second for first, second in zip(a, b, strict=True)]
        for a, b in zip(U, (problem.V, problem.c), strict=True)
    )
    of_u, of_v = along(U), along((problem.V, problem.c))
    assert u @ of_v == pytest.approx(v @ of_u, rel=1e-12)
    np.testing.assert_allclose(along(both), of_u + 2 * of_v, rtol=1e-10, atol=1e-12)


def test_with_dropout_it_is_that_of_the_network_with_those_masks():
    problem, dropout, step = Problem("cross_entropy"), Dropout(0.4, seed=3), 1e-5
    product = problem.product(dropout=dropout)

    def moved(by: float) -> Any:
        W = [W + by * v for W, v in zip(problem.network.W.values(), problem.V, strict=True)]
        b = [b + by * c for b, c in zip(problem.network.b.values(), problem.c, strict=True)]
        return gradients(Network(W, b, "tanh"), problem.X, problem.y, problem.sample_weight, dropout=dropout)

    ahead, behind = moved(step), moved(-step)
    for i in problem.network.W:
        np.testing.assert_allclose(product.W[i], (ahead.W[i] - behind.W[i]) / (2 * step), rtol=1e-6, atol=1e-9)


def test_float32_stays_float32_and_an_example_without_weight_has_no_part():
    network = Network.create([2, 3, 2], "tanh", rng=0, dtype="float32")
    grads = gradients(network, np.eye(2), [0, 1])
    product = hessian_product(network, np.eye(2), [0, 1], grads)
    assert product.W[1].dtype == np.float32
    wide = Network(
        [W.astype(np.float64) for W in network.W.values()], [b.astype(np.float64) for b in network.b.values()], "tanh"
    )
    exact = hessian_product(wide, np.eye(2), [0, 1], grads)
    np.testing.assert_allclose(product.W[1], exact.W[1], rtol=1e-4, atol=1e-6)
    alone = hessian_product(wide, np.eye(2)[:1], [0], grads)
    weighted = hessian_product(wide, np.array([[1.0, 0.0], [1e300, 1e300]]), [0, 1], grads, [1.0, 0.0])
    np.testing.assert_allclose(weighted.W[2], alone.W[2])


def test_a_direction_of_another_shape_is_refused():
    problem = Problem("cross_entropy")
    with pytest.raises(InputError, match=r"direction.W\[1\] has shape \(3, 5\), expected \(5, 3\)"):
        hessian_product(problem.network, problem.X, problem.y, ([W.T for W in problem.V], problem.c))
    with pytest.raises(InputError, match="direction has 2 W, expected 3"):
        hessian_product(problem.network, problem.X, problem.y, (problem.V[:2], problem.c))
    with pytest.raises(InputTypeError, match="direction is a float"):
        hessian_product(problem.network, problem.X, problem.y, 1.0)
    with pytest.raises(InputError, match=r"direction.b\[1\]"):
        hessian_product(problem.network, problem.X, problem.y, (problem.V, [problem.c[0] * np.nan, *problem.c[1:]]))


def test_what_a_user_registered_needs_its_second_derivative():
    network = Network.create([2, 3, 2], own_cube(), rng=0)
    with pytest.raises(InputError, match="g_second"):
        hessian_product(network, np.eye(2), [0, 1], network)
    network = Network.create([2, 3, 2], own_cube(lambda a: 6 * a), rng=0)
    assert hessian_product(network, np.eye(2), [0, 1], network).W[1].any()
    own = own_loss()
    network = Network.create([2, 3, 2], loss=own, rng=0)
    with pytest.raises(InputError, match="backtalk's own losses"):
        hessian_product(network, np.eye(2), np.eye(2), network)


def own_loss() -> RegisteredLoss:
    """A user's own, but in no table, where other tests would meet it."""
    return RegisteredLoss(
        name="own", natural_output="identity", domain=(-np.inf, np.inf),
        function=lambda p, t: ((p - t) ** 2).sum(-1), derivative=lambda p, t: 2 * (p - t),
    )  # fmt: skip


def own_cube(g_second: Any = None) -> RegisteredActivation:
    """As above."""
    return RegisteredActivation(
        name="cube", kinks=(), initialization="he_normal", function=lambda a: a**3, derivative=lambda a: 3 * a**2,
        second_derivative=g_second,
    )  # fmt: skip
