"""What a backward pass shows of each Linear, as numbers of NumPy: the findings read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import Array, to_numpy
from ...core.norms import euclidean_norm
from ..diagnose.statistics import median, root_mean_square
from ..diagnose.thresholds import LIMITS
from ..per_example.gradient_norms import row_norms
from .norms import unit_norms, weighted_sums
from .pairs import BatchPairs, Pairs


@dataclass(frozen=True, slots=True, eq=False)
class LayerSigns:
    """One Linear. ``number``: its place in the order of the first calls, from 1; ``places``: T.

    ``grad_a``: the median over examples of ‖∇_aℓ_n‖; ``grad_a_rms``: the root of the mean of their squares. ``grad_W``:
    the norm of the weights' gradient of the mean of the ℓ_n, ``W``: that of the weights, ``ratio``: the first over the
    second; None where the weights are frozen, or were changed since, or are 0. ``heard_by``: the layer that hears the
    units, as far as that can be told: the next one with as many inputs; None where there is none. ``dead_units``: those
    without a gradient, for every example and place, which are 0 where that layer hears them.
    """

    name: str
    number: int
    inputs: int
    outputs: int
    places: int
    grad_a: float
    grad_a_rms: float
    grad_W: float | None
    W: float | None
    ratio: float | None
    heard_by: str | None
    dead_units: tuple[int, ...]


def layer_signs(batch: BatchPairs, weights: dict[str, tuple[Array, bool]], memory_limit: int) -> tuple[LayerSigns, ...]:
    """Of all layers, in the order in which they were first called."""
    sums = weighted_sums(batch, None, memory_limit)
    owns, found = list(batch.own.values()), []
    for place, own in enumerate(owns):
        norms = batch.factor * to_numpy(unit_norms(own, memory_limit)).astype(np.float64)
        weight, same = weights[own.name]
        size = float(row_norms(_wide(weight).reshape(1, -1))[0]) if same else None
        grad_W = None
        if own.name in sums.W:
            grad_W = batch.factor / batch.count * euclidean_norm(sums.W[own.name])
        after = next((o for o in owns[place + 1 :] if (o.inputs, o.places) == (own.outputs, own.places)), None)
        dead: tuple[int, ...] = ()
        if after is not None:
            silent = ~_ever(own, "a", memory_limit) & ~_ever(after, "h", memory_limit)
            dead = tuple(np.flatnonzero(silent).tolist())
        found.append(
            LayerSigns(
                name=own.name,
                number=place + 1,
                inputs=own.inputs,
                outputs=own.outputs,
                places=own.places,
                grad_a=median(norms),
                grad_a_rms=root_mean_square(norms),
                grad_W=grad_W,
                W=size,
                ratio=grad_W / size if grad_W is not None and size else None,
                heard_by=None if after is None else after.name,
                dead_units=dead,
            )
        )
    return tuple(found)


def column_sizes(own: Pairs, memory_limit: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean, and the root of the mean square, of each unit that a layer hears, over examples and places."""
    count = own.count * own.places
    means, squares = np.zeros(own.inputs), np.zeros(own.inputs)
    for _, h, _ in own.blocks(memory_limit):
        rows = to_numpy(h.flatten(0, 1)).astype(np.float64)
        means, squares = means + rows.sum(0) / count, np.hypot(squares, row_norms(rows.T) / np.sqrt(count))
    return means, squares


def rows_of_units(own: Pairs, weight: Array, memory_limit: int, most: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Units that may have copies; of each its weights and its gradients in some examples, in units of the largest."""
    weight = _wide(weight)
    units = _maybe_alike(weight)
    _, _, a = next(iter(own.blocks(memory_limit)))
    chosen = weight.new_tensor(units).long()
    parts = [to_numpy(part).astype(np.float64) for part in (weight[chosen], a.flatten(0, 1)[:most][:, chosen].mT)]
    return units, np.concatenate([part / (np.abs(part).max(initial=0.0) or 1.0) for part in parts], axis=1)


def _maybe_alike(weight: Array) -> np.ndarray:
    """The units whose weights have nearly the same product with one vector as another one's: all copies are among them.

    So a head with 50,000 units need not come to NumPy whole.
    """
    vector = np.random.default_rng(0).normal(size=weight.shape[1])
    places, sizes = (
        to_numpy(part).astype(np.float64) for part in (weight @ weight.new_tensor(vector), row_norms(weight))
    )
    order = np.argsort(places, kind="stable")
    near = np.diff(places[order]) <= 10 * LIMITS.copies * sizes[order[1:]]
    return np.sort(order[np.append(near, False) | np.append(False, near)])


def _ever(own: Pairs, which: str, memory_limit: int) -> np.ndarray:
    """Of each column of h or ∇_a, whether it is anywhere not 0."""
    found: Any = False
    for _, h, a in own.blocks(memory_limit):
        found = found | (h if which == "h" else a).flatten(0, 1).any(0)
    return to_numpy(found)


def _wide(array: Array) -> Array:
    return array if array.element_size() == 8 else array.float()
