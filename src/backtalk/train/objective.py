"""ℒ on all examples as a function of one vector of parameters, for those who search its minimum."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.arrays import Array, to_numpy
from ..core.backward import talk_back
from ..core.batch import Batch, diverged
from ..core.forward import propagate
from ..core.inputs import as_weight
from ..core.network import Network
from ..core.objective import add_penalty
from ..engines.native import passes as native
from ..engines.native.kernels import threads

Evaluated = Callable[[np.ndarray, float, np.ndarray], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where the search ended: the ``network``, its ``loss`` with the penalty, how many iterations and evaluations.

    ``converged``: whether a criterion was met; ``stopped``: whether the callback ended it; ``message``: why, in words.
    """

    network: Network
    loss: float
    iterations: int
    evaluations: int
    converged: bool
    stopped: bool
    message: str


class Objective:
    """ℒ with its penalty and the gradient of both, as a function of all parameters in one float64 vector.

    ``evaluated`` is told of each evaluation: the vector, the loss and the gradient.
    """

    start: Network
    l2_penalty: float
    evaluated: Evaluated | None
    evaluations: int
    batch: Batch
    net: Any
    grad_W: list[np.ndarray]
    grad_b: list[np.ndarray]

    def __init__(
        self, network: Network, batch: Batch, l2_penalty: float, by_kernels: bool, evaluated: Evaluated | None = None
    ) -> None:
        self.start, self.l2_penalty, self.evaluated = network, l2_penalty, evaluated
        self.evaluations = 0
        self.batch = replace(batch, weight=as_weight(network, batch.weight, batch.count))
        self.net = native.prepare(network) if by_kernels else None
        if self.net is not None:
            self.batch = native.readable_batch(self.batch)
            self.grad_W = [np.empty_like(W) for W in network.W.values()]
            self.grad_b = [np.empty_like(b) for b in network.b.values()]

    def flat(self, network: Network) -> np.ndarray:
        """All parameters in one vector."""
        return _flat([*network.W.values(), *network.b.values()])

    def network(self, theta: np.ndarray) -> Network:
        """The network with these parameters."""
        parts, place, spec = [], 0, self.start.spec
        for part in (*self.start.W.values(), *self.start.b.values()):
            size = math.prod(part.shape)
            values = theta[place : place + size].reshape(tuple(part.shape))
            parts.append(spec.xp.asarray(np.array(values), dtype=spec.dtype, device=spec.device))
            place += size
        return self.start.replace(parts[: self.start.depth], parts[self.start.depth :])

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its gradient; raises :class:`~backtalk.errors.DivergedError` if the loss is not finite."""
        loss, gradient = self.evaluate(theta)
        if not math.isfinite(loss):
            raise diverged(self.network(theta), self.batch.X, self.start, self.evaluations)
        return loss, gradient

    def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """The same, where the loss may be infinite or NaN."""
        network = self.network(theta)
        self.evaluations += 1
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient = self._by_formulas(network) if self.net is None else self._by_kernels(network)
            for i, W in enumerate(network.W.values() if self.l2_penalty else ()):
                wide = to_numpy(W).astype(np.float64)
                loss, (gradient[i],) = add_penalty(loss, [gradient[i]], [wide], self.l2_penalty)
        flat = _flat(gradient)
        if self.evaluated is not None:
            self.evaluated(theta, loss, flat)
        return loss, flat

    def _by_formulas(self, network: Network) -> tuple[float, list[Array]]:
        batch = self.batch
        grads = talk_back(network, propagate(network, batch.X), batch.target(), batch.weight)
        return float(grads.loss), [to_numpy(part) for part in (*grads.W.values(), *grads.b.values())]

    def _by_kernels(self, network: Network) -> tuple[float, list[Array]]:
        nothing = [None] * network.depth
        for i in range(1, network.depth + 1):
            self.net.pack(i - 1, network.W[i], network.b[i])
        X, target, labels, weight = self.batch.arrays
        loss = self.net.gradients(
            X, None, labels, target, weight, 1.0,
            nothing, [None, *nothing], self.grad_W, self.grad_b, threads(),
        )  # fmt: skip
        return loss, [*self.grad_W, *self.grad_b]


def _flat(parts: list[Array]) -> np.ndarray:
    return np.concatenate([np.ravel(to_numpy(part)).astype(np.float64) for part in parts])
