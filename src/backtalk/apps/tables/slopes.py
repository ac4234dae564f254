"""How much each input of a column changes with the column's own value: the derivative of what encodes it."""

from __future__ import annotations

import numpy as np

from .columns import CYCLES, Column
from .pieces import piece_slopes
from .scaling import normal_rank_slopes


def slopes_of(column: Column, A: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """∂x_j/∂v (rows, inputs) of the inputs x_j of a column of numbers, in their order, by its value v, in its unit.

    The unit is a day for dates and times. ``A``: the numbers (rows, numbers), the first of which is v; ``missing``:
    where they stand for what is missing, which no value changes: all slopes are 0 there.
    At a kink, such as the edge of a piece, a slope is that from the right: what a little more would do. At a jump, as
    of a level, it is 0.
    """
    value = A[:, 0]
    if column.quantiles:
        scaled = normal_rank_slopes(value, np.array(column.quantiles))[:, None]
    else:
        scaled = _slopes_of_numbers(column, value) / column.scale
    parts = [scaled, np.zeros((len(A), int(column.has_missing)))]
    if column.edges:
        parts.append(piece_slopes(value, column.edges))
    slopes = np.hstack([*parts, np.zeros((len(A), len(column.levels)))])
    slopes[missing] = 0
    return slopes


def _slopes_of_numbers(column: Column, days: np.ndarray) -> np.ndarray:
    """Of each number that a cell becomes, its derivative by the first of them."""
    slopes = [np.ones_like(days)]
    for name, length in CYCLES.items():
        if column.cycle(name) in column.numbers:
            rate = 2 * np.pi / length
            slopes += [rate * np.cos(rate * days), -rate * np.sin(rate * days)]
    return np.column_stack(slopes)
