"""scikit-learn's epochs: its shuffling, its learning rates, its reasons to end, on backtalk's steps."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ...analysis.diagnose.telemetry import Telemetry
from ...core.batch import Batch
from ...core.network import Network
from ...data.sources import InMemory, Part
from ...engines.steps import Steps
from ...errors import DivergedError, InputError
from ...train import Epoch, Optimizer, StepState, Training
from ...train.callbacks import Watchers
from ...train.loop import Event, Loop
from ...train.privacy import PrivacyPlan
from ...train.schedules import Schedule, ScheduleState, StepPosition, as_schedule
from .solvers import rate_unit, solver_of

SKLEARN_SCHEDULES = ("constant", "invscaling", "adaptive")
LEAST_RATE = 1e-6  # at which 'adaptive' gives up
Judge = Callable[[Network], tuple[float, float]]  # a network's score and its mean loss, as reported, on held-out data


@dataclass(eq=False)
class OptimizerState:
    """Where optimization stands: kept from one epoch to the next, and from one call of ``partial_fit`` to the next.

    ``learning_rate``: of the next epoch, if scikit-learn's schedules give it; ``best``: the network with the best
    score; ``stopped``: whether ``partial_fit`` has stopped early.
    """

    learning_rate: float
    begun: int = 0  # updates before the schedule began
    steps: StepState | None = None
    schedule: ScheduleState = field(default_factory=ScheduleState)
    epochs: int = 0
    best: Network | None = None
    stopped: bool = False


class ShuffledAnew(InMemory):
    """Examples in scikit-learn's order, which shuffles that of the epoch before, or in their own."""

    rows: np.ndarray | None  # in the order of the epoch at hand
    random_state: Any
    shuffle: bool

    def __init__(self, batch: Batch, random_state: Any, shuffle: bool) -> None:
        super().__init__(batch, np.arange(batch.count))  # it shuffles them anew in each epoch
        self.random_state, self.shuffle = random_state, shuffle

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        order = self.rows
        assert order is not None
        if self.shuffle:  # as sklearn.utils.shuffle draws, without its checks
            rows = np.arange(self.count)
            self.random_state.shuffle(rows)
            self.rows = order = order[rows]
        yield Part(self.count, lambda: (self.batch, order))


