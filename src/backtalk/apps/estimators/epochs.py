"""scikit-learn's epochs: its shuffling, its learning rates, its reasons to end, on backtalk's steps."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ...analysis.diagnose.telemetry import Telemetry
from ...core.batch import Examples
from ...core.network import Network
from ...engines.steps import Steps
from ...errors import DivergedError
from ...train import SGD, AdamEpsilonHat, Epoch, Nesterov, StepState, Training
from ...train.callbacks import Callback, is_true
from ...train.interrupt import held_back
from ...train.schedules import Schedule, ScheduleState, StepPosition, as_schedule

SKLEARN_SCHEDULES = ("constant", "invscaling", "adaptive")
LEAST_RATE = 1e-6  # at which 'adaptive' gives up
MOST_MOMENTUM = math.nextafter(1.0, 0.0)  # scikit-learn takes 1 as well, our SGD the numbers below it


@dataclass(eq=False)
class Going:
    """How optimization goes: kept from one epoch to the next, and from one call of ``partial_fit`` to the next.

    ``learning_rate``: of the next epoch, where scikit-learn's schedules give it; ``best``: the network with the best
    score; ``stopped``: whether ``partial_fit`` has stopped early.
    """

    learning_rate: float
    begun: int = 0  # updates before the schedule began
    state: StepState | None = None
    memory: ScheduleState = field(default_factory=ScheduleState)
    epochs: int = 0
    best: Network | None = None
    stopped: bool = False


def optimizer_of(model: Any, scale: float) -> SGD | AdamEpsilonHat:
    """The optimizer for a loss that is ``scale`` times the one that is reported: it takes the same steps."""
    if model.solver == "adam":
        return AdamEpsilonHat(model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon * scale)
    kind = Nesterov if model.nesterovs_momentum and model.momentum > 0 else SGD
    return kind(model.learning_rate_init, min(model.momentum, MOST_MOMENTUM))


@dataclass(eq=False)
class Epochs:
    """Training of an estimator by mini-batches. ``score`` and ``validate`` judge a network on the validation set."""

    model: Any
    steps: Steps
    examples: Examples
    going: Going
    callbacks: list[Callback]
    scale: float  # of the network's loss to the one that is reported
    validate: Callable[[Network], tuple[float, float]] | None  # score and loss
    early_stopping: bool

    def run(self, most: int, incremental: bool) -> None:
        """At most so many epochs; ``incremental``: one, as a part of something longer."""
        model, going, count = self.model, self.going, self.examples.count
        self.steps.use(self.examples)
        batch_size = self._batch_size(count)
        schedule = (
            None if model.learning_rate in SKLEARN_SCHEDULES else as_schedule(model.learning_rate, "learning_rate")
        )
        order = np.arange(count)
        if going.epochs == 0:
            going.begun = self.steps.step
        try:
            for number in range(1, most + 1):
                if model.shuffle:  # as sklearn.utils.shuffle draws, without its checks
                    rows = np.arange(count)
                    model._random_state.shuffle(rows)
                    order = order[rows]
                rates = self._rates(schedule, -(-count // batch_size), most)
                loss = self._epoch(order, batch_size, rates)
                model.n_iter_ = number
                model.t_ += count
                ends = self._ends(loss, schedule, float(rates[-1]) * self._unit())
                if incremental:
                    going.stopped = ends and self.early_stopping
                if ends or incremental:
                    break
                if number == most:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({most}) reached and the optimization "
                        "hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        except DivergedError as error:
            if going.best is None:
                raise
            model.validation_scores_.append(np.nan)
            warnings.warn(
                f"{error} The network with the best validation score is kept.", ConvergenceWarning, stacklevel=4
            )
        self.going.state = self.steps.state()

    def _unit(self) -> float:
        """What a rate handed to the steps is multiplied by to be the estimator's."""
        return 1.0 if self.model.solver == "adam" else self.scale

    def _batch_size(self, count: int) -> int:
        if self.model.batch_size == "auto":
            return min(200, count)
        if self.model.batch_size > count:
            warnings.warn(
                f"batch_size is {self.model.batch_size}, larger than the sample size {count}: it is clipped to it.",
                stacklevel=5,
            )
        return int(np.clip(self.model.batch_size, 1, count))

    def _rates(self, schedule: Schedule | None, in_epoch: int, most: int) -> np.ndarray:
        model, going = self.model, self.going
        if schedule is not None:
            place = StepPosition(going.epochs + 1, self.steps.step - going.begun, in_epoch, most * in_epoch)
            rates = model.learning_rate_init * schedule.factors(place, going.memory)
        else:
            rates = np.full(in_epoch, going.learning_rate)
        return rates / self._unit()

    def _epoch(self, order: np.ndarray, batch_size: int, rates: np.ndarray) -> float:
        """One pass over the data; the mean loss while it ran."""
        place, loss, counted, first = 0, 0.0, 0.0, self.steps.step
        while place < len(order):
            with held_back():
                place, _, loss, counted = self.steps.take(
                    order, place, batch_size, rates[self.steps.step - first :], loss=loss, weight=counted
                )
        return loss / counted / self.scale if counted else math.nan

    def _ends(self, loss: float, schedule: Schedule | None, rate: float) -> bool:
        """Note what the epoch brought, and say whether it was the last."""
        model, going = self.model, self.going
        going.epochs += 1
        model.loss_ = loss
        model.loss_curve_.append(loss)
        if model.verbose:
            print(f"Iteration {model.n_iter_}, loss = {loss:.8f}")
        needed = self.validate is not None or self.callbacks
        network = self.steps.network if needed else None
        score, validation_loss = self.validate(network) if self.validate and network else (None, None)
        if validation_loss is not None:
            model.validation_loss_curve_.append(validation_loss)
        self._count(loss, score, network)
        if schedule is not None:
            going.memory = schedule.after_epoch(loss if validation_loss is None else validation_loss, going.memory)
        stops = False
        if network is not None:
            epoch = Epoch(going.epochs, loss, network, self.steps.measures(), validation_loss, rate)
            answers = [callback.on_epoch(epoch) for callback in self.callbacks]  # each of them is told
            stops = any(map(is_true, answers))
        return self._gives_up(rate) or stops

    def _count(self, loss: float, score: float | None, network: Network | None) -> None:
        """How many epochs have brought nothing."""
        model, going = self.model, self.going
        if self.early_stopping:
            assert score is not None
            model.validation_scores_.append(score)
            if model.verbose:
                print(f"Validation score: {score:f}")
            # a score that is not a number is no improvement
            improved = score >= model.best_validation_score_ + model.tol
            model._no_improvement_count = 0 if improved else model._no_improvement_count + 1
            if score > model.best_validation_score_:
                model.best_validation_score_, going.best = score, network
            return
        waits = loss > model.best_loss_ - model.tol
        model._no_improvement_count = model._no_improvement_count + 1 if waits else 0
        model.best_loss_ = min(loss, model.best_loss_)

    def _gives_up(self, rate: float) -> bool:
        model, going = self.model, self.going
        if model.solver == "sgd" and model.learning_rate == "invscaling":
            going.learning_rate = model.learning_rate_init / (model.t_ + 1) ** model.power_t
        if model._no_improvement_count <= model.n_iter_no_change:
            return False
        what = "Validation score" if self.early_stopping else "Training loss"
        message = f"{what} did not improve more than tol={model.tol:f} for {model.n_iter_no_change} consecutive epochs."
        if model.solver == "sgd" and model.learning_rate == "adaptive" and rate > LEAST_RATE:
            going.learning_rate, model._no_improvement_count = rate / 5, 0
            if model.verbose:
                print(f"{message} Setting learning rate to {going.learning_rate:f}")
            return False
        if model.verbose:
            print(f"{message} {'Learning rate too small. ' if model.learning_rate == 'adaptive' else ''}Stopping.")
        return True


