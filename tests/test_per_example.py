"""Everything of per_example against explicit gradients of single examples, by jax.vmap(jax.grad) of each one's loss."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backtalk import Network, per_example
from backtalk.core.arrays import to_numpy
from backtalk.engines.native import passes as native
from engines import can_have
from oracle import JAX_ACTIVATIONS, JAX_LOSSES, JAX_OUTPUTS, torch

TOLERANCE = 1e-12
BY_FORMULAS = "numpy by formulas"
OTHERS: dict[str, Any] = {"jax": jnp, "array_api_strict": array_api_strict} | ({"torch": torch} if torch else {})
LIBRARIES: dict[str, Any] = {"numpy": np, BY_FORMULAS: np, **OTHERS}
COUNT = 7
SIZES = {1: [3, 4], 2: [3, 5, 1], 4: [3, 5, 18, 4, 3]}
TINY = 20_000  # bytes: blocks of few examples


@dataclass(frozen=True, eq=False)
class Case:
    """A seeded network with examples as plain arrays, and each example's own gradient."""

    network: Network
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    losses: np.ndarray
    W: list[np.ndarray]  # (N, n_i, n_{i-1}) for each layer
    b: list[np.ndarray]
    h: list[np.ndarray]  # ∇_{h_i}ℓ_n for i = 0 … L - 1
    a: list[np.ndarray]  # ∇_{a_i}ℓ_n for i = 1 … L

    @property
    def shares(self) -> np.ndarray:
        weight = np.ones(COUNT) if self.weight is None else self.weight
        return weight / weight.sum()

    @property
    def flat(self) -> np.ndarray:
        """(N, all weights and biases)."""
        return np.concatenate([part.reshape(COUNT, -1) for part in (*self.W, *self.b)], axis=1)

    def layer(self, i: int) -> np.ndarray:
        """(N, W_i and b_i)."""
        return np.concatenate([self.W[i - 1].reshape(COUNT, -1), self.b[i - 1]], axis=1)

    def at(self, library: str) -> tuple[Any, ...]:
        """network, X, y, weight as arrays of a library."""
        xp = LIBRARIES[library]
        y = xp.asarray(self.y)
        weight = None if self.weight is None else xp.asarray(self.weight)
        return self.network.to(xp), xp.asarray(self.X), y, weight


@cache
def case(loss: str, output: str | None, activation: str, depth: int, weighted: bool) -> Case:
    sizes = SIZES[depth]
    rng = np.random.default_rng([depth, weighted])
    scale = 0.2 if activation == "exp" else 1.0  # else e^a of e^a of e^a overflows
    W = [rng.normal(size=(n, m)) * scale / np.sqrt(m) for m, n in itertools.pairwise(sizes)]
    b = [rng.normal(size=n) / 2 for n in sizes[1:]]
    network = Network(W, b, activation, loss, output=output)
    X, y = rng.normal(size=(COUNT, 3)), network.loss.draw_target(rng, COUNT, sizes[-1])
    weight = rng.uniform(0.2, 3, COUNT) * (np.arange(COUNT) != 2) if weighted else None
    target = network.head.target(y, COUNT, sizes[-1], network.spec)
    _, from_logits, from_output = JAX_LOSSES[loss]
    if output is not None:
        from_logits = lambda a, t: from_output(JAX_OUTPUTS[output](a), t)  # noqa: E731
    g = JAX_ACTIVATIONS[activation]

    def own_loss(W: Any, b: Any, da: Any, dh: Any, x: Any, t: Any) -> Any:
        h = x + dh[0]
        for i in range(depth):
            a = W[i] @ h + b[i] + da[i]
            if i < depth - 1:
                h = g(a) + dh[i + 1]
        return from_logits(a[None], t[None])[0]

    zeros_a, zeros_h = [np.zeros(n) for n in sizes[1:]], [np.zeros(n) for n in sizes[:-1]]
    find = jax.vmap(jax.value_and_grad(own_loss, (0, 1, 2, 3)), (None, None, None, None, 0, 0))
    value, found = find(W, b, zeros_a, zeros_h, X, target)
    families = [[np.asarray(part) for part in family] for family in found]
    return Case(network, X, y, weight, np.asarray(value), families[0], families[1], families[3], families[2])


