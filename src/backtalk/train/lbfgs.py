"""L-BFGS on the whole batch: SciPy's, with our gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arrays import Array, to_numpy
from ..core.backward import talk_back
from ..core.batch import Examples, diverged
from ..core.forward import propagate
from ..core.inputs import as_weight
from ..core.network import Network
from ..core.optimizers import LBFGS
from ..engines.native import passes as native
from ..engines.native.kernels import threads


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where the search ended: the ``network``, its ``loss`` with the penalty, how many iterations and evaluations.

    ``converged``: whether a criterion was met; ``stopped``: whether the callback ended it; ``message``: SciPy's words.
    """

    network: Network
    loss: float
    iterations: int
    evaluations: int
    converged: bool
    stopped: bool
    message: str


def minimize(
    network: Network,
    examples: Examples,
    *,
    l2_penalty: float = 0.0,
    iterations: int = 200,
    options: LBFGS | None = None,
    by_kernels: bool = True,
    callback: Callable[[Network, float], Any] | None = None,
) -> Minimum:
    """Minimize ℒ + ½λ Σ_i ‖W_i‖² over all examples. ``callback`` is told of each iteration; a true answer ends it."""
    from scipy.optimize import minimize as search

    options = options or LBFGS()
    objective = _Objective(network, examples, l2_penalty, by_kernels)

    stopped = False

    def told(intermediate_result: Any) -> None:
        nonlocal stopped
        point = intermediate_result
        stopped = callback is not None and bool(callback(objective.network(point.x), float(point.fun)))
        if stopped:
            raise StopIteration

    found = search(
        objective,
        objective.flat(network),
        method="L-BFGS-B",
        jac=True,
        callback=told,
        options={
            "maxiter": iterations,
            "maxfun": int(options.evaluations),
            "maxcor": int(options.memory),
            "gtol": options.tolerance,
            "ftol": options.reduction,
        },
    )
    message = found.message.decode() if isinstance(found.message, bytes) else str(found.message)
    network, converged = objective.network(found.x), found.status == 0 and not stopped
    return Minimum(network, float(found.fun), int(found.nit), int(found.nfev), converged, stopped, message)


class _Objective:
    """ℒ with its penalty and the gradient of both, as a function of all parameters in one float64 vector."""

    def __init__(self, network: Network, examples: Examples, l2_penalty: float, by_kernels: bool) -> None:
        self.start, self.examples, self.l2_penalty = network, examples, l2_penalty
        self.evaluations = 0
        self.weight = as_weight(network, examples.weight, examples.count)
        self.net: Any = native.prepare(network) if by_kernels else None
        if self.net is not None:
            self.X = native.readable(examples.X)
            self.labels = None if examples.labels is None else native.readable(examples.labels, np.int64)
            self.target = None if examples.target is None else native.readable(examples.target)
            self.share = native.readable(self.weight)
            self.grad_W = [np.empty_like(W) for W in network.W.values()]
            self.grad_b = [np.empty_like(b) for b in network.b.values()]

    def flat(self, network: Network) -> np.ndarray:
        return _flat([*network.W.values(), *network.b.values()])

    def network(self, theta: np.ndarray) -> Network:
        parts, place, spec = [], 0, self.start.spec
        for part in (*self.start.W.values(), *self.start.b.values()):
            size = math.prod(part.shape)
            values = theta[place : place + size].reshape(tuple(part.shape))
            parts.append(spec.xp.asarray(np.array(values), dtype=spec.dtype, device=spec.device))
            place += size
        return self.start.replace(parts[: self.start.depth], parts[self.start.depth :])

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        network = self.network(theta)
        self.evaluations += 1
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient = self._by_formulas(network) if self.net is None else self._by_kernels(network)
        if not math.isfinite(loss):
            raise diverged(network, self.examples.X, self.start, self.evaluations)
        if self.l2_penalty:
            for i, W in network.W.items():
                W = to_numpy(W).astype(np.float64)
                loss += 0.5 * self.l2_penalty * float((W * W).sum())
                gradient[i - 1] = gradient[i - 1] + self.l2_penalty * W
        return loss, _flat(gradient)

    def _by_formulas(self, network: Network) -> tuple[float, list[Array]]:
        grads = talk_back(network, propagate(network, self.examples.X), self.examples.target, self.weight)
        return float(grads.loss), [to_numpy(part) for part in (*grads.W.values(), *grads.b.values())]

    def _by_kernels(self, network: Network) -> tuple[float, list[Array]]:
        nothing = [None] * network.depth
        for i in range(1, network.depth + 1):
            self.net.pack(i - 1, network.W[i], network.b[i])
        loss = self.net.gradients(
            self.X, None, self.labels, self.target, self.share, 1.0,
            nothing, [None, *nothing], self.grad_W, self.grad_b, threads(),
        )  # fmt: skip
        return loss, [*self.grad_W, *self.grad_b]


def _flat(parts: list[Array]) -> np.ndarray:
    return np.concatenate([np.ravel(to_numpy(part)).astype(np.float64) for part in parts])
