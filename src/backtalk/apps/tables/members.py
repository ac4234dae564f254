"""The networks of a run are trained: at once if there are several, each by its own rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ...core.inputs import as_target
from ...core.network import Network
from ...data.streams import MemoryMapped
from ...data.streams.rows import InFileRows
from ...distributed import Group
from ...engines.choose import COMPILED
from ...errors import DivergedError
from ...train import Callback, Checkpoint, Epoch, Progress, Shard, Training, fit, fit_many
from ...train import resume as go_on
from ...train.checkpoint import go_on_at
from ...train.settings import TrainSettings
from .advice import TableDoctor
from .blend import blend
from .diagnosis import Tell
from .facts import RunFacts
from .folder import CHECKPOINT, HISTORY, Folder, numbered
from .history import History
from .metric_names import measure, metric_of
from .metrics import score_of_shares
from .model import end_of, output_of
from .options import Options, settings_of
from .prepare import seeds_of
from .prepared import Prepared
from .time_limit import TIME_IS_OVER, TimeLimit
from .weights import validation_of, weights_of

REFIT = "refit"  # the reason why a training on all rows ended: as many epochs as the folds took


@dataclass(frozen=True, slots=True)
class MemberProgress(Progress):
    """How far the training of network number ``member`` is, counted from 1, of ``members``.

    ``ended``: the numbers of those that have ended. ``seconds_left``: until all of them must have, if there is a limit.
    """

    member: int
    members: int
    ended: tuple[int, ...] = ()
    seconds_left: float | None = None


Watch = Callable[[MemberProgress], Any] | None


class _AtEnd(Callback):
    """Calls a function when the training ends."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call

    def on_end(self, training: Training) -> None:
        self.call()


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


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """All trainings of a plan, and how much the network of each counts in the mean; 0 for one that is left out."""

    trainings: list[Training]
    weights: list[float]
    kinds: np.ndarray  # how much each kind of network counts

    def of_fold(self, ready: Prepared, fold: int) -> tuple[list[Network], list[float]]:
        """The networks that did not see a fold, and how much each counts."""
        pairs = [
            (self.trainings[kind * ready.plan.alike + fold].network, share) for kind, share in enumerate(self.kinds)
        ]
        return [network for network, share in pairs if share], [float(share) for _, share in pairs if share]

    def out_of_fold(self, ready: Prepared) -> np.ndarray:
        """ŷ of each training row by the networks of its fold; NaN for a row that all see."""

        def output(fold: int, X: np.ndarray) -> np.ndarray:
            networks, shares = self.of_fold(ready, fold)
            return output_of(networks, X, shares)

        return _out_of_fold(ready, output)

    @property
    def members(self) -> tuple[Network, ...]:
        """The networks that count."""
        return tuple(each.network for each, weight in zip(self.trainings, self.weights, strict=True) if weight)

    @property
    def shares(self) -> list[float] | None:
        """Their weights; None if they are equal."""
        weights = [weight for weight in self.weights if weight]
        return weights if len(set(weights)) > 1 else None


def train_members(
    place: Folder | None,
    ready: Prepared,
    run: RunFacts,
    histories: Sequence[History],
    progress: Watch,
    tell: Tell,
    begun: Sequence[int] = (),
    record: bool = False,
) -> Trained:
    """Every training of the plan; those whose numbers are in ``begun`` go on from their checkpoints.

    Without a ``place`` nothing is written. ``record``: each training keeps what is needed to take its steps again.
    """
    team, plan = _Team(place, ready, run, histories, progress, tell, record), ready.plan
    together = range(plan.alike * len(plan.recipes))
    trained = {number: team.go_on(number) for number in begun if number in together}
    trained |= team.train([number for number in together if number not in trained])
    found = [trained[number] for number in together]
    shares = blended(ready, run.options, [each.network for each in found])
    if not plan.is_refitted:
        found = team.because_of_time(found)
        return Trained(found, [share / plan.alike for share in shares for _ in range(plan.alike)], shares)
    best = int(np.argmax(shares))
    of_best = found[best * plan.alike : (best + 1) * plan.alike]
    until = _Until(round(median(kept_epoch(each, run.options) for each in of_best)))
    number = len(together)
    last = team.go_on(number, until) if number in begun else team.refit(best, until)
    return Trained(team.because_of_time([*found, last]), [0.0] * number + [1.0], shares)