def error(actual: Any, expected: np.ndarray, scale: float = 0.0) -> float:
    actual = to_numpy(actual)
    assert actual.shape == expected.shape
    scale = max(scale, float(np.abs(expected).max(initial=0)))
    return float(np.abs(actual - expected).max(initial=0) / (scale or 1))


def norms_of(rows: np.ndarray) -> np.ndarray:
    return np.sqrt((rows.reshape(COUNT, -1) ** 2).sum(axis=1))


def cases() -> Iterator[tuple[str, str | None, str, int, bool]]:
    """(loss, output, activation, depth, weighted): every loss, some pairs, every activation; the rest by turns."""
    rest = itertools.cycle(itertools.product(SIZES, [False, True]))
    pairs = [*((loss, None) for loss in JAX_LOSSES), ("squared_error", "softmax"), ("cross_entropy", "sigmoid")]
    for loss, output in pairs:
        depth, weighted = next(rest)
        if not can_have(loss, SIZES[depth][-1]):
            depth = 1
        yield loss, output, "tanh", depth, weighted
    for activation in JAX_ACTIVATIONS:
        yield "cross_entropy", None, activation, *next(rest)


@pytest.mark.parametrize(("what", "other"), list(zip(cases(), itertools.cycle(OTHERS), strict=False)), ids=str)
def test_each_result_is_that_of_explicit_gradients(what, other, monkeypatch):
    found = case(*what)
    if what[2] == "gelu" and other == "array_api_strict":  # which has no error function
        other = "torch" if torch else "jax"
    for library in ("numpy", BY_FORMULAS, other):
        with monkeypatch.context() as patch:
            if library == BY_FORMULAS:
                patch.setattr(native, "serves", lambda network: False)
            require_explicit(found, *found.at(library))


