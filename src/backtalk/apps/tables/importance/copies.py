"""Columns that are near copies of each other, so that the importance of each says little."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .values import Encoded

NEARLY_THE_SAME = 0.95  # rank correlation of two numbers
NEARLY_KNOWN = 0.9  # of the errors in guessing one column that knowing the other takes away, both ways
MOST_LEVELS = 50  # of a number that is compared with categories
MOST_ROWS = 2_000
MOST_COMPARED = 100  # columns with few values, pair by pair


def near_copies(columns: Mapping[str, Encoded], X: np.ndarray) -> list[list[str]]:
    """Groups of columns of which each is nearly known from another, in the order of the table.

    Two columns of numbers, dates or times are near copies if their rank correlation (Spearman) is beyond ±0.95; two
    with up to 50 different values, such as categories, if to know either takes away 90 % of the errors in guessing the
    other by its most frequent value (λ of Goodman and Kruskal, 1954).
    """
    X = X[:MOST_ROWS]
    if len(X) < 3:
        return []
    names = list(columns)
    orders = {name: columns[name].order(X) for name in names}
    numbers = [name for name in names if not columns[name].column.categories]
    few = {}
    for name in names:
        levels, codes = np.unique(orders[name], return_inverse=True)
        if 1 < len(levels) <= MOST_LEVELS:
            few[name] = codes
    linked = _correlated({name: orders[name] for name in numbers}) + _determined(
        dict(list(few.items())[:MOST_COMPARED])
    )
    return _joined(names, linked)


def _correlated(orders: Mapping[str, np.ndarray]) -> list[tuple[str, str]]:
    """Pairs of numbers with nearly the same ranks, or nearly opposite ones."""
    names = [name for name, order in orders.items() if np.ptp(order) > 0]
    if len(names) < 2:
        return []
    ranks = np.stack([_ranks(orders[name]) for name in names])
    same = np.abs(np.corrcoef(ranks)) >= NEARLY_THE_SAME
    return [(names[i], names[j]) for i, j in np.argwhere(np.triu(same, 1))]


def _ranks(order: np.ndarray) -> np.ndarray:
    """The rank of each number; equal ones share the middle."""
    _, codes, counts = np.unique(order, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[codes]


def _determined(codes: Mapping[str, np.ndarray]) -> list[tuple[str, str]]:
    """Pairs of columns with few values of which each nearly follows from the other."""
    names, found = list(codes), []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            one, other = codes[first], codes[second]
            table = np.zeros((one.max() + 1, other.max() + 1))
            np.add.at(table, (one, other), 1)
            if min(_known(table), _known(table.T)) >= NEARLY_KNOWN:
                found.append((first, second))
    return found


def _known(table: np.ndarray) -> float:
    """λ: the share of the errors in guessing the column across that knowing the one down takes away."""
    total, guessed = table.sum(), table.sum(axis=0).max()
    return float((table.max(axis=1).sum() - guessed) / (total - guessed)) if total > guessed else 0.0


def _joined(names: list[str], linked: list[tuple[str, str]]) -> list[list[str]]:
    """Groups of names that are linked, directly or by others."""
    group = {name: {name} for name in names}
    for first, second in linked:
        if group[first] is not group[second]:
            both = group[first] | group[second]
            for name in both:
                group[name] = both
    found = []
    for name in names:
        members = [each for each in names if each in group[name]]
        if len(members) > 1 and members[0] == name:
            found.append(members)
    return found
