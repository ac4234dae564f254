"""What a run writes when it has been trained: first what it is used by, then the pages."""

from __future__ import annotations

import warnings
from collections import Counter
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
from ...distributed import Group
from ...errors import first_line
from ...interop.files import save_members
from ...train import TrainingInterrupted
from .baseline import baseline_facts, baselines_of, besides
from .baseline.trials import Baseline
from .decisions import can_be_tempered, decided, interval_scores, said_of_decisions, tempered_members
from .diagnosis import diagnose_run, write_diagnosis
from .facts import RunFacts, preprocessing_facts
from .failures import probabilities_judged, true_and_predicted, worst_rows
from .folder import DIAGNOSIS, DIAGNOSIS_PAGE, METRICS, MODEL, PREPROCESSING, REPORT, Folder
from .history import History
from .importance.mean_input import mean_input
from .importance.of_run import Unseen, columns_that_matter
from .judging.calibration import best_temperature, tempered
from .members import REFIT, Trained, kept_epoch
from .metric_names import key_of
from .metrics import scores
from .model import Model
from .options import settled
from .prepared import Prepared
from .private import privacy_facts, said_of_privacy
from .report import Facts, found_in, write_report
from .verdict import JUDGED, OUT_OF_FOLD, Constant, Judged, judge

Made = TypeVar("Made")
UNSEEN = (OUT_OF_FOLD, "validation")  # rows that their network did not learn from, the first that there are


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
    trained: Trained
    histories: Sequence[History]
    model: Model
    truth: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    constant: Constant
    temperature: float | None = None  # None if none was looked for
    unseen: str | None = None  # the part from which thresholds and intervals follow

    @classmethod
    def of(
        cls, ready: Prepared, run: RunFacts, trained: Trained, histories: Sequence[History], group: Group
    ) -> Finished:
        """From the trainings, with what the networks say of each part."""
        options, members = run.options, trained.members
        weights = {part: group.concatenate(of_rows) for part, of_rows in ready.weights.items()}
        truth, temperature = dict(ready.truth), None
        outputs: dict[str, np.ndarray] = {}
        if ready.fold is not None:
            judged = ready.judged
            truth[OUT_OF_FOLD], found = truth["training"][judged], trained.out_of_fold(ready)[judged]
            if "training" in weights:
                weights[OUT_OF_FOLD] = weights["training"][judged]
            if can_be_tempered(ready.network, options):
                temperature = best_temperature(truth[OUT_OF_FOLD], found, weights.get(OUT_OF_FOLD))
                members, found = tempered_members(members, temperature), tempered(found, temperature)
            outputs[OUT_OF_FOLD] = found
        model = Model(tuple(members), ready.preprocessing, ready.target, trained.shares)
        outputs |= {part: group.concatenate(model.output_of(X)) for part, (X, _) in ready.parts.items()}
        unseen = next((part for part in UNSEEN if part in truth), None)
        rows = None if unseen is None else (truth[unseen], outputs[unseen], weights.get(unseen))
        model = replace(model, target=decided(options, model.members[0], ready.target, rows))
        balanced = options.class_weight is not None
        constant = Constant.of(ready.target, model.members[0], truth["training"], balanced, weights.get("training"))
        return cls(ready, run, trained, histories, model, truth, outputs, weights, constant, temperature, unseen)

    @property
    def judged_part(self) -> str:
        """The part whose scores say most of new rows."""
        return next(part for part in JUDGED if part in self.truth)


def write_results(
    place: Folder,
    ready: Prepared,
    trained: Trained,
    histories: Sequence[History],
    run: RunFacts,
    group: Group,
) -> Result:
    """Write the scores and the model, and then the pages, without which the run can be used as well.

    Ctrl-C raises :class:`~backtalk.TrainingInterrupted`: the checkpoints have it all.
    """
    try:
        finished = Finished.of(ready, run, trained, histories, group)
        learned = preprocessing_facts(replace(ready, target=finished.model.target), run)
        learned |= {"mean_input": mean_input(ready.parts["training"][0], group)}
        baselines, left_out = baselines_of(finished, group)
        metrics = _metrics(finished, baselines)
        metrics["verdict"] = group.broadcast(lambda: _verdict(finished, baselines))
        metrics |= group.broadcast(lambda: finite_or_none(_importance(finished)))
        metrics |= finite_or_none(_failures(finished, [each["column"] for each in metrics.get("importance", [])]))
        said = [*ready.said, *said_of_decisions(finished.model.target, finished.run.options), *left_out]
        said += said_of_privacy(metrics["privacy"])

        def write() -> Result:
            columns = [ready.target.described(), *ready.preprocessing.described()]
            result = Result(place.path, metrics, said, columns=columns)
            if not place.writes:
                return result
            place.write(METRICS, metrics)
            of_run = {"id": run.run, "preprocessing": place.write(PREPROCESSING, learned)} if run.run else None
            # a folder with a model has all that predictions need
            save_members(finished.model.members, place / MODEL, finished.model.weights, run=of_run)
            for history in histories:
                history.write()
                if not history.is_written:
                    result.unwritten.append(f"{history.path} lacks epochs: 'backtalk resume {place.path}' writes them")
            return _with_pages(place, result, finished)

        return group.run(write)
    except KeyboardInterrupt:
        raise TrainingInterrupted(trained.trainings[0]) from None


