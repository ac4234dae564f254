"""``backtalk train``, ``resume``, ``predict`` and ``evaluate``: a table in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..visible import put, put_json, say, visible
from .cluster import Coordinator, Process, Processes, joined
from .common import AsJson, app, require_other, show_remarks
from .crashes import spoken
from .table_options import (
    COLUMNS,
    JUDGED,
    NETWORK,
    PRIVACY,
    ROWS,
    TRAINING,
    Grouped,
    levels_of,
    optimizer_of,
    share_or_file,
    sizes_of,
    threshold_of,
    types_of,
    words_of,
)
from .watch import Watch, is_printed

if TYPE_CHECKING:
    from ...distributed import Group
    from ..tables import Result


def _columns(context: typer.Context, incomplete: str) -> list[str]:
    """The columns of the table, for the completion of --target and others."""
    from ...errors import BacktalkError
    from ..tables.reading.tables import column_names

    given = [context.params.get("table"), *context.args]  # if --target has no value yet, FILE is still in args
    table = next((Path(word) for word in given if word is not None and Path(word).is_file()), None)
    try:
        names = column_names(table) if table else []
    except (BacktalkError, OSError, ValueError):
        names = []
    return [name for name in names if name.startswith(incomplete) and visible(name) == name]


def _folders(incomplete: str) -> Iterator[str]:
    """Folders of runs that lie here, for completion."""
    for run in sorted(Path().glob("*/run.json")):
        if run.parent.name.startswith(incomplete):
            yield run.parent.name


Table = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A .csv, .parquet, .xlsx, .ndjson or .arrow file, a folder of .parquet files, or - for stdin.",
    ),
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="What 'backtalk train' wrote.", autocompletion=_folders)
]


def _option(help_text: str, group: str | None = None, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=help_text, rich_help_panel=group, **settings)


def _column(help_text: str, group: str | None = COLUMNS, *names: str, **settings: Any) -> Any:
    """An option that names columns of the table, of which the shell completes the names."""
    shown = {"metavar": "COLUMN", "show_default": False, "autocompletion": _columns}
    return _option(help_text, group, *names, **shown | settings)


TRAINED_ON = "new rows will have worse scores, such as those of rows that were not trained on, in"


@app.command(short_help="Learn a column of a table from the others.", cls=Grouped)
def train(
    table: Table,
    target: Annotated[str | None, _column("What is predicted. [required]", None)] = None,
    out: Annotated[Path | None, _option("Where all is written. [default: FILE-run]", metavar="FOLDER")] = None,
    overwrite: Annotated[bool, _option("Replace the run that is there.", None, "--overwrite")] = False,
    types: Annotated[
        list[str] | None,
        _option(
            "What columns are, if not what they look like: number, category, yes/no, time, date, or date(%d/%m/%y) "
            "with its form; of the target, number is a regression and category a classification. May be repeated.",
            COLUMNS,
            metavar="COLUMN=TYPE,…",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, _column("Columns that are no inputs. May be repeated.", metavar="COLUMN,…")
    ] = None,
    missing: Annotated[
        list[str] | None,
        _option(
            "Words and numbers that stand for what is missing, such as -999, besides the usual ones. May be repeated.",
            COLUMNS,
            metavar="WORD,…",
        ),
    ] = None,
    no_header: Annotated[
        bool,
        _option(
            "The first line is a row: the columns are called 'column 1', 'column 2' and so on.", COLUMNS, "--no-header"
        ),
    ] = False,
    weight: Annotated[
        str | None, _column("How much each row counts, in training and in the scores: numbers of 0 or more.")
    ] = None,
    id_column: Annotated[
        str | None, _column("Names the rows: no input, but the first column of predictions.", COLUMNS, "--id")
    ] = None,
    members: Annotated[
        int | None,
        _option(
            "Networks of each kind that predict together, each trained without one fold of the rows, which judges it; "
            "1 for a single network. [default: 5, fewer for many rows]",
            ROWS,
            show_default=False,
        ),
    ] = None,
    validation: Annotated[
        str | None,
        _option(
            "Rows that say when to stop, instead of folds: a share, 0 for none, or a table.",
            ROWS,
            metavar="SHARE|FILE",
        ),
    ] = None,
    test: Annotated[
        str | None,
        _option("Rows held out for the scores, besides folds: a share, or a table.", ROWS, metavar="SHARE|FILE"),
    ] = None,
    split: Annotated[
        str | None,
        _option(
            "time=COLUMN: the last rows by time are for test, those before for validation. group=COLUMN: no group is "
            "in two parts. [default: at random]",
            ROWS,
            metavar="WAY=COLUMN",
        ),
    ] = None,
    seed: Annotated[int, _option("All that is random follows from it.", ROWS, min=0, max=2**32 - 1)] = 0,
    task: Annotated[str, _option("auto, classification or regression.", NETWORK)] = "auto",
    hidden: Annotated[
        str | None,
        _option(
            "Units of each hidden layer; '' for none. [default: networks of two kinds, 64,32 and 128,128]",
            NETWORK,
            metavar="N,N,…",
            show_default=False,
        ),
    ] = None,
    activation: Annotated[
        str | None,
        _option("Of hidden layers: tanh, relu, gelu, … [default: mish]", NETWORK, show_default=False),
    ] = None,
    loss: Annotated[
        str | None,
        _option(
            "Of classes: cross_entropy, focal, kl_divergence, categorical_hinge; of numbers: squared_error, "
            "absolute_error, huber, quantile(level=0.9), poisson_deviance, gaussian_nll. [default: the first]",
            NETWORK,
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        _option(
            "The output function: softmax or any activation. [default: that of the loss]",
            NETWORK,
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[int | None, _option("At the most. [default: 200, or 60 of wide networks]", TRAINING)] = None,
    patience: Annotated[
        int | None,
        _option("Epochs without a better loss on the rows held out; 0 for all epochs. [default: 20, or 15]", TRAINING),
    ] = None,
    batch_size: Annotated[
        int | None, _option("Rows of a step. [default: 16 to 256, by the number of rows]", TRAINING)
    ] = None,
    optimizer: Annotated[
        str | None,
        _option("gd, sgd, nesterov, rmsprop, adam, adamw, lion, lbfgs, … [default: adam]", TRAINING),
    ] = None,
    learning_rate: Annotated[float | None, _option("The optimizer's. [default: its own]", TRAINING)] = None,
    schedule: Annotated[
        str | None,
        _option("constant, cosine, one_cycle, step, … [default: constant, or cosine]", TRAINING, show_default=False),
    ] = None,
    dropout: Annotated[float, _option("Share of hidden units that is silenced in training.", TRAINING)] = 0.0,
    l2_penalty: Annotated[
        float | None,
        _option("What large weights cost. [default: 0.001 below 10,000 rows to train on, else 0.00001]", TRAINING),
    ] = None,
    clip_norm: Annotated[float | None, _option("The largest norm of a gradient. [default: any]", TRAINING)] = None,
    class_weight: Annotated[
        str | None,
        _option("balanced: rare classes count as much as frequent ones.", TRAINING, metavar="balanced"),
    ] = None,
    metric: Annotated[
        str | None,
        _option(
            "What decides when to stop, and comes first: accuracy, balanced_accuracy, f1, roc_auc, average_precision, "
            "log_loss; rmse, mae, mape, r2, quantile_loss. [default: the loss]",
            JUDGED,
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    quantiles: Annotated[
        str | None, _option("Predict these quantiles of a number, such as .1,.5,.9.", JUDGED, metavar="LEVEL,…")
    ] = None,
    interval: Annotated[
        float | None,
        _option(
            "How sure it is that a number lies between the ends predicted for it; 0 for no ends. [default: 0.9]",
            JUDGED,
            metavar="LEVEL",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        _option(
            "From which probability on a row is of the second of two classes; auto: the best one for rows not trained "
            "on. [default: 0.5]",
            JUDGED,
            metavar="P|auto",
            show_default=False,
        ),
    ] = None,
    time_limit: Annotated[
        str | None,
        _option(
            "How long training may take, such as 30s, 10m or 1h; 'backtalk resume' goes on. [default: as it needs]",
            TRAINING,
            metavar="TIME",
            show_default=False,
        ),
    ] = None,
    checkpoint_seconds: Annotated[float, _option("Between two checkpoints.", TRAINING)] = 10.0,
    engine: Annotated[
        str, _option("auto, native, formula, compiled (by JAX) or compiled_bfloat16.", TRAINING)
    ] = "auto",
    memory: Annotated[
        str | None,
        _option(
            "Read and train in parts a table that needs more, such as 2G. [default: half of what is free]",
            TRAINING,
            metavar="SIZE",
            show_default=False,
        ),
    ] = None,
    diagnose: Annotated[bool, _option("Say what goes wrong, and what to do.", TRAINING, "--diagnose")] = False,
    epsilon: Annotated[
        float | None,
        _option(
            "How much one row may change the weights, over all steps: noise is added accordingly. [default: any]",
            PRIVACY,
            show_default=False,
        ),
    ] = None,
    noise_multiplier: Annotated[
        float | None, _option("The noise itself, instead of --epsilon, in units of --max-norm.", PRIVACY)
    ] = None,
    delta: Annotated[
        float | None, _option("Of the privacy: below 1 over the number of rows, such as 1e-5.", PRIVACY)
    ] = None,
    max_norm: Annotated[
        float | None,
        _option("To which the gradient of each row is clipped. [default: 1]", PRIVACY, show_default=False),
    ] = None,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    as_json: AsJson = False,
) -> None:
    """Learn the column --target of the table FILE from its other columns.

    Writes a folder with the model, what was learned about the columns, the scores (metrics.json) and report.html.
    Ctrl-C leaves a checkpoint there, from which 'backtalk resume' goes on.
    """
    from ...errors import InputError, cut
    from ..tables import Options
    from ..tables import train as learn
    from ..tables.reading.kinds import stem_of
    from ..tables.reading.origins import Origin
    from ..tables.reading.tables import read_table
    from ..tables.target_rows import MOST_NAMES
    from ..tables.time_limit import seconds_of

    if target is None:
        with spoken(table):
            names = list(read_table(Origin.of(table, no_header)).schema)
        shown = ", ".join(map(cut, names[:MOST_NAMES])) + (", …" if len(names) > MOST_NAMES else "")
        raise InputError(f"target is missing: give --target with the column to predict, one of {shown}.")
    folder = out if out is not None else Path(f"{stem_of(table if str(table) == '-' else table.resolve())}-run")
    options = Options(
        target=target,
        task=task,
        hidden=None if hidden is None else sizes_of(hidden),
        activation=activation,
        loss=loss,
        output=output,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer_of(optimizer, learning_rate),
        schedule=schedule,
        dropout=dropout,
        l2_penalty=l2_penalty,
        clip_norm=clip_norm,
        class_weight=class_weight,
        metric=metric,
        quantiles=levels_of(quantiles),
        interval=interval,
        threshold=threshold_of(threshold),
        members=members,
        validation=share_or_file("validation", validation),
        patience=patience,
        test=share_or_file("test", test),
        seed=seed,
        time_limit=None if time_limit is None else seconds_of(time_limit),
        checkpoint_seconds=checkpoint_seconds,
        diagnose=diagnose,
        engine=engine,
        memory=memory,
        types=types_of(types or []),
        ignore=tuple(ignore or ()),
        missing=words_of(missing or []),
        weight=weight,
        id=id_column,
        split=split,
        no_header=no_header,
        epsilon=epsilon,
        noise_multiplier=noise_multiplier,
        delta=delta,
        max_norm=max_norm,
    )
    with joined(coordinator, processes, process, engine=engine, folder=folder, anew=True) as group:
        watch = Watch(folder, as_json, group)
        with _aborts_of(table, group), watch:
            result = learn(table, folder, options, overwrite=overwrite, group=group, **watch.watchers)
        printed = is_printed(result, watch, as_json)
    _leave_by(result, printed)


@app.command(short_help="Go on with a run that was cut short.")
def resume(
    folder: RunFolder,
    table: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where the table is now, if it was moved.")
    ] = None,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    as_json: AsJson = False,
) -> None:
    """Go on from the checkpoint in FOLDER; the result equals that of never having stopped, to the bit.

    With the compiled engine it goes on in any number of processes; a sum may then differ in its last digit.
    """
    from ..tables import resume as go_on
    from ..tables.facts import read_run
    from ..tables.folder import Folder

    engine = read_run(Folder(folder)).options.engine
    with joined(coordinator, processes, process, engine=engine, folder=folder, anew=False) as group:
        watch = Watch(folder, as_json, group)
        with _aborts_of(table or "the table", group), watch:
            result = go_on(folder, table, group=group, **watch.watchers)
        printed = is_printed(result, watch, as_json, went_on=True)
    _leave_by(result, printed)


@app.command(short_help="Predict the rows of a table.")
def predict(
    folder: RunFolder,
    table: Table,
    out: Annotated[Path | None, _option("Write there. [default: stdout]", metavar="FILE.csv")] = None,
    csv_safe: Annotated[
        bool,
        typer.Option(
            "--csv-safe", help="For spreadsheets: an apostrophe before text that they would take for a formula."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a cell that cannot be read, instead of counting it as missing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Predict the target for each row of FILE by the model in FOLDER, as CSV.

    Each row has the class and the probability of each class, or the value and the ends between which it lies.
    """
    from ...core.files import write_atomically
    from ...errors import InputError
    from ..tables import predict as foresee
    from ..tables.spreadsheets import without_formulas

    if csv_safe and as_json and out is None:
        raise InputError("--csv-safe is for CSV, but --json prints none: leave one of them out, or give --out.")
    if out is not None:
        require_other("out", out, folder, str(table), "the predictions", source="table")
    with spoken(table):
        predictions, remarks = foresee(folder, table, strict)
    show_remarks(remarks)
    as_csv = without_formulas(predictions) if csv_safe else predictions
    if out is not None:
        write_atomically(out, as_csv.write_csv().encode())
    if as_json:
        content = {"out": str(out)} if out else {"predictions": predictions.to_dicts()}
        put_json({"rows": predictions.height, "said": remarks, **content})
    elif out is None:
        put(as_csv.write_csv())
    else:
        say(f"wrote {out}: {predictions.height} rows")


