"""Train on a table, and go on with it: what the command line calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis.diagnose import Diagnosis, Doctor
from ...core.network import Network
from ...distributed import Group, joined_group
from ...engines.choose import COMPILED
from ...errors import FileFormatError, InputError, ProcessLostError
from ...interop.files import load_with, save
from ...train import Callback, Checkpoint, Progress, Shard, Training, TrainingInterrupted, fit
from ...train import resume as go_on
from .diagnosis import Tell, diagnose_run, explained, write_diagnosis
from .folder import CHECKPOINT, HISTORY, METRICS, MODEL, PREPROCESSING, REPORT, RUN, Folder
from .history import History
from .metrics import score_of_shares, scores
from .prepare import Options, Prepared, options_of, prepare, settings_of, settled, validation_of
from .reading import digest
from .report import write_report
from .use import output_of

Watch = Callable[[Progress], Any] | None


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A finished run: its folder, ``metrics`` as in metrics.json, what there is to say, the diagnosis if asked for."""

    folder: Path
    metrics: dict[str, Any]
    said: list[str] = field(default_factory=list)
    diagnosis: Diagnosis | None = None


def train(
    table: Path,
    folder: Path,
    options: Options,
    *,
    overwrite: bool = False,
    prepared: Callable[[Prepared], Any] | None = None,
    progress: Callable[[Progress], Any] | None = None,
    tell: Callable[[str], Any] | None = None,
    group: Group | None = None,
) -> Result:
    """Learn a table, and write the run into a folder.

    ``prepared`` is called with the table as it was understood, before training; ``tell``, with ``options.diagnose``,
    with each finding of the doctor in words, when it first shows, and where training diverges. Ctrl-C raises
    :class:`~backtalk.TrainingInterrupted`, and leaves a folder that :func:`resume` goes on with. Where training
    diverges, the folder is as it was before.

    Each process of ``group``, by default the one that this process has joined, calls it, reads its own part of the
    table, and gets the result; process 0 alone writes. If a process is lost, the others raise
    :class:`~backtalk.errors.ProcessLostError`; :func:`resume` goes on if there was a checkpoint, and if not, the folder
    is as it was before.
    """
    group = group or joined_group()
    group.require_equal({"what they do": "train", "the folder of the run": str(folder)})
    place = Folder(folder, group)
    group.run(lambda: place.require_free(overwrite))
    ready = prepare(table, options, group)
    if prepared is not None:
        prepared(ready)
    group.run(place.begin)
    try:
        group.run(lambda: _write_down(place, ready, options, table))
        history = group.run(lambda: _history(place, ready, group))
        with explained(ready, options, history, tell):
            training = _fit(place, ready, options, history, progress, tell)
    except TrainingInterrupted:
        place.keep()
        raise
    except ProcessLostError:
        place.keep_if(CHECKPOINT)
        raise
    except BaseException:
        place.discard()
        raise
    try:
        return _finish(place, ready, training, history, options, table, group)
    finally:
        place.keep()  # also where Ctrl-C comes now: the checkpoint has it all


def resume(
    folder: Path,
    table: Path | None = None,
    *,
    prepared: Callable[[Prepared], Any] | None = None,
    progress: Callable[[Progress], Any] | None = None,
    tell: Callable[[str], Any] | None = None,
    group: Group | None = None,
) -> Result:
    """Go on with a run that was cut short; the result equals that of one that never was, to the bit.

    ``table``: where the table is now, if it was moved. Its content must be what it was. A run that was cut short before
    its first checkpoint begins again; one that had ended gives its result again. Each process of ``group`` calls it,
    which may have more processes than that of the run, or fewer; the result is then equal up to rounding.
    """
    group = group or joined_group()
    group.require_equal({"what they do": "resume", "the folder of the run": str(folder)})
    place = Folder(folder, group)
    run = group.broadcast(lambda: place.read(RUN))
    try:
        options = options_of(run)
        table, known = table or Path(run["table"]), run["sha256"]
    except (KeyError, TypeError) as error:
        raise FileFormatError(f"{place / RUN} lacks a setting of the run ({error}).") from None
    group.run(lambda: _require_unchanged(place, table, known))
    ready = prepare(table, options, group)
    if prepared is not None:
        prepared(ready)
    path = place / CHECKPOINT
    begun = group.broadcast(path.exists)
    facts = group.run(lambda: load_with(path)[1] or {} if begun else {})
    losses = facts.get("losses", []), facts.get("validation_losses", [])
    history = group.run(lambda: _history(place, ready, group, *losses))
    with explained(ready, options, history, tell):
        if begun:
            data, validation = _data(ready, options)
            checkpoint = Checkpoint(path, every_seconds=options.checkpoint_seconds)
            watchers = _watchers(history, options, tell)
            training = go_on(checkpoint, *data, validation=validation, callbacks=watchers, progress=progress)
        else:
            training = _fit(place, ready, options, history, progress, tell)
    result = _finish(place, ready, training, history, options, table, group)
    place.keep()
    return result


