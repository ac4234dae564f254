"""TRAK: gradients of the model's output function, projected at random, over one network or several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...core.backward import talk_down
from ...core.batch import Batch
from ...core.forward import Trace, propagate
from ...core.network import Network
from ...errors import InputError
from ..per_example.pairs import slices
from .own_gradients import ALL, Talks, wide, widened, with_one

DIMENSION = 1024  # numbers that a gradient is projected to, where it has more
ROWS = 512  # examples in a block
WEIGHTS = 2**12  # weights and biases in a block, of which each example has a gradient there


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A network with the examples that it learned: ``shares`` (N,), the weight of each, 0 for what it did not see."""

    network: Network
    examples: Batch
    shares: np.ndarray


class Projected:
    """Influence by φ(z′)ᵀ (Σ_n w_n φ_n φ_nᵀ + λ)⁻¹ φ(z), the mean over networks, times ∂ℓ/∂f of both.

    f is the model's output function: log(p/(1 − p)) of the label's probability p with softmax and cross-entropy, where
    ∂ℓ/∂f = −(1 − p); with a single output a_L itself. φ = Rᵀ∇f, R of ±1/√k, drawn from a seed for each network. R is
    made and used in blocks, and no gradient is held as a whole.
    """

    DAMPING = 3.0  # λ, times the mean eigenvalue: best between 1 and 10 in the five runs of benchmarks/influence.py

    networks: list[Network]
    count: int
    dimensions: list[int]
    solved: list[np.ndarray]
    slope: np.ndarray

    def __init__(self, shown: list[Shown], damping: float, memory_limit: int) -> None:
        require_output_function(shown[0].network)
        self.networks = [widened(each.network) for each in shown]
        self.count = shown[0].examples.count
        self.dimensions = [min(DIMENSION, network.parameter_count) for network in self.networks]
        held = sum(each.network.sizes[0] + 2 * sum(each.network.sizes[1:]) for each in shown[:1])
        least = 8 * (self.count * (sum(self.dimensions) + held) + 2 * (ROWS + max(self.dimensions)) * WEIGHTS)
        if least > memory_limit:
            raise InputError(
                f"memory_limit is {memory_limit}, but the projected gradients of {self.count} examples take {least} "
                "bytes: expected as many."
            )
        self.solved, slopes = [], []
        for number, each in enumerate(shown):
            features, slope = self._features(number, each.examples)
            weighted = each.shares[:, None] * features
            G = weighted.T @ features
            G += damping * np.trace(G) / len(G) * np.eye(len(G))
            self.solved.append(np.linalg.solve(G, weighted.T))
            slopes.append(slope)
        self.slope = np.mean(slopes, axis=0)

    def of(self, queries: Batch, columns: slice = ALL) -> np.ndarray:
        """(M, n): by how much the loss of each query would rise without each of the examples ``columns``."""
        total, slopes = 0.0, []
        for number, solved in enumerate(self.solved):
            features, slope = self._features(number, queries)
            total = total + features @ solved[:, columns] / len(self.solved)
            slopes.append(slope)
        return np.mean(slopes, axis=0)[:, None] * total * self.slope[columns]

    def bytes_per_query(self) -> int:
        """What the projected gradients of a query take, and its row of the result, twice."""
        return 8 * (2 * max(self.dimensions) + 2 * sum(self.networks[0].sizes) + 2 * self.count)

    def _features(self, number: int, examples: Batch) -> tuple[np.ndarray, np.ndarray]:
        """φ (n, k) of each example under a network, and ∂ℓ/∂f (n,)."""
        network, k = self.networks[number], self.dimensions[number]
        blocks = [(rows, *_output_gradients(network, examples.rows(rows))) for rows in slices(examples.count, ROWS)]
        features = np.zeros((examples.count, k))
        for i, units, R in projections(network, number, k):
            for rows, trace, heard, _ in blocks:
                h = with_one(trace.h[i - 1])
                part = heard[i][:, units, None] * h[:, None, :]
                features[rows] += part.reshape(len(h), -1) @ R
        return features, np.concatenate([slope for *_, slope in blocks])


def projections(network: Network, number: int, k: int) -> Iterator[tuple[int, slice, np.ndarray]]:
    """R (P, k) of network ``number`` in blocks: a layer, some of its units, and the rows of R for each unit's weights
    and its bias. The identity if P = k."""
    P, place = network.parameter_count, 0
    for i in range(1, network.depth + 1):
        width = network.sizes[i - 1] + 1
        for units in slices(network.sizes[i], max(1, WEIGHTS // width)):
            count = (units.stop - units.start) * width
            if k == P:
                R = np.eye(k)[place : place + count]
            else:
                draw = np.random.default_rng([number, place])
                R = (2.0 * draw.integers(0, 2, (count, k), np.int8) - 1) / np.sqrt(k)
            yield i, units, R
            place += count


def require_output_function(network: Network) -> None:
    """Raise :class:`~backtalk.errors.InputError` for a network whose loss is no function of one number per example."""
    if network.sizes[-1] > 1 and not network.head.is_softmax_of_labels:
        raise InputError(
            f"method is 'trak', whose output function is known for softmax with cross_entropy and for a single output, "
            f"but the network has {network.sizes[-1]} outputs with {network.loss!r}: take method='ekfac'."
        )


def _output_gradients(network: Network, examples: Batch) -> tuple[Trace, Talks, np.ndarray]:
    """The forward pass, ∇_{a_i}f of each example, and ∂ℓ/∂f."""
    trace = propagate(network, wide(examples.X))
    L = network.depth
    a, target = trace.a[L], wide(examples.target())
    if network.sizes[-1] == 1:
        grad, slope = np.ones_like(a), network.head.gradient(a, trace.output, target)[:, 0]
    else:
        # f = a_y − log Σ_{j≠y} e^{a_j}: ∂f/∂a is 1 for the label, and −softmax over the others
        others = np.where(target > 0, -np.inf, a)
        others = np.exp(others - others.max(axis=1, keepdims=True))
        grad = target - others / others.sum(axis=1, keepdims=True)
        slope = -(trace.output * (1 - target)).sum(axis=1)
    return trace, talk_down(network, trace, grad, lowest=1)[0], slope
