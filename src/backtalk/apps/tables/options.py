"""How a table is learned: what a user asks for, checked before anything is read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from ...core.activations import as_activation
from ...engines.choose import COMPILED
from ...errors import InputError, InputTypeError, quoted, unknown_name
from ...train import Checkpoint, Privacy
from ...train.settings import TrainSettings
from .cells.dates import is_date_form
from .cells.kinds import CATEGORY, DATE, NUMBER, TIME, YES_NO
from .cells.numbers import PLAIN
from .judging.threshold import AUTO
from .memory import bytes_of
from .metric_names import METRICS
from .recipe import MOST_MEMBERS, ONE_KIND, SMALL, Recipe
from .target import CLASSIFICATION, REGRESSION
from .time_limit import seconds_of

MANY_ROWS = 10_000
MEASURED_IN_EPOCH = 5  # steps
HELD_OUT = ("validation", "test")
BY_TIME, BY_GROUP = SPLITS = "time", "group"
TYPES = [NUMBER, CATEGORY, YES_NO, DATE, TIME]
TASK_OF = {NUMBER: REGRESSION, CATEGORY: CLASSIFICATION, YES_NO: CLASSIFICATION}


@dataclass(frozen=True, slots=True)
class Options:
    """How a table is learned; the defaults suit most tables of a few hundred to a million rows.

    ``hidden``, ``activation``, ``optimizer``, ``schedule``: by default networks of two kinds are trained, whose mean
    predicts; if one of these is given, of one kind. ``epochs``, ``patience``: by default those of the kind.
    ``loss``: by default cross-entropy or squared error. ``output``: by default the output function that goes with the
    loss. ``batch_size``: by default some fifty mini-batches in an epoch,
    of 16 to 256 rows. ``l2_penalty``: by default 0.001 below 10 000 rows to train on, where it keeps a network from
    learning the rows by heart, and 0.00001 from there on. ``diagnose``: a doctor watches, and its findings are written.
    ``engine``: as for :func:`~backtalk.fit`; the compiled ones measure nothing in the steps. ``memory``: within how
    much memory, such as '2G', a table that needs more is read and trained on in parts; by default half of what is free.

    ``metric``: what decides when training stops, and comes first among the scores, by its name in scikit-learn:
    ``"accuracy"``, ``"balanced_accuracy"``, ``"f1"``, ``"roc_auc"``, ``"average_precision"``, ``"log_loss"``,
    ``"rmse"``, ``"mae"``, ``"mape"``, ``"r2"`` or ``"quantile_loss"``; by default the loss decides. ``quantiles``:
    their levels, such as (0.1, 0.5, 0.9), each of which is predicted. ``interval``: how sure it is that a number lies
    between the ends that are predicted as well, 0.9 by default, or as sure as between the outer quantiles; 0 for no
    ends. ``threshold``: from which probability on a row is of the second of two classes, or ``"auto"`` for the one with
    the best balanced accuracy, or accuracy or F1 if that is the metric, of rows that their network did not see.

    ``members``: how many networks of each kind predict together, by default five. Each is trained without one fold of
    the rows, by which its training stops, and by which it is judged; with 1, the folds are trained for the scores and
    for the number of epochs, and then one network, of the better kind, on all rows. With ``validation`` all members are
    trained on the same rows, from different seeds. ``validation``, ``test``: a share of the rows, or the file of a
    table of its own; by default none, but 0.1 and 0.2 if there are no folds. ``split``: by default rows are held out at
    random; ``"time=COLUMN"`` holds out the last ones by the time in a column, for test the very last, and there are no
    folds; ``"group=COLUMN"`` whole groups, so that no group is in two parts or folds. ``types``: what columns are, if
    they are not what they look like: ``"number"``, ``"category"``, ``"yes/no"``, ``"time"``, ``"date"``, or
    ``"date(%d/%m/%y)"`` with its form; of the target a number means regression, a category classification.
    ``ignore``: columns that are no inputs; a text that is the name of no column is names with commas between.
    ``time_limit``: how long training may take, as ``"10m"`` or in seconds: it then ends early, and ``resume`` goes on.
    ``missing``: words, and numbers such as ``"-999"``, that stand for what is missing, besides the usual words.
    ``weight``: the column of the weights of the rows, 0 or more, in the loss and in the scores. ``id``: a column that
    is no input, and stands before the predictions. ``epsilon`` or ``noise_multiplier``, with ``delta`` and
    ``max_norm``: the training of one network is private (:class:`~backtalk.Privacy`); what is learned of the columns
    before it, and the scores, are not. ``no_header``: the first line of the table, and of tables to
    predict, is a row: the columns are called ``column 1``, ``column 2`` and so on.

    >>> Options("price", types={"zip": "category"}, ignore=("notes",), split="time=sold").split_column
    'sold'
    """

    target: str
    task: str = "auto"
    hidden: tuple[int, ...] | None = None
    activation: str | None = None
    loss: str | None = None
    output: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    schedule: str | None = None
    dropout: float | tuple[float, ...] = 0.0
    l2_penalty: float | None = None
    clip_norm: float | None = None
    class_weight: str | None = None
    metric: str | None = None
    quantiles: tuple[float, ...] = ()
    interval: float | None = None
    threshold: float | str | None = None
    members: int | None = None
    validation: float | str | None = None
    patience: int | None = None
    test: float | str | None = None
    seed: int = 0
    time_limit: float | None = None
    checkpoint_seconds: float = 10.0
    diagnose: bool = False
    engine: str = "auto"
    memory: str | None = None
    types: dict[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    weight: str | None = None
    id: str | None = None
    split: str | None = None
    no_header: bool = False
    epsilon: float | None = None
    noise_multiplier: float | None = None
    delta: float | None = None
    max_norm: float | None = None

    def __post_init__(self) -> None:
        for part in HELD_OUT:  # as JSON holds them
            if isinstance(given := getattr(self, part), os.PathLike):
                object.__setattr__(self, part, os.fspath(given))
        if self.time_limit is not None:
            object.__setattr__(self, "time_limit", seconds_of(self.time_limit))

    @property
    def shares(self) -> dict[str, float]:
        """Of validation and test, the share of the table's rows; those that have a file of their own have none."""
        given = {part: getattr(self, part) or 0 for part in HELD_OUT}
        return {part: share for part, share in given.items() if not isinstance(share, str) and share > 0}

    @property
    def files(self) -> dict[str, str]:
        """The files of validation and test, if they have some."""
        return {part: file for part in HELD_OUT if isinstance(file := getattr(self, part), str)}

    @property
    def privacy(self) -> Privacy | None:
        """The privacy of the training, if some is asked for."""
        if self.epsilon is None and self.noise_multiplier is None:
            return None
        if self.delta is None:
            raise InputError(
                "is missing: private training needs one below 1 over the number of rows, such as 1e-5.",
                argument="delta",
            )
        if self.epsilon is not None and self.noise_multiplier is not None:
            raise InputError(
                "is given, and a noise multiplier as well: give one of them, since the other follows.",
                argument="epsilon",
            )
        return Privacy(
            delta=self.delta,
            noise_multiplier=self.noise_multiplier,
            target_epsilon=self.epsilon,
            max_norm=1.0 if self.max_norm is None else self.max_norm,
        )

    @property
    def split_column(self) -> str | None:
        """The column by which rows are held out, if there is one."""
        return None if self.split is None else self.split.partition("=")[2]


