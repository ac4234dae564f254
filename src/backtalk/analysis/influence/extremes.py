"""The largest (or smallest) of each row of a matrix that is seen in blocks of columns, from left to right."""

from __future__ import annotations

import numpy as np


class Extremes:
    """For each of ``count`` rows, the ``k`` best values and their columns; of equal values, the lower columns.

    ``sign`` is 1 if the largest are best, −1 if the smallest are. A column counts only if it is strictly
    better than the k-th best so far, since those before it have lower numbers. So after the first blocks a comparison
    is all that most values take part in, and nothing is sorted before the end: what is kept is in the order of columns.
    """

    __slots__ = ("better", "columns", "last", "sign", "values")

    sign: int
    better: np.ufunc
    values: np.ndarray
    columns: np.ndarray
    last: np.ndarray

    def __init__(self, count: int, k: int, sign: int, dtype: np.dtype) -> None:
        self.sign = sign
        self.better = np.greater if sign > 0 else np.less
        self.values = np.full((count, k), -sign * np.inf, dtype)
        self.columns = np.full((count, k), -1, np.int64)
        self.last = self.values[:, 0].copy()

    @staticmethod
    def bytes_per_row(k: int, itemsize: int) -> int:
        """What a row takes: what is kept, and as much again that may replace it, with what decides on it."""
        return k * (8 + itemsize) + 2 * k * (16 + 2 * itemsize)

    def offer(self, block: np.ndarray, first: int) -> None:
        """Take in a block (count, n), whose columns are ``first``, ``first`` + 1, …; its values are finite."""
        (count, n), k = block.shape, self.values.shape[1]
        candidates = self.better(block, self.last[:, None])
        if np.count_nonzero(candidates) > count * k // 4:  # as in the first blocks: more than k of a row cannot stay
            candidates &= self._best(block)
        rows, columns = np.divmod(np.flatnonzero(candidates), n)
        counts = np.bincount(rows, minlength=count)
        if counts.max() > k:
            rows, columns = np.divmod(np.flatnonzero(candidates & self._best(block)), n)
            counts = np.bincount(rows, minlength=count)
        changed = np.flatnonzero(counts)
        if len(changed) == 0:
            return
        counts = counts[changed]
        row = np.repeat(np.arange(len(changed)), counts)
        place = k + np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        shape = (len(changed), k + counts.max())
        values, numbers = np.full(shape, -self.sign * np.inf, block.dtype), np.full(shape, -1, np.int64)
        values[:, :k], numbers[:, :k] = self.values[changed], self.columns[changed]
        values[row, place], numbers[row, place] = block[rows, columns], columns + first
        kept = self._best(values)
        self.values[changed] = values = values[kept].reshape(-1, k)
        self.columns[changed] = numbers[kept].reshape(-1, k)
        self.last[changed] = values.min(axis=1) if self.sign > 0 else values.max(axis=1)

    def _best(self, values: np.ndarray) -> np.ndarray:
        """Which ones are among the k best of their row: k of each, the lower columns if equal; or all n < k."""
        n, k = values.shape[1], self.values.shape[1]
        if k >= n:
            return np.ones(values.shape, bool)
        place = n - k if self.sign > 0 else k - 1
        last = np.partition(values, place, axis=1)[:, place, None].copy()
        best, equal = self.better(values, last), values == last
        room = k - np.count_nonzero(best, axis=1, keepdims=True)
        return best | (equal & (np.cumsum(equal, axis=1, dtype=np.int32) <= room))

    def in_order(self) -> tuple[np.ndarray, np.ndarray]:
        """Columns and values, (count, k), the best first."""
        order = np.argsort(-self.sign * self.values, axis=1, kind="stable")
        return np.take_along_axis(self.columns, order, axis=1), np.take_along_axis(self.values, order, axis=1)
