"""A table, understood: what is learned, from which rows, by which network."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from ...core.activations import as_activation
from ...core.head import Head, as_head
from ...core.losses import LOSSES, BinaryCrossEntropy
from ...core.network import Network
from ...data.streams import MemoryMapped
from ...data.streams.rows import InFileRows
from ...data.streams.source import BUFFER_BYTES
from ...distributed import ALONE, Group
from ...engines.choose import COMPILED
from ...errors import InputError, quoted
from ...train import Checkpoint
from ...train.settings import TrainSettings
from .cache import Cache
from .memory import bound_for, bytes_of, size_text
from .parts import Inputs, Note, Parts
from .preprocessing import Preprocessing
from .reading.origins import Origin
from .reading.tables import open_table
from .rows import rows_text
from .shares import learn_columns, own_rows, read_inputs, require_same
from .split import hold_out
from .target import Target, require_finite, say_of_classes
from .target_rows import column_named, require_any, require_columns, rows_left_out, rows_with_target

LEAST_ROWS = 10
MANY_ROWS = 10_000
MEASURED_IN_EPOCH = 5  # steps


@dataclass(frozen=True, slots=True)
class Options:
    """How a table is learned; the defaults suit most tables of a few hundred to a million rows.

    ``loss``: by default cross-entropy or squared error. ``output``: by default the output function that goes with the
    loss. ``batch_size``: by default some fifty mini-batches in an epoch,
    of 16 to 256 rows. ``l2_penalty``: by default 0.001 below 10 000 rows to train on, where it keeps a network from
    learning the rows by heart, and 0.00001 from there on. ``diagnose``: a doctor watches, and its findings are written.
    ``engine``: as for :func:`~backtalk.fit`; the compiled ones measure nothing in the steps. ``memory``: within how
    much memory, such as '2G', a table that needs more is read and trained on in parts; by default half of what is free.
    """

    target: str
    task: str = "auto"
    hidden: tuple[int, ...] = (64, 32)
    activation: str = "tanh"
    loss: str | None = None
    output: str | None = None
    epochs: int = 200
    batch_size: int | None = None
    optimizer: str = "adam"
    schedule: str = "constant"
    dropout: float | tuple[float, ...] = 0.0
    l2_penalty: float | None = None
    clip_norm: float | None = None
    class_weight: str | None = None
    validation: float = 0.1
    patience: int = 20
    test: float = 0.2
    seed: int = 0
    checkpoint_seconds: float = 10.0
    diagnose: bool = False
    engine: str = "auto"
    memory: str | None = None


def settled(options: Options, rows: int) -> Options:
    """The options, with what follows from the number of rows to train on."""
    batch_size, l2_penalty = options.batch_size, options.l2_penalty
    if batch_size is None and not TrainSettings(optimizer=options.optimizer).takes_all:
        batch_size = min(256, max(16, 2 ** round(math.log2(rows / 50))))
    if l2_penalty is None:
        l2_penalty = 1e-3 if rows < MANY_ROWS else 1e-5
    return replace(options, batch_size=batch_size, l2_penalty=l2_penalty)


def settings_of(options: Options, rows: int) -> TrainSettings:
    """How a network is trained on so many rows."""
    shared = {each.name for each in fields(TrainSettings)} & set(Options.__slots__)
    values: dict[str, Any] = {name: getattr(settled(options, rows), name) for name in shared}
    values["patience"] = options.patience or None
    settings = TrainSettings(**values)
    if not settings.by_steps or options.engine in COMPILED:  # these measure nothing in the steps
        return settings
    return replace(settings, measure_every=max(1, -(-rows // settings.batch_for(rows)) // MEASURED_IN_EPOCH))


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A table, understood: the network before training, X and encoded y of each part, and what there is to say.

    ``truth``: y of each part. In a cluster it has all rows, and ``parts`` those of this process. X of a table that is
    larger than memory lies in a file; ``buffer_bytes`` of it are shuffled at a time.
    """

    preprocessing: Preprocessing
    target: Target
    network: Network
    parts: dict[str, tuple[Inputs, np.ndarray]]  # training, and validation and test where they are asked for
    truth: dict[str, np.ndarray]
    said: list[str]
    buffer_bytes: int = BUFFER_BYTES


