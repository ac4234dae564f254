"""Statistics that are gathered block by block, in float64; a NaN or an inf stays in them."""

from __future__ import annotations

import math

import numpy as np


class Moments:
    """Mean and variance of columns, from blocks of rows (Chan, Golub and LeVeque 1983: no digits are cancelled)."""

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.shift = np.zeros(columns)  # near the mean, so that what is summed is about as large as its deviations
        self.away = np.zeros(columns)  # of the mean from it
        self.squares = np.zeros(columns)  # Σ (x − mean)²

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
            squares = ((block - mean) ** 2).sum(axis=0)
            away, together = mean - self.away, self.count + rows
            self.away = self.away + away * (rows / together)
            self.squares = self.squares + squares + away**2 * (self.count * rows / together)
        self.count = together

    @property
    def mean(self) -> np.ndarray:
        """Of each column."""
        with np.errstate(all="ignore"):
            return self.shift + self.away

    @property
    def std(self) -> np.ndarray:
        """Of each column."""
        with np.errstate(all="ignore"):
            return np.sqrt(self.squares / self.count)

    def whole(self) -> tuple[float, float]:
        """Mean and standard deviation over all columns together."""
        with np.errstate(all="ignore"):
            mean = float(self.mean.mean())
            variance = (self.squares / self.count).mean() + ((self.mean - mean) ** 2).mean()
        return mean, math.sqrt(variance) if variance >= 0 else float(variance)


def row_norms(block: np.ndarray) -> np.ndarray:
    """‖row‖ for each row, in float64, whatever its size."""
    with np.errstate(all="ignore"):
        values = np.abs(block.astype(np.float64))
        largest = values.max(axis=1)
        scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
        scaled = values / scale[:, None]
        return scale * np.sqrt(np.einsum("ij,ij->i", scaled, scaled))


def root_mean_square(values: np.ndarray) -> float:
    """√(Σx²/N), whatever the size of the values."""
    return float(row_norms(values.reshape(1, -1))[0]) / math.sqrt(values.size)


def median(values: np.ndarray) -> float:
    """The median; NaN where one of the values is."""
    with np.errstate(all="ignore"):
        return float(np.nan if np.isnan(values).any() else np.median(values))
