"""A run of :func:`~backtalk.fit`: the loop, with the validation set, callbacks, checkpoints and a group around it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core.dropout import Dropout
from ..core.network import Network
from ..data.sources import Source
from ..engines.steps import ENDLESS, Measured, Steps, StepSettings, StepState
from ..errors import InputError, InputTypeError, ProcessLostError
from .agreement import require_equal_states
from .callbacks import Watchers
from .checkpoint import Checkpoint, Snapshot, Writer, require_place
from .history import History
from .interrupt import held_back, noted
from .loop import Event, Loop
from .privacy import PrivacyPlan, PrivacySpent
from .recorder import Recorder
from .recording import Recording
from .records import Epoch, Progress, Training, TrainingInterrupted
from .schedules import StepPosition
from .settings import DataSettings, TrainSettings
from .state import TrainState, rng_from_json
from .validation import AnyValidation


class Run:
    """The loop with what watches over it."""

    settings: TrainSettings
    data: DataSettings
    validation: AnyValidation | None
    watchers: Watchers
    plan: PrivacyPlan | None
    start: Network
    state: TrainState
    history: History
    dropout: Dropout | None
    step_settings: StepSettings
    examples: int
    writer: Writer | None
    recorder: Recorder | None
    recording_file: Path | None
    steps_of_best: int
    loop: Loop

    def __init__(
        self,
        network: Network,
        settings: TrainSettings,
        data: DataSettings,
        kind: type[Steps],
        source: Source,
        validation: AnyValidation | None,
        state: TrainState,
        generator: np.random.Generator,
        checkpoint: Checkpoint | None,
        watchers: Watchers,
    ) -> None:
        self.settings, self.data, self.validation, self.watchers = settings, data, validation, watchers
        batch_size, self.plan = settings.batch_for(source.count), None
        if settings.privacy is not None:
            self.plan = PrivacyPlan.of(settings.privacy, network, source, batch_size, settings.epochs)
            self._require_unseen_choices()
            state = replace(state, noise_multiplier=self.plan.noise_multiplier)
        self.start, self.state, self.history = network, state, History(settings, state, metric=data.metric)
        Dropout(settings.dropout).levels(network.depth - 1)  # refuses a list that does not fit
        self.dropout = None
        if settings.drops:
            self.dropout = Dropout(settings.dropout, seed=int(generator.integers(2**64, dtype=np.uint64)))
        self.step_settings = StepSettings(
            settings.optimizer,
            l2_penalty=float(settings.l2_penalty),
            clip_norm=None if settings.clip_norm is None else float(settings.clip_norm),
            dropout=self.dropout,
            measure_every=settings.measure_every,
            group=watchers.group,
        )
        self.examples = source.count
        self.writer = None if checkpoint is None else Writer(checkpoint, writes=watchers.group.is_first)
        self._open(kind, source, batch_size, generator)
        settings.schedule.require_steps(settings.epochs * self.loop.steps_per_epoch)
        self.recorder = None
        self.recording_file = None
        self.steps_of_best = 0  # until the network of the best epoch

    def _open(self, kind: type[Steps], source: Source, batch_size: int, generator: np.random.Generator) -> None:
        """The loop before its first step."""
        if self.plan is not None:
            source, batch_size = self.plan.samples, 1
            self.step_settings = replace(self.step_settings, private=self.plan.step_settings)
        steps = kind(self.start, self.step_settings)
        self.loop = Loop(steps, source, batch_size, generator, self._rates, self._most, self.watchers.group)

    def _require_unseen_choices(self) -> None:
        """Refuse what is decided by the loss of the private examples, which has no noise."""
        settings = self.settings
        for name, is_so in (("patience", settings.patience), ("schedule", settings.schedule.follows_loss)):
            if is_so and self.validation is None:
                raise InputError(
                    f"{name} is {getattr(settings, name)!r} with privacy, but without a validation set it follows the "
                    "loss of the private examples, which has no noise: give validation=(X, y) of other examples."
                )

    def record(self, given: bool | str | os.PathLike[str]) -> None:
        """Keep what is needed to take the steps again, and write it if a file is given; before the first step."""
        if isinstance(given, str | os.PathLike):
            self.recording_file = Path(given)
            require_place(self.recording_file, "record")
        elif not isinstance(given, bool):
            raise InputTypeError(f"record is {given!r}, expected True, False or the name of a file.")
        if not given:
            return
        if self.plan is not None:
            raise InputError("record is given with privacy: the steps of a private run are not to be taken again.")
        if self.watchers.group.count > 1:
            raise InputError("record is given, but several processes train together: record a run of one process.")
        steps = self.loop.steps
        self.recorder = Recorder(self.loop.source, self.start, steps.state() if steps.step else None)

    def start_from(self, steps: StepState) -> None:
        """Begin with the optimizer's state of an earlier training."""
        if self.plan is not None:
            raise InputError(
                "state is given with privacy, which would not count the training that it comes from: leave it out, or "
                "go on from a checkpoint."
            )
        optimizer = self.settings.optimizer
        if not isinstance(steps, StepState):
            raise InputTypeError(f"state is a {type(steps).__name__}, expected the state of an earlier training.")
        if set(steps.arrays) != set(optimizer.families):
            kept = ", ".join(steps.arrays)
            raise InputError(f"state holds {kept}, which is not of {optimizer!r}: use the same optimizer.")
        shapes = [tuple(part.shape) for part in (*self.start.W.values(), *self.start.b.values())]
        if any([tuple(part.shape) for part in family] != shapes for family in steps.arrays.values()):
            raise InputError("state is of a network with other layers, expected the network of that training.")
        require_equal_states(self.watchers.group, steps)
        self.loop.steps.restore(self.start, replace(steps, measured=Measured()))  # of an epoch of that training
        self.loop.begin_epoch()
        self.state = replace(self.state, origin=steps.step)

    def go_on(self, snapshot: Snapshot) -> None:
        """Stand where a checkpoint was written, whose network is the one that this run was made with."""
        require_equal_states(self.watchers.group, snapshot.steps)
        if snapshot.state.data != self.state.data:
            raise InputError(
                "X, y or sample_weight are not those that this run was trained on: expected the same data."
            )
        done, epochs, reason = len(snapshot.state.losses), self.settings.epochs, snapshot.state.reason
        if done > epochs:
            raise InputError(f"epochs is {epochs}, but this run has done {done}: expected more.")
        if self.plan is not None:
            self._go_on_privately(snapshot)
        ended = reason == "patience" or done >= epochs
        self.state = replace(snapshot.state, reason=(reason or "epochs") if ended else None)
        best = None if snapshot.best is None else snapshot.best.to(self.start.spec.xp, device=self.start.spec.device)
        self.history = History(self.settings, self.state, best, self.data.metric)
        self.loop.steps.restore(self.start, snapshot.steps)
        self.loop.position = self.state.position
        self.loop.generator = rng_from_json(self.state.position.rng_at_epoch)

    def _go_on_privately(self, snapshot: Snapshot) -> None:
        """Keep the noise of the run; without a seed its key is new, so that none of it comes twice."""
        assert self.plan is not None
        planned, target = snapshot.settings.epochs, self.plan.privacy.target_epsilon
        if target is not None and self.settings.epochs != planned:
            raise InputError(
                f"epochs is {self.settings.epochs}, but the noise of this run was chosen for {planned}, which together "
                f"have an ε of {target:g}: expected {planned}."
            )
        noise = snapshot.state.noise_multiplier
        if noise is None:
            raise InputError("the checkpoint is of a private run, but lacks its noise_multiplier: it was changed.")
        self.plan = self.plan.with_noise(noise)
        self._open(type(self.loop.steps), self.plan.source, self.plan.batch_size, self.loop.generator)

    def train(self) -> Training:
        """Steps until the end, or until somebody says so."""
        self.begin()
        try:
            with noted(self.watchers.group) as interrupted:
                for _ in self.chunks(interrupted):
                    pass
        except KeyboardInterrupt:
            raise TrainingInterrupted(self.end("interrupted")) from None
        except ProcessLostError as error:
            error.checkpoint = self._write_alone()
            raise
        return self.end()

    def begin(self) -> None:
        """Tell those who watch; the first chunk of steps comes next."""
        facts = facts_of(self.start, self.settings, self.data, self.dropout)
        self.watchers.begin(facts, self.loop.steps.network)

    def chunks(self, interrupted: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Take all steps; whoever asks for the next chunk may do so from another thread each time."""
        if self.history.reason:  # the run had ended
            return
        loop, group = self.loop, self.watchers.group
        for event in loop.events():
            if event is Event.LOADED and self.recorder is not None and isinstance(loop.order, np.ndarray):
                self.recorder.note(loop.order, loop.epoch_rates)
            elif event is Event.STEPS:
                due, stop = group.any_of([self._is_due(), interrupted()])
                if stop:
                    raise KeyboardInterrupt
                if due:
                    self._write()
                if self.watchers.after_steps(self._progress):
                    self.history.reason = "callback"
            elif event is Event.EPOCH:
                with held_back():  # who is told of an epoch is told of each that a checkpoint holds
                    self._close_epoch()
            if self.history.reason:
                return
            yield

    def end(self, reason: str | None = None) -> Training:
        """The result as it stands after the last chunk, written down and told."""
        self._write()
        steps = self.loop.steps
        training = self.history.training(steps.network, reason or str(self.history.reason), steps.state())
        training = replace(training, privacy=self._spent())
        if self.recorder is not None:
            is_best = training.network is self.history.best_network
            taken = self.steps_of_best if is_best else steps.step - self.state.origin
            record = self.recorder.recording(steps, self.step_settings, self.loop.batch_size, training.network, taken)
            training = replace(training, record=record)
            if self.recording_file is not None:
                self._write_recording(record, self.recording_file)
        return self.watchers.end(training)

    @staticmethod
    def _write_recording(recording: Recording, path: Path) -> None:
        try:
            recording.save(path)
        except OSError as error:
            reason = error.strerror or str(error)
            warnings.warn(f"{path} was not written ({reason}): training.record.save(…) does it.", stacklevel=4)

    def _close_epoch(self) -> None:
        """Judge the epoch, tell of it, and begin the next one."""
        loop, watchers, position = self.loop, self.watchers, self.loop.position
        if not position.weight > 0 and self.plan is None:
            raise InputError("sample_weight is 0 for every example that is trained on, expected one above 0.")
        loss = position.loss / position.weight if position.weight else np.nan  # no step had an example
        validation_loss, metric, network = None, None, None
        if self.validation or watchers.want_epochs or self.settings.patience:
            network = loop.steps.network
        if self.validation is not None and network is not None:
            validation_loss, metric = self.validation.judge(network, watchers.group)
        self.history.note(network, loss, validation_loss, metric)
        if network is not None and self.history.best_network is network:
            self.steps_of_best = loop.steps.step - self.state.origin
        rate = float(loop.epoch_rates[-1])
        loop.begin_epoch()
        if network is not None and watchers.want_epochs:
            number, measures = len(self.history.losses), loop.steps.measures()
            epoch = Epoch(number, loss, network, measures, validation_loss, rate, metric, self._spent())
            if watchers.after_epoch(epoch):
                self.history.reason = self.history.reason or "callback"

    def _spent(self) -> PrivacySpent | None:
        return None if self.plan is None else self.plan.spent(self.loop.steps.step)

    def _rates(self) -> np.ndarray:
        """The learning rate of each step of an epoch."""
        in_epoch = self.loop.steps_per_epoch
        number, step = len(self.history.losses) + 1, self.loop.position.epoch_began_at - self.state.origin
        position = StepPosition(number, step, in_epoch, self.settings.epochs * in_epoch)
        return self.settings.optimizer.learning_rate * self.settings.schedule.factors(position, self.history.schedule)

    def _most(self) -> int:
        """The steps until the next checkpoint that is due by its number."""
        left = self.writer.steps_left(self.loop.steps.step) if self.writer else None
        return ENDLESS if left is None else left

    def _progress(self) -> Progress:
        loop, position = self.loop, self.loop.position
        mean = position.loss / position.weight if position.weight else np.nan
        number, done = len(self.history.losses) + 1, position.row + loop.rows_before
        if self.plan is not None:  # steps, which have so many examples on average
            done = done * self.examples // loop.source.count
        return Progress(number, self.settings.epochs, done, self.examples, loop.steps.step, mean)

    # Checkpoints

    def _is_due(self) -> bool:
        return self.writer is not None and self.writer.is_due(self.loop.steps.step)

    def _write(self) -> None:
        if self.writer is None:
            return
        steps, history = self.loop.steps, self.history
        steps.require_finite()
        state = replace(
            self.state,
            position=self.loop.position,
            best=history.best,
            schedule=history.schedule,
            losses=tuple(history.losses),
            validation_losses=tuple(history.validation_losses),
            validation_metrics=tuple(history.validation_metrics),
            reason=history.reason,
        )
        best = history.best_network
        self.writer.write(Snapshot(steps.network, steps.state(), best, self.settings, self.data, state))

    def _write_alone(self) -> str | None:
        """After another process was lost: a checkpoint of where all stood last, if one process can write it."""
        if self.writer is None:
            return None
        if not self.writer.was_replaced():  # by a run that went on from it, while this process slept
            with suppress(ProcessLostError):  # where the parameters lie in parts, some are lost
                self._write()
        return os.fspath(self.writer.checkpoint.path)


def facts_of(
    network: Network, settings: TrainSettings, data: DataSettings, dropout: Dropout | None = None
) -> dict[str, Any]:
    """The settings of a run as callbacks are told them: numbers, texts and None."""
    optimizer = settings.optimizer
    return (
        settings.to_dict()
        | data.to_dict()
        | {
            "learning_rate": optimizer.learning_rate if settings.by_steps else None,
            "dropout_seed": None if dropout is None else dropout.seed,
            "sizes": list(network.sizes),
            "activations": list(map(repr, network.activations)),
            "loss": repr(network.loss),
        }
    )