def prepare(
    table: Any, options: Options, group: Group = ALONE, cache: Cache | None = None, note: Note = None
) -> Prepared:
    """Read and understand a table: the name of a file, or what else :class:`~.reading.origins.Origin` takes.

    Raises :class:`~backtalk.errors.InputError` before anything is written. With a ``cache``, a table that needs more
    memory than ``options.memory`` is read in parts, and lies there if it is too large when it is encoded; ``note`` is
    called with a sentence before files of some size are written.
    """
    group.require_equal(asdict(options))
    require_usable(options)
    table = group.run(lambda: Origin.of(table))
    if group.count > 1:
        _require_shared(table, options, group.count)
    in_parts = None
    if cache is not None and (bound := bound_of(options, table)) is not None:
        in_parts = Parts.open(table, bound, cache, note)
    source = in_parts.source if in_parts else group.run(lambda: open_table(table, in_parts=group.count > 1))
    options = replace(options, target=column_named(options.target, list(source.schema)))
    names = require_columns(list(source.schema), options.target, table)
    cells = group.run(lambda: source.columns([options.target])[options.target])
    require_same(table, source, cells, group)
    require_any(cells.is_not_null(), options.target, table)
    require_finite(cells)
    target = Target.learn(_enough(cells.drop_nulls(), table), options.task)
    present = rows_with_target(cells, target, table)
    rows_of_table = np.flatnonzero(present.to_numpy())  # those with a target: all that is counted from here on
    cells, said = _enough(cells.filter(present), table), [*source.said, *rows_left_out(present, options.target)]
    head = _head(options, target)
    y = target.encode(cells)
    said += say_of_classes(target, y)
    rows = _split(target, y, options)
    if not target.classifies:
        target = _scaled(target, head, y[rows["training"]].astype(np.float64))
        y = target.encode(cells)
        said += _out_of_reach(target, head, y) + _beyond_float32(target, y, rows)
    if in_parts:
        preprocessing, learned = in_parts.learn(names, present.to_numpy(), rows["training"], options.seed)
        X, more = in_parts.encode(preprocessing, rows_of_table, rows, partial(_refuse_in_file, options), note)
        said += learned
    else:
        preprocessing = learn_columns(source, names, present, rows["training"], group)
        X, more = read_inputs(source, preprocessing, rows_of_table, rows, group)
    sizes = [len(preprocessing.inputs), *options.hidden, head.loss.outputs_for(target.outputs)]
    network = Network.create(
        sizes, options.activation, head.loss, output=head.output, rng=options.seed, dtype="float32"
    )
    truth = {part: y[chosen] for part, chosen in rows.items()}
    parts = {part: (X[part], truth[part][place]) for part, place in own_rows(rows, group).items()}
    buffer_bytes = in_parts.buffer_bytes if in_parts else BUFFER_BYTES
    return Prepared(preprocessing, target, network, parts, truth, said + more, buffer_bytes)


def _enough(cells: pl.Series, table: Any) -> pl.Series:
    """The same; refuses a target of too few rows."""
    if len(cells) < LEAST_ROWS:
        raise InputError(f"{table} has {rows_text(len(cells))} with a target, expected {LEAST_ROWS} or more.")
    return cells


def require_usable(options: Options) -> None:
    """Refuse what no training can use, before anything is read."""
    for name in ("validation", "test"):
        share = getattr(options, name)
        if not 0 <= share < 1:
            raise InputError(f"{name} is {share}, expected a fraction of 0 or more, and below 1.")
    if options.test + options.validation >= 1:
        raise InputError("test and validation together leave no rows to train on: make them smaller.")
    if options.patience < 0:
        raise InputError(f"patience is {options.patience}, expected a number of epochs, or 0 for all of them.")
    if options.class_weight not in (None, "balanced"):
        raise InputError(f"class_weight is {options.class_weight!r}, expected 'balanced', or nothing.")
    if not 0 <= options.seed < 2**32:
        raise InputError(f"seed is {options.seed}, expected 0 to {2**32 - 1}.")
    if any(size < 1 for size in options.hidden):
        raise InputError(f"hidden is {list(options.hidden)}, expected whole numbers of 1 or more.")
    as_activation(options.activation)
    Checkpoint("", every_seconds=options.checkpoint_seconds)
    settings_of(options, rows=1)
    if options.memory is not None:
        bytes_of(options.memory)


def bound_of(options: Options, table: Origin) -> int | None:
    """The bytes within which a table is read in parts; None if it is read as a whole."""
    return None if options.memory is None else bound_for(table, options.memory)


def with_memory(options: Options, table: Origin) -> Options:
    """The options, with half of the memory that is free if the table needs more and no bound is given."""
    if options.memory is not None or (bound := bound_for(table, None)) is None:
        return options
    return replace(options, memory=size_text(bound))


def _refuse_in_file(options: Options, bound: str) -> None:
    """Refuse what needs all encoded rows in memory, if they do not fit."""
    if options.diagnose:
        raise InputError(
            f"diagnose is asked for, but the encoded rows do not fit into {bound} of memory: leave it out, and call "
            "'backtalk diagnose FOLDER FILE' afterwards, with a file of fewer rows."
        )
    if TrainSettings(optimizer=options.optimizer).takes_all:
        raise InputError(
            f"optimizer is {options.optimizer!r}, which takes all rows in each step, but they do not fit into {bound} "
            "of memory when they are encoded: use another, such as adam, or give more --memory."
        )


def _require_shared(table: Origin, options: Options, processes: int) -> None:
    """Refuse what needs all rows in one process, if each of several has some."""
    those = f"{processes} processes train together"
    if table.content is not None:
        raise InputError(f"table is '-', but {those}, and each reads the table: give a file.")
    if options.engine not in COMPILED:
        raise InputError(f"engine is {options.engine!r}, but {those}: expected 'compiled' or 'compiled_bfloat16'.")
    if options.memory is not None:
        raise InputError(f"memory is {options.memory!r}, but {those}, and each holds its share: leave it out.")
    if options.diagnose:
        raise InputError(
            f"diagnose is asked for, but {those}, and none of them has all rows: leave it out, and call "
            "'backtalk diagnose FOLDER FILE' afterwards."
        )


