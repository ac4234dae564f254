"""What the tests of the native engine share: when they are left out, and a table of it against the formula engine.

``python tests/engines.py`` runs the table with the kernels that ``BACKTALK_KERNELS`` names, and prints the largest
errors. The error of an array is its largest deviation, relative to the largest entry of the expected array.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtalk import (
    Dropout,
    Gradients,
    InputError,
    Network,
    Trace,
    backward,
    forward,
    gradients,
    hessian_product,
    per_example,
)
from backtalk.core.activations import ACTIVATIONS, RegisteredActivation
from backtalk.core.backward import talk_back
from backtalk.core.curvature import talk_along
from backtalk.core.forward import propagate
from backtalk.core.inputs import as_target, as_weight
from backtalk.core.losses import LOSSES, as_loss
from backtalk.engines.native import passes as native
from backtalk.engines.native.kernels import kernels
from limits import LIMIT

needs_kernels = pytest.mark.skipif(kernels() is None, reason="no native kernels here, or BACKTALK_KERNELS=none")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}
SIZES = [
    [3, 4, 2], [1, 1, 1], [7, 33, 17, 5], [100, 77, 33, 3], [5, 40], [64, 32, 10], [9, 311],
    [6, 5, 9, 8, 17, 3, 16, 4, 1, 7, 15, 12, 4],
]  # fmt: skip
BATCHES = [1, 13, 50]
SOFTSIGN = RegisteredActivation(  # a user's own, but in no table
    name="own_softsign",
    kinks=(),
    initialization="glorot_uniform",
    function=lambda a: a / (1 + abs(a)),
    derivative=lambda a: 1 / (1 + abs(a)) ** 2,
)
EVERY_ACTIVATION = [*ACTIVATIONS, "leaky_relu(slope=0.3)", "elu(alpha=0.5)", "celu(alpha=0.5)", SOFTSIGN]


def losses_for(outputs: int) -> list[str]:
    """The losses that can have so many outputs."""
    return [name for name in LOSSES if can_have(name, outputs)]


def can_have(loss: str, outputs: int) -> bool:
    try:
        as_loss(loss).require_outputs(outputs)
    except InputError:
        return False
    return True


def run_python(code: str, *arguments: str, **environment: str) -> str:
    """What a fresh Python prints; it imports from tests/. A name given as '' is taken out of the environment."""
    given = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), **environment}
    found = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, timeout=LIMIT, env={name: value for name, value in given.items() if value},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-3000:]
    return found.stdout


def by_formula(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    trace: Trace | None = None,
    dropout: Dropout | None = None,
) -> Gradients:
    """gradients() of the formula engine, from the trace where one is given."""
    target, weight = as_target(network, y, len(X)), as_weight(network, sample_weight, len(X))
    with np.errstate(all="ignore"):
        return talk_back(network, propagate(network, X, dropout) if trace is None else trace, target, weight)


def arrays_of(result: Gradients | Trace) -> Iterator[tuple[str, np.ndarray]]:
    """Every array with its name."""
    for family in ("a", "h", "W", "b") if isinstance(result, Gradients) else ("a", "h"):
        for i, array in getattr(result, family).items():
            yield f"{family}[{i}]", array


def error(actual: np.ndarray, expected: np.ndarray, terms: float = 0.0) -> float:
    """NaN and infinities must stand at the same places. ``terms``: how large what is summed is, if it may cancel."""
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.where(finite, 0, expected), np.where(np.isfinite(actual), 0, actual))
    scale = max(np.abs(expected[finite]).max(initial=0), terms)
    return float(np.abs(actual[finite] - expected[finite]).max(initial=0) / (scale if scale > 0 else 1))


def largest_error(actual: Gradients | Trace, expected: Gradients | Trace) -> float:
    pairs = zip(arrays_of(actual), arrays_of(expected), strict=True)
    errors = [error(ours, theirs) for (_, ours), (_, theirs) in pairs]
    if isinstance(actual, Gradients) and isinstance(expected, Gradients):
        errors.append(error(np.asarray(actual.loss)[None], np.asarray(expected.loss)[None]))
    return max(errors)


def same_bits(one: Any, other: Any) -> bool:
    """Whether two gradients, traces or networks are equal to the bit."""
    if isinstance(one, Network):
        parts = [[array for family in each.to_lists() for array in family] for each in (one, other)]
    else:
        parts = [[array for _, array in arrays_of(each)] for each in (one, other)]
        parts = [[*part, getattr(each, "loss", 0)] for part, each in zip(parts, (one, other), strict=True)]
    return all(np.array_equal(ours, theirs, equal_nan=True) for ours, theirs in zip(*parts, strict=True))


def drawn(
    sizes: list[int], activation: Any, loss: str, count: int, weighted: bool, dtype: str, seed: int = 0
) -> tuple[Network, np.ndarray, np.ndarray, np.ndarray | None]:
    """A network with biases, X, y and weights of which some are 0."""
    rng = np.random.default_rng([seed, *sizes, count])
    scale = 0.2 if activation == "exp" else 1.0  # else e^a of e^a of e^a overflows
    W = [rng.normal(size=(n, m)) * scale / np.sqrt(m) for m, n in itertools.pairwise(sizes)]
    b = [rng.normal(size=n) / 2 for n in sizes[1:]]
    network = Network(W, b, activation, loss).to(np, dtype=dtype)
    y = network.loss.draw_target(rng, count, sizes[-1])
    if not loss.startswith("cross_entropy"):
        y = y.astype(dtype)
    weights = rng.uniform(0.1, 3, count) * (np.arange(count) % 3 != 1) if weighted else None
    return network, rng.normal(size=(count, sizes[0])).astype(dtype), y, weights


def differences(network: Network, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
    """The largest error of forward, gradients and backward. The formulas begin from the kernels' a_i, so that a unit
    within rounding of a kink is on the same side of it for both.
    """
    trace = forward(network, X)
    with np.errstate(all="ignore"):
        expected_trace = propagate(network, X)
    expected = by_formula(network, X, y, weights, trace)
    grads = gradients(network, X, y, weights)
    assert same_bits(backward(network, trace, y, weights), grads)
    errors = [largest_error(trace, expected_trace), largest_error(grads, expected)]
    return max(*errors, norms_error(network, trace, X, y), hessian_error(network, trace, expected, X, y, weights))


def hessian_error(
    network: Network, trace: Trace, grads: Gradients, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None
) -> float:
    """The largest error of the product of the Hessian with the gradient, where the kernels compute it."""
    if not native.bends(network):
        return 0.0
    target, weight = as_target(network, y, len(X)), as_weight(network, weights, len(X))
    with np.errstate(all="ignore"):
        expected = talk_along(network, trace, grads, target, weight, grads.W, grads.b)
    if not all(np.isfinite(part).all() for part in grads.W.values()):
        return 0.0
    found = hessian_product(network, X, y, grads, weights)
    return max(
        error(ours[i], theirs[i])
        for ours, theirs in ((found.W, expected.W), (found.b, expected.b))
        for i in range(1, network.depth + 1)
    )


def norms_error(network: Network, trace: Trace, X: np.ndarray, y: np.ndarray) -> float:
    """The largest error of the norms of each example's gradient, and of the sum of those clipped to the median norm."""
    own, L = by_formula(network, X, y, None, trace), network.depth
    h = [np.linalg.norm(trace.h[i].astype(float), axis=1) for i in range(L)]
    a = [np.linalg.norm(own.a[i].astype(float) * len(X), axis=1) for i in range(1, L + 1)]
    found = per_example.norms(network, X, y)
    pairs = [*zip(found.h.values(), h, strict=True), *zip(found.a.values(), a, strict=True)]
    whole = np.sqrt(sum(a[i] ** 2 * (h[i] ** 2 + 1) for i in range(L)))
    most = float(np.median(whole)) or 1.0
    c = np.minimum(1, most / np.where(whole > 0, whole, 1)) * len(X)
    clipped = per_example.clipped_sum(network, X, y, most)
    errors = [error(ours, theirs) for ours, theirs in pairs]
    for i in range(1, L + 1):
        grad_a, h = own.a[i] * c[:, None].astype(X.dtype), trace.h[i - 1]
        # examples of opposite signs cancel: the largest sum of sizes is what rounding is proportional to
        errors.append(error(clipped.W[i], grad_a.T @ h, float((np.abs(grad_a).T @ np.abs(h)).max())))
        errors.append(error(clipped.b[i], grad_a.sum(axis=0), float(np.abs(grad_a).sum(axis=0).max())))
    return max(errors)


def table() -> Iterator[tuple[str, str, float]]:
    """(case, dtype, error): every activation × loss × dtype, each with a size, a batch and weights by chance."""
    chance = random.Random(0)
    for loss, activation in itertools.product(LOSSES, EVERY_ACTIVATION):
        two_sizes = chance.sample([sizes for sizes in SIZES if loss in losses_for(sizes[-1])], 2)
        for sizes, dtype in zip(two_sizes, TOLERANCE, strict=True):
            count, weighted = chance.choice(BATCHES), chance.random() < 0.5
            case = drawn(sizes, activation, loss, count, weighted, dtype)
            yield f"{loss} {activation} {sizes} batch {count} weighted {weighted}", dtype, differences(*case)


if __name__ == "__main__":
    worst: dict[str, tuple[float, str]] = dict.fromkeys(TOLERANCE, (0.0, ""))
    count = 0
    for name, dtype, found in table():
        count += 1
        worst[dtype] = max(worst[dtype], (found, name))
    print(json.dumps({"kernels": kernels(), "cases": count, "worst": worst}))
