"""Statistics that are gathered block by block, in float64; a NaN or an inf stays in them."""

from __future__ import annotations

import math

import numpy as np

from ...core.sizes import row_norms

SMALLEST = 1e-200  # of a sum of squares, none of which has lost digits that matter


class RunningMoments:
    """Mean and standard deviation of columns, from blocks of rows (Chan, Golub and LeVeque 1983: no digits cancel).

    What is kept of Σ (x − mean)² is its root, so that no square leaves the range of float64.
    """

    count: int
    shift: np.ndarray
    away: np.ndarray
    root: np.ndarray

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.shift = np.zeros(columns)  # near the mean, so that what is summed is about as large as its deviations
        self.away = np.zeros(columns)  # of the mean from it
        self.root = np.zeros(columns)

    def add(self, block: np.ndarray) -> None:
        """More rows."""
        rows = len(block)
        with np.errstate(all="ignore"):
            block = block.astype(np.float64)
            if self.count == 0:
                first = block.mean(axis=0)
                self.shift = np.where(np.isfinite(first), first, 0.0)
            block = block - self.shift
            mean = block.mean(axis=0)
            away, together = mean - self.away, self.count + rows
            apart = np.abs(away) * math.sqrt(self.count * rows / together) if self.count else 0.0
            self.away = self.away + away * (rows / together)
            self.root = np.hypot(np.hypot(self.root, column_norms(block - mean)), apart)
        self.count = together

    @property
    def mean(self) -> np.ndarray:
        """Of each column."""
        with np.errstate(all="ignore"):
            return self.shift + self.away

    @property
    def std(self) -> np.ndarray:
        """Of each column."""
        return self.root / math.sqrt(self.count)

    def whole(self) -> tuple[float, float]:
        """Mean and standard deviation over all columns together."""
        with np.errstate(all="ignore"):
            mean = float(self.mean.mean())
            return mean, float(np.hypot(root_mean_square(self.std), root_mean_square(self.mean - mean)))


def column_norms(block: np.ndarray) -> np.ndarray:
    """The norm of each column, whatever its size: by way of its largest number only if the squares may leave float64's
    range."""
    squares = np.einsum("nc,nc->c", block, block)
    norms = np.sqrt(squares)
    extreme = np.flatnonzero(~((squares > SMALLEST) & (squares < 1 / SMALLEST)))
    if len(extreme):
        norms[extreme] = row_norms(block[:, extreme].T)
    return norms


def root_mean_square(values: np.ndarray) -> float:
    """√(Σx²/N), whatever the size of the values."""
    return float(row_norms(values.reshape(1, -1))[0]) / math.sqrt(values.size)


def median(values: np.ndarray) -> float:
    """The median; NaN if one of the values is."""
    with np.errstate(all="ignore"):
        return float(np.nan if np.isnan(values).any() else np.median(values))
