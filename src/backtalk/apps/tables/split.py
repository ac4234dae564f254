"""Rows that are held out from training, as scikit-learn's ``train_test_split`` draws them."""

from __future__ import annotations

import numpy as np


def hold_out(rows: np.ndarray, labels: np.ndarray | None, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that are kept and those that are held out, each in order, drawn by the seed.

    Of every label its share is held out, if there are rows enough for that. A row that is the only one of its label is
    kept: the network is to know the label. ``labels``: of all rows of the table; None if there are none.
    """
    most = max(1, round(share * len(rows)))
    rng = np.random.RandomState(seed)
    if labels is None:
        return _apart(rows, rng.permutation(len(rows))[:most])
    of_rows = labels[rows]
    counts = np.bincount(of_rows)
    shared = np.flatnonzero(counts[of_rows] > 1)
    most = min(most, max(len(shared) - 1, 0))
    if most == 0:
        return rows, rows[:0]
    groups = [np.flatnonzero(of_rows == label) for label in np.flatnonzero(counts > 1)]
    if len(groups) > min(most, len(shared) - most):
        return _apart(rows, shared[rng.permutation(len(shared))[:most]])
    sizes = np.array([len(group) for group in groups])
    kept = _shares(sizes, len(shared) - most, rng)
    out = _shares(sizes - kept, most, rng)
    drawn = [rng.permutation(size)[keep : keep + take] for size, keep, take in zip(sizes, kept, out, strict=True)]
    return _apart(rows, np.concatenate([group[part] for group, part in zip(groups, drawn, strict=True)]))


def _apart(rows: np.ndarray, held_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    is_out = np.zeros(len(rows), dtype=bool)
    is_out[held_out] = True
    return rows[~is_out], rows[is_out]


def _shares(sizes: np.ndarray, total: int, rng: np.random.RandomState) -> np.ndarray:
    """How many of ``total`` are of each group, by their sizes; what rounding leaves goes to the largest remainders."""
    exact = sizes / sizes.sum() * total
    whole = np.floor(exact)
    left = int(total - whole.sum())
    for remainder in np.unique(exact - whole)[::-1]:
        if left == 0:
            break
        among = np.flatnonzero(exact - whole == remainder)
        chosen = rng.choice(among, size=min(len(among), left), replace=False)
        whole[chosen] += 1
        left -= len(chosen)
    return whole.astype(np.int64)
