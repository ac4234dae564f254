"""Partial dependence: the mean prediction if all rows had the same value in one column, and how far rows differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .values import Encoded, distinct

Predict = Callable[[np.ndarray], np.ndarray]  # from X to predictions (rows, quantities)

MOST_VALUES = 20  # of a column
NUMBERS_AT_ONCE = 2**22  # of X
MOST_CONSIDERED = 5_000  # rows, from which values are taken
OUTSIDE = 0.01  # of the rows, on each side, which no picture should be stretched to
SPREAD = (0.1, 0.9)  # shares of the rows between whose predictions the spread lies


@dataclass(frozen=True, slots=True)
class Curve:
    """Of one predicted quantity, such as the probability of a class: the mean of the rows at each value of the column.

    Between ``low`` and ``high`` lie 80 % of the rows' own predictions there.
    """

    of: str
    mean: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True, slots=True)
class Dependence:
    """How the prediction depends on a column: its ``kind``, the ``values`` that it was set to, and the curves.

    A value is a number in the column's unit, a date or time as text, or a category; None for a cell that is missing,
    which comes last. ``shares``: how many of the rows have this value, or one that is nearer to it than to the others.
    """

    kind: str
    values: list[Any]
    shares: list[float]
    curves: list[Curve]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def partial_dependence(
    encoded: Encoded,
    X: np.ndarray,
    rows: np.ndarray,
    predict: Predict,
    names: Sequence[str],
    weight: np.ndarray | None = None,
) -> Dependence:
    """The predictions of some rows, with the inputs of one column replaced by those of its values.

    For each value v of the column: the mean over the rows of f(v, the row's other inputs), by their weights, and the
    quantiles 0.1 and 0.9 of f. A value's inputs are those of a row of ``X`` that has it, whatever its encoding: of
    numbers, dates and times of 20 rows at even ranks, without the outermost hundredth on each side; of a category the
    20 most frequent. ``rows``: of X, those whose predictions are averaged; ``weight``: of each of them. ``names``: of
    the predicted quantities. The mean says what the model does, and for rows of unlikely pairs of values too, such as
    children with a pension, if columns depend on each other.

    Source: Friedman (2001), Greedy function approximation; the curves of rows: Goldstein et al. (2015).
    """
    block = X[spread_out(len(X), MOST_CONSIDERED)]
    chosen, shares = values_to_try(encoded, block)
    own, found = X[rows], []
    at_once = max(1, NUMBERS_AT_ONCE // own.size)  # values
    for first in range(0, len(chosen), at_once):
        values = block[chosen[first : first + at_once]][:, None, encoded.places]
        changed = np.repeat(own[None], len(values), axis=0)
        changed[:, :, encoded.places] = values
        predicted = predict(changed.reshape(-1, own.shape[1])).astype(np.float64)
        found.append(predicted.reshape(len(values), len(own), -1))
    predicted = np.concatenate(found)  # (values, rows, quantities)
    w = np.ones(len(own)) if weight is None else weight
    curves = []
    for k, name in enumerate(names):
        mean = predicted[:, :, k] @ w / w.sum()
        low, high = _weighted_quantiles(predicted[:, :, k], w)
        curves.append(Curve(name, mean.tolist(), low.tolist(), high.tolist()))
    return Dependence(encoded.column.kind, encoded.values(block[chosen]), shares, curves)


def values_to_try(encoded: Encoded, X: np.ndarray) -> tuple[list[int], list[float]]:
    """Rows of X whose values in the column are tried, in the order of the values, and the share of rows of each."""
    gone = encoded.is_missing(X)
    known = np.flatnonzero(~gone)
    order = encoded.order(X)
    if encoded.column.categories:
        counts = np.unique_counts(order[known])
        most = np.sort(counts.values[np.argsort(-counts.counts, kind="stable")[:MOST_VALUES]])
        chosen = [int(known[np.flatnonzero(order[known] == place)[0]]) for place in most]
        shares = [float((order == place).mean()) for place in most]
    else:
        ranked = known[np.argsort(order[known], kind="stable")]
        if len(np.unique(order[known])) > MOST_VALUES:
            outside = int(len(ranked) * OUTSIDE)
            ranked = ranked[outside : len(ranked) - outside]
            ranked = ranked[spread_out(len(ranked), MOST_VALUES)]
        chosen = [int(ranked[place]) for place in distinct(encoded.values(X[ranked]))]
        shares = _shares(order[known], order[chosen], len(X))
    if gone.any():
        chosen.append(int(np.flatnonzero(gone)[0]))
        shares.append(float(gone.mean()))
    return chosen, shares


def _shares(order: np.ndarray, tried: np.ndarray, rows: int) -> list[float]:
    if not len(tried):
        return []
    middles = (tried[1:] + tried[:-1]) / 2
    return (np.bincount(np.searchsorted(middles, order), minlength=len(tried)) / rows).tolist()


def spread_out(count: int, most: int) -> np.ndarray:
    """So many places at the most, from the first to the last, evenly.

    >>> spread_out(5, 10).tolist(), spread_out(100, 3).tolist()
    ([0, 1, 2, 3, 4], [0, 50, 99])
    """
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(np.int64)


def _weighted_quantiles(values: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The quantiles of each line of (lines, rows): the least value up to which there is so much of the weight."""
    order = np.argsort(values, axis=1, kind="stable")
    reached = np.cumsum(weight[order], axis=1) / weight.sum()
    lines = np.arange(len(values))
    low, high = (
        order[lines, np.minimum((reached < share - 1e-12).sum(axis=1), values.shape[1] - 1)] for share in SPREAD
    )
    return values[lines, low], values[lines, high]
