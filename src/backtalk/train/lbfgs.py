"""L-BFGS on the whole batch: SciPy's, with our gradient."""

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
from ..core.optimizers import LBFGS
from ..engines.native import passes as native
from ..engines.native.kernels import threads
from .callbacks import Watchers
from .history import History
from .records import Epoch, Progress, Training, TrainingInterrupted
from .run import facts_of
from .settings import DataSettings, TrainSettings
from .state import TrainState
from .validation import Validation


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
    batch: Batch,
    *,
    l2_penalty: float,
    iterations: int,
    options: LBFGS,
    by_kernels: bool,
    validation_loss: Callable[[Network], float | None],
    tell: Callable[[Epoch], Any],
) -> Minimum:
    """Minimize ℒ + ½λ Σ_i ‖W_i‖² over all examples. Each iteration is told as an epoch; a true answer ends it."""
    from scipy.optimize import minimize as search

    objective = _Objective(network, batch, l2_penalty, by_kernels)
    done, stopped = 0, False

    def iterated(intermediate_result: Any) -> None:
        nonlocal done, stopped
        done, found = done + 1, objective.network(intermediate_result.x)
        stopped = bool(tell(Epoch(done, float(intermediate_result.fun), found, (), validation_loss(found))))
        if stopped:
            raise StopIteration

    found = search(
        objective,
        objective.flat(network),
        method="L-BFGS-B",
        jac=True,
        callback=iterated,
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


def search(
    network: Network,
    settings: TrainSettings,
    data: DataSettings,
    batch: Batch,
    validation: Validation | None,
    watchers: Watchers,
    by_kernels: bool,
) -> Training:
    """What :func:`~backtalk.fit` does by L-BFGS: iterations instead of epochs."""
    history, latest = History(settings, TrainState({})), network
    watchers.begin(facts_of(network, settings, data))

    def tell(epoch: Epoch) -> bool:
        nonlocal latest
        latest = epoch.network
        history.note(latest, epoch.loss, epoch.validation_loss)
        stop = watchers.after_epoch(epoch)
        progress = Progress(epoch.number, settings.epochs, batch.count, batch.count, epoch.number, epoch.loss)
        if watchers.after_steps(lambda: progress) or stop:
            history.reason = history.reason or "callback"
        return history.reason is not None

    try:
        found = minimize(
            network,
            batch,
            l2_penalty=float(settings.l2_penalty),
            iterations=settings.epochs,
            options=settings.optimizer,
            by_kernels=by_kernels,
            validation_loss=lambda found: None if validation is None else validation.loss(found),
            tell=tell,
        )
    except KeyboardInterrupt:
        raise TrainingInterrupted(watchers.end(history.training(latest, "interrupted"))) from None
    reason = history.reason or ("converged" if found.converged else "evaluations")
    return watchers.end(history.training(found.network, reason))


class _Objective:
    """ℒ with its penalty and the gradient of both, as a function of all parameters in one float64 vector."""

    def __init__(self, network: Network, batch: Batch, l2_penalty: float, by_kernels: bool) -> None:
        self.start, self.l2_penalty = network, l2_penalty
        self.evaluations = 0
        self.batch = replace(batch, weight=as_weight(network, batch.weight, batch.count))
        self.net: Any = native.prepare(network) if by_kernels else None
        if self.net is not None:
            self.batch = native.readable_batch(self.batch)
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
            raise diverged(network, self.batch.X, self.start, self.evaluations)
        if self.l2_penalty:
            for i, W in enumerate(network.W.values()):
                wide = to_numpy(W).astype(np.float64)
                loss, (gradient[i],) = add_penalty(loss, [gradient[i]], [wide], self.l2_penalty)
        return loss, _flat(gradient)

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
