"""Train on a table, go on with it, predict and evaluate: what the command line calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..errors import InputError, unknown_name
from ..interop.files import load, load_with, save, write_atomically
from ..losses import BinaryCrossEntropy, CrossEntropy, Loss, PoissonDeviance, as_loss
from ..network import Network
from ..train import Checkpoint, Progress, Training, TrainingInterrupted, fit
from ..train import resume as go_on
from ..verbs import forward
from .folder import CHECKPOINT, HISTORY, METRICS, MODEL, PREPROCESSING, REPORT, RUN, Folder
from .history import History
from .metrics import score, scores
from .preprocessing import Preprocessing
from .reading import digest, read_table
from .report import write_report
from .target import Target

LEAST_ROWS = 10
ROWS_AT_ONCE = 8192
MEASURED_IN_EPOCH = 5


@dataclass(frozen=True, slots=True)
class Options:
    """How a table is learned; the defaults suit most tables of a few hundred to a million rows."""

    target: str
    task: str = "auto"
    hidden: tuple[int, ...] = (64, 32)
    activation: str = "relu"
    loss: str | None = None
    epochs: int = 200
    batch_size: int = 64
    optimizer: str = "adam(learning_rate=0.003)"
    schedule: str = "constant"
    dropout: float = 0.0
    l2_penalty: float = 1e-4
    clip_norm: float | None = None
    class_weight: str | None = None
    validation: float = 0.1
    patience: int = 20
    test: float = 0.2
    seed: int = 0
    checkpoint_seconds: float = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A table, understood: the network before training, X and encoded y of each part, and what there is to say."""

    preprocessing: Preprocessing
    target: Target
    network: Network
    parts: dict[str, tuple[np.ndarray, np.ndarray]]  # training, and validation and test where they are asked for
    said: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A finished run: its folder, ``metrics`` as in metrics.json, and what there is to say."""

    folder: Path
    metrics: dict[str, Any]
    said: list[str] = field(default_factory=list)


def prepare(table: Path, options: Options) -> Prepared:
    """Read and understand a table. Raises :class:`~backtalk.errors.InputError` before anything is written."""
    frame, said = read_table(table), []
    frame, missing = _with_target(frame, options.target, table)
    if missing:
        said.append(f"left out: {_rows(missing)} without a value of {options.target!r}.")
    if frame.height < LEAST_ROWS:
        raise InputError(f"{table} has {_rows(frame.height)} with a target, expected {LEAST_ROWS} or more.")
    target = Target.learn(frame[options.target], options.task)
    loss = _loss(options, target)
    y = target.encode(frame[options.target])
    rows = _split(y if target.classifies else None, frame.height, options)
    if not target.classifies and not isinstance(loss, PoissonDeviance):  # whose ŷ is e^a, above 0
        target = target.scaled_by(y[rows["training"]].astype(np.float64))
        y = target.encode(frame[options.target])
    inputs = frame.drop(options.target)
    preprocessing = Preprocessing.learn(inputs, rows["training"])
    X, more = preprocessing.transform(inputs)
    parts = {part: (X[chosen], y[chosen]) for part, chosen in rows.items()}
    sizes = [len(preprocessing.inputs), *options.hidden, target.outputs]
    network = Network.create(sizes, options.activation, loss, rng=options.seed, dtype="float32")
    return Prepared(preprocessing, target, network, parts, said + more)


def _with_target(frame: pl.DataFrame, name: str, table: Path) -> tuple[pl.DataFrame, int]:
    """The rows with a target, and how many have none."""
    if name not in frame.columns:
        raise unknown_name("target", name, frame.columns)
    if frame.width == 1:
        raise InputError(f"{table} has no column besides the target, expected at least one.")
    present = frame[name].is_not_null()
    if not present.any():
        raise InputError(f"target {name!r} is missing in every row of {table}: there is nothing to learn from.")
    return frame.filter(present), frame.height - int(present.sum())


def _loss(options: Options, target: Target) -> Loss:
    loss = as_loss(options.loss or ("cross_entropy" if target.classifies else "squared_error"))
    if target.classifies != isinstance(loss, CrossEntropy) or isinstance(loss, BinaryCrossEntropy):
        wanted = "cross_entropy" if target.classifies else "squared_error, absolute_error, huber or poisson_deviance"
        raise InputError(f"loss is '{loss}', but the task is {target.task}: expected {wanted}.")
    if options.class_weight is not None and not target.classifies:
        raise InputError("class_weight is given, but the task is regression, which has no classes.")
    return loss


def train(
    table: Path,
    folder: Path,
    options: Options,
    *,
    overwrite: bool = False,
    prepared: Callable[[Prepared], Any] | None = None,
    progress: Callable[[Progress], Any] | None = None,
) -> Result:
    """Learn a table, and write the run into a folder.

    ``prepared`` is called with the table as it was understood, before training. Ctrl-C raises
    :class:`~backtalk.TrainingInterrupted`, and leaves a folder that :func:`resume` goes on with. Where training
    diverges, the folder is as it was before.
    """
    place = Folder(folder)
    place.require_free(overwrite)
    ready = prepare(table, options)
    if prepared is not None:
        prepared(ready)
    place.begin()
    try:
        place.write(
            RUN,
            {
                "backtalk": version("backtalk"),
                "table": str(table.resolve()),
                "sha256": digest(table),
                **asdict(options),
            },
        )
        facts = {"target": ready.target.to_json(), "columns": ready.preprocessing.to_json()}
        place.write(PREPROCESSING, facts | {"inputs": ready.preprocessing.inputs})
        history = History(place / HISTORY, _follow(ready))
        began = time.monotonic()
        X, y = ready.parts["training"]
        training = fit(
            ready.network,
            X,
            y,
            epochs=options.epochs,
            batch_size=options.batch_size,
            optimizer=options.optimizer,
            schedule=options.schedule,
            rng=options.seed,
            l2_penalty=options.l2_penalty,
            dropout=options.dropout,
            clip_norm=options.clip_norm,
            class_weight=options.class_weight,
            validation=ready.parts.get("validation"),
            patience=options.patience or None,
            measure_every=_measure_every(len(X), options),
            callbacks=history,
            progress=progress,
            checkpoint=Checkpoint(place / CHECKPOINT, every_seconds=options.checkpoint_seconds),
        )
    except TrainingInterrupted:
        place.keep()
        raise
    except BaseException:
        place.discard()
        raise
    result = _finish(place, ready, training, history, time.monotonic() - began)
    place.keep()
    return result


def resume(
    folder: Path,
    *,
    prepared: Callable[[Prepared], Any] | None = None,
    progress: Callable[[Progress], Any] | None = None,
) -> Result:
    """Go on with a run that was cut short; the result equals that of one that never was, to the bit."""
    place = Folder(folder)
    run = place.read(RUN)
    options = Options(**{**{name: run[name] for name in Options.__slots__}, "hidden": tuple(run["hidden"])})
    table = Path(run["table"])
    if not table.exists():
        raise InputError(f"{table}, the table of this run, is no longer there: put it back to go on.")
    if digest(table) != run["sha256"]:
        raise InputError(f"{table} is not what it was when this run began: train anew, with --overwrite.")
    path = place / CHECKPOINT
    if not path.exists():
        raise InputError(f"{folder} holds no checkpoint, since it was cut short before the first: train anew.")
    ready = prepare(table, options)
    if prepared is not None:
        prepared(ready)
    facts = load_with(path)[1] or {}
    history = History(place / HISTORY, _follow(ready), kept=len(facts.get("losses", [])))
    began = time.monotonic()
    training = go_on(
        Checkpoint(path, every_seconds=options.checkpoint_seconds),
        *ready.parts["training"],
        validation=ready.parts.get("validation"),
        callbacks=history,
        progress=progress,
    )
    return _finish(place, ready, training, history, time.monotonic() - began)


def predict(folder: Path, table: Path) -> tuple[pl.DataFrame, list[str]]:
    """Predictions for the rows of a table, one row each, and what there is to say.

    A class, and the probability of each; or a number.
    """
    network, preprocessing, target = _open(folder)
    frame = read_table(table)
    X, said = preprocessing.transform(frame.drop(target.name, strict=False))
    output = _output(network, X)
    columns: dict[str, Any] = {"prediction": target.decode(output).tolist()}
    if target.classifies:
        columns |= {f"probability of {name}": output[:, k] for k, name in enumerate(target.classes)}
    return pl.DataFrame(columns), said


def evaluate(folder: Path, table: Path) -> tuple[dict[str, Any], list[str]]:
    """Scores on a table with the target, and what there is to say."""
    network, preprocessing, target = _open(folder)
    frame, missing = _with_target(read_table(table), target.name, table)
    X, said = preprocessing.transform(frame.drop(target.name))
    if missing:
        said.append(f"left out: {_rows(missing)} without a value of {target.name!r}.")
    return scores(target, target.encode(frame[target.name]), _output(network, X)), said


def _split(labels: np.ndarray | None, count: int, options: Options) -> dict[str, np.ndarray]:
    """Rows of each part, drawn by the seed; of every class its share, where there are rows enough for that."""
    for name in ("validation", "test"):
        share = getattr(options, name)
        if not 0 <= share < 1:
            raise InputError(f"{name} is {share}, expected a fraction of 0 or more, and below 1.")
    if options.test + options.validation >= 1:
        raise InputError("test and validation together leave no rows to train on: make them smaller.")
    rows, parts = np.arange(count), {}
    for name, share in (("test", options.test), ("validation", options.validation / (1 - options.test))):
        if share > 0:
            rows, parts[name] = _hold_out(rows, labels, share, options.seed)
    return {"training": rows, **dict(reversed(parts.items()))}


def _hold_out(rows: np.ndarray, labels: np.ndarray | None, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import train_test_split

    most = max(1, round(share * len(rows)))
    stratify = None
    if labels is not None:
        counts = np.bincount(labels[rows])
        counts = counts[counts > 0]
        if counts.min() >= 2 and len(counts) <= min(most, len(rows) - most):
            stratify = labels[rows]
    kept, held_out = train_test_split(rows, test_size=most, random_state=seed, stratify=stratify)
    return np.sort(kept), np.sort(held_out)


def _measure_every(rows: int, options: Options) -> int:
    return max(1, -(-rows // options.batch_size) // MEASURED_IN_EPOCH)


def _follow(ready: Prepared) -> Callable[[Network], float] | None:
    """The score on the validation set, for the history."""
    if "validation" not in ready.parts:
        return None
    X, y = ready.parts["validation"]
    return lambda network: score(ready.target, y, _output(network, X))


def _output(network: Network, X: np.ndarray) -> np.ndarray:
    blocks = [forward(network, X[first : first + ROWS_AT_ONCE]).output for first in range(0, len(X), ROWS_AT_ONCE)]
    return np.concatenate(blocks)


def _finish(place: Folder, ready: Prepared, training: Training, history: History, seconds: float) -> Result:
    """Write the model, the scores and the report."""
    outputs = {part: _output(training.network, X) for part, (X, _) in ready.parts.items()}
    metrics: dict[str, Any] = {
        "backtalk": version("backtalk"),
        "target": ready.target.name,
        "task": ready.target.task,
        "classes": ready.target.classes,
        "inputs": len(ready.preprocessing.inputs),
        "parameters": training.network.parameter_count,
        "epochs": len(training.losses),
        "best_epoch": training.best_epoch,
        "reason": training.reason,
        "seconds": seconds,
        "scores": {part: scores(ready.target, y, outputs[part]) for part, (_, y) in ready.parts.items()},
        "losses": list(training.losses),
        "validation_losses": list(training.validation_losses),
    }
    shown = next(part for part in ("test", "validation", "training") if part in ready.parts)
    rows = sum(len(X) for X, _ in ready.parts.values())
    page = write_report(
        f"{ready.target.name}: {ready.target.task}",
        f"{rows} rows, {len(ready.preprocessing.columns)} columns, trained with backtalk {version('backtalk')}",
        training.network,
        ready.preprocessing,
        ready.target,
        metrics,
        history.epochs,
        (shown, ready.parts[shown][1], outputs[shown]),
    )
    save(training.network, place / MODEL)
    write_atomically(place / REPORT, page.encode())
    place.write(METRICS, metrics)
    return Result(place.path, metrics, ready.said)


def _open(folder: Path) -> tuple[Network, Preprocessing, Target]:
    place = Folder(folder)
    facts = place.read(PREPROCESSING)
    path = place / MODEL
    if not path.exists():
        raise InputError(
            f"{folder} holds no model yet: the run was cut short, 'backtalk resume {folder}' goes on with it."
        )
    target = Target.from_json(facts["target"], place / PREPROCESSING)
    return load(path), Preprocessing.from_json(facts["columns"], place / PREPROCESSING), target


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


__all__ = ["Options", "Prepared", "Result", "evaluate", "predict", "prepare", "resume", "train"]