def _metrics(finished: Finished, baselines: Sequence[Baseline]) -> dict[str, Any]:
    """What ``metrics.json`` holds."""
    ready, run, network = finished.ready, finished.run, finished.model.members[0]
    target, found = finished.model.target, {}
    for part, truth in finished.truth.items():
        output, weight = finished.outputs[part], finished.weights.get(part)
        found[part] = scores(target, truth, output, network, weight, run.options.metric)
        if part not in ("training", finished.unseen):  # which the intervals were not made of
            found[part] |= interval_scores(network, target, truth, output, weight)
    metrics = {
        "backtalk": version("backtalk"),
        "run": run.run,
        "target": target.name,
        "task": target.task,
        "classes": target.classes,
        "metric": None if run.options.metric is None else key_of(run.options.metric, target),
        "threshold": target.threshold,
        "interval": None if target.interval is None else target.interval.level,
        "temperature": finished.temperature,
        "weight": run.options.weight,
        "inputs": len(ready.preprocessing.inputs),
        "members": len(finished.model.members),
        "folds": ready.plan.folds,
        "parameters": sum(each.parameter_count for each in finished.model.members),
        "constant": finished.constant.to_json(),
        "scores": found,
        "baselines": baseline_facts(finished, baselines),
        "judged": finished.judged_part,
        "privacy": privacy_facts(finished.trained.trainings[-1]),
        "trainings": [_training(finished, number) for number in range(ready.plan.trainings)],
    }
    return finite_or_none(metrics)


def _failures(finished: Finished, columns: Sequence[str]) -> dict[str, Any]:
    """Where the run fails, on the rows that judge it; ``columns``: those that matter, whose cells come first."""
    part, ready = finished.judged_part, finished.ready
    place = ready.places["training" if part == OUT_OF_FOLD else part]
    own = place.rows[ready.judged] if part == OUT_OF_FOLD else place.rows
    truth, output, weight = finished.truth[part], finished.outputs[part], finished.weights.get(part)

    def cells(chosen: np.ndarray) -> pl.DataFrame | None:
        return None if place.frame is None else place.frame[own[chosen]]

    named = finished.run.options.id
    first = [*([] if named is None else [named]), *(columns or ready.preprocessing.used)]
    found: dict[str, Any] = {"worst_rows": worst_rows(finished.model, truth, output, own + 1, cells, first, weight)}
    found |= probabilities_judged(finished.model, truth, output, weight)
    pairs = true_and_predicted(finished.model, truth, output)
    return found if pairs is None else found | {"true_and_predicted": pairs}


def _importance(finished: Finished) -> dict[str, Any]:
    """On which columns the predictions depend, by rows that were not trained on. In a cluster, by those of process 0.

    If there are folds, each row is judged by the networks that did not see it, and else the part that is judged by all.
    """
    ready, model, metric = finished.ready, finished.model, finished.run.options.metric
    if ready.fold is None:
        part = finished.judged_part
        X, y = ready.parts[part]
        unseen = [Unseen(model.members, model.weights, X, y, ready.weights.get(part), np.arange(len(y)))]
        return columns_that_matter(model, unseen, part, metric)
    X, y = ready.parts["training"]
    unseen = []
    for number in range(ready.plan.folds):
        networks, shares = finished.trained.of_fold(ready, number)
        members = tempered_members(networks, finished.temperature or 1.0)
        rows = np.flatnonzero(ready.fold == number)
        unseen.append(Unseen(members, shares, X, y, ready.weights.get("training"), rows))
    return columns_that_matter(model, unseen, OUT_OF_FOLD, metric)


def _training(finished: Finished, number: int) -> dict[str, Any]:
    """What there is to say of the course of a training; the losses of each epoch; and its weight in the mean."""
    plan, training = finished.ready.plan, finished.trained.trainings[number]
    refit = plan.is_refitted and number == plan.trainings - 1
    return {
        "sizes": list(training.network.sizes),
        "weight": finished.trained.weights[number],
        "epochs": len(training.losses),
        "best_epoch": training.best_epoch,
        "kept_epoch": len(training.losses) if refit else kept_epoch(training, finished.run.options),
        "reason": REFIT if refit and training.reason in ("callback", "epochs") else training.reason,
        "losses": list(training.losses),
        "validation_losses": list(training.validation_losses),
        "validation_metrics": list(training.validation_metrics),
    }


def _verdict(finished: Finished, baselines: Sequence[Baseline]) -> list[dict[str, Any]]:
    """What the run is worth. In a cluster, process 0 tries single columns with its own rows."""
    ready, options = finished.ready, finished.run.options
    judged = Judged(
        finished.model.target,
        finished.model.members[0],
        ready.preprocessing,
        finished.constant,
        {part: (truth, finished.outputs[part]) for part, truth in finished.truth.items()},
        finished.trained.trainings,
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
        place.write_text(REPORT, _report(finished, result.metrics, result.said))

    def diagnosed() -> Diagnosis:
        names = [remark["name"] for remark in result.metrics["verdict"]]
        number = next(k for k, weight in enumerate(finished.trained.weights) if weight)
        network, history = finished.trained.trainings[number].network, finished.histories[number]
        return diagnose_run(ready.of(number), network, history.epochs, run.options, names)

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


def _report(finished: Finished, metrics: dict[str, Any], said: Sequence[str]) -> str:
    ready, run, network = finished.ready, finished.run, finished.model.members[0]
    rows = sum(len(truth) for truth in ready.truth.values())
    settings = {"run": run.run, "table": run.table_name, **asdict(settled(run.options, len(ready.truth["training"])))}
    facts = Facts(
        f"{run.table_name}: {ready.target.name}",
        f"{rows:,} rows, {len(ready.preprocessing.columns):,} columns, trained with backtalk {version('backtalk')}",
        metrics,
        [ready.target.described(), *map(found_in, ready.preprocessing.columns)],
        [history.epochs for history in finished.histories],
        Counter(map(repr, finished.model.members)),
        str(network.loss),
        said=said,
        settings=settings,
    )
    return write_report(facts)
