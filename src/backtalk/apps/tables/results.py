"""What a run writes when it has been trained: first what it is used by, then the pages."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from ...analysis.diagnose import Diagnosis
from ...analysis.diagnose.measure import finite_or_none
from ...core.network import Network
from ...distributed import Group
from ...errors import first_line
from ...interop.files import save_members
from ...train import Training, TrainingInterrupted
from .baseline import baseline_facts, baselines_of, besides
from .baseline.trials import Baseline
from .diagnosis import diagnose_run, write_diagnosis
from .facts import RunFacts, preprocessing_facts
from .failures import true_and_predicted, worst_rows
from .folder import DIAGNOSIS, DIAGNOSIS_PAGE, METRICS, MODEL, PREPROCESSING, REPORT, Folder
from .history import History
from .members import REFIT, kept_epoch
from .metrics import scores
from .model import Model, output_of
from .options import settled
from .prepare import Prepared
from .report import Facts, found_in, write_report
from .verdict import JUDGED, OUT_OF_FOLD, Constant, Judged, judge

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A finished run: its folder, ``metrics`` as in metrics.json, what there is to say, the diagnosis if asked for.

    ``columns``: of the target and of each other column how it was read: kind, form, examples, remark.
    ``unwritten``: in words, the files that could not be written, without which the run can be used all the same.
    """

    folder: Path
    metrics: dict[str, Any]
    said: list[str] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    unwritten: list[str] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A run of which every network is trained.

    ``truth``, ``outputs``, ``weights``: of each part that is scored, and ``out_of_fold`` among them if there are folds:
    there each row is judged by the network that did not see it.
    """

    ready: Prepared
    run: RunFacts
    trainings: Sequence[Training]
    histories: Sequence[History]
    model: Model
    truth: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    constant: Constant

    @classmethod
    def of(
        cls, ready: Prepared, run: RunFacts, trainings: Sequence[Training], histories: Sequence[History], group: Group
    ) -> Finished:
        """From the trainings, with what the networks say of each part."""
        plan = ready.plan
        members = tuple(each.network for each in trainings)
        model = Model(members[-1:] if plan.is_refitted else members, ready.preprocessing, ready.target)
        outputs = {part: group.concatenate(model.output_of(X)) for part, (X, _) in ready.parts.items()}
        weights = {part: group.concatenate(of_rows) for part, of_rows in ready.weights.items()}
        truth = dict(ready.truth)
        if ready.fold is not None:
            judged = ready.judged
            truth[OUT_OF_FOLD], outputs[OUT_OF_FOLD] = truth["training"][judged], out_of_fold(ready, members)[judged]
            if "training" in weights:
                weights[OUT_OF_FOLD] = weights["training"][judged]
        balanced = run.options.class_weight is not None
        constant = Constant.of(ready.target, model.members[0], truth["training"], balanced, weights.get("training"))
        return cls(ready, run, trainings, histories, model, truth, outputs, weights, constant)

    @property
    def judged_part(self) -> str:
        """The part whose scores say most of new rows."""
        return next(part for part in JUDGED if part in self.truth)


def out_of_fold(ready: Prepared, networks: Sequence[Network]) -> np.ndarray:
    """ŷ of each training row by the network that did not see it; NaN for a row that all see."""
    X, _ = ready.parts["training"]
    found = np.full((len(X), ready.network.sizes[-1]), np.nan, np.float32)
    for number in range(ready.plan.folds):
        held_out = np.flatnonzero(ready.fold == number)
        found[held_out] = output_of([networks[number]], X[held_out])
    return found


def write_results(
    place: Folder,
    ready: Prepared,
    trainings: Sequence[Training],
    histories: Sequence[History],
    run: RunFacts,
    group: Group,
) -> Result:
    """Write the scores and the model, and then the pages, without which the run can be used as well.

    Ctrl-C raises :class:`~backtalk.TrainingInterrupted`: the checkpoints have it all.
    """
    try:
        learned = preprocessing_facts(ready, run)
        finished = Finished.of(ready, run, trainings, histories, group)
        baselines, left_out = baselines_of(finished, group)
        metrics = _metrics(finished, baselines)
        metrics["verdict"] = group.broadcast(lambda: _verdict(finished, baselines))
        said = [*ready.said, *left_out]

        def write() -> Result:
            columns = [ready.target.described(), *ready.preprocessing.described()]
            result = Result(place.path, metrics, said, columns=columns)
            if not place.writes:
                return result
            place.write(METRICS, metrics)
            of_run = {"id": run.run, "preprocessing": place.write(PREPROCESSING, learned)} if run.run else None
            # a folder with a model has all that predictions need
            save_members(finished.model.members, place / MODEL, run=of_run)
            for history in histories:
                history.write()
                if not history.is_written:
                    result.unwritten.append(f"{history.path} lacks epochs: 'backtalk resume {place.path}' writes them")
            return _with_pages(place, result, finished)

        return group.run(write)
    except KeyboardInterrupt:
        raise TrainingInterrupted(trainings[0]) from None


def _metrics(finished: Finished, baselines: Sequence[Baseline]) -> dict[str, Any]:
    """What ``metrics.json`` holds."""
    ready, run, network = finished.ready, finished.run, finished.model.members[0]
    target = ready.target
    found = {
        part: scores(target, truth, finished.outputs[part], network, finished.weights.get(part))
        for part, truth in finished.truth.items()
    }
    metrics = {
        "backtalk": version("backtalk"),
        "run": run.run,
        "target": target.name,
        "task": target.task,
        "classes": target.classes,
        "weight": run.options.weight,
        "inputs": len(ready.preprocessing.inputs),
        "members": len(finished.model.members),
        "folds": ready.plan.folds,
        "parameters": sum(each.parameter_count for each in finished.model.members),
        "constant": finished.constant.to_json(),
        "scores": found,
        "baselines": baseline_facts(finished, baselines),
        "judged": finished.judged_part,
        **_failures(finished),
        "trainings": [_training(each, run, ready, number) for number, each in enumerate(finished.trainings)],
    }
    return finite_or_none(metrics)


def _failures(finished: Finished) -> dict[str, Any]:
    """Where the run fails, on the rows that judge it."""
    part, ready = finished.judged_part, finished.ready
    place = ready.places["training" if part == OUT_OF_FOLD else part]
    own = place.rows[ready.judged] if part == OUT_OF_FOLD else place.rows
    truth, output, weight = finished.truth[part], finished.outputs[part], finished.weights.get(part)

    def cells(chosen: np.ndarray) -> pl.DataFrame | None:
        return None if place.frame is None else place.frame[own[chosen]]

    named = finished.run.options.id
    first = [*([] if named is None else [named]), *ready.preprocessing.used]
    found: dict[str, Any] = {
        "worst_rows": worst_rows(finished.model, truth, output, own + 1, cells, first, weight),
    }
    pairs = true_and_predicted(finished.model, truth, output)
    return found if pairs is None else found | {"true_and_predicted": pairs}


def _training(training: Training, run: RunFacts, ready: Prepared, number: int) -> dict[str, Any]:
    """What there is to say of the course of a training; the losses of each epoch."""
    refit = ready.plan.is_refitted and number == ready.plan.folds
    return {
        "epochs": len(training.losses),
        "best_epoch": training.best_epoch,
        "kept_epoch": len(training.losses) if refit else kept_epoch(training, run.options),
        "reason": REFIT if refit and training.reason in ("callback", "epochs") else training.reason,
        "losses": list(training.losses),
        "validation_losses": list(training.validation_losses),
    }


def _verdict(finished: Finished, baselines: Sequence[Baseline]) -> list[dict[str, Any]]:
    """What the run is worth. In a cluster, process 0 tries single columns with its own rows."""
    ready, options = finished.ready, finished.run.options
    judged = Judged(
        ready.target,
        finished.model.members[0],
        ready.preprocessing,
        finished.constant,
        {part: (truth, finished.outputs[part]) for part, truth in finished.truth.items()},
        finished.trainings,
        drawn=options.split is None and not options.files,
        weights=finished.weights,
        beside=besides(finished, baselines),
    )
    return [remark.to_json() for remark in judge(judged, ready.parts)]


def _with_pages(place: Folder, result: Result, finished: Finished) -> Result:
    """The result, with the diagnosis if one was asked for; a page that cannot be made or written is a remark."""
    ready, run = finished.ready, finished.run
    title = f"{run.table_name}, {ready.target.name}"

    def report() -> None:
        place.write_text(REPORT, _report(finished, result.metrics, place.path.name, result.said))

    def diagnosed() -> Diagnosis:
        names = [remark["name"] for remark in result.metrics["verdict"]]
        network, history = finished.trainings[0].network, finished.histories[0]
        return diagnose_run(ready.of(0), network, history.epochs, run.options, names)

    def write_findings(found: Diagnosis) -> None:
        write_diagnosis(place, found, f"Diagnosis: {title}", ready.target.classes, run.run)

    _try(place / REPORT, report, result.unwritten)
    if not run.options.diagnose:
        return result
    diagnosis = _try(place / DIAGNOSIS, diagnosed, result.unwritten)
    if diagnosis is not None:
        _try(place / DIAGNOSIS_PAGE, lambda: write_findings(diagnosis), result.unwritten)
    return replace(result, diagnosis=diagnosis)


def _try(path: Path, work: Callable[[], Made], unwritten: list[str]) -> Made | None:
    """Do what the run can do without; where that fails, say so in a remark, and leave no page of an earlier time."""
    try:
        return work()
    except Exception as error:
        sentence = f"{path} was not written ({_reason(error)}); the run can be used without it"
        unwritten.append(sentence)
        with suppress(OSError):
            path.unlink(missing_ok=True)
        warnings.warn(f"{sentence}.", stacklevel=2)
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    return (error.strerror if isinstance(error, OSError) else None) or f"{type(error).__name__}: {first_line(error)}"


def _report(finished: Finished, metrics: dict[str, Any], folder: str, said: Sequence[str]) -> str:
    ready, run, network = finished.ready, finished.run, finished.model.members[0]
    rows = sum(len(truth) for truth in ready.truth.values())
    settings = {"run": run.run, "table": run.table_name, **asdict(settled(run.options, len(ready.truth["training"])))}
    facts = Facts(
        f"{run.table_name}: {ready.target.name}",
        f"{rows:,} rows, {len(ready.preprocessing.columns):,} columns, trained with backtalk {version('backtalk')}",
        metrics,
        [ready.target.described(), *map(found_in, ready.preprocessing.columns)],
        [history.epochs for history in finished.histories],
        folder,
        repr(network),
        str(network.loss),
        said=said,
        settings=settings,
    )
    return write_report(facts)
