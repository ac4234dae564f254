"""How loud each layer hears the loss: the norm of every gradient, layer by layer."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import to_numpy

if TYPE_CHECKING:
    from .backward import Gradients
    from .network import Network


@dataclass(frozen=True, slots=True)
class LayerNorms:
    """The Euclidean norms of ∇_{a_i}ℒ, ∇_{h_i}ℒ, ∇_{W_i}ℒ and ∇_{b_i}ℒ, each over all entries, for one layer.

    Layer 0 is the input, which has h alone.
    """

    layer: int
    units: int
    function: str
    a: float | None
    h: float
    W: float | None
    b: float | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON; a norm that is not finite becomes None."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


def layer_norms(network: Network, grads: Gradients) -> list[LayerNorms]:
    """The norms for layers 0 … L.

    >>> from backtalk import Network, gradients
    >>> net = Network([[[3.0, 4.0]]], [[0.0]], loss="squared_error")
    >>> layer_norms(net, gradients(net, [[1.0, 0.0]], [2.0]))[1]
    LayerNorms(layer=1, units=1, function='identity', a=1.0, h=1.0, W=1.0, b=1.0)
    """
    functions = ["input", *map(repr, network.activations), repr(network.output)]
    rows = []
    for i, (units, function) in enumerate(zip(network.sizes, functions, strict=True)):
        a, W, b = (euclidean_norm(family[i]) if i else None for family in (grads.a, grads.W, grads.b))
        rows.append(LayerNorms(i, units, function, a, euclidean_norm(grads.h[i]), W, b))
    return rows


def euclidean_norm(array: Any) -> float:
    """√Σx² over all entries, in float64, whatever their size."""
    values = np.abs(to_numpy(array).astype(np.float64))
    largest = float(values.max())
    if not 0 < largest < math.inf:
        return largest
    return largest * float(np.linalg.norm(values / largest))  # the squares alone may leave the range of float64
