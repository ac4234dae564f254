"""Statistics of each Linear in a backward pass, as numbers of NumPy, which the findings are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import Array, to_numpy
from ...core.norms import euclidean_norm
from ...core.sizes import row_norms
from ..diagnose.statistics import median, root_mean_square
from ..per_example.pairs import Pairs, ParameterArrays
from .norms import HeardNorms
from .pairs import CapturedPairs, widened


@dataclass(frozen=True, slots=True, eq=False)
class LayerStatistics:
    """One Linear. ``number``: its place in the order of the first calls, from 1; ``places``: T.

    ``grad_a``: the median over examples of ‖∇_aℓ_n‖; ``grad_a_rms``: the root of the mean of their squares. ``grad_W``:
    the norm of the weights' gradient of the mean of the ℓ_n, ``W``: that of the weights, ``ratio``: the first over the
    second; None if the weights are frozen, or were changed since, or are 0. ``heard_by``: the layer that hears the
    units, as far as that can be told: the next one with as many inputs; None if there is none. ``dead_units``: those
    without a gradient, for every example and place, which are 0 where that layer hears them.

    >>> import torch
    >>> from backtalk import listen
    >>> model = torch.nn.Linear(2, 1)
    >>> with listen(model) as heard:
    ...     (model(torch.ones(4, 2)) * 3).mean().backward()
    >>> layer = heard.diagnose().layers[0]
    >>> layer.name, layer.number, layer.inputs, layer.places, layer.grad_a, layer.heard_by
    ('model', 1, 2, 1, 3.0, None)
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


class Activity:
    """Reads pairs: of each layer, which units it hears and which of its own gradients are ever anything but 0."""

    linears: set[str]
    h: dict[str, Any]
    a: dict[str, Any]

    def __init__(self, linears: Iterable[str]) -> None:
        self.linears = set(linears)
        self.h = {}
        self.a = {}

    def add(self, pairs: Pairs) -> None:
        """Take in a block."""
        if not pairs.units or pairs.layer not in self.linears:
            return
        for known, array in ((self.h, pairs.h), (self.a, pairs.a)):
            known[pairs.layer] = known.get(pairs.layer, False) | array.any(0)


def layer_statistics(
    pairs: CapturedPairs,
    weights: dict[str, tuple[Array, bool]],
    norms: HeardNorms,
    total: ParameterArrays,
    activity: Activity,
) -> tuple[LayerStatistics, ...]:
    """Of all layers, in the order in which they were first called."""
    shapes = {name: group.shapes[0] for name, group in pairs.linears.items()}
    names, found, numbers = list(shapes), [], {name: k for k, name in enumerate(pairs.calls, start=1)}
    for place, name in enumerate(names, start=1):
        T, n, m = shapes[name]
        of_units = to_numpy(norms.a[name]).astype(np.float64)
        weight, same = weights[name]
        size = float(row_norms(widened(weight).reshape(1, -1))[0]) if same else None
        grad_W = euclidean_norm(total.W[name]) / pairs.count if name in total.W else None
        after = next((each for each in names[place:] if shapes[each][:2] == (T, m)), None)
        dead: tuple[int, ...] = ()
        if after is not None:
            dead = tuple(np.flatnonzero(~to_numpy(activity.a[name]) & ~to_numpy(activity.h[after])).tolist())
        found.append(
            LayerStatistics(
                name=name,
                number=numbers[name],
                inputs=n,
                outputs=m,
                places=T,
                grad_a=median(of_units),
                grad_a_rms=root_mean_square(of_units),
                grad_W=grad_W,
                W=size,
                ratio=grad_W / size if grad_W is not None and size else None,
                heard_by=after,
                dead_units=dead,
            )
        )
    return tuple(found)