class Epochs:
    """Training of an estimator by mini-batches: by its parameters, into its attributes and its ``state``."""

    model: Any
    steps: Steps
    state: OptimizerState
    watchers: Watchers
    judge: Judge | None
    examples: int
    plan: PrivacyPlan | None
    scale: float
    unit: float
    print: Callable[[str], None]
    schedule: Schedule | None
    loop: Loop

    def __init__(
        self,
        model: Any,
        steps: Steps,
        batch: Batch,
        batch_size: int,
        state: OptimizerState,
        watchers: Watchers,
        judge: Judge | None,
        plan: PrivacyPlan | None,
    ) -> None:
        self.model, self.steps, self.state, self.watchers, self.judge = model, steps, state, watchers, judge
        self.examples, self.plan = batch.count, plan
        self.scale = model._loss()[1]
        self.unit = rate_unit(model, self.scale)
        self.print = print if model.verbose else lambda text: None
        self.schedule = None
        if model.learning_rate not in SKLEARN_SCHEDULES:
            self.schedule = as_schedule(model.learning_rate, "learning_rate")
        generator = np.random.default_rng(0)  # for nothing secret: a source draws from the model's own, or by its key
        source = ShuffledAnew(batch, model._random_state, model.shuffle) if plan is None else plan.samples
        self.loop = Loop(steps, source, 1 if plan else batch_size, generator, self._rates)
        if self.schedule is not None:
            self.schedule.require_steps(model.max_iter * self.loop.steps_per_epoch)

    def run(self, incremental: bool) -> None:
        """All epochs; ``incremental``: one, as a part of something longer."""
        model, state, loop = self.model, self.state, self.loop
        model.n_iter_ = 0
        if state.epochs == 0:
            state.begun = self.steps.step
        try:
            for event in loop.events():
                if event is not Event.EPOCH:
                    continue
                model.n_iter_ += 1
                model.t_ += self.examples
                ends = self._ends()
                if incremental:
                    state.stopped = ends and model.early_stopping
                if ends or incremental:
                    break
                if model.n_iter_ == model.max_iter and self.plan is not None:
                    break  # as many as the noise was chosen for
                if model.n_iter_ == model.max_iter:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the optimization "
                        "hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
                    break
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        except DivergedError as error:
            if state.best is None:
                raise
            model.validation_scores_.append(np.nan)
            warnings.warn(
                f"{error} The network with the best validation score is kept.", ConvergenceWarning, stacklevel=4
            )
        state.steps = self.steps.state()

    def _rates(self) -> np.ndarray:
        """The learning rate of each step of an epoch."""
        model, state = self.model, self.state
        in_epoch = self.loop.steps_per_epoch
        if self.schedule is None:
            return np.full(in_epoch, state.learning_rate) / self.unit
        position = StepPosition(state.epochs + 1, self.steps.step - state.begun, in_epoch, model.max_iter * in_epoch)
        return model.learning_rate_init * self.schedule.factors(position, state.schedule) / self.unit

    def _ends(self) -> bool:
        """Note what the epoch brought, begin the next one, and say whether it was the last."""
        model, state, position = self.model, self.state, self.loop.position
        loss = position.loss / position.weight / self.scale if position.weight else math.nan
        rate = float(self.loop.epoch_rates[-1]) * self.unit
        self.loop.begin_epoch()
        state.epochs += 1
        model.loss_ = loss
        model.loss_curve_.append(loss)
        self.print(f"Iteration {model.n_iter_}, loss = {loss:.8f}")
        score, validation_loss, stops = None, None, False
        network = self.steps.network if self.judge or self.watchers.want_epochs else None
        if self.judge and network:
            score, validation_loss = self.judge(network)
            model.validation_loss_curve_.append(validation_loss)
        self._count(loss, score, network)
        if self.schedule is not None:
            watched = loss if validation_loss is None else validation_loss
            state.schedule = self.schedule.after_epoch(watched, state.schedule)
        if network is not None:
            spent = None if self.plan is None else self.plan.spent(self.steps.step)
            epoch = Epoch(state.epochs, loss, network, self.steps.measures(), validation_loss, rate, privacy=spent)
            stops = self.watchers.after_epoch(epoch)
        return self._gives_up(rate) or stops

    def _count(self, loss: float, score: float | None, network: Network | None) -> None:
        """How many epochs have brought nothing."""
        model = self.model
        if score is not None and model.early_stopping:
            model.validation_scores_.append(score)
            self.print(f"Validation score: {score:f}")
            improved = score >= model.best_validation_score_ + model.tol  # one that is not a number is no improvement
            if score > model.best_validation_score_:
                model.best_validation_score_, self.state.best = score, network
        else:
            improved = not loss > model.best_loss_ - model.tol
            model.best_loss_ = min(loss, model.best_loss_)
        model._no_improvement_count = 0 if improved else model._no_improvement_count + 1

    def _gives_up(self, rate: float) -> bool:
        model, state = self.model, self.state
        if model.solver == "sgd" and model.learning_rate == "invscaling":
            state.learning_rate = model.learning_rate_init / (model.t_ + 1) ** model.power_t
        if self.plan is not None and not model.early_stopping:
            return False  # the loss of private examples decides nothing
        if model._no_improvement_count <= model.n_iter_no_change:
            return False
        what = "Validation score" if model.early_stopping else "Training loss"
        message = f"{what} did not improve more than tol={model.tol:f} for {model.n_iter_no_change} consecutive epochs."
        adaptive = model.learning_rate == "adaptive"
        if adaptive and model.solver == "sgd" and rate > LEAST_RATE:
            state.learning_rate, model._no_improvement_count = rate / 5, 0
            self.print(f"{message} Setting learning rate to {state.learning_rate:f}")
            return False
        self.print(f"{message} {'Learning rate too small. ' if adaptive else ''}Stopping.")
        return True


def batch_size_of(model: Any, count: int) -> int:
    """How many of ``count`` samples a step takes."""
    optimizer = solver_of(model)
    if isinstance(optimizer, Optimizer) and optimizer.whole_batch:
        if model.batch_size not in ("auto", count):
            raise InputError(
                f"batch_size is {model.batch_size}, but solver={model.solver!r} takes all {count} "
                "examples in each step: leave batch_size out."
            )
        return count
    if model.batch_size == "auto":
        return min(200, count)
    if model.batch_size > count:
        warnings.warn(
            f"batch_size is {model.batch_size}, larger than the sample size {count}: it is clipped to it.",
            stacklevel=4,
        )
    return int(min(model.batch_size, count))


def training_of(model: Any) -> Training:
    """What callbacks are told at the end."""
    reason = "epochs" if model.n_iter_ >= model.max_iter else "patience"
    curves = tuple(model.loss_curve_), tuple(model.validation_loss_curve_)
    return Training(model.network_, *curves, None, reason, privacy=model.privacy_)


def telemetry_of(model: Any, count: int, scale: float) -> Telemetry:
    """What the doctor reads of a fit on ``count`` samples: the curves, in units of the network's loss."""
    curve, other = model.loss_curve_, model.validation_loss_curve_
    known = len(other) == len(curve)
    optimizer = batch_size = None
    solver = solver_of(model)
    if isinstance(solver, Optimizer) and not solver.searches:
        name = "adam" if model.solver == "adam" else solver.name
        optimizer = f"{name}(learning_rate={model.learning_rate_init / rate_unit(model, scale)!r})"
        batch_size = (
            count if solver.whole_batch else min(200 if model.batch_size == "auto" else model.batch_size, count)
        )
    return Telemetry(
        losses=tuple(loss * scale for loss in curve),
        validation_losses=tuple(loss * scale for loss in other) if known else (None,) * len(curve),
        learning_rates=(None,) * len(curve),
        measures=((),) * len(curve),
        moved=((),) * len(curve),
        settings={
            "optimizer": optimizer,
            "batch_size": batch_size,
            "patience": model.n_iter_no_change if model.early_stopping else None,
            "dropout": model.dropout,
        },
    )
