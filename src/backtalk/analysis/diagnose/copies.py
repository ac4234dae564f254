"""Units that are copies of one another: equal weights, or one combination of the inputs for a whole layer."""

from __future__ import annotations

import numpy as np

from ...core.network import Network
from .thresholds import LIMITS


def copies_among(rows: np.ndarray) -> list[list[int]]:
    """Groups of rows that are equal but for rounding."""
    largest = float(np.abs(rows).max())
    if not np.isfinite(largest):
        return []
    rows = rows / (largest or 1.0)  # no square leaves the range of float64
    place = rows @ np.random.default_rng(0).normal(size=rows.shape[1])  # equal rows come to stand beside one another
    order = np.argsort(place, kind="stable")
    sizes = np.linalg.norm(rows, axis=1)
    apart = np.linalg.norm(rows[order[1:]] - rows[order[:-1]], axis=1)
    equal = apart <= LIMITS.copies * sizes[order[1:]]
    groups, group = [], [int(order[0])]
    for unit, same in zip(order[1:], equal, strict=True):
        if same:
            group.append(int(unit))
            continue
        groups.append(sorted(group))
        group = [int(unit)]
    return sorted(each for each in [*groups, sorted(group)] if len(each) > 1)


def copies_in(network: Network, i: int) -> list[list[int]]:
    """Groups of units of hidden layer i with equal incoming and outgoing weights; one of all units, if all of them
    hear the same: equal incoming weights, or multiples of one combination of three inputs or more."""
    W, b, out = (np.asarray(part, np.float64) for part in (network.W[i], network.b[i], network.W[i + 1]))
    units, inputs = W.shape
    if units < 2 or not (np.isfinite(W).all() and np.isfinite(out).all() and np.isfinite(b).all()):
        return []
    heard = np.column_stack([W, b])
    everyone = [list(range(units))]
    if copies_among(heard) == everyone:
        return everyone
    if min(units, inputs) >= LIMITS.combination and np.any(W) and _is_one_combination(W):
        return everyone
    return copies_among(np.column_stack([heard, out.T]))


def _is_one_combination(W: np.ndarray) -> bool:
    """Whether all rows are multiples of one, but for what :data:`LIMITS` calls equal."""
    W = W / np.abs(W).max()
    row = W[np.argmax(np.linalg.norm(W, axis=1))]
    row = row / np.linalg.norm(row)
    return bool(np.linalg.norm(W - np.outer(W @ row, row)) <= LIMITS.copies * np.linalg.norm(W))
