"""What a run writes when it has been trained: first what it is used by, then the pages."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...analysis.diagnose import Diagnosis
from ...analysis.diagnose.measure import finite_or_none
from ...core.network import Network
from ...distributed import Group
from ...errors import first_line
from ...interop.files import save_with
from ...train import Training, TrainingInterrupted
from .diagnosis import diagnose_run, write_diagnosis
from .facts import RunFacts, preprocessing_facts
from .folder import DIAGNOSIS, DIAGNOSIS_PAGE, HISTORY, METRICS, MODEL, PREPROCESSING, REPORT, Folder
from .history import History
from .metrics import scores
from .options import settled
from .prepare import Prepared
from .report import write_report
from .use import output_of
from .verdict import Constant, Judged, judge

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


def write_results(
    place: Folder, ready: Prepared, training: Training, history: History, run: RunFacts, group: Group
) -> Result:
    """Write the scores and the model, and then the pages, without which the run can be used as well.

    Ctrl-C raises :class:`~backtalk.TrainingInterrupted`: the checkpoint has it all.
    """
    try:
        network, learned = training.network, preprocessing_facts(ready, run)
        outputs = {part: group.concatenate(output_of(network, X)) for part, (X, _) in ready.parts.items()}
        weights = {part: group.concatenate(of_rows) for part, of_rows in ready.weights.items()}
        balanced = run.options.class_weight is not None
        constant = Constant.of(ready.target, network, ready.truth["training"], balanced, weights.get("training"))
        metrics = _metrics(ready, training, run, outputs, weights, constant)
        metrics["verdict"] = group.broadcast(lambda: _verdict(ready, training, run, outputs, weights, constant))

        def write() -> Result:
            columns = [ready.target.described(), *ready.preprocessing.described()]
            result = Result(place.path, metrics, ready.said, columns=columns)
            if not place.writes:
                return result
            place.write(METRICS, metrics)
            of_run = {"id": run.run, "preprocessing": place.write(PREPROCESSING, learned)} if run.run else None
            save_with(network, place / MODEL, run=of_run)  # a folder with a model has all that predictions need
            history.write()
            if not history.is_written:
                result.unwritten.append(f"{place / HISTORY} lacks epochs: 'backtalk resume {place.path}' writes them")
            return _with_pages(place, result, ready, network, history, run, outputs)

        return group.run(write)
    except KeyboardInterrupt:
        raise TrainingInterrupted(training) from None


def _metrics(
    ready: Prepared,
    training: Training,
    run: RunFacts,
    outputs: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray],
    constant: Constant,
) -> dict[str, Any]:
    """What ``metrics.json`` holds; ``weights`` of the rows of each part, if they have some."""
    network, target = training.network, ready.target
    found = {
        part: scores(target, truth, outputs[part], network, weights.get(part)) for part, truth in ready.truth.items()
    }
    metrics = {
        "backtalk": version("backtalk"),
        "run": run.run,
        "target": target.name,
        "task": target.task,
        "classes": target.classes,
        "weight": run.options.weight,
        "inputs": len(ready.preprocessing.inputs),
        "parameters": network.parameter_count,
        "epochs": len(training.losses),
        "best_epoch": training.best_epoch,
        "kept_epoch": _kept_epoch(training, run),
        "reason": training.reason,
        "constant": constant.to_json(),
        "scores": found,
        "losses": list(training.losses),
        "validation_losses": list(training.validation_losses),
    }
    return finite_or_none(metrics)


def _kept_epoch(training: Training, run: RunFacts) -> int:
    """The epoch after which the network was as it is: with patience the best one, else the last."""
    return training.best_epoch if run.options.patience and training.best_epoch else len(training.losses)


def _verdict(
    ready: Prepared,
    training: Training,
    run: RunFacts,
    outputs: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray],
    constant: Constant,
) -> list[dict[str, Any]]:
    """What the run is worth. In a cluster, process 0 tries single columns with its own rows."""
    judged = Judged(
        ready.target,
        training.network,
        ready.preprocessing,
        constant,
        {part: (truth, outputs[part]) for part, truth in ready.truth.items()},
        training.losses,
        training.validation_losses,
        training.reason,
        drawn=run.options.split is None and not run.options.files,
        weights=weights,
    )
    return [remark.to_json() for remark in judge(judged, ready.parts)]


def _with_pages(
    place: Folder,
    result: Result,
    ready: Prepared,
    network: Network,
    history: History,
    run: RunFacts,
    outputs: dict[str, np.ndarray],
) -> Result:
    """The result, with the diagnosis if one was asked for; a page that cannot be made or written is a remark."""
    title = f"{run.table_name}, {ready.target.name}"

    def report() -> None:
        place.write_text(REPORT, _report(ready, network, result.metrics, history, run, outputs))

    def diagnosed() -> Diagnosis:
        names = [remark["name"] for remark in result.metrics["verdict"]]
        return diagnose_run(ready, network, history.epochs, run.options, names)

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


def _report(
    ready: Prepared,
    network: Network,
    metrics: dict[str, Any],
    history: History,
    run: RunFacts,
    outputs: dict[str, np.ndarray],
) -> str:
    shown = next(part for part in ("test", "validation", "training") if part in ready.parts)
    rows = sum(len(truth) for truth in ready.truth.values())
    settings = {"run": run.run, "table": run.table_name, **asdict(settled(run.options, len(ready.truth["training"])))}
    return write_report(
        f"{run.table_name}: {ready.target.name}",
        f"{rows:,} rows, {len(ready.preprocessing.columns):,} columns, trained with backtalk {version('backtalk')}",
        network,
        ready.preprocessing,
        ready.target,
        metrics,
        history.epochs,
        (shown, ready.truth[shown], outputs[shown]),
        said=ready.said,
        settings=settings,
    )