def require_explicit(expected, network, X, y, weight):
    layers, shares = range(1, network.depth + 1), expected.shares
    errors = {}

    found = per_example.norms(network, X, y, weight, batch_gradient=True, memory_limit=TINY)
    errors["losses"] = error(found.losses, expected.losses)
    errors["whole"] = error(found.whole, norms_of(expected.flat))
    errors["without biases"] = error(
        found.whole_without_biases, np.sqrt(sum(norms_of(expected.W[i - 1]) ** 2 for i in layers))
    )
    share = per_example.norms(network, X, y, weight, scale="share")
    assert (found.scale, share.scale) == ("own", "share")
    errors["share"] = error(share.whole, shares * norms_of(expected.flat))
    for i in layers:
        errors[f"norm W[{i}]"] = error(found.W[i], norms_of(expected.W[i - 1]))
        errors[f"norm b[{i}]"] = error(found.b[i], norms_of(expected.b[i - 1]))
        errors[f"norm a[{i}]"] = error(found.a[i], norms_of(expected.a[i - 1]))
        errors[f"norm layer {i}"] = error(found.layers[i], norms_of(expected.layer(i)))
        errors[f"batch W[{i}]"] = error(found.batch_gradient.W[i], np.tensordot(shares, expected.W[i - 1], 1))
        errors[f"batch b[{i}]"] = error(found.batch_gradient.b[i], shares @ expected.b[i - 1])

    C = float(np.median(norms_of(expected.flat))) or 1.0
    clipped = per_example.clipped_sum(network, X, y, C, memory_limit=TINY)
    c = np.minimum(1, C / np.maximum(norms_of(expected.flat), 1e-300))
    for i in layers:
        scale = np.abs(expected.W[i - 1]).max()
        errors[f"clipped W[{i}]"] = error(clipped.W[i], np.tensordot(c, expected.W[i - 1], 1), scale)
        errors[f"clipped b[{i}]"] = error(clipped.b[i], c @ expected.b[i - 1], np.abs(expected.b[i - 1]).max())
    errors["clipped norms"] = error(clipped.norms, norms_of(expected.flat))

    moments = per_example.moments(network, X, y, weight, memory_limit=TINY)
    for i in layers:
        for name, parts in (("W", expected.W), ("b", expected.b)):
            part = parts[i - 1]
            mean, square = np.tensordot(shares, part, 1), np.tensordot(shares, part**2, 1)
            variance = np.tensordot(shares, (part - mean) ** 2, 1)
            errors[f"mean {name}[{i}]"] = error(getattr(moments.mean, name)[i], mean, np.abs(part).max())
            errors[f"square {name}[{i}]"] = error(getattr(moments.second_moment, name)[i], square)
            errors[f"variance {name}[{i}]"] = error(getattr(moments.variance, name)[i], variance, square.max())

    q = (shares**2).sum()
    mean = shares @ expected.flat
    trace = (shares @ (norms_of(expected.flat) ** 2) - mean @ mean) / (1 - q)
    scale = per_example.noise_scale(network, X, y, weight, memory_limit=TINY)
    errors["trace"] = error(np.array([scale.trace]), np.array([trace]))
    largest = max(trace, mean @ mean)
    errors["squared norm"] = error(np.array([scale.squared_norm]), np.array([mean @ mean - q * trace]), largest)
    assert scale.value == (scale.trace / scale.squared_norm if scale.squared_norm > 0 else np.inf)

    hidden = gradients_free_forward(network, X)
    factors = per_example.kronecker_factors(network, X, y, weight, memory_limit=TINY)
    importance = per_example.unit_importance(network, X, y, weight, memory_limit=TINY)
    for i in layers:
        a, h = expected.a[i - 1], hidden[i - 1]
        errors[f"factor a[{i}]"] = error(factors.a[i], (shares[:, None] * a).T @ a)
        errors[f"factor h[{i - 1}]"] = error(factors.h[i - 1], (shares[:, None] * h).T @ h)
        with_bias = np.concatenate([h, np.ones((COUNT, 1))], axis=1)
        errors[f"factor (h, 1)[{i - 1}]"] = error(factors.with_bias(i - 1), (shares[:, None] * with_bias).T @ with_bias)
        errors[f"importance {i - 1}"] = error(importance[i - 1], shares @ np.abs(h * expected.h[i - 1]))

    errors["gram"] = error(per_example.gram(network, X, y, memory_limit=TINY), expected.flat @ expected.flat.T)
    between = per_example.gram(network, X, y, (X[2:, :], y[2:, ...]), layers=[network.depth], memory_limit=TINY)
    last = expected.layer(network.depth)
    errors["between"] = error(between, last @ last[2:].T, np.abs(last @ last.T).max())

    whole = norms_of(expected.flat)
    if (whole > 0).all() and mean @ mean > 1e-20:
        cosines = per_example.cosines(network, X, y, weight, memory_limit=TINY)
        errors["cosines"] = error(cosines.whole, expected.flat @ mean / whole / np.sqrt(mean @ mean), 1.0)
        assert cosines.undefined == ()
    worst = max(errors, key=errors.get)
    assert errors[worst] < TOLERANCE, (worst, errors[worst])


def gradients_free_forward(network: Network, X: Any) -> list[np.ndarray]:
    """h_0 … h_{L-1}, by NumPy alone."""
    network = network.to(np)
    h = [to_numpy(X)]
    for i in range(1, network.depth):
        a = h[-1] @ to_numpy(network.W[i]).T + to_numpy(network.b[i])
        h.append(np.asarray(JAX_ACTIVATIONS[repr(network.activations[i - 1])](jnp.asarray(a))))
    return h
