"""A table, understood: what is learned, from which rows, by which network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import polars as pl

from ...core.head import Head, as_head
from ...core.losses import LOSSES, BinaryCrossEntropy, PoissonDeviance, Quantiles, SquaredError
from ...core.network import Network
from ...data.streams.source import BUFFER_BYTES
from ...distributed import ALONE, Group
from ...errors import InputError, quoted
from .cache import Cache
from .cells.words import without_words
from .decisions import require_threshold, with_point
from .division import split_key, split_rows
from .folds import ALWAYS, Plan, folds_of, plan, require_weight_in_folds
from .held_out import Place, read_held_out, refuse_table_itself
from .learning import examples_of
from .memory import bound_of
from .metric_names import levels_of, require_defined, require_metric
from .options import Options, require_in_memory, require_shared, require_usable, settled, task_of
from .parts import Inputs, Note, Parts
from .preprocessing import Preprocessing
from .reading.origins import Origin
from .reading.tables import TableInMemory, open_table
from .roles import Roles, named_in
from .rows import rows_text
from .shares import learn_columns, own_rows, read_inputs, require_same
from .target import CLASSIFICATION, REGRESSION, Target, require_finite, say_of_classes
from .target_rows import require_any, rows_left_out, rows_with_target
from .weights import require_some_weight, row_weights

PARTS = ["training", "validation", "test"]
LEAST_ROWS = 10
WHOLE = 1e-5  # how far from a whole number one may be that float32 made of it
TASK_LOSSES = {CLASSIFICATION: "cross_entropy", REGRESSION: "squared_error"}  # where no loss is asked for


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A table, understood: the network before training, X and encoded y of each part, and what there is to say.

    ``networks``: before training, of each recipe one after the other. ``fold``: of each training row, if there are
    folds. ``truth``: y of each part. In a cluster it has all rows, and ``parts`` those of this process. X of a table
    that is larger than memory lies in a file; ``buffer_bytes`` of it are shuffled at a time. ``weights``: of the rows
    in ``parts``, if a column has some. ``training_rows``: the rows of the table, counted from 0, of X for training.
    ``places``: of each part, where its rows stand, with the cells unless the table is larger than memory.
    """

    preprocessing: Preprocessing
    target: Target
    plan: Plan
    networks: list[Network]
    parts: dict[str, tuple[Inputs, np.ndarray]]  # training, and validation and test where they are asked for
    truth: dict[str, np.ndarray]
    training_rows: np.ndarray
    said: list[str]
    buffer_bytes: int = BUFFER_BYTES
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    fold: np.ndarray | None = None
    places: dict[str, Place] = field(default_factory=dict)
    kept: dict[int, Prepared] = field(
        default_factory=dict, repr=False
    )  # what ``beside`` gave, so that X is copied once

    @property
    def network(self) -> Network:
        """The first network before training."""
        return self.networks[0]

    @property
    def judged(self) -> np.ndarray:
        """The places of the training rows that some network does not see."""
        return np.empty(0, np.int64) if self.fold is None else np.flatnonzero(self.fold != ALWAYS)

    def held_out(self, training: int) -> np.ndarray | None:
        """The places of the training rows that training number ``training``, from 0, does not see; None for none."""
        return self._rows(training, False)

    def seen(self, training: int) -> np.ndarray | None:
        """The places of the training rows that it sees; None for all."""
        return self._rows(training, True)

    def _rows(self, training: int, seen: bool) -> np.ndarray | None:
        if self.fold is None or training >= self.plan.alike * len(self.plan.recipes):
            return None
        return np.flatnonzero((self.fold != training % self.plan.folds) == seen)

    def beside(self, training: int) -> Prepared:
        """The same with the fold that a training does not see as the validation set."""
        held_out = self.held_out(training)
        if held_out is None:
            return self
        fold = training % self.plan.folds
        if fold not in self.kept:
            self.kept[fold] = self._with("validation", held_out)
        return self.kept[fold]

    def of(self, training: int) -> Prepared:
        """The same as a training sees it: the rows that it sees, and its fold as the validation set."""
        seen = self.seen(training)
        if seen is None:
            return self
        found = self.beside(training)._with("training", seen)
        return replace(found, training_rows=self.training_rows[seen], fold=None)

    def _with(self, part: str, rows: np.ndarray) -> Prepared:
        """The same with these of the training rows as a part."""
        X, y = self.parts["training"]
        weights = self.weights.get("training")
        return replace(
            self,
            parts=self.parts | {part: (X[rows], y[rows])},
            truth=self.truth | {part: y[rows]},
            weights=self.weights | ({} if weights is None else {part: weights[rows]}),
        )


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
    head = _head(options, target)
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
        _require_counts(target, head, numbers, rows_of_table)
        target = _scaled(target, head, numbers[rows["training"]])
        y = target.encode(cells)
        said += _out_of_reach(target, head, y) + _said_of_counts(target, head, y[rows["training"]])
        said += _said_of_quantiles(options)
    truth = {part: y[chosen] for part, chosen in rows.items()}
    said += _unlearned(target, truth["training"]) + _beyond_float32(target, truth)
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
        more += found.said + _beyond_float32(target, {part: found.y})
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


