"""Steps of training by the formulas, on arrays of any library."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, to_numpy
from ..backward import Gradients, talk_back
from ..forward import Trace, propagate
from ..network import Network
from ..norms import euclidean_norm
from .batch import Examples, batches, diverged, first_non_finite
from .optimizers import Optimizer
from .records import SILENT, LayerMeasures


class FormulaSteps:
    """A network in training: ``epoch`` takes a step for each mini-batch, and ``network`` is where it stands."""

    def __init__(
        self, network: Network, examples: Examples, optimizer: Optimizer, *, l2_penalty: float, measure_every: int
    ) -> None:
        self.network = network
        self.examples, self.optimizer = examples, optimizer
        self.l2_penalty, self.measure_every = l2_penalty, measure_every
        self.step = 0
        self._good = network
        self._state: Any = optimizer.start(_parameters(network))
        self._measures: list[list[LayerMeasures]] = []

    def epoch(self, order: np.ndarray, batch_size: int) -> float:
        """A step for each mini-batch of ``order``; gives the mean loss while it ran."""
        total = 0.0
        for rows in batches(order, batch_size):
            X, target, weight, share = self.examples.take(rows)
            if share > 0:
                total += share * self._step(X, target, weight)
        if first_non_finite(self.network, None) is not None:
            raise diverged(self.network, None, self._good, self.step)
        return total

    def _step(self, X: Array, target: Array, weight: Array) -> float:
        network = self.network
        self.step += 1
        with np.errstate(over="ignore", invalid="ignore"):  # said in full by the error
            trace = propagate(network, X)
            grads = talk_back(network, trace, target, weight)
            loss = float(grads.loss)
            if not np.isfinite(loss):
                raise diverged(network, X, self._good, self.step)
            self._good = network
            gradient = [*grads.W.values(), *grads.b.values()]
            if self.l2_penalty:
                # ½λ Σ_i ‖W_i‖² is part of what is minimized: its value of the loss, its derivative λW_i of ∇_{W_i}
                loss += 0.5 * self.l2_penalty * sum(float((W * W).sum()) for W in network.W.values())
                for i, W in enumerate(network.W.values()):
                    gradient[i] = gradient[i] + self.l2_penalty * W
            after, self._state = self.optimizer.step(_parameters(network), gradient, self._state)
        self.network = network.replace(after[: network.depth], after[network.depth :])
        if self.measure_every and self.step % self.measure_every == 0:
            self._measures.append(_measure(network, self.network, trace, grads, gradient))
        return loss

    def measures(self) -> tuple[LayerMeasures, ...]:
        """The means over the measured steps since the last call."""
        steps, self._measures = self._measures, []
        if not steps:
            return ()

        def mean(i: int, name: str) -> Any:
            values = [getattr(step[i], name) for step in steps]
            return None if values[0] is None else float(np.mean(values))

        names = ("grad_a", "grad_h", "grad_W", "W", "update", "silent")
        return tuple(LayerMeasures(i + 1, *(mean(i, name) for name in names)) for i in range(self.network.depth))


def _parameters(network: Network) -> list[Array]:
    return [*network.W.values(), *network.b.values()]


def _measure(
    before: Network, after: Network, trace: Trace, grads: Gradients, gradient: list[Array]
) -> list[LayerMeasures]:
    rows = []
    for i in range(1, before.depth + 1):
        hidden = i < before.depth
        silent = None
        if hidden:
            slope = np.abs(to_numpy(before.activations[i - 1].g_prime(trace.a[i])))
            silent = float((slope.max(axis=0) < SILENT).mean())
        rows.append(
            LayerMeasures(
                layer=i,
                grad_a=euclidean_norm(grads.a[i]) if hidden else None,
                grad_h=euclidean_norm(grads.h[i]) if hidden else None,
                grad_W=euclidean_norm(gradient[i - 1]),
                W=euclidean_norm(before.W[i]),
                update=euclidean_norm(after.W[i] - before.W[i]),
                silent=silent,
            )
        )
    return rows
