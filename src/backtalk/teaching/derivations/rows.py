"""Which units are shown of the layers that are too large to be shown whole: those that matter to what is asked."""

from __future__ import annotations

import numpy as np

from .expressions import Axis, Rows
from .quantity import Quantity
from .values import AnyValues, ExampleValues, NoValues
from .view import WHOLE

KEPT = 3  # units of a large layer


def rows_that_matter(values: AnyValues, asked: Quantity) -> dict[Axis, tuple[int, ...]]:
    """For each layer of more than six units the three that are shown, from 0; for the output the same as ``yhat``.

    The quantity and the label come first. Of the layers above it, those units follow that talk most to the units shown
    below them, |∂ℒ/∂a_m · W_{mj}| summed over these; of the layers below it, those that are heard most, |W_{mk} h_k|.
    Every sum, vector and matrix shows the same units, so that each number that a step uses stands in a step before.
    """
    sizes, depth = values.network.sizes, values.network.depth
    first = min(asked.layer, depth)
    wanted: dict[int, list[int]] = {}
    if asked.indices:
        wanted[first] = [asked.indices[0] - 1]
        if asked.family == "W":
            wanted[first - 1] = [asked.indices[1] - 1]
    if isinstance(values, ExampleValues):
        wanted.setdefault(depth, []).append(int(np.abs(values.grads.a[depth][0]).argmax()))
    found = {first: _kept(sizes[first], wanted.get(first, []), _of_asked(values, asked, first))}
    for i in range(first + 1, depth + 1):
        found[i] = _kept(sizes[i], wanted.get(i, []), _talking(values, i, found[i - 1]))
    for i in range(first - 1, -1, -1):
        found[i] = _kept(sizes[i], wanted.get(i, []), _heard(values, i, found[i + 1]))
    rows: dict[Axis, tuple[int, ...]] = {i: kept for i, kept in found.items() if len(kept) < sizes[i]}
    return {**rows, "yhat": rows[depth]} if depth in rows else rows


def _kept(size: int, wanted: list[int], scores: np.ndarray | None) -> tuple[int, ...]:
    if size <= WHOLE:
        return tuple(range(size))
    order = [0, 1, size - 1] if scores is None else np.argsort(-scores, kind="stable").tolist()
    others = [k for k in order if k not in wanted]
    return tuple(sorted([*dict.fromkeys(wanted), *others][:KEPT]))


def _of_asked(values: AnyValues, asked: Quantity, i: int) -> np.ndarray | None:
    if isinstance(values, NoValues):
        return None
    grads = values.grads.h[i] if asked.family == "h" else values.grads.a[i]
    return np.abs(grads[0])


def _talking(values: AnyValues, i: int, below: tuple[int, ...]) -> np.ndarray | None:
    if isinstance(values, NoValues):
        return None
    return np.abs(values.grads.a[i][0]) * np.abs(values.network.W[i][:, list(below)]).sum(axis=1)


def _heard(values: AnyValues, i: int, above: tuple[int, ...]) -> np.ndarray | None:
    if isinstance(values, NoValues):
        return None
    return np.abs(values.trace.h[i][0]) * np.abs(values.network.W[i + 1][list(above)]).sum(axis=0)


def said_of(rows: Rows, sizes: tuple[int, ...]) -> str:
    """Which units are shown, as a sentence; empty if all are.

    >>> said_of({1: (0, 4, 31)}, (2, 32, 3))
    'Of the 32 units of layer 1, units 1, 5 and 32 are shown: those that matter most here. Sums are over all units.'
    """
    parts = []
    for i, kept in rows.items():
        if isinstance(i, int):
            numbers = [str(k + 1) for k in sorted(kept)]
            parts.append((sizes[i], i, f"{', '.join(numbers[:-1])} and {numbers[-1]}"))
    if not parts:
        return ""
    listed = "; ".join(
        f"of the {size} units of layer {i}, units {numbers}{' are shown' if k == 0 else ''}"
        for k, (size, i, numbers) in enumerate(sorted(parts, key=lambda part: part[1]))
    )
    return f"O{listed[1:]}: those that matter most here. Sums are over all units."
