"""A trained network on another table: predictions and scores."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...errors import InputError, quoted
from .cache import Cache
from .cells.words import as_words
from .decisions import interval_of, interval_scores
from .folder import Folder
from .learned import Learned
from .memory import bound_for
from .metric_names import key_of, levels_of
from .metrics import gives_shares, scores
from .model import Model
from .opened import Opened, as_opened
from .preprocessing import Preprocessing
from .reading.origins import Origin
from .reading.tables import Source, read_table
from .target_rows import known_rows, require_columns, with_target
from .unknown import Unknown
from .weights import require_some_weight, row_weights

if TYPE_CHECKING:
    from .importance.contributions import Contributions

AnyRun = str | os.PathLike[str] | Opened


def predict(folder: AnyRun, table: Any, strict: bool = False) -> tuple[pl.DataFrame, list[str]]:
    """Predictions for the rows of a table, one row each, and the messages about the table.

    ``folder``: that of a run, or a run that was opened. ``table``: the name of a file, a folder of .parquet files,
    ``-`` for standard input, or a data frame.
    A class, and the probability of each, or a score of each if the output function gives no distribution. Or a number,
    the quantiles if these were learned, the standard deviation that it is given by a network that learned deviations,
    and the ends between which it lies with the probability that their names have. Before them stands the column that
    names the rows, if the run has one.

    A cell that cannot be what its column was in training counts as missing, and a message names it; with ``strict`` it
    is refused. A column that holds nothing else is always refused. A file that needs more than half of the free memory
    is read in parts.
    """
    run = as_opened(folder)
    model, learned = run.model, run.learned
    preprocessing, found, unknown = learned.preprocessing, [], []
    with Cache(run.folder) as cache:
        source, at_once = _source_of(Origin.of(table, learned.no_header), preprocessing, cache)
        names = [name for name in source.schema if name != learned.target.name]
        _require_all(names, learned)
        messages = [*source.said, *preprocessing.compare(names)]
        if learned.id is not None and learned.id not in source.schema:
            messages.append(
                f"the table lacks the column {quoted(learned.id)}, which names the rows: the predictions have no names."
            )
        wanted = [name for name in source.schema if name in {*preprocessing.used, learned.id}]
        for frame, rows in _blocks(source, at_once, wanted, np.arange(source.height)):
            X, each = preprocessing.inputs_of(frame, rows)
            unknown.append(each)
            found.append(_predictions(model, learned, model.output_of(X), frame))
    together = [Unknown.together(each) for each in zip(*unknown, strict=True)]
    return found[0] if len(found) == 1 else pl.concat(found), [*messages, *preprocessing.remarks(together, strict)]


def _source_of(origin: Origin, preprocessing: Preprocessing, cache: Cache) -> tuple[Source, int]:
    """A table, and how many of its rows may be taken at a time: all of them, unless it is larger than memory."""
    bound = bound_for(origin, None)
    if bound is None:
        source = read_table(origin)
        return source, source.height
    from .parts import Parts

    parts = Parts.open(origin, bound, cache, None)
    preprocessing.compare(list(parts.source.schema))
    return parts.source, parts.rows_at_once(preprocessing)


def _blocks(
    source: Source, at_once: int, names: Sequence[str], rows: np.ndarray
) -> Iterator[tuple[pl.DataFrame, np.ndarray]]:
    """These rows of a table, some at a time, and which they are."""
    for first in range(0, source.height, at_once):
        last = min(first + at_once, source.height)
        own = rows[slice(*np.searchsorted(rows, [first, last]))]
        frame = source.rows(first, last, names)
        yield (frame if len(own) == frame.height else frame[own - first]), own


def _predictions(model: Model, learned: Learned, output: np.ndarray, frame: pl.DataFrame) -> pl.DataFrame:
    """Of some rows, as columns: their names, if they have some, what is predicted, and how sure it is."""
    target, network = model.target, model.members[0]
    columns: dict[str, Any] = {"prediction": target.decode(output).tolist()}
    levels = levels_of(network.head)
    if levels is not None and len(levels) > 1:
        found = target.quantiles(output)
        columns |= {f"quantile {level:g}": found[:, k] for k, level in enumerate(levels)}
    if target.classifies:
        what = "probability" if gives_shares(network) else "score"
        columns |= {f"{what} of {name}": output[:, k] for k, name in enumerate(target.classes)}
    deviation = target.deviation(network, output)
    if deviation is not None:
        columns["standard deviation"] = deviation
    ends = interval_of(network, target, output)
    if target.interval is not None and ends is not None:
        columns |= {f"{end} {target.interval.level:g}": of for end, of in zip(("lower", "upper"), ends, strict=True)}
    return pl.DataFrame({**_names_of_rows(frame, learned.id, columns), **columns})


def evaluate(folder: AnyRun, table: Any) -> tuple[dict[str, Any], list[str]]:
    """Scores on a table with the target, with the verdict on them, and the messages about the table.

    Rows in which the target is no class of the training, or no number, are left out; a message counts them.
    Rows count by their weights, if the run has some and the table as well. A file that needs more than half of the free
    memory is read in parts.
    """
    from .verdict import judge_table

    run = as_opened(folder)
    model, learned = run.model, run.learned
    target, preprocessing, origin = learned.target, learned.preprocessing, Origin.of(table, learned.no_header)
    found, unknown = [], []
    with Cache(run.folder) as cache:
        source, at_once = _source_of(origin, preprocessing, cache)
        others = require_columns(list(source.schema), target.name, origin)
        _require_all(others, learned)
        of_rows = source.columns([name for name in source.schema if name in (target.name, learned.weight)])
        cells = target.read_again(of_rows[target.name])
        rows, left_out = known_rows(cells, target, origin)
        messages = [*source.said, *preprocessing.compare(others)]
        for frame, own in _blocks(source, at_once, preprocessing.used, rows):
            X, each = preprocessing.inputs_of(frame, own)
            unknown.append(each)
            found.append(model.output_of(X))
    together = [Unknown.together(each) for each in zip(*unknown, strict=True)]
    weight, unweighted = _weights_of(of_rows, learned, rows)
    messages += [*preprocessing.remarks(together), *left_out, *unweighted]
    y, output = target.encode(cells[rows]), np.concatenate(found)
    verdict = judge_table(Folder(run.folder), target, model.members[0], y, output, *weight)
    own, metric = weight[0] if weight else None, learned.metric
    judged = scores(target, y, output, model.members[0], own, metric)
    judged |= interval_scores(model.members[0], target, y, output, own)
    judged |= {} if metric is None else {"metric": key_of(metric, target)}
    return judged | {"verdict": verdict}, messages


def explain(folder: AnyRun, table: Any, rows: Sequence[int]) -> Contributions:
    """What each column contributes to the predictions of some rows of a table, counted from 1.

    See :func:`~.importance.contributions.explain_rows`. The table need not have the target.
    """
    from .importance.contributions import explain_rows

    run = as_opened(folder)
    model, learned = run.model, run.learned
    read = read_table(Origin.of(table, learned.no_header))
    _require_all([name for name in read.frame.columns if name != model.target.name], learned)
    found = explain_rows(model, read.frame, rows)
    return replace(found, said=[*read.said, *found.said])


def examples_of(folder: AnyRun, table: Any) -> tuple[Model, tuple[np.ndarray, ...], list[str], np.ndarray]:
    """A run's model, and X, encoded y and perhaps weights of a table with the target; the messages about it; and in
    which rows of the table these stand, counted from 0."""
    run = as_opened(folder)
    examples, said, _, rows = examples_and_cells(run, table)
    return run.model, examples, said, rows


def examples_and_cells(run: Opened, table: Any) -> tuple[tuple[np.ndarray, ...], list[str], pl.DataFrame, np.ndarray]:
    """The same without the model, and the cells of the other columns that X is made of."""
    learned = run.learned
    origin, target = Origin.of(table, learned.no_header), learned.target
    read = read_table(origin)
    _require_all([name for name in read.frame.columns if name != target.name], learned)
    frame, rows, left_out = with_target(read.frame, target, origin)
    cells = frame.drop(target.name)
    X, messages = learned.preprocessing.transform(cells, rows)
    weight, unweighted = _weights_of(read.frame, learned, rows)
    examples, said = (X, target.encode(frame[target.name]), *weight), [*read.said, *messages, *left_out, *unweighted]
    return examples, said, cells, rows


def _weights_of(frame: pl.DataFrame, learned: Learned, rows: np.ndarray) -> tuple[list[np.ndarray], list[str]]:
    """The weights of these rows, if the run has some and the table as well; and what there is to say if it has none."""
    name = learned.weight
    if name is None:
        return [], []
    if name not in frame.columns:
        return [], [f"the table lacks the column {quoted(name)} of the weights: every row counts alike."]
    weights = row_weights(frame[name], rows)
    require_some_weight(name, {"of its": weights})
    return [weights], []


def _require_all(names: list[str], learned: Learned) -> None:
    """Refuse other columns than those of the training if they are told by their places alone."""
    expected = [column.name for column in learned.preprocessing.columns]
    if learned.no_header and sorted(names) != sorted(expected):
        raise InputError(
            f"the table has no line of names, as in training, and not the same columns besides {learned.target.name}: "
            f"expected {len(expected) + 1}, or {len(expected)} if the target is the last and is not there."
        )


def _names_of_rows(frame: pl.DataFrame, name: str | None, others: Iterable[str]) -> dict[str, pl.Series]:
    """The column that names the rows, if there is one."""
    if name is None or name not in frame.columns:
        return {}
    cells = frame[name]
    return {f"{name} (id)" if name in others else name: cells if cells.dtype.is_numeric() else as_words(cells)}


def refuse_target(folder: str | os.PathLike[str], target: Sequence[str] | None) -> None:
    """Refuse a target that is named for a run, which has its own."""
    if target:
        raise InputError(
            f"is {list(target)}, but {folder} is a run, which has its target: leave it out.", argument="target"
        )
