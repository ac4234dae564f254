"""On which columns a trained run depends: measured on rows that were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....core.network import Network
from ..model import Model
from ..parts import Inputs
from .copies import near_copies
from .dependence import MOST_VALUES, Predict, partial_dependence
from .measures import Measure
from .permutation import WORK, Importance, Judge, affordable, permutation_importance
from .values import encoded_columns

MOST_SHOWN = 8  # columns, whose dependence is computed
MOST_CLASSES = 8  # whose probabilities are curves
DEPENDENCE_ROWS = (50, 200)  # over which curves are averaged, at least and at most
SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """Networks, and which rows of X they were not trained on, with y and perhaps weights of all rows of X.

    ``shares``: how much each network counts in their mean, if not alike.
    """

    networks: Sequence[Network]
    shares: Sequence[float] | None
    X: Inputs
    y: np.ndarray
    weight: np.ndarray | None
    rows: np.ndarray

    def of(self, rows: np.ndarray) -> Judge:
        """Some of the rows, in memory."""
        weight = None if self.weight is None else self.weight[rows]
        return Judge(self.networks, self.X[rows], self.y[rows], weight, self.shares)


def columns_that_matter(model: Model, unseen: Sequence[Unseen], part: str, metric: str | None = None) -> dict[str, Any]:
    """What ``metrics.json`` says of the columns, as plain values.

    ``importance``: of each column, the largest first, by how much the measure grows if its cells are permuted
    (:func:`~.permutation.permutation_importance`). ``importance_of``: which measure, of which rows, and how many.
    ``copies``: groups of columns that are near copies of each other, and the importance of all columns of a group
    permuted together. ``dependence``: of the columns that matter most (:func:`~.dependence.partial_dependence`).
    ``part``: the name of the rows. ``metric``: that which was asked for, if one was.
    """
    columns = encoded_columns(model.preprocessing)
    rng = np.random.default_rng(SEED)
    measure = Measure(model.target, model.members[0], metric)
    unseen = [each for each in map(_finite, unseen) if len(each.rows)]
    available = sum(len(each.rows) for each in unseen)
    if not available:
        return {}
    effort = affordable(available, len(columns), unseen[0].networks)
    judges = draw(unseen, effort.rows, rng)
    groups = {name: encoded.places for name, encoded in columns.items()}
    X = np.concatenate([judge.X for judge in judges])
    copies = near_copies(columns, X)
    together = {_joined(names): [place for name in names for place in groups[name]] for names in copies}
    found = permutation_importance(
        judges, groups | together, measure.losses, effort.repeats, rng, is_root=measure.is_root
    )
    alone = [each for each in found if each.column in groups]
    by_name = {each.column: each for each in found}
    facts: dict[str, Any] = {
        "importance": [each.to_json() for each in alone],
        "importance_of": {"measure": measure.words, "part": part, "rows": len(X), "permutations": effort.repeats},
        "copies": [_of_copies(names, by_name[_joined(names)]) for names in copies],
    }
    fewest, most = DEPENDENCE_ROWS
    affordable_rows = WORK / (MOST_SHOWN * MOST_VALUES * sum(each.parameter_count for each in model.members))
    chosen = rng.permutation(len(X))[: int(min(most, max(fewest, affordable_rows)))]
    weight = None if judges[0].weight is None else np.concatenate([np.asarray(each.weight) for each in judges])[chosen]
    predict, names = predictions_of(model, X[chosen])
    facts["dependence"] = {
        each.column: partial_dependence(columns[each.column], X, chosen, predict, names, weight).to_json()
        for each in alone[:MOST_SHOWN]
    }
    return facts


def predictions_of(model: Model, X: np.ndarray) -> tuple[Predict, list[str]]:
    """What is predicted, as curves show it: the number; or the probability of the second of two classes, or of each.

    Of many classes those that are predicted most, by their mean probability.
    """
    target = model.target
    if not target.classifies:
        return lambda rows: target.decode(model.output_of(rows))[:, None], [target.name]
    if target.outputs == 2:
        places = np.array([1])
    else:
        places = np.sort(np.argsort(-model.output_of(X).mean(axis=0), kind="stable")[:MOST_CLASSES])
    return lambda rows: model.output_of(rows)[:, places], [target.classes[place] for place in places]


def draw(unseen: Sequence[Unseen], most: int, rng: np.random.Generator) -> list[Judge]:
    """At most so many of the rows, drawn at random from all, each with the networks that did not see it."""
    sizes = [len(each.rows) for each in unseen]
    total = sum(sizes)
    drawn = np.arange(total) if total <= most else np.sort(rng.choice(total, most, replace=False))
    ends = np.cumsum(sizes)
    found = []
    for each, end, size in zip(unseen, ends, sizes, strict=True):
        own = drawn[(drawn >= end - size) & (drawn < end)] - (end - size)
        if len(own):
            found.append(each.of(np.sort(each.rows[own])))
    return found


def _finite(unseen: Unseen) -> Unseen:
    """The same without rows whose number float32 does not hold, or that have no weight."""
    kept = np.ones(len(unseen.rows), dtype=bool)
    if unseen.y.ndim == 2:
        kept &= np.isfinite(unseen.y[unseen.rows]).all(axis=1)
    if unseen.weight is not None:
        kept &= unseen.weight[unseen.rows] > 0
    return replace(unseen, rows=unseen.rows[kept])


def _joined(names: Sequence[str]) -> str:
    """A name for several columns that no column has."""
    return "\n".join(names)


def _of_copies(names: list[str], found: Importance) -> dict[str, Any]:
    return {"columns": names, "value": found.value, "low": found.low, "high": found.high}
