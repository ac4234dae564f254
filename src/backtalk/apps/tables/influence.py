"""Which training rows taught a run what it says of other rows, and which of them the others do not explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ...analysis.influence import Influence, influence, self_influence
from ...analysis.influence.agreement import FAIR, GOOD, Agreement
from ...analysis.per_example import losses
from ...errors import InputError, cut, quoted
from .again import Again
from .opened import Opened
from .reading.origins import Origin
from .reading.tables import read_table
from .use import examples_and_cells

KEY_COLUMNS = 3  # of a training row that are shown
LONGEST = 40  # letters of a cell


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRows:
    """The training rows of a run: their numbers in its table, from 1; the target that stands there; what the run says.

    ``predicted`` is by the networks that did not see the row, if there are such. ``cells``: of the columns that matter
    most, as text.
    """

    numbers: np.ndarray
    target: list[str]
    predicted: list[str]
    cells: pl.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class AskedRows:
    """X and encoded y of the ``rows`` of a table, counted from 1; the target that stands there; the messages about it.

    ``truth``: None if no target stands there; then y is what the run predicts.
    """

    X: np.ndarray
    y: np.ndarray
    truth: list[str | None]
    rows: np.ndarray
    said: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class RowInfluences:
    """What the training rows did to the losses of the ``rows`` of a table, counted from 1.

    ``truth``: the target that stands there, None if none does; then the loss is that of what is ``predicted``.
    """

    rows: np.ndarray
    truth: list[str | None]
    predicted: list[str]
    losses: np.ndarray
    found: Influence
    training: TrainingRows
    target: str
    said: list[str]

    def to_frame(self) -> pl.DataFrame:
        """A row for each proponent and each opponent of each row."""
        found, training, parts = self.found, self.training, []
        for n, row in enumerate(self.rows):
            for kind, rows, scores in (
                ("proponent", found.proponents[n], found.proponent_scores[n]),
                ("opponent", found.opponents[n], found.opponent_scores[n]),
            ):
                own = {"row": int(row), "truth": self.truth[n], "prediction": self.predicted[n]}
                frame = pl.DataFrame(
                    {"kind": [kind] * len(rows), "rank": np.arange(1, len(rows) + 1),
                     "training_row": training.numbers[rows], "influence": scores,
                     "training_target": [training.target[k] for k in rows]}
                )  # fmt: skip
                frame = frame.select(
                    *(
                        pl.lit(value, pl.String if name != "row" else pl.Int64).alias(name)
                        for name, value in own.items()
                    ),
                    pl.all(),
                )
                parts.append(pl.concat([frame, training.cells[rows]], how="horizontal"))
        return pl.concat(parts)


@dataclass(frozen=True, slots=True, eq=False)
class SelfInfluences:
    """How hard each training row was to learn from the others; ``order``: their places, the hardest first."""

    scores: np.ndarray
    order: np.ndarray
    training: TrainingRows
    target: str

    def to_frame(self) -> pl.DataFrame:
        """The training rows in their order."""
        training, order = self.training, self.order
        frame = pl.DataFrame(
            {"training_row": training.numbers[order], "self_influence": self.scores[order],
             "training_target": [training.target[k] for k in order],
             "prediction": [training.predicted[k] for k in order]}
        )  # fmt: skip
        return pl.concat([frame, training.cells[order]], how="horizontal")


def influences_on(
    again: Again,
    asked: AskedRows,
    method: str = "ekfac",
    k: int = 5,
    agreement: int | None = None,
    matrix: bool = False,
) -> RowInfluences:
    """The training rows that lowered the losses of some rows most, and that raised them most.

    ``method``, ``k``, ``agreement``, ``matrix``: as for :func:`~backtalk.influence`, over all networks that predict
    together.
    """
    model, (X, y) = again.run.model, (asked.X, asked.y)
    options = {"method": method, "k": k, "agreement": agreement, "matrix": matrix}
    found = influence(again.recordings, again.ready.parts["training"], (X, y), **options)
    predicted = [_text(each) for each in model.target.decode(model.output_of(X))]
    of_rows = np.asarray(losses(model.network, X, y), np.float64)
    training, target = _training_rows(again), model.target.name
    return RowInfluences(asked.rows, asked.truth, predicted, of_rows, found, training, target, asked.said)


def self_influences(again: Again, method: str = "tracin") -> SelfInfluences:
    """The influence of each training row on its own loss: large if the other rows do not explain it."""
    scores = self_influence(again.recordings, *again.ready.parts["training"], method=method)
    return SelfInfluences(
        scores, np.argsort(-scores, kind="stable"), _training_rows(again), again.run.model.target.name
    )


def rows_to_ask(run: Opened, table: Any) -> AskedRows:
    """The rows of a table as a run takes them.

    If a table of classes has no target, each row is asked about the class that is predicted for it.
    """
    origin = Origin.of(table, run.learned.no_header)
    read, model, target = read_table(origin), run.model, run.model.target
    if target.name in read.frame.columns:
        (X, y, *_), said, _, rows = examples_and_cells(run, origin)
        truth: list[str | None] = [_text(cell) for cell in read.frame[target.name][rows]]
        return AskedRows(X, y, truth, rows + 1, said)
    if not target.classifies:
        raise InputError(
            f"{origin} has no column {quoted(target.name)}, the target of the run: expected one, as the influence on a "
            "number is that on its error."
        )
    X, said = run.learned.preprocessing.transform(read.frame)
    y = target.labels_of(model.output_of(X))
    said = [*read.said, *said, f"{origin} has no column {quoted(target.name)}: the loss is that of the prediction."]
    return AskedRows(X, y, [None] * len(X), np.arange(1, len(X) + 1), said)


def _training_rows(again: Again) -> TrainingRows:
    ready, model = again.ready, again.run.model
    place = ready.places["training"]
    assert place.frame is not None  # the table is in memory
    frame = place.frame[ready.training_rows]
    output = model.output_of(ready.parts["training"][0])
    if ready.fold is not None:
        unseen = again.trained.out_of_fold(ready)
        known = np.isfinite(unseen).all(axis=1)
        output[known] = unseen[known]
    matter = [each["column"] for each in again.run.metrics.get("importance", [])] or ready.preprocessing.used
    named = [] if again.run.learned.id is None else [again.run.learned.id]
    names = [*named, *[name for name in matter if name not in named][:KEY_COLUMNS]]
    cells = frame.select(pl.col(name).cast(pl.String, strict=False).fill_null("") for name in names)
    return TrainingRows(
        ready.training_rows + 1,
        [_text(cell) for cell in frame[model.target.name]],
        [_text(each) for each in model.target.decode(output)],
        cells,
    )


def words_of(agreement: Agreement) -> str:
    """What an agreement means, on the command line.

    >>> words_of(Agreement("ekfac", networks=8, left_out=150, correlation=0.93, factor=0.8))
    'Checked: the run was trained again 8 times without 150 rows each; the influences foretold well which losses rise \
(rank correlation 0.93, where 1 is the same order).'
    """
    seen = (
        f"the run was trained again {agreement.networks} times without {agreement.left_out:,} rows each; the "
        "influences foretold {} which losses rise "
        f"(rank correlation {agreement.correlation:.2f}, where 1 is the same order)"
    )
    other = "fisher" if agreement.method != "fisher" else "ekfac"
    if agreement.correlation >= GOOD:
        return f"Checked: {seen.format('well')}."
    if agreement.correlation >= FAIR:
        return f"Checked: {seen.format('fairly')}: the first rows are likely the right ones; try --method {other}."
    return f"Checked, and not to be relied on: {seen.format('badly')}; try --method {other}."


def _text(cell: Any) -> str:
    if isinstance(cell, float | np.floating):
        return f"{cell:.6g}"
    return cut(str(cell), LONGEST)