def blended(ready: Prepared, options: Options, networks: Sequence[Network]) -> np.ndarray:
    """How much each kind of network counts, by the rows that its networks did not see; one alone if one is kept."""
    plan, kinds = ready.plan, len(ready.plan.recipes)
    part = "training" if ready.fold is not None else "validation"
    if kinds == 1 or part not in ready.parts:
        return np.full(kinds, 1 / kinds)
    X, y = ready.parts[part]
    assert isinstance(X, np.ndarray)
    of_kinds = [networks[kind * plan.alike : (kind + 1) * plan.alike] for kind in range(kinds)]
    rows, weight = slice(None), weights_of(ready, options, part)
    if ready.fold is None:
        ends = [end_of(each, X) for each in of_kinds]
    else:
        ends = [_out_of_fold(ready, lambda fold, X, own=each: end_of([own[fold]], X)) for each in of_kinds]
        rows = ready.judged
    head, of_rows = networks[0].head, None if weight is None else weight[rows]
    target = as_target(networks[0], y, len(y))[rows]

    def loss(a: np.ndarray) -> float:
        return float(np.average(head.value(a, head.output.value(a), target), weights=of_rows))

    ends = [each[rows] for each in ends]
    if plan.is_refitted:
        return np.eye(kinds)[int(np.argmin([loss(each) for each in ends]))]
    return blend(ends, loss)


def _out_of_fold(ready: Prepared, of: Callable[[int, np.ndarray], np.ndarray]) -> np.ndarray:
    """What ``of`` gives (rows, outputs) for each fold and X of its rows; NaN for a row that all networks see."""
    X, _ = ready.parts["training"]
    assert isinstance(X, np.ndarray)
    found = np.full((len(X), ready.network.sizes[-1]), np.nan, np.float32)
    for fold in range(ready.plan.folds):
        rows = np.flatnonzero(ready.fold == fold)
        found[rows] = of(fold, X[rows])
    return found


def kept_epoch(training: Training, options: Options) -> int:
    """The epoch after which the network was as it is: with patience the best one, else the last."""
    chosen = options.patience != 0 and (training.privacy is None or training.validation_losses)
    return training.best_epoch if chosen and training.best_epoch else len(training.losses)


