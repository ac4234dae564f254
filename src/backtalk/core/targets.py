"""From the y of a user to a target t of shape (B, k): labels, probabilities or numbers, checked."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from .arrays import Array, ArraySpec, is_concrete, namespace, refuse_non_finite, to_numpy


def numbers(y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
    """y as finite numbers of shape (B, k), or (B,) for k = 1."""
    y = spec.receive(y, "y")
    if y.ndim == 1 and outputs == 1:
        y = y[:, None]
    _require_shape(y, count, outputs, f"({count}, {outputs})" + (f" or ({count},)" if outputs == 1 else ""))
    return spec.cast_finite(y, "y")


def probabilities(y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
    """y as probabilities of shape (B, k), each row of sum 1."""
    y = spec.receive(y, "y")
    _require_shape(y, count, outputs, f"labels of shape ({count},), or probabilities of shape ({count}, {outputs})")
    y = spec.cast_finite(y, "y")
    refuse_where(y, y < 0, "y", "expected probabilities, which are 0 or more")
    sums = spec.xp.sum(y, axis=1, keepdims=True)
    refuse_where(sums, spec.xp.abs(sums - 1) > 1e-4, "the sum of a row of y", "expected probabilities with sum 1")
    return y / sums  # exactly 1, so that ŷ − t is the derivative of −Σ t log ŷ to the last digit


def labels(y: Any, count: int, outputs: int, spec: ArraySpec) -> Array | None:
    """y as whole numbers 0 … k−1, shape (B,), checked; None if it has a column for each output."""
    y = spec.receive(y, "y")
    if y.ndim != 1 and not (y.ndim == 2 and y.shape[1] == 1 and outputs > 1):
        return None
    xp = namespace(y)
    y = y[:, 0] if y.ndim == 2 else y
    if y.shape[0] != count:
        raise InputError(f"y has {y.shape[0]} labels, but X has {count} rows: expected one for each example.")
    refuse_non_finite(y, "y")
    if xp.isdtype(y.dtype, "real floating"):
        refuse_where(y, y != xp.floor(y), "y", "expected labels, which are whole numbers")
    else:
        y = xp.astype(y, xp.arange(1).dtype, copy=False)  # a small unsigned dtype could not be compared with k
    wanted = f"expected labels 0 … {outputs - 1}, because the network has {outputs} outputs"
    if outputs == 1:
        wanted = "expected label 0, the only one of a network with 1 output; for yes or no use 'binary_cross_entropy'"
    refuse_where(y, (y < 0) | (y >= outputs), "y", wanted)
    return y


def one_hot(labels: Array, outputs: int, spec: ArraySpec) -> Array:
    """e(y), shape (B, k): 1 at the label, else 0."""
    classes = spec.xp.arange(outputs, device=spec.device)
    return spec.cast(spec.xp.astype(labels, classes.dtype)[:, None] == classes[None, :])


def refuse_where(values: Array, wrong: Array, argument: str, expected: str) -> None:
    """Raise :class:`InputError` with the first value that is wrong, if there is one."""
    xp = namespace(values)
    if not is_concrete(wrong) or not bool(xp.any(wrong)):
        return
    place = to_numpy(wrong).ravel().argmax()
    row = int(place) // (values.shape[1] if values.ndim == 2 else 1)
    found = to_numpy(values).ravel()[place]
    raise InputError(f"{argument} is {found}", place=f"at row {row}", expected=expected)


def _require_shape(y: Array, count: int, outputs: int, expected: str) -> None:
    if y.ndim >= 1 and y.shape[0] != count:
        raise InputError(f"y has {y.shape[0]} rows, but X has {count}: expected one target for each example.")
    if tuple(y.shape) != (count, outputs):
        raise InputError(f"y has shape {tuple(y.shape)}, expected {expected}.")