@app.command(short_help="Scores of a model on a table.")
def evaluate(folder: RunFolder, table: Table, as_json: AsJson = False) -> None:
    """Compare what the model in FOLDER predicts for FILE with the target that stands there."""
    from ..tables import evaluate as judge
    from ..tables.facts import read_run
    from ..tables.folder import METRICS, RUN, Folder
    from ..tables.reading.origins import Origin
    from ..terminal import make_console
    from .table_views import show_confusion, show_scores, show_verdict

    with spoken(table):
        origin, place = Origin.of(table), Folder(folder)
        scores, remarks = judge(folder, origin)
        if (place / RUN).exists() and origin.digest() == read_run(place).sha256:
            remarks.append(f"{origin} is the table of the training: {TRAINED_ON} {place / METRICS}.")
    if as_json:
        put_json({**scores, "said": remarks})
        return
    show_remarks(remarks)
    console = make_console()
    show_verdict(console, scores["verdict"])
    console.print()
    show_scores(console, {table.name: scores}, scores.get("metric"))
    show_confusion(console, scores)


def _aborts_of(table: Path | str, group: Group) -> AbstractContextManager[None]:
    """In a cluster they are said already."""
    return spoken(table) if group.count == 1 else nullcontext()


def _leave_by(result: Result, printed: bool) -> None:
    """Exit code 1 if a file of the run, or stdout, could not be written; a warning has said which."""
    if result.unwritten or not printed:
        raise typer.Exit(1)
