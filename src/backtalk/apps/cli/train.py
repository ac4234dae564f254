"""``backtalk train``: from a table in a file to a trained network in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from .cluster import Coordinator, Process, Processes, joined
from .common import AsJson, app
from .crashes import spoken
from .table_arguments import Table, aborts_of, column, leave_by_result, option
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


@app.command(short_help="Learn a column of a table from the others.", cls=Grouped)
def train(
    table: Table,
    target: Annotated[str | None, column("What is predicted. [required]", None)] = None,
    out: Annotated[Path | None, option("Where all is written. [default: FILE-run]", metavar="FOLDER")] = None,
    overwrite: Annotated[bool, option("Replace the run that is there.", None, "--overwrite")] = False,
    types: Annotated[
        list[str] | None,
        option(
            "What columns are, if not what they look like: number, category, yes/no, time, date, or date(%d/%m/%y) "
            "with its form; of the target, number is a regression and category a classification. May be repeated.",
            COLUMNS,
            metavar="COLUMN=TYPE,…",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, column("Columns that are no inputs. May be repeated.", metavar="COLUMN,…")
    ] = None,
    missing: Annotated[
        list[str] | None,
        option(
            "Words and numbers that stand for what is missing, such as -999, besides the usual ones. May be repeated.",
            COLUMNS,
            metavar="WORD,…",
        ),
    ] = None,
    no_header: Annotated[
        bool,
        option(
            "The first line is a row: the columns are called 'column 1', 'column 2' and so on.", COLUMNS, "--no-header"
        ),
    ] = False,
    weight: Annotated[
        str | None, column("How much each row counts, in training and in the scores: numbers of 0 or more.")
    ] = None,
    id_column: Annotated[
        str | None, column("Names the rows: no input, but the first column of predictions.", COLUMNS, "--id")
    ] = None,
    members: Annotated[
        int | None,
        option(
            "Networks of each kind that predict together, each trained without one fold of the rows, which judges it; "
            "1 for a single network. [default: 5, fewer for many rows]",
            ROWS,
            show_default=False,
        ),
    ] = None,
    validation: Annotated[
        str | None,
        option(
            "Rows that say when to stop, instead of folds: a share, 0 for none, or a table.",
            ROWS,
            metavar="SHARE|FILE",
        ),
    ] = None,
    test: Annotated[
        str | None,
        option("Rows held out for the scores, besides folds: a share, or a table.", ROWS, metavar="SHARE|FILE"),
    ] = None,
    split: Annotated[
        str | None,
        option(
            "time=COLUMN: the last rows by time are for test, those before for validation. group=COLUMN: no group is "
            "in two parts. [default: at random]",
            ROWS,
            metavar="WAY=COLUMN",
        ),
    ] = None,
    seed: Annotated[int, option("All that is random follows from it.", ROWS, min=0, max=2**32 - 1)] = 0,
    task: Annotated[str, option("auto, classification or regression.", NETWORK)] = "auto",
    hidden: Annotated[
        str | None,
        option(
            "Units of each hidden layer; '' for none. [default: networks of two kinds, 64,32 and 128,128]",
            NETWORK,
            metavar="N,N,…",
            show_default=False,
        ),
    ] = None,
    activation: Annotated[
        str | None,
        option("Of hidden layers: tanh, relu, gelu, … [default: mish]", NETWORK, show_default=False),
    ] = None,
    loss: Annotated[
        str | None,
        option(
            "Of classes: cross_entropy, focal, kl_divergence, categorical_hinge; of numbers: squared_error, "
            "absolute_error, huber, quantile(level=0.9), poisson_deviance, gaussian_nll. [default: the first]",
            NETWORK,
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        option(
            "The output function: softmax or any activation. [default: that of the loss]",
            NETWORK,
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[int | None, option("At the most. [default: 200, or 60 of wide networks]", TRAINING)] = None,
    patience: Annotated[
        int | None,
        option("Epochs without a better loss on the rows held out; 0 for all epochs. [default: 20, or 15]", TRAINING),
    ] = None,
    batch_size: Annotated[
        int | None, option("Rows of a step. [default: 16 to 256, by the number of rows]", TRAINING)
    ] = None,
    optimizer: Annotated[
        str | None,
        option("gd, sgd, nesterov, rmsprop, adam, adamw, lion, lbfgs, … [default: adam]", TRAINING),
    ] = None,
    learning_rate: Annotated[float | None, option("The optimizer's. [default: its own]", TRAINING)] = None,
    schedule: Annotated[
        str | None,
        option("constant, cosine, one_cycle, step, … [default: constant, or cosine]", TRAINING, show_default=False),
    ] = None,
    dropout: Annotated[float, option("Share of hidden units that is silenced in training.", TRAINING)] = 0.0,
    l2_penalty: Annotated[
        float | None,
        option("What large weights cost. [default: 0.001 below 10,000 rows to train on, else 0.00001]", TRAINING),
    ] = None,
    clip_norm: Annotated[float | None, option("The largest norm of a gradient. [default: any]", TRAINING)] = None,
    class_weight: Annotated[
        str | None,
        option("balanced: rare classes count as much as frequent ones.", TRAINING, metavar="balanced"),
    ] = None,
    metric: Annotated[
        str | None,
        option(
            "What decides when to stop, and comes first: accuracy, balanced_accuracy, f1, roc_auc, average_precision, "
            "log_loss; rmse, mae, mape, r2, quantile_loss. [default: the loss]",
            JUDGED,
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    quantiles: Annotated[
        str | None, option("Predict these quantiles of a number, such as .1,.5,.9.", JUDGED, metavar="LEVEL,…")
    ] = None,
    interval: Annotated[
        float | None,
        option(
            "How sure it is that a number lies between the ends predicted for it; 0 for no ends. [default: 0.9]",
            JUDGED,
            metavar="LEVEL",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        option(
            "From which probability on a row is of the second of two classes; auto: the best one for rows not trained "
            "on. [default: 0.5]",
            JUDGED,
            metavar="P|auto",
            show_default=False,
        ),
    ] = None,
    time_limit: Annotated[
        str | None,
        option(
            "How long training may take, such as 30s, 10m or 1h; 'backtalk resume' goes on. [default: as it needs]",
            TRAINING,
            metavar="TIME",
            show_default=False,
        ),
    ] = None,
    checkpoint_seconds: Annotated[float, option("Between two checkpoints.", TRAINING)] = 10.0,
    engine: Annotated[str, option("auto, native, formula, compiled (by JAX) or compiled_bfloat16.", TRAINING)] = "auto",
    memory: Annotated[
        str | None,
        option(
            "Read and train in parts a table that needs more, such as 2G. [default: half of what is free]",
            TRAINING,
            metavar="SIZE",
            show_default=False,
        ),
    ] = None,
    diagnose: Annotated[bool, option("Say what goes wrong, and what to do.", TRAINING, "--diagnose")] = False,
    epsilon: Annotated[
        float | None,
        option(
            "How much one row may change the weights, over all steps: noise is added accordingly. [default: any]",
            PRIVACY,
            show_default=False,
        ),
    ] = None,
    noise_multiplier: Annotated[
        float | None, option("The noise itself, instead of --epsilon, in units of --max-norm.", PRIVACY)
    ] = None,
    delta: Annotated[
        float | None, option("Of the privacy: below 1 over the number of rows, such as 1e-5.", PRIVACY)
    ] = None,
    max_norm: Annotated[
        float | None,
        option("To which the gradient of each row is clipped. [default: 1]", PRIVACY, show_default=False),
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
        raise InputError(f"is missing: expected the column to predict, one of {shown}.", argument="target")
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
        with aborts_of(table, group), watch:
            result = learn(table, folder, options, overwrite=overwrite, group=group, **watch.watchers)
        printed = is_printed(result, watch, as_json)
    leave_by_result(result, printed)
