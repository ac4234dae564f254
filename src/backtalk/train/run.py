"""A run of training: where it stands, from the first step to the last, so that it can be written down and go on."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from .. import distributed as cluster
from ..core.arrays import Array
from ..core.batch import Examples, diverged
from ..core.dropout import Dropout
from ..core.inputs import as_target, as_weight
from ..core.network import Network
from ..core.optimizers import LBFGS, Optimizer
from ..data.sources import InMemory, Source
from ..engines.native.steps import NativeSteps
from ..engines.steps import ENDLESS, Steps, StepSettings, StepState
from ..errors import InputError, InputTypeError, ProcessLostError
from .agreement import agree_on, agree_on_state
from .callbacks import Callback, is_true
from .checkpoint import FACTS, Checkpoint, Snapshot, Writer, rng_from_json, rng_to_json
from .interrupt import held_back, noted
from .lbfgs import minimize
from .records import Epoch, Progress, Training, TrainingInterrupted
from .schedules import ScheduleState, StepPosition
from .settings import Plan
from .validation import ValidationSet

Watch = Callable[[Progress], Any] | None


class Run:
    """Everything that training keeps between two chunks of steps."""

    def __init__(
        self,
        network: Network,
        plan: Plan,
        kind: Callable[[Network, StepSettings], Steps],
        source: Source,
        generator: np.random.Generator,
        own_validation: ValidationSet | None,
        checkpoint: Checkpoint | None,
        together: bool = False,
    ) -> None:
        self.plan, self.generator, self.kind, self.together = plan, generator, kind, together
        self.data = source.fingerprint() if together or checkpoint is not None else None
        if together:
            generator.bit_generator.state = cluster.gather(rng_to_json(generator))[0]
            agree_on(network, self.data, own_validation)
        self.own_validation = own_validation is not None
        self.rng_at_start = rng_to_json(generator)
        self.source, self.validation = _split(network, plan, source, generator, own_validation)
        self.start = network
        Dropout(plan.dropout).levels(network.depth - 1)  # refuses a list that does not fit
        dropout = None
        if plan.drops:
            dropout = Dropout(plan.dropout, seed=int(generator.integers(2**64, dtype=np.uint64)))
        if isinstance(plan.optimizer, Optimizer):
            settings = StepSettings(
                plan.optimizer,
                l2_penalty=float(plan.l2_penalty),
                clip_norm=None if plan.clip_norm is None else float(plan.clip_norm),
                dropout=dropout,
                measure_every=plan.measure_every,
            )
            self.steps: Steps = kind(network, settings)
        self.writer = None if checkpoint is None else Writer(checkpoint, writes=not together or cluster.index() == 0)
        self.batch_size = min(plan.batch_size, max(self.source.count, 1))
        self.dropout_seed = None if dropout is None else dropout.seed
        self.origin = 0  # updates that were made before this run
        self.epoch_began_at = 0  # updates before this epoch
        self.rng_at_epoch = rng_to_json(generator)
        self.part, self.row, self.loss, self.weight = 0, 0, 0.0, 0.0  # within the epoch
        self.rows_before = 0  # in the parts of the epoch that are done
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.best: Network | None = None
        self.best_epoch, self.best_loss, self.waited = None, math.inf, 0
        self.memory = ScheduleState()
        self.reason: str | None = None

    def start_from(self, network: Network, state: StepState) -> None:
        """Begin with the optimizer's state of an earlier training."""
        assert isinstance(self.plan.optimizer, Optimizer)
        if not isinstance(state, StepState):
            raise InputTypeError(f"state is a {type(state).__name__}, expected the state of an earlier training.")
        if set(state.arrays) != set(self.plan.optimizer.families):
            kept = ", ".join(state.arrays)
            raise InputError(f"state holds {kept}, which is not of {self.plan.optimizer!r}: use the same optimizer.")
        shapes = [tuple(part.shape) for part in (*network.W.values(), *network.b.values())]
        if any([tuple(part.shape) for part in family] != shapes for family in state.arrays.values()):
            raise InputError("state is of a network with other layers, expected the network of that training.")
        if self.together:
            agree_on_state(state)
        self.steps.restore(network, state)
        self.origin = self.epoch_began_at = state.step

    def train(self, callbacks: list[Callback], progress: Watch) -> Training:
        """Steps until the end, or until somebody says so."""
        self._begin(callbacks)
        try:
            with noted() if self.together else nullcontext(lambda: False) as interrupted:
                self.interrupted = interrupted
                while self.reason is None:
                    self._epoch(callbacks, progress)
        except KeyboardInterrupt:
            self._write()
            raise TrainingInterrupted(self._end(callbacks, "interrupted")) from None
        except ProcessLostError as error:
            raise ProcessLostError(f"{error}{self._write_alone()}") from error
        self._write()
        return self._end(callbacks, self.reason)

    def _begin(self, callbacks: list[Callback]) -> None:
        network, optimizer = self.start, self.plan.optimizer
        settings = self.plan.to_dict() | {
            "learning_rate": optimizer.learning_rate if isinstance(optimizer, Optimizer) else None,
            "dropout_seed": self.dropout_seed,
            "sizes": list(network.sizes),
            "activations": list(map(repr, network.activations)),
            "loss": repr(network.loss),
        }
        for callback in callbacks:
            callback.on_start(settings)

    def _end(self, callbacks: list[Callback], reason: str) -> Training:
        network = self.best if self.best is not None else self.network
        state = self.steps.state() if self.plan.by_steps else None
        losses, validation_losses = tuple(self.losses), tuple(self.validation_losses)
        training = Training(network, losses, validation_losses, self.best_epoch, reason, state)
        for callback in callbacks:
            callback.on_end(training)
        return training

    @property
    def network(self) -> Network:
        """The network as it stands."""
        return self.steps.network if self.plan.by_steps else self.found

    def _epoch(self, callbacks: list[Callback], progress: Watch) -> None:
        rates, self.rows_before = self._rates(), 0
        for number, part in enumerate(self.source.parts(self.generator, self.batch_size)):
            if number < self.part:
                self.rows_before += part.count
                continue
            examples, order = cluster.together(part.load) if self.together else part.load()
            self.steps.use(examples)
            while self.row < len(order):
                with held_back():
                    self._take(order, rates)
                due = self.writer is not None and self.writer.is_due(self.steps.step)
                if not self.together and due:
                    self._write()
                failed, stop = self._asked(lambda: progress is not None and is_true(progress(self._progress())))
                if self.together:
                    flags = [due, stop, self.interrupted(), failed is not None]
                    due, stop, interrupted, any_failed = cluster.any_of(flags)
                    self._end_where(any_failed, failed)
                    if interrupted:
                        raise KeyboardInterrupt
                    if due:
                        self._write()
                if stop:
                    self.reason = "callback"
                    return
            with held_back():
                self.part, self.row = self.part + 1, 0
                self.rows_before += part.count
        with held_back():  # who is told of an epoch is told of each that a checkpoint holds
            epoch = self._close_epoch(bool(callbacks) or self.together, float(rates[-1]))
            if epoch is not None:
                self._tell(callbacks, epoch)

    def _tell(self, callbacks: list[Callback], epoch: Epoch) -> None:
        def tell() -> bool:
            answers = [callback.on_epoch(epoch) for callback in callbacks]  # each of them is told
            return any(map(is_true, answers))

        failed, stop = self._asked(tell)
        if self.together:
            stop, any_failed = cluster.any_of([stop, failed is not None])
            self._end_where(any_failed, failed)
        if stop:
            self.reason = self.reason or "callback"

    def _asked(self, question: Callable[[], bool]) -> tuple[BaseException | None, bool]:
        """The answer of the user's function; in a cluster also its error, which ends training in all processes."""
        if not self.together:
            return None, question()
        try:
            return None, question()
        except (Exception, SystemExit) as error:
            return error, False

    def _end_where(self, any_failed: bool, failed: BaseException | None) -> None:
        if failed is not None:
            raise failed
        if any_failed:
            raise ProcessLostError("a callback raised an error in another process: training stops; see what it said.")

    def _rates(self) -> np.ndarray:
        """The learning rate of each step of this epoch."""
        assert isinstance(self.plan.optimizer, Optimizer)
        in_epoch = -(-self.source.count // self.batch_size)
        number = len(self.losses) + 1
        place = StepPosition(number, self.epoch_began_at - self.origin, in_epoch, self.plan.epochs * in_epoch)
        return self.plan.optimizer.learning_rate * self.plan.schedule.factors(place, self.memory)

    def _take(self, order: np.ndarray, rates: np.ndarray) -> None:
        left = self.writer.steps_left(self.steps.step) if self.writer else None
        taken = self.steps.take(
            order,
            self.row,
            self.batch_size,
            rates[self.steps.step - self.epoch_began_at :],
            most=ENDLESS if left is None else left,
            loss=self.loss,
            weight=self.weight,
        )
        if not math.isfinite(taken.loss):  # each loss is finite, but not their sum, or not with the penalty
            raise diverged(self.steps.network, None, self.steps.network, self.steps.step)
        self.row, self.loss, self.weight = taken.place, taken.loss, taken.weight

    def _close_epoch(self, told: bool, rate: float) -> Epoch | None:
        """Judge the epoch, and begin the next one; what happened in it, where somebody is told."""
        if not self.weight > 0:
            raise InputError("sample_weight is 0 for every example that is trained on, expected one above 0.")
        loss, validation_loss = self.loss / self.weight, None
        network = self.steps.network if self.validation or told or self.plan.patience else None
        if self.validation is not None and network is not None:
            validation_loss = self._validation_loss(self.validation, network)
            self.validation_losses.append(validation_loss)
        self.losses.append(loss)
        watched = loss if validation_loss is None else validation_loss
        self._note(watched, network)
        self.memory = self.plan.schedule.after_epoch(watched, self.memory)
        self.part, self.row, self.loss, self.weight = 0, 0, 0.0, 0.0
        self.epoch_began_at, self.rng_at_epoch = self.steps.step, rng_to_json(self.generator)
        if network is None or not told:
            return None
        return Epoch(len(self.losses), loss, network, self.steps.measures(), validation_loss, rate)

    def _validation_loss(self, validation: ValidationSet, network: Network) -> float:
        """The loss on the validation set; in a cluster the same number in every process, since it decides."""
        own = validation.loss(network)
        if not self.together:
            return own
        parts = cluster.gather(own)
        return sum(parts) if validation.shared else parts[0]

    def _note(self, watched: float, network: Network | None) -> None:
        """Keep the best network, and see whether training has come to its end."""
        self.waited = 0 if watched < self.best_loss - self.plan.tolerance else self.waited + 1
        if watched < self.best_loss:
            self.best_loss, self.best_epoch = watched, len(self.losses)
            self.best = network if self.plan.patience else None
        if len(self.losses) >= self.plan.epochs:
            self.reason = "epochs"
        elif self.plan.patience and self.waited >= self.plan.patience:
            self.reason = "patience"

    def _progress(self) -> Progress:
        done = self.row + self.rows_before
        mean = self.loss / self.weight if self.weight else math.nan
        return Progress(len(self.losses) + 1, self.plan.epochs, done, self.source.count, self.steps.step, mean)

    def _write(self) -> None:
        if self.writer is not None:
            self.steps.require_finite()
            self.writer.write(Snapshot(self.steps.network, self.steps.state(), self.best, self.plan, self._facts()))

    def _write_alone(self) -> str:
        """After another process was lost: a checkpoint of where all stood last, where one process can write it."""
        if self.writer is None:
            return ""
        if not self.writer.was_replaced():  # by a run that went on from it, while this process slept
            with suppress(ProcessLostError):  # where the parameters lie in parts, some are lost
                self._write()
        path = os.fspath(self.writer.checkpoint.path)
        return f" The checkpoint {path} goes on, also with another number of processes."

    def _facts(self) -> dict[str, Any]:
        best = self.best_loss if math.isfinite(self.best_loss) else None
        memory = asdict(self.memory)
        memory["best"] = memory["best"] if math.isfinite(memory["best"]) else None
        return {name: getattr(self, name) for name in FACTS} | {"best_loss": best, "memory": memory}

    def go_on(self, snapshot: Snapshot) -> None:
        """Stand where a checkpoint was written, whose network is the one that this run was made with."""
        facts = snapshot.facts
        if self.together:
            agree_on_state(snapshot.state)
        if facts["data"] != self.data:
            raise InputError(
                "X, y or sample_weight are not those that this run was trained on: expected the same data."
            )
        for name in ("epoch_began_at", "part", "row", "loss", "weight", "best_epoch", "waited", "origin"):
            setattr(self, name, facts[name])
        self.losses, self.validation_losses = list(facts["losses"]), list(facts["validation_losses"])
        if len(self.losses) > self.plan.epochs:
            raise InputError(f"epochs is {self.plan.epochs}, but this run has done {len(self.losses)}: expected more.")
        self.best_loss = math.inf if facts["best_loss"] is None else facts["best_loss"]
        memory = facts["memory"]
        self.memory = ScheduleState(**(memory | {"best": math.inf if memory["best"] is None else memory["best"]}))
        self.best = snapshot.best and self.start.replace(*map(self._at_spec, snapshot.best.to_lists()))
        self.rng_at_epoch = facts["rng_at_epoch"]
        self.generator = rng_from_json(self.rng_at_epoch)
        self.steps.restore(self.start, snapshot.state)
        ended = facts["reason"] == "patience" or len(self.losses) >= self.plan.epochs
        self.reason = (facts["reason"] or "epochs") if ended else None

    def _at_spec(self, arrays: list[np.ndarray]) -> list[Array]:
        spec = self.start.spec
        return [spec.xp.asarray(np.array(array), dtype=spec.dtype, device=spec.device) for array in arrays]

    def search(self, callbacks: list[Callback], progress: Watch) -> Training:
        """L-BFGS: iterations in the place of epochs."""
        assert isinstance(self.plan.optimizer, LBFGS)
        assert isinstance(self.source, InMemory)
        self.found = self.start
        self._begin(callbacks)

        def iteration(network: Network, loss: float) -> bool:
            self.found = network
            self.losses.append(loss)
            validation_loss = self.validation.loss(network) if self.validation else None
            if validation_loss is not None:
                self.validation_losses.append(validation_loss)
            self._note(loss if validation_loss is None else validation_loss, network)
            self._tell(callbacks, Epoch(len(self.losses), loss, network, (), validation_loss))
            count, number = self.source.count, len(self.losses)
            if progress and is_true(progress(Progress(number, self.plan.epochs, count, count, number, loss))):
                self.reason = self.reason or "callback"
            return self.reason is not None

        try:
            found = minimize(
                self.start,
                self.source.chosen(),
                l2_penalty=float(self.plan.l2_penalty),
                iterations=self.plan.epochs,
                options=self.plan.optimizer,
                by_kernels=self.kind is NativeSteps,
                callback=iteration,
            )
        except KeyboardInterrupt:
            raise TrainingInterrupted(self._end(callbacks, "interrupted")) from None
        self.found = found.network
        return self._end(callbacks, self.reason or ("converged" if found.converged else "evaluations"))


def _split(
    network: Network, plan: Plan, source: Source, generator: np.random.Generator, own: ValidationSet | None
) -> tuple[Source, ValidationSet | None]:
    """What is trained on, and the validation set."""
    if plan.validation is None:
        return source, own
    assert isinstance(source, InMemory)
    count = source.count
    held_out = max(1, round(count * plan.validation))
    if held_out >= count:
        raise InputError(f"validation is {plan.validation}, which leaves none of {count} rows to train on.")
    order = generator.permutation(count)
    rows, examples = np.sort(order[held_out:]), source.examples
    plain = replace(examples, weight=source.sample_weight)  # a validation set knows no class weights
    return InMemory(examples, rows), _validation_of(network, plain, np.sort(order[:held_out]))


def _validation_of(network: Network, examples: Examples, rows: np.ndarray) -> ValidationSet:
    held_out = InMemory(examples, rows).chosen()
    target = held_out.target
    if target is None:
        target = as_target(network, held_out.labels, len(rows))
    return ValidationSet(held_out.X, target, as_weight(network, held_out.weight, len(rows)))
