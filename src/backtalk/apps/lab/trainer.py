"""A network in training: the steps are backtalk's own, taken one at a time or some at once.

What it learns equals, to the bit, what :func:`~backtalk.fit` learns from the same rows with the same seed.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ...analysis.diagnose.telemetry import Recorder
from ...core.batch import Examples
from ...core.inputs import as_input, as_labels, as_target
from ...core.losses import BinaryCrossEntropy, CrossEntropy
from ...core.network import Network
from ...data.sources import InMemory
from ...engines.choose import kind_of_steps
from ...engines.formula import FormulaSteps
from ...engines.passes import forward, gradients
from ...engines.steps import Steps, StepSettings
from ...errors import DivergedError, InputError
from ...train import Epoch
from ...train.validation import ValidationSet
from .datasets import LabData
from .settings import Settings, with_rate

MOST_HELD_OUT = 2000  # rows that the loss and the score of each frame are computed on
MEASURED_IN_EPOCH = 5  # steps whose norms are kept for the doctor
PATIENCE = 0.25  # seconds of steps, after which a frame is due whatever was asked for


class Trainer:
    """One configuration, from its first step on. Not for two threads at once: its session sees to that."""

    def __init__(self, settings: Settings, data: LabData) -> None:
        self.settings, self.data = settings, data
        self.start = first_network(settings, data)
        X, y, rows = data.X, data.y, data.training
        as_target(self.start, y, len(X))  # refuses a y that the loss cannot take, also in a row that is held out
        self.X = np.ascontiguousarray(as_input(self.start, X))
        held_out = data.held_out[:MOST_HELD_OUT]
        self.rows_held_out = held_out
        self.validation = ValidationSet.of(self.start, (self.X[held_out], y[held_out])) if len(held_out) else None
        self.batch = min(settings.batch, len(rows))
        optimizer = settings.made_optimizer()
        self.kind = kind_of_steps("auto", self.start, optimizer)
        X, y = self.X[rows], y[rows]
        labels = as_labels(self.start, y, len(X)) if self.kind is not FormulaSteps else None
        target = as_target(self.start, y, len(X)) if labels is None else None
        self.X_training, self.y_training = X, y
        self.source = InMemory(Examples(X, target, labels, None))
        self.reset()

    def reset(self) -> None:
        """Back to the first step."""
        in_epoch = -(-self.source.count // self.batch)
        measured = max(1, in_epoch // MEASURED_IN_EPOCH)
        optimizer = self.settings.made_optimizer()
        self.steps: Steps = self.kind(self.start, StepSettings(optimizer, measure_every=measured))
        self.network, self.step, self.stopped = self.start, 0, ""
        self.generator = np.random.default_rng(self.settings.seed)
        self.epochs, self.loss = 0, math.nan
        self.recorder = Recorder()
        self.recorder.settings = {
            "learning_rate": self.settings.rate,
            "batch_size": self.batch,
            "optimizer": repr(optimizer),
            "l2_penalty": 0.0,
            "dropout": 0.0,
        }
        self._begin_epoch()
        self.batch_rows = self.next_rows()

    def set_rate(self, rate: Any) -> None:
        """Another learning rate, from the next step on."""
        self.settings = with_rate(self.settings, rate)

    def _begin_epoch(self) -> None:
        (part,) = self.source.parts(self.generator, self.batch)
        examples, self.order = part.load()
        self.steps.use(examples)
        self.place, self.epoch_loss, self.epoch_weight = 0, 0.0, 0.0

    def next_rows(self) -> np.ndarray:
        """The mini-batch of the next step, as rows of the training set."""
        return self.order[self.place : self.place + self.batch]

    @property
    def epoch(self) -> float:
        """How many times the rows were gone through."""
        return self.epochs + self.place / len(self.order)

    def require_going(self) -> None:
        """Refuse to go on where training diverged."""
        if self.stopped:
            raise InputError(f"{self.stopped}: reset it, and choose a smaller learning rate.")

    def advance(self, count: int = 1) -> None:
        """Take so many steps, or as many as there is time for; at least one.

        Raises :class:`~backtalk.errors.DivergedError`; the network is then the last good one.
        """
        self.require_going()
        until, left = time.monotonic() + PATIENCE, count
        loss = weight = 0.0
        rates = np.full(count, self.settings.rate)
        try:
            while left > 0 and (left == count or time.monotonic() < until):
                before = self.place
                # of the last step alone its mini-batch is known, so that it can be measured
                taken = self.steps.take(self.order, before, self.batch, rates[:left], most=left)
                if not math.isfinite(taken.loss):
                    raise _diverged(self.steps.network, self.steps.step)
                loss, weight = loss + taken.loss, weight + taken.weight
                self.epoch_loss, self.epoch_weight = self.epoch_loss + taken.loss, self.epoch_weight + taken.weight
                self.place, left = taken.place, left - taken.steps
                last = before + (taken.steps - 1) * self.batch
                self.batch_rows = self.order[last : last + self.batch]
                if self.place >= len(self.order):
                    self._close_epoch()
        except DivergedError as error:
            self.network, self.step = error.network, error.step - 1
            self.stopped = f"training diverged at step {error.step}"
            raise
        self.network, self.step, self.loss = self.steps.network, self.steps.step, loss / weight

    def _close_epoch(self) -> None:
        self.epochs += 1
        network = self.steps.network
        held_out = None if self.validation is None else self.validation.loss(network)
        mean = self.epoch_loss / self.epoch_weight
        self.recorder.note(
            Epoch(self.epochs, mean, network, self.steps.measures(), held_out, self.settings.rate),
        )
        self._begin_epoch()

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
        return None if self.validation is None else self.validation.loss(self.network)

    def score(self) -> float | None:
        """Accuracy, or R², on the rows that are held out."""
        if self.validation is None:
            return None
        with np.errstate(all="ignore"):
            yhat, target = forward(self.network, self.validation.X).output, self.validation.target
            if isinstance(self.network.loss, CrossEntropy):
                return float((yhat.argmax(axis=1) == target.argmax(axis=1)).mean())
            if isinstance(self.network.loss, BinaryCrossEntropy):
                return float(((yhat > 0.5) == (target > 0.5)).mean())
            spread = ((target - target.mean(axis=0)) ** 2).sum()
            return float(1 - ((yhat - target) ** 2).sum() / spread) if spread > 0 else None


def first_network(settings: Settings, data: LabData) -> Network:
    """The network before training: the given one where the layers are its own, else a random one."""
    given = data.network
    if given is not None:
        asked = settings.layers, settings.activation
        if asked == (given.sizes[1:-1], tuple(map(repr, given.activations))):
            return given
    sizes = [data.X.shape[1], *settings.layers, data.outputs]
    return Network.create(sizes, list(settings.activation), data.loss, rng=settings.seed)


def _diverged(network: Network, step: int) -> DivergedError:
    return DivergedError(
        f"training diverged at step {step}: the sum of the losses is no longer finite; use a smaller learning rate.",
        network=network,
        step=step,
        quantity="loss",
        layer=network.depth,
    )
