"""What the epochs of a run brought: their losses, the best network, and whether it is time to end."""

from __future__ import annotations

import math

from ..core.network import Network
from ..engines.steps import StepState
from .metric import Metric
from .records import Training
from .schedules import ScheduleState
from .settings import TrainSettings
from .state import BestEpoch, TrainState


class History:
    """The ``losses``, ``validation_losses`` and ``validation_metrics`` if ``metric`` is one, one for each epoch; the
    ``best`` epoch, and the network after it."""

    settings: TrainSettings
    best: BestEpoch
    schedule: ScheduleState
    losses: list[float]
    validation_losses: list[float]
    metric: Metric | None
    validation_metrics: list[float | None]
    best_network: Network | None
    reason: str | None

    def __init__(
        self,
        settings: TrainSettings,
        state: TrainState,
        best_network: Network | None = None,
        metric: Metric | None = None,
    ) -> None:
        self.settings, self.best, self.schedule = settings, state.best, state.schedule
        self.losses, self.validation_losses = list(state.losses), list(state.validation_losses)
        self.metric, self.validation_metrics = metric, list(state.validation_metrics)
        self.best_network, self.reason = best_network, state.reason

    def note(
        self,
        network: Network | None,
        loss: float,
        validation_loss: float | None,
        validation_metric: float | None = None,
    ) -> None:
        """Another epoch; ``reason`` then says why it is the last one, if it is. ``patience`` needs the network."""
        cost = math.inf
        if self.metric is not None:
            self.validation_metrics.append(validation_metric)
            cost = self.metric.cost(validation_metric)
        self.losses.append(loss)
        watched = loss
        if validation_loss is not None:
            watched = validation_loss
            self.validation_losses.append(validation_loss)
        number, patience = len(self.losses), self.settings.patience
        self.best = self.best.after(number, watched, self.settings.tolerance, cost)
        if patience and self.best.best_epoch == number:
            self.best_network = network
        self.schedule = self.settings.schedule.after_epoch(watched, self.schedule)
        if number >= self.settings.epochs:
            self.reason = "epochs"
        elif patience and self.best.waited >= patience:
            self.reason = "patience"

    def training(self, network: Network, reason: str, steps: StepState | None = None) -> Training:
        """The result: the best network if there is one, else the one given."""
        if self.best_network is not None:
            network = self.best_network
        losses, validation_losses = tuple(self.losses), tuple(self.validation_losses)
        metric = None if self.metric is None else self.metric.name
        metrics = tuple(self.validation_metrics)
        return Training(network, losses, validation_losses, self.best.best_epoch, reason, steps, metric, metrics)
