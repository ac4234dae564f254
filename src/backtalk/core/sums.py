"""Sums over the rows of a batch, in parts: one running sum loses a digit with every ten times more rows."""

from __future__ import annotations

import numpy as np

from .arrays import Array, namespace

FEW_ROWS = 512  # are added up at once, as NumPy does it: one by one; the other libraries add up in parts themselves
ROWS_OF_PART = 32
ROWS_OF_PRODUCT = 16384  # of which the libraries make parts of some hundred rows, and add these up one by one


def sum_rows(array: Array) -> Array:
    """Σ_n array_n over the first axis, for any number of rows as exact as for few.

    >>> rows = np.full((300_000, 2), 0.1, dtype=np.float32)
    >>> (sum_rows(rows) / 3e4).round(5).tolist(), bool((rows.sum(axis=0) / 3e4 < 0.998).all())
    ([1.0, 1.0], True)
    """
    if isinstance(array, np.ndarray) and array.shape[0] > FEW_ROWS:
        while array.shape[0] > ROWS_OF_PART:
            whole = array.shape[0] // ROWS_OF_PART * ROWS_OF_PART
            parts = array[:whole].reshape(-1, ROWS_OF_PART, *array.shape[1:]).sum(axis=1)
            array = np.concatenate([parts, array[whole:].sum(axis=0, keepdims=True)])
    return namespace(array).sum(array, axis=0)


def sum_products(a: Array, h: Array) -> Array:
    """Σ_n a_n h_nᵀ = aᵀ h over the rows of both, by halves if there are many.

    >>> ones = np.ones((5, 1))
    >>> sum_products(ones, 2 * ones)
    array([[10.]])
    """
    rows = a.shape[0]
    if rows <= ROWS_OF_PRODUCT or not isinstance(a, np.ndarray):
        return a.T @ h
    half = rows // 2
    return sum_products(a[:half], h[:half]) + sum_products(a[half:], h[half:])