def settled(options: Options, rows: int, recipe: Recipe = SMALL) -> Options:
    """The options, with what follows from the number of rows to train on and the kind of network."""
    names = [*ONE_KIND, "epochs", "patience"]
    filled = replace(options, **{name: getattr(recipe, name) for name in names if getattr(options, name) is None})
    batch_size, l2_penalty = options.batch_size, options.l2_penalty
    if batch_size is None and not TrainSettings(optimizer=filled.optimizer or "").takes_all:
        batch_size = recipe.batch_size(rows)
    if options.privacy is not None and options.patience is None and not options.validation:
        filled = replace(filled, patience=0)  # no rows say when to stop that are not private
    if l2_penalty is None:
        l2_penalty = 1e-3 if rows < MANY_ROWS else 1e-5
    return replace(filled, batch_size=batch_size, l2_penalty=l2_penalty)


def settings_of(options: Options, rows: int, recipe: Recipe = SMALL) -> TrainSettings:
    """How a network is trained on so many rows."""
    shared = {each.name for each in fields(TrainSettings)} & set(Options.__slots__)
    found = settled(options, rows, recipe)
    values: dict[str, Any] = {name: getattr(found, name) for name in shared}
    values |= {"patience": found.patience or None, "privacy": options.privacy}
    settings = TrainSettings(**values)
    # these measure nothing in the steps
    if not settings.by_steps or options.engine in COMPILED or settings.privacy is not None:
        return settings
    return replace(settings, measure_every=max(1, -(-rows // settings.batch_for(rows)) // MEASURED_IN_EPOCH))


def task_of(options: Options) -> str:
    """The task, by the option or by the kind that was asked for of the target."""
    kind, _ = kind_and_form(options.types.get(options.target, ""))
    return TASK_OF[kind] if options.task == "auto" and kind in TASK_OF else options.task


def kind_and_form(asked: str) -> tuple[str, str | None]:
    """What was asked for of a column, as the kind and its form, if one is given.

    >>> kind_and_form("date(%d/%m/%y)"), kind_and_form("number")
    (('date', '%d/%m/%y'), ('number', None))
    """
    kind, opened, form = asked.partition("(")
    return kind, form.removesuffix(")").replace("%B", "%b") if opened else None


def require_usable(options: Options) -> None:
    """Refuse what no training can use, before anything is read."""
    _require_kinds(options)
    for part in HELD_OUT:
        share = getattr(options, part)
        if not isinstance(share, str | None) and not 0 <= share < 1:
            raise InputError(f"is {share}, expected a fraction of 0 or more, and below 1.", argument=part)
    if sum(options.shares.values()) >= 1:
        raise InputError("test and validation together leave no rows to train on: make them smaller.")
    if options.members is not None and not 1 <= options.members <= MOST_MEMBERS:
        raise InputError(f"is {options.members}, expected 1 to {MOST_MEMBERS}.", argument="members")
    if options.patience is not None and options.patience < 0:
        raise InputError(
            f"is {options.patience}, expected a number of epochs, or 0 for all of them.", argument="patience"
        )
    if options.class_weight not in (None, "balanced"):
        raise InputError(f"is {options.class_weight!r}, expected 'balanced', or nothing.", argument="class_weight")
    _require_judging(options)
    _require_private(options)
    if not 0 <= options.seed < 2**32:
        raise InputError(f"is {options.seed}, expected 0 to {2**32 - 1}.", argument="seed")
    if options.hidden is not None and any(size < 1 for size in options.hidden):
        raise InputError(f"is {list(options.hidden)}, expected whole numbers of 1 or more.", argument="hidden")
    _require_split(options)
    for name, asked in options.types.items():
        _require_kind(name, asked)
    _require_task(options)
    if options.activation is not None:
        as_activation(options.activation)
    Checkpoint("", every_seconds=options.checkpoint_seconds)
    settings_of(options, rows=1)
    if options.memory is not None:
        bytes_of(options.memory)


def _require_kinds(options: Options) -> None:
    """Refuse what is no number where one is expected."""
    for name in ("members", "patience", "seed"):
        value = getattr(options, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | np.integer)):
            raise InputTypeError(f"is {quoted(value)}, expected a whole number.", argument=name)
    for name in ("interval", *HELD_OUT):
        value = getattr(options, name)
        if not (value is None or _is_number(value) or (name in HELD_OUT and isinstance(value, str))):
            raise InputTypeError(f"is {quoted(value)}, expected a number.", argument=name)
    if isinstance(options.quantiles, str) or not all(map(_is_number, options.quantiles)):
        raise InputTypeError(
            f"is {quoted(options.quantiles)}, expected numbers, such as (0.1, 0.5, 0.9).", argument="quantiles"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool)


def _require_judging(options: Options) -> None:
    if options.metric is not None and options.metric not in METRICS:
        raise unknown_name("metric", options.metric, METRICS)
    if options.quantiles:
        levels = [*options.quantiles]
        if options.loss is not None:
            raise InputError(f"is {levels}, but loss is {options.loss!r}: leave out one of them.", argument="quantiles")
        if not all(0 < level < 1 for level in levels) or sorted({*levels}) != levels:
            raise InputError(
                f"is {levels}, expected numbers between 0 and 1 that rise, such as 0.1,0.5,0.9.", argument="quantiles"
            )
    if options.interval is not None and not 0 <= options.interval < 1:
        raise InputError(
            f"is {options.interval}, expected a level between 0 and 1, or 0 for none.", argument="interval"
        )
    if options.threshold not in (None, AUTO) and not (
        isinstance(options.threshold, float | int) and 0 < options.threshold < 1
    ):
        raise InputError(
            f"is {options.threshold!r}, expected a probability between 0 and 1, or auto.", argument="threshold"
        )


def _require_private(options: Options) -> None:
    if options.privacy is None:
        for name in ("delta", "max_norm"):
            if getattr(options, name) is not None:
                raise InputError(
                    "is given, but no epsilon, and no noise multiplier: give one of them, or leave it out.",
                    argument=name,
                )
        return
    for name, needs in (("weight", None), ("class_weight", None), ("diagnose", False)):
        if getattr(options, name) != needs:
            raise InputError(
                "is given, but the training is private, in which it has no place: leave it out.", argument=name
            )


def _require_split(options: Options) -> None:
    if options.split is None:
        return
    kind, _, column = options.split.partition("=")
    if kind not in SPLITS or not column.strip():
        raise InputError(f"is {quoted(options.split)}, expected time=COLUMN or group=COLUMN.", argument="split")
    if not options.shares and all(getattr(options, part) is not None for part in HELD_OUT):
        raise InputError(
            f"is {quoted(options.split)}, but no share of the rows is held out: leave it out.", argument="split"
        )


def _require_kind(name: str, asked: str) -> None:
    kind, form = kind_and_form(asked)
    if kind not in TYPES:
        raise unknown_name(f"the type of column {quoted(name)}", asked, [*TYPES, "date(FORM)"])
    if form is not None and not (kind == DATE and asked.endswith(")") and form != PLAIN and is_date_form(form)):
        raise InputError(
            f"the type of column {quoted(name)} is {quoted(asked)}, expected {kind}, or date with the form of its "
            "cells, such as date(%d/%m/%y): %Y or %y, %m or %b, and %d, and what stands between them."
        )


def _require_task(options: Options) -> None:
    """Refuse a type of the target that is none, or another than the task."""
    asked = options.types.get(options.target)
    kind, _ = kind_and_form(asked or NUMBER)
    if kind in (DATE, TIME):
        raise InputError(
            f"the type of the target {quoted(options.target)} is {quoted(asked)}, expected number or category."
        )
    if asked is not None and options.task not in ("auto", TASK_OF[kind]):
        raise InputError(
            f"is {options.task}, but the type of the target is {kind}, which means {TASK_OF[kind]}: "
            "leave out one of them.",
            argument="task",
        )


def require_shared(options: Options, processes: int) -> None:
    """Refuse what needs all rows in one process, if each of several has some."""
    those = f"{processes} processes train together"
    if options.engine not in COMPILED:
        raise InputError(
            f"is {options.engine!r}, but {those}: expected 'compiled' or 'compiled_bfloat16'.", argument="engine"
        )
    if options.members not in (None, 1):
        raise InputError(f"is {options.members}, but {those} on one network: leave it out.", argument="members")
    if options.memory is not None:
        raise InputError(
            f"is {options.memory!r}, but {those}, and each holds its share: leave it out.", argument="memory"
        )
    if options.diagnose:
        raise InputError(
            f"is asked for, but {those}, and none of them has all rows: leave it out, and call "
            "'backtalk diagnose FOLDER FILE' afterwards.",
            argument="diagnose",
        )


def require_in_memory(options: Options, bound: str) -> None:
    """Refuse what needs all encoded rows in memory, if they do not fit."""
    if options.diagnose:
        raise InputError(
            f"is asked for, but the encoded rows do not fit into {bound} of memory: leave it out, and call "
            "'backtalk diagnose FOLDER FILE' afterwards, with a file of fewer rows.",
            argument="diagnose",
        )
    settings = TrainSettings(optimizer=options.optimizer or SMALL.optimizer)
    if settings.takes_all or not settings.by_steps:
        raise InputError(
            f"is {options.optimizer!r}, which takes all rows in each step, but they do not fit into {bound} "
            "of memory when they are encoded: use another, such as adam, or give more --memory.",
            argument="optimizer",
        )