def class_weights(ready: Prepared, options: Options, y: np.ndarray) -> np.ndarray | None:
    """Weights of rows with these labels, so that the classes weigh as in training; None where nothing was asked for."""
    if options.class_weight is None:
        return None
    counts = np.bincount(ready.truth["training"], minlength=ready.target.outputs)
    return (1 / np.maximum(counts, 1))[y]


def validation_of(ready: Prepared, options: Options) -> tuple[np.ndarray, ...] | MemoryMapped | None:
    """The validation set, with the classes weighed as in training."""
    if "validation" not in ready.parts:
        return None
    X, y = ready.parts["validation"]
    weight = class_weights(ready, options, y)
    if isinstance(X, InFileRows):
        return MemoryMapped(X, y, weight)
    return (X, y) if weight is None else (X, y, weight)


def _head(options: Options, target: Target) -> Head:
    """The output function and the loss, which must suit the task."""
    head = as_head(options.loss or ("cross_entropy" if target.classifies else "squared_error"), options.output)
    loss = head.loss
    if target.classifies and not head.takes_labels:
        raise InputError(
            f"loss is '{loss}', but the task is classification: expected {_names(classes=True)}; or --output softmax "
            "with a loss of numbers."
        )
    if not target.classifies and (loss.takes_classes or isinstance(loss, BinaryCrossEntropy)):
        raise InputError(f"loss is '{loss}', but the task is regression: expected {_names(classes=False)}.")
    if not target.classifies and head.output.name == "softmax":
        raise InputError("output is 'softmax', which is always 1 for a single number: expected another, or none.")
    if options.class_weight is not None and not target.classifies:
        raise InputError("class_weight is given, but the task is regression, which has no classes.")
    return head


def _names(classes: bool) -> str:
    """The losses of classes, or those of numbers."""
    kinds = {name: kind() for name, kind in LOSSES.items()}
    *names, last = (
        name
        for name, loss in kinds.items()
        if loss.takes_classes == classes and not isinstance(loss, BinaryCrossEntropy)
    )
    return f"{', '.join(names)} or {last}"


def _scaled(target: Target, head: Head, y: np.ndarray) -> Target:
    """The target on a scale that the output can have.

    Mean 0 and standard deviation 1 if output and loss take any number; standard deviation 1 if one of them has an end,
    such as 0; as it is in the table if the output has two ends, or is the natural one of a loss of counts.
    """
    low, high = head.output.range
    counts = bool(np.isfinite(head.loss.domain).any())
    if (math.isfinite(low) and math.isfinite(high)) or (counts and head.is_natural):
        return target
    return target.scaled_by(y, centre=not (math.isfinite(low) or math.isfinite(high) or counts))


def _out_of_reach(target: Target, head: Head, y: np.ndarray) -> list[str]:
    """What there is to say of numbers that the output cannot be."""
    low, high = head.output.range
    outside = int(((y < low) | (y > high)).sum())
    if not outside:
        return []
    ends = f"{low * target.scale:g} to {high * target.scale:g}"
    return [f"{rows_text(outside)} of {quoted(target.name)} cannot be reached: the output {head.output} gives {ends}."]


def _beyond_float32(target: Target, y: np.ndarray, rows: dict[str, np.ndarray]) -> list[str]:
    """Refuse numbers that cannot be trained or validated on; what there is to say of those among the test rows."""
    counts = {part: int(np.isinf(y[chosen]).sum()) for part, chosen in rows.items()}
    where = [part for part, count in counts.items() if count and part != "test"]
    name = quoted(target.name)
    if where:
        raise InputError(
            f"target {name} has {rows_text(counts[where[0]])} too far from the others for float32 in the rows "
            f"for {where[0]}: divide them, or empty the cells."
        )
    if not counts.get("test"):
        return []
    return [f"test rows: {rows_text(counts['test'])} of {name} too far from the others for float32: no scores."]


def _split(target: Target, y: np.ndarray, options: Options) -> dict[str, np.ndarray]:
    """Rows of each part, drawn by the seed; of every class or tenth its share, if there are rows enough for that."""
    rows, parts = np.arange(len(y)), {}
    labels = y if target.classifies else _tenths(y[:, 0])
    for name, share in (("test", options.test), ("validation", options.validation / (1 - options.test))):
        if share > 0:
            few = not target.classifies and 1 in np.bincount(labels[rows])  # of a tenth
            rows, parts[name] = hold_out(rows, None if few else labels, share, options.seed)
    return {"training": rows, **dict(reversed(parts.items()))}


def _tenths(y: np.ndarray) -> np.ndarray:
    """The tenth of the ordered numbers that each belongs to, so that all parts have small and large ones."""
    return np.argsort(np.argsort(y, kind="stable"), kind="stable") * 10 // len(y)
