"""The sizes of rows of numbers, however large or small these are."""

from __future__ import annotations

import math
from collections.abc import Iterable

import array_api_compat
import numpy as np

from .arrays import Array, namespace


def wide(array: Array) -> Array:
    """In float64, if it is NumPy's: sums of squares of float32 would vanish or lose digits."""
    return array.astype(np.float64, copy=False) if isinstance(array, np.ndarray) else array


def row_norms(array: Array) -> Array:
    """The norm of each row, whatever its size."""
    rows, xp = wide(array), namespace(array)
    largest = positive(xp.max(xp.abs(rows), axis=1))
    with np.errstate(over="ignore", invalid="ignore"):  # of a row with inf, whose norm is inf
        scaled = rows / largest[:, None]
        return largest * xp.sqrt(xp.sum(scaled * scaled, axis=1))


def combined_norm(parts: Iterable[Array]) -> Array:
    """√(Σ x²) of some norms of each example, without squares that overflow or vanish."""
    stacked = list(parts)
    xp = namespace(stacked[0])
    array = xp.stack([beside(part, stacked[0]) for part in stacked])
    largest = positive(xp.max(array, axis=0))
    with np.errstate(over="ignore", invalid="ignore"):
        return largest * xp.sqrt(xp.sum((array / largest) ** 2, axis=0))


def positive(sizes: Array) -> Array:
    """What to divide by: 1 where a size is 0 or not finite."""
    xp = namespace(sizes)
    return xp.where((sizes > 0) & (sizes < math.inf), sizes, xp.ones_like(sizes))


def beside(array: Array, other: Array) -> Array:
    """The array on the device of the other: the parts of a PyTorch model may be on several."""
    return array.to(other.device) if array_api_compat.is_torch_array(array) else array
