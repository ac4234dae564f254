"""What :func:`~backtalk.fit` does with an optimizer that searches on the whole batch: iterations instead of epochs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..core.batch import Batch
from ..core.network import Network
from ..core.optimizers import LBFGS, GradientDescent
from .callbacks import Watchers
from .descent import descend
from .history import History
from .lbfgs import minimize
from .objective import Minimum
from .records import Epoch, Progress, Training, TrainingInterrupted
from .run import facts_of
from .settings import DataSettings, TrainSettings
from .state import TrainState
from .validation import AnyValidation


def search_of(optimizer: LBFGS | GradientDescent) -> Callable[..., Minimum]:
    """What finds the minimum for an optimizer that searches: L-BFGS, or gradient descent with Armijo's rule."""
    return minimize if isinstance(optimizer, LBFGS) else descend


def search(
    network: Network,
    settings: TrainSettings,
    data: DataSettings,
    batch: Batch,
    validation: AnyValidation | None,
    watchers: Watchers,
    by_kernels: bool,
) -> Training:
    """Train by L-BFGS, or by gradient descent with Armijo's rule."""
    history, latest, measured = History(settings, TrainState({}), metric=data.metric), network, None
    watchers.begin(facts_of(network, settings, data), network)

    def validation_loss(found: Network) -> float | None:
        nonlocal measured
        if validation is None:
            return None
        loss, measured = validation.judge(found)
        return loss

    def tell(epoch: Epoch) -> bool:
        nonlocal latest
        latest, epoch = epoch.network, replace(epoch, validation_metric=measured)
        history.note(latest, epoch.loss, epoch.validation_loss, measured)
        stop = watchers.after_epoch(epoch)
        progress = Progress(epoch.number, settings.epochs, batch.count, batch.count, epoch.number, epoch.loss)
        if watchers.after_steps(lambda: progress) or stop:
            history.reason = history.reason or "callback"
        return history.reason is not None

    try:
        found = search_of(settings.optimizer)(
            network,
            batch,
            l2_penalty=float(settings.l2_penalty),
            iterations=settings.epochs,
            options=settings.optimizer,
            by_kernels=by_kernels,
            validation_loss=validation_loss,
            tell=tell,
        )
    except KeyboardInterrupt:
        raise TrainingInterrupted(watchers.end(history.training(latest, "interrupted"))) from None
    reason = history.reason or ("converged" if found.converged else "evaluations")
    return watchers.end(history.training(found.network, reason))
