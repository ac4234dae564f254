"""A second example, of which the sheet gives what the gradients of the last layer for a batch need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

import numpy as np

from ...core.network import Network
from ...engines.passes import backward, forward
from .exact import clumsiness
from .target import draw_target

INPUTS = (-2.0, -1.0, 1.0, 2.0)
CANDIDATES = 16  # inputs that are tried
EMPTY = 100.0  # what an unwanted answer of 0 adds to the unfriendliness
SEEN = 1e-3  # a number below it is 0 on the sheet of who writes three digits


@dataclass(frozen=True, slots=True, eq=False)
class Second:
    """An input ``x`` (n_0,) with its ``y``, and what follows for it alone: ``h`` (n_{L-1},), ``grad_a`` (n_L,)."""

    x: np.ndarray
    y: Any
    h: np.ndarray
    grad_a: np.ndarray


def second_example(
    rng: np.random.Generator, network: Network, x: np.ndarray, y: Any, allow_zero: bool
) -> tuple[float, Second | None]:
    """How unfriendly its numbers are, and the friendliest one beside the example x, y; None if there is none."""
    others = [row for row in islice(product(INPUTS, repeat=len(x)), 4**4) if not np.array_equal(row, x)]
    X = np.array([x, *(others[k] for k in rng.permutation(len(others))[:CANDIDATES])])
    with np.errstate(all="ignore"):
        trace = forward(network, X)
        targets = [y, *(draw_target(rng, network.head, yhat) for yhat in trace.output[1:])]
        grads = backward(network, trace, np.array(targets))
    L = network.depth
    h, grad_a = trace.h[L - 1], grads.a[L] * len(X)
    best: tuple[float, Second | None] = math.inf, None
    for n in range(1, len(X)):
        grad_W, grad_b = np.outer(grad_a[0], h[0]) + np.outer(grad_a[n], h[n]), grad_a[0] + grad_a[n]
        given, asked = np.concatenate([h[n], grad_a[n]]), np.concatenate([grad_W.ravel(), grad_b]) / 2
        numbers = np.concatenate([given, asked])
        if not np.isfinite(numbers).all() or np.array_equal(h[n], h[0]):
            continue
        rank = clumsiness(numbers) + 5 * np.allclose(grad_a[n], grad_a[0])
        if not allow_zero:
            rank += EMPTY * int((np.abs(numbers) < SEEN).sum())
        if rank < best[0]:
            best = rank, Second(X[n], targets[n], h[n], grad_a[n])
    return best
