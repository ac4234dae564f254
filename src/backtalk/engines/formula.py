"""Steps of training by the formulas, on arrays of any library."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import numpy as np

from ..core.arrays import Array, to_numpy
from ..core.backward import Gradients, talk_back
from ..core.batch import Batch, diverged, first_non_finite
from ..core.forward import Trace, propagate
from ..core.network import Network
from ..core.norms import euclidean_norm
from ..core.objective import add_penalty, clip
from ..data.sources import Order
from .private import private_gradient
from .steps import ENDLESS, FIRST_MEASURED, SECONDS, SILENT, LayerMeasures, Measured, StepSettings, StepState, Taken


class FormulaSteps:
    """A network in training; what each method promises stands with :class:`~backtalk.engines.steps.Steps`."""

    engine: ClassVar[str] = "formula"
    takes_labels: ClassVar[bool] = False
    settings: StepSettings
    network: Network
    step: int

    def __init__(self, network: Network, settings: StepSettings) -> None:
        self.settings = settings
        self.restore(network, None)

    def use(self, batch: Batch) -> None:
        self.batch = batch

    def take(
        self,
        order: Order,
        place: int,
        batch_size: int,
        rates: np.ndarray,
        *,
        most: int = ENDLESS,
        loss: float = 0.0,
        weight: float = 0.0,
    ) -> Taken:
        until, steps, private = time.monotonic() + SECONDS, 0, self.settings.private
        while place < len(order) and steps < most and (steps == 0 or time.monotonic() < until):
            batch = self.batch.rows(order[place : place + batch_size])
            place = min(place + batch_size, len(order))
            weights, total = (None, private.batch_size) if private else batch.weights()
            if total > 0:
                counts = float(batch.count) if private or self.settings.loss_by_count else total
                loss += counts * self._step(batch, weights, total, float(rates[steps]))
                weight += counts
                steps += 1
        if place == len(order):
            self.require_finite()
        return Taken(place, steps, loss, weight)

    def _step(self, batch: Batch, weights: Array | None, total: float, rate: float) -> float:
        """One update at a learning rate, on a mini-batch whose weights have the sum ``total``; gives its loss.

        A private step counts examples alike, as a mini-batch of the size that is expected.
        """
        network, settings = self.network, self.settings
        self.step += 1
        dropout = settings.dropout and settings.dropout.at(self.step)
        penalty = settings.l2_penalty / (total if settings.l2_per_weight else 1)
        with np.errstate(over="ignore", invalid="ignore"):  # said in full by the error
            trace, grads = None, None
            if settings.private:
                loss, gradient = private_gradient(network, batch, settings.private, self.step, dropout)
            else:
                trace = propagate(network, batch.X, dropout)
                grads = talk_back(network, trace, batch.target(), weights)
                loss, gradient = float(grads.loss), [*grads.W.values(), *grads.b.values()]
            if not np.isfinite(loss):
                raise diverged(network, batch.X, self._good, self.step, dropout)
            self._good = network
            if penalty:
                loss, gradient = add_penalty(loss, gradient, list(network.W.values()), penalty)
            clipped = gradient if settings.clip_norm is None else clip(gradient, settings.clip_norm)
            after, self._state = settings.optimizer.step(
                _parameters(network), clipped, self._state, t=self.step, rate=rate
            )
        self.network = network.replace(after[: network.depth], after[network.depth :])
        every = settings.measure_every
        if every and trace and grads and (self.step <= FIRST_MEASURED or self.step % every == 0):
            self._measured = self._measured.with_step(_measure(network, self.network, trace, grads, gradient))
        return loss

    def require_finite(self) -> None:
        if first_non_finite(self.network, None) is not None:
            raise diverged(self.network, None, self._good, self.step)

    def state(self) -> StepState:
        arrays = {name: list(map(to_numpy, part)) for name, part in self._state.items()}
        return StepState(self.step, arrays, self._measured)

    def restore(self, network: Network, state: StepState | None) -> None:
        self.network = self._good = network
        self.step = state.step if state else 0
        self._measured = state.measured if state else Measured()
        self._state: Any = self.settings.optimizer.start(_parameters(network))
        if state:
            spec = network.spec
            self._state = {
                name: [
                    spec.xp.asarray(np.array(part), dtype=spec.dtype, device=spec.device) for part in state.arrays[name]
                ]
                for name in self._state
            }

    def measures(self) -> tuple[LayerMeasures, ...]:
        measured, self._measured = self._measured, Measured()
        return measured.means()


def _parameters(network: Network) -> list[Array]:
    return [*network.W.values(), *network.b.values()]


def _measure(
    before: Network, after: Network, trace: Trace, grads: Gradients, gradient: list[Array]
) -> tuple[tuple[float | None, ...], ...]:
    """Of each layer the fields of :class:`LayerMeasures`, without its number."""
    rows = []
    for i in range(1, before.depth + 1):
        hidden = i < before.depth
        silent = None
        if hidden:
            slope = before.activations[i - 1].g_prime(trace.a[i])
            if trace.masks is not None:
                slope = slope * trace.masks[i]
            silent = float((np.abs(to_numpy(slope)).max(axis=0) < SILENT).mean())
        of_hidden = [euclidean_norm(grads.a[i]), euclidean_norm(grads.h[i])] if hidden else [None, None]
        update = euclidean_norm(after.W[i] - before.W[i])
        rows.append((*of_hidden, euclidean_norm(gradient[i - 1]), euclidean_norm(before.W[i]), update, silent))
    return tuple(rows)
