"""From a table to what is trained: what is learned, from which rows, by which networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import polars as pl

from ...core.head import Head
from ...core.network import Network
from ...data.streams.source import BUFFER_BYTES
from ...distributed import ALONE, Group
from ...errors import InputError, quoted
from .cache import Cache
from .cells.words import without_words
from .decisions import with_point
from .division import split_key, split_rows
from .folds import folds_of, plan, require_weight_in_folds
from .heads import (
    beyond_float32,
    head_for,
    out_of_reach,
    require_counts,
    said_of_counts,
    said_of_quantiles,
    scaled_for,
)
from .held_out import Place, read_held_out, refuse_table_itself
from .learning import examples_of
from .memory import bound_of
from .metric_names import levels_of, require_defined
from .options import Options, require_in_memory, require_shared, require_usable, settled, task_of
from .parts import Inputs, Note, Parts
from .prepared import Prepared
from .reading.origins import Origin
from .reading.tables import TableInMemory, open_table
from .roles import Roles, named_in
from .rows import rows_text
from .shares import learn_columns, own_rows, read_inputs, require_same
from .target import Target, require_finite, say_of_classes
from .target_rows import require_any, rows_left_out, rows_with_target
from .weights import require_some_weight, row_weights

PARTS = ["training", "validation", "test"]
LEAST_ROWS = 10


def prepare(
    table: Any,
    options: Options,
    group: Group = ALONE,
    cache: Cache | None = None,
    note: Note = None,
    *,
    plain: bool = False,
) -> Prepared:
    """Read and understand a table: the name of a file, or what else :class:`~.reading.origins.Origin` takes.

    Raises :class:`~backtalk.errors.InputError` before anything is written. With a ``cache``, a table that needs more
    memory than ``options.memory`` is read in parts, and lies there if it is too large when it is encoded; ``note`` is
    called with a sentence before files of some size are written. ``plain``: numbers have no pieces, as in runs of an
    earlier version.
    """
    group.require_equal(asdict(options))
    require_usable(options)
    table = group.run(lambda: Origin.of(table, options.no_header))
    if group.count > 1:
        _require_shared(table, options, group.count)
    in_parts = None
    if cache is not None and (bound := bound_of(options.memory, table)) is not None:
        in_parts = Parts.open(table, bound, cache, note)
    source = in_parts.source if in_parts else group.run(lambda: open_table(table, in_parts=group.count > 1))
    for part in options.files:
        group.run(partial(refuse_table_itself, part, table, options))
    options = named_in(options, list(source.schema))
    roles = Roles.of(options, list(source.schema), table, source.decimal_comma)
    of_rows = group.run(lambda: source.columns(roles.of_rows))
    cells = of_rows[options.target]
    require_same(table, source, cells, group)
    cells = without_words(cells, options.missing)
    require_any(cells.is_not_null(), options.target, table)
    require_finite(cells)
    enough = _enough(cells.drop_nulls(), table)
    target = Target.learn(enough, task_of(options), options.missing, decimal_comma=source.decimal_comma)
    target = replace(target, examples=examples_of(cells))
    present, key, more = _counted(of_rows, target, options, table)
    rows_of_table = np.flatnonzero(present.to_numpy())  # those that count: all that is counted from here on
    weights = None if options.weight is None else row_weights(of_rows[options.weight], rows_of_table)
    cells, said = _enough(cells.filter(present), table), [*source.said, *more]
    head = head_for(options, target)
    if (levels := levels_of(head)) is not None:
        target = with_point(target, levels)
    y = target.encode(cells)
    if options.metric is not None:
        require_defined(options.metric, target, y)
    said += say_of_classes(target, y)
    if options.weight is not None:
        said.append(f"rows count by their weights, {quoted(options.weight)}, in the loss and in the scores.")
    planned = plan(options, len(y), _why_alone(group, in_parts))
    options, said = planned.options, said + planned.said
    rows, more = split_rows(target, y, key, options)
    said += more
    if not target.classifies:
        numbers = target.numbers(cells)
        require_counts(target, head, numbers, rows_of_table)
        target = scaled_for(target, head, numbers[rows["training"]])
        y = target.encode(cells)
        said += out_of_reach(target, head, y) + said_of_counts(target, head, y[rows["training"]])
        said += said_of_quantiles(options)
    truth = {part: y[chosen] for part, chosen in rows.items()}
    said += _unlearned(target, truth["training"]) + beyond_float32(target, truth)
    X: dict[str, Inputs]
    if in_parts:
        preprocessing, learned = in_parts.learn(roles, present.to_numpy(), rows["training"], options.seed)
        preprocessing = preprocessing.plain if plain else preprocessing
        X, more = in_parts.encode(preprocessing, rows_of_table, rows, partial(require_in_memory, options), note)
        said += learned
    else:
        preprocessing = learn_columns(source, roles, present, rows["training"], group)
        preprocessing = preprocessing.plain if plain else preprocessing
        in_memory, more = read_inputs(source, preprocessing, rows_of_table, rows, group)
        X = dict(in_memory)
    of_parts = {} if weights is None else {part: weights[chosen] for part, chosen in rows.items()}
    fold = None
    if planned.folds:
        groups = key.gather(rows["training"]) if key is not None and options.split_column else None
        fold = folds_of(target, truth["training"], groups, planned.folds, options.seed)
        require_weight_in_folds(options.weight, of_parts.get("training"), fold, planned.folds)
    own, of_files = own_rows(rows, group), {}
    for part in options.files:
        found = read_held_out(part, options, preprocessing, target, key, rows["training"], group)
        X[part], truth[part], own[part] = found.X, found.y, found.own
        of_files[part] = found.place
        more += found.said + beyond_float32(target, {part: found.y})
        if found.weights is not None:
            of_parts[part] = found.weights
    require_some_weight(options.weight, of_parts)
    ends = len(preprocessing.inputs), head.loss.outputs_for(target.outputs)
    recipes = [planned.recipes[number // planned.alike] for number in range(planned.alike * len(planned.recipes))]
    networks = [
        _network(ends, settled(options, 1, recipe), head, rng)
        for recipe, rng in zip(recipes, seeds_of(options.seed), strict=False)
    ]
    truth = {part: truth[part] for part in PARTS if part in truth}
    parts = {part: (X[part], labels[own[part]]) for part, labels in truth.items()}
    own_weights = {part: of_parts[part][own[part]] for part in of_parts}
    training_rows = rows_of_table[rows["training"][own["training"]]]
    frame = source.frame if isinstance(source, TableInMemory) and group.count == 1 else None
    places = {part: Place(rows_of_table[chosen], frame) for part, chosen in rows.items()} | of_files
    buffer_bytes = in_parts.buffer_bytes if in_parts else BUFFER_BYTES
    return Prepared(
        preprocessing,
        target,
        planned,
        networks,
        parts,
        truth,
        training_rows,
        said + more,
        buffer_bytes,
        own_weights,
        fold,
        places,
    )


def _network(ends: tuple[int, int], asked: Options, head: Head, rng: np.random.Generator) -> Network:
    sizes = [ends[0], *(asked.hidden or ()), ends[1]]
    return Network.create(sizes, asked.activation or "", head.loss, output=head.output, rng=rng, dtype="float32")


def seeds_of(seed: int) -> Iterator[np.random.Generator]:
    """A generator for each of several networks; the first is that of the seed itself."""
    for number in count():
        yield np.random.default_rng(seed if number == 0 else [seed, number])


def _why_alone(group: Group, in_parts: Parts | None) -> str:
    """Why there can be one network only, if that is so."""
    if group.count > 1:
        return f"{group.count} processes train together"
    return "the table is larger than the memory that it may take" if in_parts else ""


def _require_shared(table: Origin, options: Options, processes: int) -> None:
    """Refuse what needs all rows in one process, if each of several has some."""
    require_shared(options, processes)
    if table.content is not None:
        raise InputError(f"table is '-', but {processes} processes train together, and each reads it: give a file.")


def _enough(cells: pl.Series, table: Origin) -> pl.Series:
    """The same; refuses a target of too few rows."""
    if len(cells) < LEAST_ROWS:
        raise InputError(f"{table} has {rows_text(len(cells))} with a target, expected {LEAST_ROWS} or more.")
    return cells


def _counted(
    of_rows: pl.DataFrame, target: Target, options: Options, table: Origin
) -> tuple[pl.Series, pl.Series | None, list[str]]:
    """Of each row, whether it counts; of those that do, the time or the group; and what there is to say of others."""
    present = rows_with_target(of_rows[options.target], target, table)
    said = rows_left_out(present, options.target)
    if options.split_column is None:
        return present, None, said
    key = split_key(of_rows[options.split_column], options)
    timeless = key.is_null() & present
    if timeless.any():
        count = rows_text(int(timeless.sum()))
        said.append(f"left out: {count} without a value of {quoted(key.name)}, by which rows are held out.")
    present = present & key.is_not_null()
    return present, key.filter(present), said


def _unlearned(target: Target, labels: np.ndarray) -> list[str]:
    """What there is to say of classes that no training row has."""
    if not target.classifies:
        return []
    counts = np.bincount(labels, minlength=target.outputs)
    names = [quoted(name) for name, count in zip(target.classes, counts, strict=True) if not count]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return [f"training rows: none is of the class {shown}: it cannot be learned."] if names else []
