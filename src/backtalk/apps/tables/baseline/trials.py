"""The baselines on the rows that the network is judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ..preprocessing import Preprocessing
from ..verdict import OUT_OF_FOLD
from .columns import are_codes, columns_in
from .effort import COLUMNS, affordable, seconds_of_lines, seconds_of_trees
from .models import Asked, Model, lines_for, trees_for

MOST_JUDGED = 100_000  # rows of a part that is held out
MANY_CELLS = 500_000  # of columns, from which boosted trees gain by several threads


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What the network was trained and judged on, and what is asked.

    ``X``: the inputs of the training rows. ``folds``: of each network its training rows, and those that are its fold,
    none of them if there are no folds. ``held_out``: X of the other parts.
    """

    preprocessing: Preprocessing
    X: np.ndarray
    asked: Asked
    folds: Sequence[tuple[np.ndarray, np.ndarray]]
    held_out: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A model by its ``name``, and that of its class in scikit-learn; what it gives for which ``rows`` of each part.

    ``training_rows``: the most that one fit had; ``sampled``: whether the network had more.
    """

    name: str
    model: str
    training_rows: int
    sampled: bool
    outputs: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray]


def try_baselines(trial: Trial, budget: float) -> tuple[list[Baseline], list[str]]:
    """A linear model and boosted trees, fitted as the networks were; and what there is to say of one left out.

    ``budget``: the seconds for each of them, as estimated: by it fewer folds are taken, and then fewer rows. A row of
    a fold is given by the model that was not fitted to it; one that is held out, by the mean of the models.
    """
    import sklearn.ensemble  # noqa: F401  # loads its threads, which only then can be limited

    found: list[Baseline] = []
    said: list[str] = []
    drawn = {part: _some(len(X), MOST_JUDGED) for part, X in trial.held_out.items()}
    most = max(len(trained) for trained, _ in trial.folds)
    outputs = trial.asked.outputs

    def add(model: Model, seconds: Callable[[int, int, int], float], take: Callable[[np.ndarray], np.ndarray]) -> None:
        A, held_out = take(trial.X), {part: take(trial.held_out[part][rows]) for part, rows in drawn.items()}
        often, count = affordable(lambda rows: seconds(rows, A.shape[1], outputs), most, len(trial.folds), budget)
        if not often:
            size = f"{outputs:,} outputs" + (f" and {A.shape[1]:,} columns" if A.shape[1] > COLUMNS else "")
            said.append(f"no {model.name} beside the network: with {size} they take too long.")
            return
        with threadpool_limits(1 if A.size < MANY_CELLS else None):
            rows, given = _out_of_fold(trial, model, A, held_out, often, count)
        found.append(Baseline(model.name, model.kind, count, count < most, given, drawn | rows))

    if (lines := lines_for(trial.asked)) is not None:
        plain = trial.preprocessing.plain_count
        add(lines, seconds_of_lines, lambda X: X[:, :plain])
    trees = trees_for(trial.asked, are_codes(trial.preprocessing))
    add(trees, seconds_of_trees, lambda X: columns_in(trial.preprocessing, X))
    return found, said


def _out_of_fold(
    trial: Trial, model: Model, A: np.ndarray, held_out: Mapping[str, np.ndarray], often: int, count: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The rows of the folds that are judged, if there are folds; and what the fits give for them and held-out rows."""
    own, of_own = [], []
    sums = {part: np.zeros((len(X), trial.asked.outputs)) for part, X in held_out.items()}
    for trained, fold in trial.folds[:often]:
        rows = trained[_some(len(trained), count)]
        predict = model.fit(A[rows], trial.asked.of(rows))
        if len(fold):
            own.append(fold)
            of_own.append(predict(A[fold]))
        for part, X in held_out.items():
            if len(X):
                sums[part] += predict(X)
    given = {part: total / often for part, total in sums.items()}
    if not own:
        return {}, given
    judged = np.concatenate(own)
    order = np.argsort(judged, kind="stable")
    return {OUT_OF_FOLD: judged[order]}, given | {OUT_OF_FOLD: np.concatenate(of_own)[order]}


def _some(rows: int, most: int) -> np.ndarray:
    """At most so many of the rows, drawn at random, in their order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
