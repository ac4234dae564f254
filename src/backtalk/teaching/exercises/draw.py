"""A small network and an example whose numbers can be computed by hand.

Weights and inputs are small whole numbers or halves. If g or the output function has a logarithm for its inverse,
the bias holds that logarithm, so that a_i = ln 3 and σ(a_i) = 3/4: the numbers below are fractions again.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np

from ...core.activations import ELU, Activation, LeakyReLU
from ...core.head import Head
from ...core.losses import Huber
from ...core.network import Network
from ...engines.passes import backward, forward
from ...errors import InputError
from .exact import BESIDE_LOGARITHM, NOTHING, are_fractions, clumsiness
from .second import EMPTY, INPUTS, SEEN, Second, second_example
from .target import draw_target

TRIES = 150
LARGEST = 1e6  # of a pre-activation
WHOLE = (-2.0, -1.0, 1.0, 2.0)
HALVES = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
BIASES = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)
# of softmax: ŷ is proportional to these, none of them 1, whose logarithm is 0
PARTS: dict[int, list[tuple[int, ...]]] = {
    2: [(2, 6), (2, 4), (2, 8)],
    3: [(2, 4, 6), (2, 4, 10), (2, 6, 8)],
    4: [(2, 4, 6, 8), (2, 4, 6, 12)],
}
BINARY = (Fraction(1, 3), Fraction(1, 2), Fraction(2), Fraction(3), Fraction(4))  # ŷ/(1 − ŷ)


def draw(
    rng: np.random.Generator,
    sizes: tuple[int, ...],
    activations: tuple[Activation, ...],
    head: Head,
    *,
    allow_zero: bool = False,
    with_second: bool = False,
) -> tuple[Network, np.ndarray, Any, Second | None]:
    """A network, an input x (n_0,) and its y: the friendliest of many that are drawn.

    ``allow_zero``: whether a unit of a ReLU may be silent; ``with_second``: whether there is a second example.
    """
    best: tuple[float, Network, np.ndarray, Any, Second | None] | None = None
    for _ in range(TRIES):
        with np.errstate(all="ignore"):
            drawn = _drawn(rng, sizes, activations, head, allow_zero)
        if drawn is None:
            continue
        network, x, y = drawn
        rank, second = _unfriendliness(network, x, y, allow_zero), None
        if with_second and rank < (math.inf if best is None else best[0]):
            more, second = second_example(rng, network, x, y, allow_zero)
            rank += more
        if rank < (math.inf if best is None else best[0]):
            best = rank, network, x, y, second
        if rank == 0:
            break
    if best is None:
        raise InputError(
            f"no small numbers were found for sizes {list(sizes)} with {head.loss}, by which gradients can be told: "
            "take another seed, or other sizes."
        )
    return best[1:]


def _drawn(
    rng: np.random.Generator,
    sizes: tuple[int, ...],
    activations: tuple[Activation, ...],
    head: Head,
    allow_zero: bool,
) -> tuple[Network, np.ndarray, Any] | None:
    """None if the numbers are too large for paper."""
    W, b = [], []
    h = x = rng.choice(INPUTS, sizes[0])
    for i, units in enumerate(sizes[1:], 1):
        last = i == len(sizes) - 1
        by_logarithm = last or activations[i - 1].name in ("sigmoid", "tanh")
        W.append(rng.choice(WHOLE if by_logarithm else HALVES, (units, sizes[i - 1])))
        heard = W[-1] @ h
        if not (np.abs(heard) < LARGEST).all():
            return None
        wanted = _wanted(rng, units, head.output.name if last else activations[i - 1].name, last)
        if wanted is None:
            b.append(rng.choice(BIASES, units))
        elif are_fractions(heard, BESIDE_LOGARITHM).all():
            b.append(wanted - heard)
        else:  # what the sheet gives has to be exact, so that it comes only near to what is wanted
            b.append(np.round(2 * (wanted - heard)) / 2)
        if not last and not allow_zero:  # a unit that would be silent speaks with its signs turned
            silent = activations[i - 1].g_prime(heard + b[-1]) == 0
            signs = np.where(silent, -1.0, 1.0)
            W[-1], b[-1], heard = W[-1] * signs[:, None], b[-1] * signs, heard * signs
        h = heard + b[-1] if last else activations[i - 1].g(heard + b[-1])
    network = Network(W, b, activations, head.loss, output=head.output)
    return network, x, draw_target(rng, head, network.output.value(h[None])[0])


def _wanted(rng: np.random.Generator, units: int, function: str, last: bool) -> np.ndarray | None:
    """The pre-activations that suit a layer, mostly those that make fractions of it; None if any do."""
    match function:
        case "sigmoid" if last:
            return np.array([math.log(BINARY[k]) for k in rng.choice(len(BINARY), units, replace=units > len(BINARY))])
        case "sigmoid":
            return np.log(np.array(rng.choice([0.5, 1 / 3, 2.0, 3.0], units)))
        case "tanh":
            return np.log(np.array(rng.choice([0.5, 1 / 3, 2.0, 3.0], units))) / 2
        case "softmax":
            choices = PARTS[units]
            parts = list(permutations(choices[rng.integers(len(choices))]))
            return np.log(np.array(parts[rng.integers(len(parts))], dtype=float))
        case "exp" if last:
            return np.log(rng.permutation([2.0, 3.0, 4.0, 5.0])[:units])
        case "hard_tanh" if not last:
            return rng.choice([-0.75, -0.5, -0.25, 0.25, 0.5, 0.75], units)  # beyond ±1 it is flat
    return None


def _unfriendliness(network: Network, x: np.ndarray, y: Any, allow_zero: bool) -> float:
    """0 for numbers as they should be; more if they are less so; inf if a gradient is lost or undecided."""
    trace = forward(network, x[None])
    grads = backward(network, trace, np.asarray(y)[None])
    residual = trace.output[0] - network.head.target(np.asarray(y)[None], 1, network.sizes[-1], network.spec)[0]
    if np.abs(residual).min() < NOTHING or not np.isfinite(grads.loss):
        return math.inf
    if any(np.abs(trace.a[network.depth] - kink).min() < NOTHING for kink in network.output.kinks):
        return math.inf
    if isinstance(network.loss, Huber) and np.abs(np.abs(residual) - network.loss.delta).min() < NOTHING:
        return math.inf
    told = [trace.a, trace.h, grads.a, grads.h]
    if any(_is_nothing(array).all() for family in (*told, grads.W, grads.b) for array in family.values()):
        return math.inf
    rank = float(_has_ties(trace.output[0])) + 3 * int((np.abs(trace.output[0]) < SEEN).sum())
    silent = 0
    for i, activation in enumerate(network.activations, 1):
        a, slopes = trace.a[i][0], activation.g_prime(trace.a[i])[0]
        if any(np.abs(a - kink).min() < NOTHING for kink in activation.kinks):
            return math.inf
        silent += int((slopes == 0).sum())
        rank += _has_ties(a) + _has_ties(grads.h[i][0]) + 4 * max(0, int((slopes == 0).sum()) - len(a) // 2)
        # an answer may be 0 because its unit is silent, but not because what it sums happens to cancel
        speaks = slopes != 0
        heard = a, grads.h[i][0], slopes[speaks], trace.h[i][0][speaks], grads.a[i][0][speaks]
        rank += EMPTY * sum(int((np.abs(values) < SEEN).sum()) for values in heard)
    if not allow_zero:
        asked = [*trace.a.values(), *grads.a.values(), *grads.W.values(), *grads.b.values()]
        rank += EMPTY * sum(int((np.abs(array) < SEEN).sum()) for array in asked)
    elif any(activation.name == "relu" for activation in network.activations) and max(network.sizes[1:-1]) > 1:
        rank += 2 * (silent == 0)
    rank += sum(int((~_is_nothing(array) & (np.abs(array) < SEEN)).sum()) for array in grads.W.values())
    rank += 5 * sum(map(_hides_a_transpose, network.W.values(), (h[0] for h in trace.h.values())))
    rank += 5 * sum(map(_hides_a_transpose, network.W.values(), (grad_a[0] for grad_a in grads.a.values())))
    for i, activation in enumerate(network.activations, 1):
        # a function with a corner at 0, of which only one side is used, would teach half of it
        sides = trace.a[i][0] < 0
        rank += 30 * (isinstance(activation, LeakyReLU | ELU) and len(sides) > 1 and not sides.any())
    rank += sum(int((np.abs(bias) > 6).sum()) for bias in network.b.values())
    numbers = np.concatenate([np.ravel(array) for family in told[1:] for array in family.values()])
    return rank + clumsiness(numbers)


def _is_nothing(values: np.ndarray) -> np.ndarray:
    """Where there is 0, but for rounding."""
    return np.abs(values) < NOTHING


def _hides_a_transpose(W: np.ndarray, vector: np.ndarray) -> bool:
    """Whether Wᵀ instead of W would not be noticed."""
    return W.shape[0] == W.shape[1] > 1 and np.allclose(W @ vector, W.T @ vector)


def _has_ties(values: np.ndarray) -> bool:
    return len(np.unique(values.round(9))) < len(values)
