"""The pairs of a network on a batch of examples, by the kernels or by the formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace
from ...core.backward import talk_down, talk_to_output
from ...core.batch import Batch
from ...core.forward import propagate
from ...core.inputs import as_weight, require_network
from ...core.layers import Layers
from ...core.network import Network
from ...core.sizes import wide
from ...engines.native import passes as native
from ...errors import InputError, InputTypeError, LayerError
from .pairs import Group, Pairs


def as_batch(network: Network, X: Any, y: Any, sample_weight: Any = None) -> Batch:
    """From what the user gives; raises as :func:`backtalk.gradients` does."""
    require_network(network)
    return Batch.of(network, X, y, sample_weight, takes_labels=native.serves(network))


def shares_of(batch: Batch) -> Array:
    """w, shape (N,), of sum 1: what part of ℒ = Σ_n w_n ℓ_n each example has."""
    return as_weight(batch.network, None, batch.count) if batch.weight is None else batch.weight


def exact_shares_of(batch: Batch) -> Array:
    """The same in float64 if arrays are NumPy's: a sum of 1 + 1e-8 would show in a difference of sums."""
    shares = wide(shares_of(batch))
    return shares / namespace(shares).sum(shares)


def group_of(batch: Batch, layers: Any = None) -> Group:
    """The layers that were asked for, all by default; one backward pass gives the pairs of all."""
    network, chosen = batch.network, as_layers(batch.network, layers)
    shapes = [(1, network.sizes[i - 1], network.sizes[i]) for i in chosen]
    return Group(partial(read_pairs, batch, chosen), shapes, batch.count, itemsize(network), bytes_of_pairs(network))


def read_pairs(batch: Batch, layers: Sequence[int], rows: slice) -> list[Pairs]:
    """The pairs of some rows at some layers."""
    pairs, _ = pairs_and_losses(batch, rows)
    return [pairs[i - 1] for i in layers]


def pairs_and_losses(batch: Batch, rows: slice) -> tuple[list[Pairs], Array]:
    """The pairs of some rows at all layers, and ℓ_n, shape (R,)."""
    network, some = batch.network, batch.rows(rows)
    X, target, labels, _ = some.arrays
    if native.serves(network):
        h, grad_a, losses = native.pairs(network, X, labels, target)
        return paired(rows, h, grad_a), losses
    with np.errstate(over="ignore", invalid="ignore"):
        trace, target = propagate(network, X), some.target()
        each = namespace(X).ones_like(X[:, 0])
        losses = network.head.value(trace.a[network.depth], trace.output, target)
        _, _, grad_output = talk_to_output(network, trace, target, each)
        grad_a, _ = talk_down(network, trace, grad_output, lowest=1)
    return paired(rows, trace.h, grad_a), losses


def paired(rows: slice, h: Layers, grad_a: Mapping[int, Array]) -> list[Pairs]:
    """h_{i−1} with ∇_{a_i} for i = 1 … L."""
    return [Pairs(i, rows, h[i - 1], grad_a[i]) for i in sorted(grad_a)]


def as_layers(network: Network, layers: Any) -> list[int]:
    """The numbers of the layers that were asked for, in order; all of them by default."""
    if layers is None:
        return list(network.W)
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        raise InputTypeError(f"layers is {layers!r}, expected a list of layer numbers, such as [1, 2].")
    for i in layers:
        if isinstance(i, bool) or not isinstance(i, Integral) or i not in network.W:
            raise LayerError(f"layers holds {i!r}, expected whole numbers from 1 to {network.depth}.")
    if not layers or len(set(layers)) < len(layers):
        raise InputError(f"layers is {list(layers)}, expected at least one layer, and none twice.")
    return sorted(int(i) for i in layers)


def bytes_of_pairs(network: Network) -> int:
    """What the forward and backward pass of one example takes: x, and a_i, h_i and ∇_{a_i} of each layer."""
    inputs, *units = network.sizes
    return itemsize(network) * (2 * inputs + 4 * sum(units))


def itemsize(network: Network) -> int:
    """Bytes of a number."""
    return 4 if network.spec.dtype_name == "float32" else 8