class _Team:
    def __init__(
        self,
        place: Folder | None,
        ready: Prepared,
        run: RunFacts,
        histories: Sequence[History],
        progress: Watch,
        tell: Tell,
        record: bool,
    ) -> None:
        self.record = record
        self.place, self.ready, self.run, self.histories = place, ready, run, histories
        self.progress, self.tell, self.options = progress, tell, run.options
        self.rows = len(ready.truth["training"])
        held_out = 0 if ready.fold is None else self.rows // ready.plan.folds
        self.settings = [settings_of(run.options, self.rows - held_out, recipe) for recipe in ready.plan.recipes]
        self.seeds = list(islice(seeds_of(run.options.seed), ready.plan.trainings))
        stages = [ready.plan.alike] * len(ready.plan.recipes) + [1] * ready.plan.is_refitted
        seconds = run.options.time_limit
        self.limit = None if seconds is None else TimeLimit(seconds, stages)
        self.ended: dict[int, None] = {}  # the numbers of the trainings that have, from 1, in their order

    def train(self, numbers: Sequence[int]) -> dict[int, Training]:
        """Those of a kind at once, if the optimizer takes steps."""
        found: dict[int, Training] = {}
        for kind, settings in enumerate(self.settings):
            own = [number for number in numbers if number // self.ready.plan.alike == kind]
            if len(own) > 1 and settings.by_steps:
                found |= self._fit_many(own, settings)
            else:
                found |= {number: self._fit(number, settings) for number in own}
        return found

    def _fit_many(self, numbers: Sequence[int], settings: TrainSettings) -> dict[int, Training]:
        X, y, *weight = self._data()
        each = [self._own(number) | {"rows": self.ready.seen(number)} for number in numbers]
        networks = [self.ready.networks[number] for number in numbers]
        try:
            found = fit_many(networks, X, y, *weight, each=each, **self._shared(settings))
        except DivergedError as error:
            raise next(each for each in error.outcomes if isinstance(each, DivergedError)) from None
        return dict(zip(numbers, found, strict=True))

    def _fit(self, number: int, settings: TrainSettings) -> Training:
        data, own = self._data(number), self._own(number)
        data, own["validation"] = self._shards(data, own["validation"])
        return fit(self.ready.networks[number], *data, **self._shared(settings), **own)

    def refit(self, kind: int, until: Callback) -> Training:
        """A network of this kind on all rows, for so many epochs."""
        number = self.ready.plan.trainings - 1
        settings = replace(settings_of(self.options, self.rows, self.ready.plan.recipes[kind]), patience=None)
        own = self._own(number)
        own["callbacks"] = [*own["callbacks"], until]
        data, own["validation"] = self._shards(self._data(), None)
        own["metric"] = None
        network = self.ready.networks[kind * self.ready.plan.alike]
        return fit(network, *data, **self._shared(settings), **own)

    def go_on(self, number: int, *callbacks: Callback) -> Training:
        """From the checkpoint of a training."""
        own, data = self._own(number), self._data(number)
        data, validation = self._shards(data, own["validation"])
        watchers = [*own["callbacks"], *callbacks]
        watched = {"callbacks": watchers, "progress": own["progress"]}
        return go_on(own["checkpoint"], *data, validation=validation, metric=own["metric"], **watched)

    def _shared(self, settings: TrainSettings) -> dict[str, Any]:
        return {**settings.arguments(), "class_weight": self.options.class_weight, "record": self.record}

    def _own(self, number: int) -> dict[str, Any]:
        """What a training has of its own."""
        validation = validation_of(self.ready.beside(number), self.options)
        head = self.ready.network.head
        doctor = [TableDoctor(self.options, self.tell)] if self.options.diagnose and number == 0 else []
        limit = [] if self.limit is None else [self.limit.watchers[number]]
        return {
            "rng": self.seeds[number],
            "validation": validation,
            "metric": None if validation is None else metric_of(self.options.metric, self.ready.target, head),
            "callbacks": [*self.histories[number : number + 1], *doctor, *limit, _AtEnd(partial(self._end, number))],
            "progress": None if self.progress is None else partial(self._tell_progress, number),
            "checkpoint": checkpoint_of(self.place, self.ready, self.run, number),
        }

    def _tell_progress(self, number: int, progress: Progress) -> None:
        assert self.progress is not None
        whole = {"members": self.ready.plan.trainings, "ended": (*self.ended,)}
        left = None if self.limit is None else self.limit.seconds_left
        self.progress(MemberProgress(**asdict(progress), member=number + 1, **whole, seconds_left=left))

    def _end(self, number: int) -> None:
        self.ended[number + 1] = None

    def because_of_time(self, trainings: Sequence[Training]) -> list[Training]:
        """The same; the reason of those that the time limit ended says so."""
        if self.limit is None:
            return [*trainings]
        over = [watcher.ended for watcher in self.limit.watchers]
        return [
            replace(each, reason=TIME_IS_OVER) if ended and each.reason == "callback" else each
            for each, ended in zip(trainings, over, strict=False)
        ]

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
