"""The networks of a run are trained: at once if there are several, each by its own rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from ...core.network import Network
from ...data.streams import MemoryMapped
from ...data.streams.rows import InFileRows
from ...distributed import Group
from ...engines.choose import COMPILED
from ...errors import DivergedError
from ...train import Callback, Checkpoint, Epoch, Progress, Shard, Training, fit, fit_many
from ...train import resume as go_on
from ...train.checkpoint import go_on_at
from .advice import TableDoctor
from .diagnosis import Tell
from .facts import RunFacts
from .folder import CHECKPOINT, HISTORY, Folder, numbered
from .history import History
from .metric_names import measure, metric_of
from .metrics import score_of_shares
from .model import output_of
from .options import Options, settings_of
from .prepare import Prepared, seeds_of
from .weights import validation_of

REFIT = "refit"  # the reason why a training on all rows ended: as many epochs as the folds took


@dataclass(frozen=True, slots=True)
class MemberProgress(Progress):
    """How far the training of network number ``member`` is, counted from 1, of ``members``."""

    member: int
    members: int


Watch = Callable[[MemberProgress], Any] | None


class _Until(Callback):
    """Ends training after so many epochs, without a change of its schedule."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch(self, epoch: Epoch) -> bool:
        return epoch.number >= self.epochs


def checkpoint_of(place: Folder | None, ready: Prepared, run: RunFacts, number: int) -> Checkpoint | None:
    """That of a training, counted from 0, if there is a folder; L-BFGS cannot be written down."""
    if place is None or not settings_of(run.options, 1).by_steps:
        return None
    path = place / numbered(CHECKPOINT, number, ready.plan.trainings)
    return Checkpoint(path, every_seconds=run.options.checkpoint_seconds, run=run.run)


def histories_of(place: Folder, ready: Prepared, group: Group, run: RunFacts, went_on: bool = False) -> list[History]:
    """What is noted of each training, with the epochs that its checkpoint has."""
    found, trainings = [], ready.plan.trainings
    for number in range(trainings):
        checkpoint, losses = checkpoint_of(place, ready, run, number), ((), ())
        if went_on and checkpoint is not None and Path(checkpoint.path).exists():
            state = go_on_at(checkpoint)[1].state
            losses = state.losses, state.validation_losses
        path = place / numbered(HISTORY, number, trainings) if place.writes else None
        follow = _follow(ready.beside(number), group, run.options.metric)
        found.append(History(path, follow, run.run, *losses, depth=ready.network.depth))
    return found


def _follow(ready: Prepared, group: Group, metric: str | None) -> Callable[[Network], float | None] | None:
    """The score on the validation set, for the history: the metric that was asked for, else accuracy or R²."""
    if "validation" not in ready.parts:
        return None
    X, y = ready.parts["validation"]
    truth, weight = ready.truth["validation"], ready.weights.get("validation")
    if metric is not None:
        all_weights = None if weight is None else group.concatenate(weight)
        return lambda network: measure(
            metric, ready.target, network.head, truth, group.concatenate(output_of([network], X)), all_weights
        )
    return lambda network: score_of_shares(ready.target, truth, y, output_of([network], X), group, weight)


def train_members(
    place: Folder | None,
    ready: Prepared,
    run: RunFacts,
    histories: Sequence[History],
    progress: Watch,
    tell: Tell,
    begun: Sequence[int] = (),
) -> list[Training]:
    """Every training of the plan; those whose numbers are in ``begun`` go on from their checkpoints.

    Without a ``place`` nothing is written.
    """
    team = _Team(place, ready, run, histories, progress, tell)
    trained = {number: team.go_on(number) for number in begun if number < team.together}
    trained |= team.train([number for number in range(team.together) if number not in trained])
    found = [trained[number] for number in range(team.together)]
    if ready.plan.is_refitted:
        until = _Until(round(median(kept_epoch(each, run.options) for each in found)))
        number = team.together
        found.append(team.go_on(number, until) if number in begun else team.refit(number, until))
    return found


def kept_epoch(training: Training, options: Options) -> int:
    """The epoch after which the network was as it is: with patience the best one, else the last."""
    return training.best_epoch if options.patience and training.best_epoch else len(training.losses)