def training_of(model: Any) -> Training:
    """What callbacks are told at the end."""
    reason = "epochs" if model.n_iter_ >= model.max_iter else "patience"
    return Training(model.network_, tuple(model.loss_curve_), tuple(model.validation_loss_curve_), None, reason)


def telemetry_of(model: Any, count: int, scale: float) -> Telemetry:
    """What the doctor reads of a fit on ``count`` samples: the curves, in units of the network's loss."""
    curve, other = model.loss_curve_, model.validation_loss_curve_
    known = len(other) == len(curve)
    optimizer = None
    if model.solver != "lbfgs":
        name = "adam" if model.solver == "adam" else "nesterov" if model.nesterovs_momentum else "sgd"
        optimizer = f"{name}(learning_rate={model.learning_rate_init / (1 if name == 'adam' else scale)!r})"
    return Telemetry(
        losses=tuple(loss * scale for loss in curve),
        validation_losses=tuple(loss * scale for loss in other) if known else (None,) * len(curve),
        learning_rates=(None,) * len(curve),
        measures=((),) * len(curve),
        moved=((),) * len(curve),
        settings={
            "optimizer": optimizer,
            "batch_size": None
            if optimizer is None
            else min(200 if model.batch_size == "auto" else model.batch_size, count),
            "patience": model.n_iter_no_change if model.early_stopping else None,
            "dropout": model.dropout,
        },
    )
