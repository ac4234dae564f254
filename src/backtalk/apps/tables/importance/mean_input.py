"""The mean of the encoded training rows: the row beside which predictions are explained."""

from __future__ import annotations

import numpy as np

from ....data.streams.rows import InFileRows
from ....distributed import ALONE, Group
from ..model import ROWS_AT_ONCE
from ..parts import Inputs

DIGITS = 7  # as many as float32 has


def mean_input(X: Inputs, group: Group = ALONE) -> list[float]:
    """The mean of each input over the rows of all processes: of numbers that are scaled 0, of a category its share.

    >>> mean_input(np.array([[1.0, 0.0], [2.0, 1.0]], np.float32))
    [1.5, 0.5]
    """
    sums = np.zeros(X.shape[1])
    for first in range(0, X.shape[0], ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, X.shape[0])
        block = X.read(first, last) if isinstance(X, InFileRows) else X[first:last]
        sums += block.sum(axis=0, dtype=np.float64)
    of_all = group.all_gather([X.shape[0], *sums.tolist()])
    rows, *totals = np.sum(of_all, axis=0).tolist()
    return [float(f"{total / rows:.{DIGITS}g}") for total in totals]