class _Team:
    def __init__(
        self,
        place: Folder | None,
        ready: Prepared,
        run: RunFacts,
        histories: Sequence[History],
        progress: Watch,
        tell: Tell,
    ) -> None:
        self.place, self.ready, self.run, self.histories = place, ready, run, histories
        self.progress, self.tell, self.options = progress, tell, run.options
        plan = ready.plan
        self.together = plan.folds or plan.members
        held_out = 0 if ready.fold is None else len(ready.truth["training"]) // plan.folds
        self.settings = settings_of(run.options, len(ready.truth["training"]) - held_out)
        self.seeds = list(seeds_of(run.options.seed, plan.trainings))

    def train(self, numbers: Sequence[int]) -> dict[int, Training]:
        """Several at once, if the optimizer takes steps."""
        if len(numbers) < 2 or not self.settings.by_steps:
            return {number: self._fit(number) for number in numbers}
        X, y, *weight = self._data()
        each = [self._own(number) | {"rows": self.ready.seen(number)} for number in numbers]
        networks = [self.ready.networks[number] for number in numbers]
        try:
            found = fit_many(networks, X, y, *weight, each=each, **self._shared)
        except DivergedError as error:
            raise next(each for each in error.outcomes if isinstance(each, DivergedError)) from None
        return dict(zip(numbers, found, strict=True))

    def _fit(self, number: int) -> Training:
        data, own = self._data(number), self._own(number)
        data, own["validation"] = self._shards(data, own["validation"])
        return fit(self.ready.networks[number], *data, **self._shared, **own)

    def refit(self, number: int, until: Callback) -> Training:
        """On all rows, for so many epochs."""
        settings = replace(settings_of(self.options, len(self.ready.truth["training"])), patience=None)
        own = self._own(number)
        own["callbacks"] = [*own["callbacks"], until]
        shared = self._shared | settings.arguments()
        data, own["validation"] = self._shards(self._data(), None)
        return fit(self.ready.networks[number], *data, **shared, **own)

    def go_on(self, number: int, *callbacks: Callback) -> Training:
        """From the checkpoint of a training."""
        own, data = self._own(number), self._data(number)
        data, validation = self._shards(data, own["validation"])
        watchers = [*own["callbacks"], *callbacks]
        watched = {"callbacks": watchers, "progress": own["progress"]}
        return go_on(own["checkpoint"], *data, validation=validation, metric=own["metric"], **watched)

    @property
    def _shared(self) -> dict[str, Any]:
        return {**self.settings.arguments(), "class_weight": self.options.class_weight}

    def _own(self, number: int) -> dict[str, Any]:
        """What a training has of its own."""
        validation = validation_of(self.ready.beside(number), self.options)
        head = self.ready.network.head
        doctor = [TableDoctor(self.options, self.tell)] if self.options.diagnose and number == 0 else []
        return {
            "rng": self.seeds[number],
            "validation": validation,
            "metric": None if validation is None else metric_of(self.options.metric, self.ready.target, head),
            "callbacks": [*self.histories[number : number + 1], *doctor],
            "progress": None if self.progress is None else partial(self._tell_progress, number),
            "checkpoint": checkpoint_of(self.place, self.ready, self.run, number),
        }

    def _tell_progress(self, number: int, progress: Progress) -> None:
        assert self.progress is not None
        self.progress(MemberProgress(**asdict(progress), member=number + 1, members=self.ready.plan.trainings))

    def _data(self, number: int | None = None) -> tuple[Any, ...]:
        """X, y and perhaps weights: of all training rows, or of those that a training sees."""
        data: tuple[Any, ...] = self.ready.parts["training"]
        if "training" in self.ready.weights:
            data = (*data, self.ready.weights["training"])
        rows = None if number is None else self.ready.seen(number)
        return data if rows is None else tuple(array[rows] for array in data)

    def _shards(self, data: tuple[Any, ...], validation: Any) -> tuple[tuple[Any, ...], Any]:
        """Both: to be put together, where the engine can, from all processes; or to be read from files."""
        if isinstance(data[0], InFileRows):
            return (MemoryMapped(*data, buffer_bytes=self.ready.buffer_bytes),), validation
        if self.options.engine not in COMPILED:
            return data, validation
        return (Shard(*data),), Shard(*validation) if isinstance(validation, tuple) else validation