def _head(options: Options, target: Target) -> Head:
    """The output function and the loss, which must suit the task."""
    if options.quantiles and target.classifies:
        raise InputError(
            f"quantiles are {[*options.quantiles]}, but {quoted(target.name)} holds classes, which have none: leave "
            "them out, or give --task regression."
        )
    of_task = Quantiles(options.quantiles) if options.quantiles else TASK_LOSSES[target.task]
    head = as_head(options.loss or of_task, options.output)
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
    if options.interval and target.classifies:
        raise InputError(
            f"interval is {options.interval:g}, but {quoted(target.name)} holds classes, which have no ends: leave it "
            "out."
        )
    if options.metric is not None:
        require_metric(options.metric, target, head)
    require_threshold(options, target, head.output.name == "softmax")
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


def _require_counts(target: Target, head: Head, numbers: np.ndarray, rows: np.ndarray) -> None:
    """Refuse numbers below 0 where counts are learned; ``rows``: in which they stand, counted from 0."""
    below = numbers < 0
    if isinstance(head.loss, PoissonDeviance) and below.any():
        place = int(below.argmax())
        raise InputError(
            f"loss is '{head.loss}', but {quoted(target.name)} is {numbers[place]:g} in row {rows[place] + 1}, "
            "expected counts or rates of 0 or more."
        )


def _out_of_reach(target: Target, head: Head, y: np.ndarray) -> list[str]:
    """What there is to say of numbers that the output cannot be."""
    low, high = head.output.range
    outside = int(((y < low) | (y > high)).sum())
    if not outside:
        return []
    ends = f"{low * target.scale:g} to {high * target.scale:g}"
    return [f"{rows_text(outside)} of {quoted(target.name)} cannot be reached: the output {head.output} gives {ends}."]


def _said_of_counts(target: Target, head: Head, y: np.ndarray) -> list[str]:
    """The advice to learn counts as such, if the numbers plainly are some: whole, from 0 on, most of them small."""
    if not isinstance(head.loss, SquaredError):
        return []
    numbers = target.decode(y)
    are_whole = bool((np.abs(numbers - numbers.round()) < WHOLE * np.maximum(1, np.abs(numbers))).all())
    if not are_whole or round(numbers.min()) != 0 or not numbers.mean() > np.median(numbers):
        return []
    return [
        f"{quoted(target.name)} holds whole numbers from 0 on, as counts are: --loss poisson_deviance learns their "
        "rates, which are never below 0."
    ]


def _said_of_quantiles(options: Options) -> list[str]:
    if len(options.quantiles) < 2:
        return []
    return ["the quantiles of a row are put in order: none is below one of a lower level."]


def _beyond_float32(target: Target, truth: dict[str, np.ndarray]) -> list[str]:
    """Refuse numbers that cannot be trained or validated on; what there is to say of those among the test rows."""
    counts = {part: int(np.isinf(y).sum()) for part, y in truth.items()}
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
