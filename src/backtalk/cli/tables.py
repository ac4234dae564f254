"""``backtalk train``, ``resume``, ``predict`` and ``evaluate``: a table, a network, and what it is good for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import AsJson, Interrupted, app

if TYPE_CHECKING:
    from ..tables import Result


def _columns_of_table(context: typer.Context, incomplete: str) -> list[str]:
    """The names of the columns that a shell may complete."""
    try:
        from ..tables.reading import column_names

        return [name for name in column_names(Path(context.params["table"])) if name.startswith(incomplete)]
    except Exception:  # a shell that completes shows no errors
        return []


def _folders_of_runs(incomplete: str) -> list[str]:
    """The folders of runs that a shell may complete."""
    found = sorted(path.parent for path in Path().glob("*/run.json"))
    return [f"{path}/" for path in found if str(path).startswith(incomplete)]


Table = Annotated[Path, typer.Argument(metavar="FILE", help="A .csv or .parquet file, or a folder of .parquet files.")]
Run = Annotated[
    Path,
    typer.Argument(metavar="FOLDER", help="The folder that 'backtalk train' wrote.", autocompletion=_folders_of_runs),
]


@app.command(short_help="Train on a table, and write model, scores and a report.")
def train(
    table: Table,
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column to predict.", autocompletion=_columns_of_table),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the run is written. [default: FILE-model]", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in that folder.")] = False,
    task: Annotated[str, typer.Option(help="auto, classification or regression.")] = "auto",
    hidden: Annotated[
        str, typer.Option(metavar="UNITS", help="Units of the hidden layers, such as 64,32; 0 for none.")
    ] = "64,32",
    activation: Annotated[str, typer.Option(help="Of the hidden layers.")] = "relu",
    loss: Annotated[
        str | None, typer.Option(help="By default cross_entropy or squared_error.", show_default=False)
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="At the most.")] = 200,
    patience: Annotated[
        int, typer.Option(min=0, help="Epochs without a lower validation loss before training stops; 0 for never.")
    ] = 20,
    validation: Annotated[float, typer.Option(help="Share of the rows that tells when to stop.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of the rows that is held out for the scores.")] = 0.2,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="By default 16 to 256, by the number of rows.", show_default=False)
    ] = None,
    optimizer: Annotated[str, typer.Option(help="sgd, nesterov, adam, adamw, lbfgs, with parameters.")] = "adam",
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the optimizer. [default: 0.003 for adam]", show_default=False)
    ] = None,
    schedule: Annotated[
        str, typer.Option(help="constant, inverse_scaling, step, adaptive, cosine, one_cycle.")
    ] = "constant",
    dropout: Annotated[float, typer.Option(help="Share of the hidden units that is silenced in a step.")] = 0.0,
    l2_penalty: Annotated[float, typer.Option(help="Weight of the squared weights in the loss.")] = 1e-4,
    clip_norm: Annotated[float | None, typer.Option(help="Largest norm of a gradient.", show_default=False)] = None,
    class_weight: Annotated[
        str | None, typer.Option(help="'balanced' weighs each class alike.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Split, initial weights and shuffling follow from it.")] = 0,
    checkpoint_seconds: Annotated[float, typer.Option(help="Time between checkpoints.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Train a network on a table; classes or numbers are told from the target.

    FOLDER gets model.safetensors, preprocessing.json, metrics.json and report.html. Ctrl-C keeps what was reached, and
    'backtalk resume FOLDER' goes on.
    """
    from ..tables import Options
    from ..tables import train as train_on

    options = Options(
        target=_require_target(target, table),
        task=task,
        hidden=_units(hidden),
        activation=activation,
        loss=loss,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        dropout=dropout,
        l2_penalty=l2_penalty,
        clip_norm=clip_norm,
        class_weight=class_weight,
        validation=validation,
        patience=patience,
        test=test,
        seed=seed,
        checkpoint_seconds=checkpoint_seconds,
    )
    folder = out or Path(f"{table.stem}-model")
    with _watched(folder, table, as_json) as (prepared, progress):
        result = train_on(table, folder, options, overwrite=overwrite, prepared=prepared, progress=progress)
    _show_result(result, as_json)


@app.command(short_help="Go on with a training that was cut short.")
def resume(
    folder: Run,
    table: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Where the table is, if it was moved.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a training that was cut short; the result equals one that never was, to the bit."""
    from ..tables import resume as go_on

    with _watched(folder, table, as_json) as (prepared, progress):
        result = go_on(folder, table, prepared=prepared, progress=progress)
    _show_result(result, as_json)


@app.command(short_help="Predict the target of each row of a table.")
def predict(
    folder: Run,
    table: Table,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Where the predictions go. [default: stdout]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a line for each row of FILE: the class and the probability of each, or the number."""
    import sys

    from ..interop.files import write_atomically
    from ..tables import predict as predict_with
    from .table_views import show_notes

    frame, notes = predict_with(folder, table)
    if as_json:
        print(json.dumps({"folder": str(folder), "notes": notes, "predictions": frame.to_dict(as_series=False)}))
    show_notes([] if as_json else notes)
    if out is not None:
        write_atomically(out, frame.write_csv().encode())
        print(f"wrote {len(frame)} predictions to {out}", file=sys.stderr)
    elif not as_json:
        print(frame.write_csv(), end="")


@app.command(short_help="Scores of a trained network on a table.")
def evaluate(folder: Run, table: Table, as_json: AsJson = False) -> None:
    """Compare the predictions for FILE with its target column."""
    from ..tables import evaluate as evaluate_on
    from .table_views import show_notes, show_scores

    found, notes = evaluate_on(folder, table)
    if as_json:
        print(json.dumps({"folder": str(folder), "table": str(table), "notes": notes, "scores": found}))
        return
    show_notes(notes)
    show_scores({table.name: found})


def _require_target(target: str | None, table: Path) -> str:
    if target is None:
        from ..errors import InputError
        from ..tables.reading import read_table

        names = read_table(table).columns
        shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        raise InputError(f"target is missing: name the column to predict with --target, one of {shown}.")
    return target


def _units(text: str) -> tuple[int, ...]:
    from ..errors import InputError

    try:
        units = tuple(int(part) for part in text.split(","))
    except ValueError:
        units = (-1,)
    if units == (0,):
        return ()
    if min(units) < 1:
        raise InputError(f"hidden is {text!r}, expected whole numbers of 1 or more, such as 64,32, or 0 for none.")
    return units


@contextmanager
def _watched(
    folder: Path, table: Path | None, as_json: bool
) -> Iterator[tuple[Callable[..., Any], Callable[..., Any]]]:
    """What is shown while training runs, on stderr; and at Ctrl-C, how to go on."""
    from ..train import TrainingInterrupted
    from .table_views import TrainingView

    with TrainingView(quiet=as_json) as view:
        try:
            yield view.show_table, view.show_progress
        except TrainingInterrupted as interrupted:
            view.stop()
            done = len(interrupted.training.losses)
            moved = f" {table}" if table and not (folder / "run.json").exists() else ""
            where = f"after {done} epoch{'' if done == 1 else 's'}"
            raise Interrupted(f"interrupted {where}; go on with: backtalk resume {folder}{moved}") from None


def _show_result(result: Result, as_json: bool) -> None:
    from .table_views import show_end

    if as_json:
        print(json.dumps({"folder": str(result.folder), "notes": result.said, **result.metrics}))
        return
    show_end(result)
