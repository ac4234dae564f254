"""A network in training: the steps are backtalk's own, taken one at a time or some at once.

What it learns equals, to the bit, what :func:`~backtalk.fit` learns from the same rows with the same seed, until a
weight or a bias is set by hand.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...analysis.diagnose.telemetry import Recorder, Start
from ...core.batch import Batch
from ...core.dropout import Dropout
from ...core.head import Head, as_head
from ...core.inputs import as_input, as_target
from ...core.losses import BinaryCrossEntropy
from ...core.network import Network
from ...data.sources import InMemory
from ...engines.choose import choose_steps
from ...engines.passes import backward, forward, gradients
from ...engines.steps import StepSettings
from ...errors import DivergedError, InputError
from ...train import Epoch
from ...train.loop import Event, Loop
from ...train.schedules import Schedule, ScheduleState, StepPosition, as_schedule
from ...train.validation import Validation
from .datasets import LabData
from .settings import AUTO, Settings, number, quantity_text, shown, with_rate

MOST_JUDGED = 2000  # rows that the loss and the score of each frame are computed on
MEASURED_IN_EPOCH = 5  # steps whose norms are kept for the doctor
TIMEOUT = 0.25  # seconds of steps, after which a frame is due whatever was asked for
MOST_BY_HAND = 1e6  # of a number that is set by hand


class Trainer:
    """One configuration, from its first step on. Not for two threads at once: its session sees to that.

    ``draws_dropout``: whether the seed of dropout is drawn also if there is none, so that the mini-batches are those of
    a network that has it.
    """

    draws_dropout: bool
    start: Network
    auto: Head
    settings: Settings
    data: LabData
    X: np.ndarray
    rows_held_out: np.ndarray
    validation: Validation | None
    X_training: np.ndarray
    y_training: np.ndarray
    judged: Batch
    schedule: Schedule
    dropout: Dropout | None
    step_settings: StepSettings
    network: Network
    step: int
    stopped: str
    epochs: int
    schedule_state: ScheduleState
    left: int
    loss: float
    loss_before: float
    edits: int
    edited: tuple[int, np.ndarray] | None
    replaced: dict[str, float]
    loop: Loop
    events: Iterator[Event]
    _recorder: Recorder | None
    batch_rows: np.ndarray

    def __init__(self, settings: Settings, data: LabData, *, draws_dropout: bool = False) -> None:
        self.draws_dropout = draws_dropout
        self.start = first_network(settings, data)
        self.auto = Head(natural_head(settings, data).output, natural_head(replace(settings, loss=AUTO), data).loss)
        self.settings, self.data = settings, data.suited_to(self.start.head)
        data = self.data
        as_target(self.start, data.y, len(data.X))  # refuses a y that the loss cannot take, also in a row held out
        self.X = np.ascontiguousarray(as_input(self.start, data.X))
        self.rows_held_out = held_out = data.held_out[:MOST_JUDGED]
        batch = Batch.of(self.start, self.X[held_out], data.y[held_out], takes_labels=False) if len(held_out) else None
        self.validation = None if batch is None else Validation(batch)
        self.X_training, self.y_training = self.X[data.training], data.y[data.training]
        rows = slice(MOST_JUDGED)
        self.judged = batch or Batch.of(self.start, self.X_training[rows], self.y_training[rows], takes_labels=False)
        self.schedule = as_schedule(settings.schedule)
        self.reset()

    def reset(self) -> None:
        """Back to the first step."""
        settings, optimizer = self.settings, self.settings.made_optimizer()
        kind = choose_steps("auto", self.start, optimizer)
        batch = Batch.of(self.start, self.X_training, self.y_training, takes_labels=kind.takes_labels)
        source = InMemory(batch)
        batch_size = batch.count if optimizer.whole_batch else min(settings.batch, batch.count)
        in_epoch = -(-batch.count // batch_size)
        self.schedule.require_steps(settings.epochs * in_epoch)
        generator = np.random.default_rng(settings.seed)
        self.dropout = None
        if settings.dropout or self.draws_dropout:
            dropout = Dropout(settings.dropout, seed=int(generator.integers(2**64, dtype=np.uint64)))
            self.dropout = dropout if settings.dropout else None
        self.step_settings = StepSettings(
            optimizer,
            l2_penalty=settings.l2_penalty,
            dropout=self.dropout,
            measure_every=max(1, in_epoch // MEASURED_IN_EPOCH),
        )
        self.network, self.step, self.stopped = self.start, 0, ""
        self.epochs, self.schedule_state, self.left = 0, ScheduleState(), 0
        self.loss = self.loss_before = math.nan
        self.edits, self.edited, self.replaced = 0, None, {}
        steps = kind(self.start, self.step_settings)
        self.loop = Loop(steps, source, batch_size, generator, self._rates, lambda: self.left)
        self.events = self.loop.events()
        self._recorder = None
        next(self.events)  # the order of the first epoch is known
        self.batch_rows = self.next_rows()

    @property
    def recorder(self) -> Recorder:
        """What the doctor hears of. It begins, with the network as it stands, when it is asked for or a step is taken.

        The beginning of a network of 64-512-512-10 costs 50 ms, and while a number is dragged there are many.
        """
        if self._recorder is None:
            self._recorder = Recorder()
            self._recorder.start = Start.of(self.network)
            self._recorder.settings = {
                "learning_rate": self.settings.rate,
                "batch_size": self.loop.batch_size,
                "optimizer": repr(self.step_settings.optimizer),
                "l2_penalty": self.settings.l2_penalty,
                "dropout": self.settings.dropout,
            }
        return self._recorder

    def _rates(self) -> np.ndarray:
        """The learning rate of each step of this epoch; a schedule that is over stays at its last one."""
        in_epoch = self.loop.steps_per_epoch
        place = StepPosition(self.epochs + 1, self.epochs * in_epoch, in_epoch, self.settings.epochs * in_epoch)
        return self.settings.rate * self.schedule.factors(place, self.schedule_state)

    def rate_now(self) -> float:
        """The learning rate of the next step."""
        at = self.loop.position
        return float(self.loop.epoch_rates[min(at.row // self.loop.batch_size, len(self.loop.epoch_rates) - 1)])

    def set_rate(self, rate: Any) -> None:
        """Another learning rate, from the next step on."""
        self.settings = with_rate(self.settings, rate)
        self.loop.epoch_rates = self._rates()

    def set_by_hand(self, row: int, quantity: Any, value: Any) -> None:
        """A weight or a bias of the network as it stands, or an input of the example of a row.

        The optimizer's state stays as it is, and so do the data: the example alone is shown with another input. A reset
        undoes both.
        """
        from ...teaching.derivations.quantity import as_quantity

        self.require_going()
        family, layer, indices = _settable(as_quantity(self.network, quantity_text(quantity)), quantity)
        value = number(value, "value", -MOST_BY_HAND, MOST_BY_HAND)
        place = tuple(index - 1 for index in indices)
        if family == "h":
            x = self.example(row).copy()
            x[0, place[0]] = value
            self.edited = row, x
        else:
            parameters = {"W": dict(self.network.W), "b": dict(self.network.b)}
            changed = parameters[family][layer].copy()
            name = f"{family}[{','.join(map(str, (layer, *indices)))}]"
            if self.replaced.setdefault(name, float(changed[place])) == value:
                del self.replaced[name]
            changed[place] = value
            parameters[family][layer] = changed
            self.network = self.network.replace(parameters["W"].values(), parameters["b"].values())
            steps = self.loop.steps
            steps.restore(self.network, steps.state())
            self.loss = self.loss_before = math.nan
            self._recorder = None  # what a hand did to the weights is not told as if training had done it
        self.edits += 1

    def before_by_hand(self, row: int) -> dict[str, float]:
        """What stood where a hand set a number: in the network since the last step, and in the inputs of a row."""
        x, shown = self.X[row], self.example(row)[0]
        return self.replaced | {f"x[{j + 1}]": float(x[j]) for j in np.flatnonzero(x != shown)}

    def example(self, row: int) -> np.ndarray:
        """x of a row, (1, n_0), with what was set by hand."""
        return self.edited[1] if self.edited and self.edited[0] == row else self.X[row : row + 1]

    def next_rows(self) -> np.ndarray:
        """The mini-batch of the next step, as rows of the training set."""
        first = self.loop.position.row
        return self.loop.order[first : first + self.loop.batch_size]

    @property
    def epoch(self) -> float:
        """How many times the rows were gone through."""
        return self.epochs + self.loop.position.row / len(self.loop.order)

    def require_going(self) -> None:
        """Refuse to go on if training diverged."""
        if self.stopped:
            raise InputError(f"{self.stopped}: reset it, and choose a smaller learning rate.")

    def advance(self, count: int = 1) -> None:
        """Take so many steps, or as many as there is time for; at least one.

        Raises :class:`~backtalk.errors.DivergedError`; the network is then the last good one.
        """
        self.require_going()
        self.replaced = {}
        _ = self.recorder  # begins with the network before these steps
        until, left, loss, weight = time.monotonic() + TIMEOUT, count, 0.0, 0.0
        try:
            while left > 1 and (left == count or time.monotonic() < until):
                taken, more, examples = self._take(left - 1)
                left, loss, weight = left - taken, loss + more, weight + examples
            _, last, examples = self._take(1)  # alone, so that its mini-batch and its loss are known
        except DivergedError as error:
            self.network, self.step = error.network, error.step - 1
            self.stopped = f"training diverged at step {error.step}"
            raise
        steps = self.loop.steps
        self.network, self.step = steps.network, steps.step
        self.loss, self.loss_before = (loss + last) / (weight + examples), last / examples

    def _take(self, most: int) -> tuple[int, float, float]:
        """Steps, at the most so many: how many they were, their loss and its weight."""
        loop, self.left = self.loop, most
        before, step = loop.position, loop.steps.step
        next(self.events)
        after, taken = loop.position, loop.steps.step - step
        last = before.row + (taken - 1) * loop.batch_size
        self.batch_rows = loop.order[last : last + loop.batch_size]
        if after.row == len(loop.order):
            self._close_epoch()
        return taken, after.loss - before.loss, after.weight - before.weight

    def _close_epoch(self) -> None:
        next(self.events)
        loop = self.loop
        self.epochs, network = self.epochs + 1, loop.steps.network
        held_out = None if self.validation is None else self.validation.judge(network)[0]
        mean = loop.position.loss / loop.position.weight
        self.recorder.note(
            Epoch(self.epochs, mean, network, loop.steps.measures(), held_out, float(loop.epoch_rates[-1])),
        )
        self.schedule_state = self.schedule.after_epoch(mean if held_out is None else held_out, self.schedule_state)
        loop.begin_epoch()
        next(self.events)  # the order of the next epoch is known

    def loss_now(self) -> float:
        """Mean loss of the mini-batches since the last frame, each before its step; if there are none, that of now."""
        return self.loss_after() if math.isnan(self.loss) else self.loss

    def loss_after(self) -> float:
        """ℒ on the last mini-batch, or before the first step on the first one, of the network as it stands.

        As the step has it: with the penalty, and with the units silent that were silent in the step.
        """
        step = max(self.step, 1)
        loss = float(self._gradients(None if self.dropout is None else self.dropout.at(step)).loss)
        return loss + self.settings.l2_penalty / 2 * sum(float(np.vdot(W, W)) for W in self.network.W.values())

    def flow(self) -> list[float]:
        """‖∇_{W_i}ℒ‖ of each layer, of the network as it stands, over the mini-batch that it learned from last."""
        with np.errstate(all="ignore"):
            return [float(np.sqrt(np.vdot(G, G))) for G in self._gradients().W.values()]

    def passes(self) -> tuple[Any, Any]:
        """Forward and backward over the mini-batch that it learned from last, of the network as it stands."""
        X, y = self.X_training[self.batch_rows], self.y_training[self.batch_rows]
        trace = forward(self.network, X)
        return trace, backward(self.network, trace, y)

    def _gradients(self, dropout: Dropout | None = None) -> Any:
        rows = self.batch_rows
        with np.errstate(all="ignore"):
            return gradients(self.network, self.X_training[rows], self.y_training[rows], dropout=dropout)

    def validation_loss(self) -> float | None:
        """ℒ on the rows that are held out."""
        return None if self.validation is None else self.validation.judge(self.network)[0]

    def score(self) -> float | None:
        """Accuracy, or R², on the rows that are held out."""
        return None if self.validation is None else self._score()

    def training_score(self) -> float | None:
        """The same on the rows that are trained on, if none is held out."""
        return self._score() if self.validation is None else None

    def _score(self) -> float | None:
        with np.errstate(all="ignore"):
            batch = self.judged
            loss = self.network.loss
            yhat, target = map(loss.prediction, (forward(self.network, batch.X).output, batch.target()))
            if self.data.classes:
                return float((yhat.argmax(axis=1) == target.argmax(axis=1)).mean())
            if isinstance(loss, BinaryCrossEntropy):
                return float(((yhat > 0.5) == (target > 0.5)).mean())
            spread = ((target - target.mean(axis=0)) ** 2).sum()
            return float(1 - ((yhat - target) ** 2).sum() / spread) if spread > 0 else None


def natural_head(settings: Settings, data: LabData) -> Head:
    """The chosen loss, or the one that suits the data, with the output function that 'auto' stands for."""
    if settings.loss != AUTO:
        return as_head(settings.loss)
    return as_head(data.loss) if data.network is None else data.network.head


def first_network(settings: Settings, data: LabData) -> Network:
    """The network before training: the given one if layers, loss and output are its own, else a random one."""
    head = natural_head(settings, data)
    if settings.output != AUTO:
        head = as_head(head.loss, settings.output)
    given = data.network
    if given is not None and settings.initialization == AUTO:
        asked = settings.layers, settings.activation, head
        if asked == (given.sizes[1:-1], tuple(map(repr, given.activations)), given.head):
            return given
    sizes = [data.X.shape[1], *settings.layers, head.loss.outputs_for(data.outputs)]
    initialization = None if settings.initialization == AUTO else settings.initialization
    return Network.create(
        sizes, list(settings.activation), head.loss, output=head.output, initialization=initialization,
        rng=settings.seed,
    )  # fmt: skip


def _settable(quantity: Any, written: Any) -> tuple[str, int, tuple[int, ...]]:
    """Its family, layer and indices; refuses what is computed, and a whole vector or matrix."""
    if quantity.family == "a" or (quantity.family == "h" and quantity.layer > 0):
        raise InputError(
            f"quantity is {shown(written)}, which is computed: expected a weight such as 'W[1,1,1]', a bias such as "
            "'b[1,1]', or an input such as 'x[1]'."
        )
    if not quantity.is_scalar:
        raise InputError(f"quantity is {shown(written)}, which is several numbers: expected one, such as 'W[1,1,1]'.")
    return quantity.family, quantity.layer, quantity.indices