def _watchers(history: History, options: Options, tell: Tell) -> list[Callback]:
    return [history, Doctor(tell)] if options.diagnose else [history]


def _write_down(place: Folder, ready: Prepared, options: Options, table: Path) -> None:
    """What the run is asked for, and what was learned of the table."""
    if not place.writes:
        return
    run = {"backtalk": version("backtalk"), "table": str(table.resolve()), "sha256": digest(table)}
    place.write(RUN, run | asdict(options))
    facts = {"target": ready.target.to_json(), "columns": ready.preprocessing.to_json()}
    place.write(PREPROCESSING, facts | {"inputs": ready.preprocessing.inputs})


def _require_unchanged(place: Folder, table: Path, known: str) -> None:
    """Refuse to go on with a table that is not there, or not what it was; which process 0 tells."""
    if not table.exists():
        raise InputError(
            f"{table}, the table of this run, is no longer there: put it back, or name it after {place.path}."
        )
    if place.writes and digest(table) != known:
        raise InputError(f"{table} is not what it was when this run began: train anew, with --overwrite.")


def _history(
    place: Folder,
    ready: Prepared,
    group: Group,
    losses: Sequence[float] = (),
    validation_losses: Sequence[float] = (),
) -> History:
    path = place / HISTORY if place.writes else None
    return History(path, _follow(ready, group), losses, validation_losses)


def _data(ready: Prepared, options: Options) -> tuple[Any, Any]:
    """What is trained on, and the validation set: to be put together, where the engine can, from all processes."""
    data, validation = ready.parts["training"], validation_of(ready, options)
    if options.engine not in COMPILED:
        return data, validation
    return (Shard(*data),), None if validation is None else Shard(*validation)


def _fit(place: Folder, ready: Prepared, options: Options, history: History, progress: Watch, tell: Tell) -> Training:
    data, validation = _data(ready, options)
    settings = settings_of(options, len(ready.truth["training"]))
    # L-BFGS cannot be written down
    checkpoint = Checkpoint(place / CHECKPOINT, every_seconds=options.checkpoint_seconds) if settings.by_steps else None
    return fit(
        ready.network,
        *data,
        **settings.arguments(),
        class_weight=options.class_weight,
        validation=validation,
        rng=options.seed,
        callbacks=_watchers(history, options, tell),
        progress=progress,
        checkpoint=checkpoint,
    )


def _follow(ready: Prepared, group: Group) -> Callable[[Network], float] | None:
    """The score on the validation set, for the history."""
    if "validation" not in ready.parts:
        return None
    X, y = ready.parts["validation"]
    truth = ready.truth["validation"]
    return lambda network: score_of_shares(ready.target, truth, y, output_of(network, X), group)


def _finish(
    place: Folder,
    ready: Prepared,
    training: Training,
    history: History,
    options: Options,
    table: Path,
    group: Group,
) -> Result:
    """Write the model, the scores and the report."""
    network = training.network
    outputs = {part: group.concatenate(output_of(network, X)) for part, (X, _) in ready.parts.items()}
    metrics: dict[str, Any] = {
        "backtalk": version("backtalk"),
        "target": ready.target.name,
        "task": ready.target.task,
        "classes": ready.target.classes,
        "inputs": len(ready.preprocessing.inputs),
        "parameters": network.parameter_count,
        "epochs": len(training.losses),
        "best_epoch": training.best_epoch,
        "reason": training.reason,
        "scores": {part: scores(ready.target, truth, outputs[part], network) for part, truth in ready.truth.items()},
        "losses": list(training.losses),
        "validation_losses": list(training.validation_losses),
    }

    def write() -> Diagnosis | None:
        if not place.writes:
            return None
        place.write_text(REPORT, _report(ready, network, metrics, history, options, table, outputs))
        place.write(METRICS, metrics)
        diagnosis = None
        if options.diagnose:
            diagnosis = diagnose_run(ready, network, history.epochs, options)
            write_diagnosis(place, diagnosis, f"Diagnosis: {table.name}, {ready.target.name}", ready.target.classes)
        save(network, place / MODEL)  # the last: a folder with a model is whole
        return diagnosis

    return Result(place.path, metrics, ready.said, group.run(write))


def _report(
    ready: Prepared,
    network: Network,
    metrics: dict[str, Any],
    history: History,
    options: Options,
    table: Path,
    outputs: dict[str, np.ndarray],
) -> str:
    shown = next(part for part in ("test", "validation", "training") if part in ready.parts)
    rows = sum(len(truth) for truth in ready.truth.values())
    return write_report(
        f"{table.name}: {ready.target.name}",
        f"{rows} rows, {len(ready.preprocessing.columns)} columns, trained with backtalk {version('backtalk')}",
        network,
        ready.preprocessing,
        ready.target,
        metrics,
        history.epochs,
        (shown, ready.truth[shown], outputs[shown]),
        said=ready.said,
        settings={"table": table.name, **asdict(settled(options, len(ready.truth["training"])))},
    )


__all__ = ["Options", "Prepared", "Result", "resume", "train"]
