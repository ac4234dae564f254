"""A network in training: the steps are backtalk's own, taken one at a time or some at once.

What it learns equals, to the bit, what :func:`~backtalk.fit` learns from the same rows with the same seed.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np

from ...analysis.diagnose.telemetry import Recorder, Start
from ...core.batch import Batch
from ...core.head import Head, as_head
from ...core.inputs import as_input, as_target
from ...core.losses import BinaryCrossEntropy
from ...core.network import Network
from ...data.sources import InMemory
from ...engines.choose import choose_steps
from ...engines.passes import forward, gradients
from ...engines.steps import StepSettings
from ...errors import DivergedError, InputError
from ...train import Epoch
from ...train.loop import Loop
from ...train.validation import Validation
from .datasets import LabData
from .settings import AUTO, Settings, with_rate

MOST_HELD_OUT = 2000  # rows that the loss and the score of each frame are computed on
MEASURED_IN_EPOCH = 5  # steps whose norms are kept for the doctor
TIMEOUT = 0.25  # seconds of steps, after which a frame is due whatever was asked for


class Trainer:
    """One configuration, from its first step on. Not for two threads at once: its session sees to that."""

    def __init__(self, settings: Settings, data: LabData) -> None:
        self.start = first_network(settings, data)
        self.auto = Head(natural_head(settings, data).output, natural_head(replace(settings, loss=AUTO), data).loss)
        self.settings, self.data = settings, data.suited_to(self.start.head)
        data = self.data
        as_target(self.start, data.y, len(data.X))  # refuses a y that the loss cannot take, also in a row held out
        self.X = np.ascontiguousarray(as_input(self.start, data.X))
        self.rows_held_out = held_out = data.held_out[:MOST_HELD_OUT]
        batch = Batch.of(self.start, self.X[held_out], data.y[held_out], takes_labels=False) if len(held_out) else None
        self.validation = None if batch is None else Validation(batch)
        self.X_training, self.y_training = self.X[data.training], data.y[data.training]
        self.reset()

    def reset(self) -> None:
        """Back to the first step."""
        settings, optimizer = self.settings, self.settings.made_optimizer()
        kind = choose_steps("auto", self.start, optimizer)
        batch = Batch.of(self.start, self.X_training, self.y_training, takes_labels=kind.takes_labels)
        source = InMemory(batch)
        batch_size = batch.count if optimizer.whole_batch else min(settings.batch, batch.count)
        in_epoch = -(-batch.count // batch_size)
        steps = kind(self.start, StepSettings(optimizer, measure_every=max(1, in_epoch // MEASURED_IN_EPOCH)))
        self.rates, self.left = np.full(in_epoch, settings.rate), 0
        generator = np.random.default_rng(settings.seed)
        self.loop = Loop(steps, source, batch_size, generator, lambda: self.rates, lambda: self.left)
        self.events = self.loop.events()
        self.network, self.step, self.stopped = self.start, 0, ""
        self.epochs, self.loss = 0, math.nan
        self.recorder = Recorder()
        self.recorder.start = Start.of(self.start)
        self.recorder.settings = {
            "learning_rate": settings.rate,
            "batch_size": batch_size,
            "optimizer": repr(optimizer),
            "l2_penalty": 0.0,
            "dropout": 0.0,
        }
        next(self.events)  # the order of the first epoch is known
        self.batch_rows = self.next_rows()

    def set_rate(self, rate: Any) -> None:
        """Another learning rate, from the next step on."""
        self.settings = with_rate(self.settings, rate)
        self.rates.fill(self.settings.rate)

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
        loop, until = self.loop, time.monotonic() + TIMEOUT
        self.left, loss, weight = count, 0.0, 0.0
        try:
            while self.left > 0 and (self.left == count or time.monotonic() < until):
                before, step = loop.position, loop.steps.step
                next(self.events)
                after, taken = loop.position, loop.steps.step - step
                loss, weight = loss + after.loss - before.loss, weight + after.weight - before.weight
                self.left -= taken
                # of the last step alone its mini-batch is known, so that it can be measured
                last = before.row + (taken - 1) * loop.batch_size
                self.batch_rows = loop.order[last : last + loop.batch_size]
                if after.row == len(loop.order):
                    self._close_epoch()
        except DivergedError as error:
            self.network, self.step = error.network, error.step - 1
            self.stopped = f"training diverged at step {error.step}"
            raise
        self.network, self.step, self.loss = loop.steps.network, loop.steps.step, loss / weight

    def _close_epoch(self) -> None:
        next(self.events)
        loop = self.loop
        self.epochs, network = self.epochs + 1, loop.steps.network
        held_out = None if self.validation is None else self.validation.judge(network)[0]
        mean = loop.position.loss / loop.position.weight
        self.recorder.note(
            Epoch(self.epochs, mean, network, loop.steps.measures(), held_out, self.settings.rate),
        )
        loop.begin_epoch()
        next(self.events)  # the order of the next epoch is known

    def loss_now(self) -> float:
        """Mean loss of the mini-batches since the last frame; before the first step, that of the first mini-batch."""
        return float(self._gradients().loss) if math.isnan(self.loss) else self.loss

    def flow(self) -> list[float]:
        """‖∇_{W_i}ℒ‖ of each layer, of the network as it stands, over the mini-batch that it learned from last."""
        with np.errstate(all="ignore"):
            return [float(np.sqrt(np.vdot(G, G))) for G in self._gradients().W.values()]

    def _gradients(self) -> Any:
        rows = self.batch_rows
        with np.errstate(all="ignore"):
            return gradients(self.network, self.X_training[rows], self.y_training[rows])

    def validation_loss(self) -> float | None:
        """ℒ on the rows that are held out."""
        return None if self.validation is None else self.validation.judge(self.network)[0]

    def score(self) -> float | None:
        """Accuracy, or R², on the rows that are held out."""
        if self.validation is None:
            return None
        with np.errstate(all="ignore"):
            batch = self.validation.batch
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
    if given is not None:
        asked = settings.layers, settings.activation, head
        if asked == (given.sizes[1:-1], tuple(map(repr, given.activations)), given.head):
            return given
    sizes = [data.X.shape[1], *settings.layers, head.loss.outputs_for(data.outputs)]
    return Network.create(sizes, list(settings.activation), head.loss, output=head.output, rng=settings.seed)
