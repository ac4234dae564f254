"""The largest (or smallest) of each row of a matrix that is seen in blocks of columns, from left to right."""

from __future__ import annotations

import numpy as np


class Extremes:
    """For each of ``count`` rows, the ``k`` best values and their columns, the best first; ties: the lower column.

    ``sign`` is 1 where the largest are best, −1 where the smallest are. A column beats the k-th best so far only where
    it is strictly better, because those before it have lower numbers. So after the first blocks nearly nothing is
    left to sort: one comparison with all values, and k log(N/k) merges in a row for values in no order.
    """

    __slots__ = ("columns", "sign", "values")

    def __init__(self, count: int, k: int, sign: int, dtype: np.dtype) -> None:
        self.sign = sign
        self.values = np.full((count, k), -sign * np.inf, dtype)
        self.columns = np.full((count, k), -1, np.int64)

    def offer(self, block: np.ndarray, first: int) -> None:
        """Take in a block (count, n), whose columns are ``first``, ``first`` + 1, …; its values are finite."""
        (count, n), k = block.shape, self.values.shape[1]
        better = np.greater if self.sign > 0 else np.less
        places = np.flatnonzero(better(block, self.values[:, -1:]))
        if len(places) > count * k:  # more than could stay, as in the first block
            places = np.flatnonzero(self._best_within(block) & better(block, self.values[:, -1:]))
        if len(places) == 0:
            return
        rows, columns = np.divmod(places, n)
        changed = np.unique(rows)
        # The old before the new, both by column: a stable sort keeps the lower column first where values are equal
        rows = np.concatenate([np.repeat(changed, k), rows])
        values = np.concatenate([self.values[changed].ravel(), block.ravel()[places]])
        columns = np.concatenate([self.columns[changed].ravel(), columns + first])
        order = np.lexsort((-self.sign * values, rows))
        starts = np.searchsorted(rows[order], changed)
        kept = order[starts[:, None] + np.arange(k)]
        self.values[changed], self.columns[changed] = values[kept], columns[kept]

    def _best_within(self, block: np.ndarray) -> np.ndarray:
        """Which values are among the k best of their row in this block, (count, n): k of each, or all n."""
        n, k = block.shape[1], self.values.shape[1]
        if k >= n:
            return np.ones(block.shape, bool)
        place = n - k if self.sign > 0 else k - 1
        last = np.partition(block, place, axis=1)[:, place, None].copy()
        beyond = (np.greater if self.sign > 0 else np.less)(block, last)
        equal = block == last
        room = k - beyond.sum(axis=1, keepdims=True)
        return beyond | (equal & (np.cumsum(equal, axis=1, dtype=np.int32) <= room))
