"""A network with examples that fit it: its pairs, by the kernels or by the formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace
from ...core.backward import talk_down, talk_to_output
from ...core.forward import propagate
from ...core.inputs import as_input, as_labels, as_target, as_weight
from ...core.layers import Layers
from ...core.network import Network
from ...engines.native import passes as native
from ...errors import InputError, InputTypeError, LayerError
from .pairs import Group, Pairs, wide


@dataclass(frozen=True, slots=True, eq=False)
class ExampleSet:
    """A network with examples that were checked against it: X (N, n_0), y as target or labels, w (N,) of sum 1.

    ``weight`` is None if each has 1/N.
    """

    network: Network
    X: Array
    labels: Array | None
    target: Array | None
    weight: Array | None

    @classmethod
    def of(cls, network: Network, X: Any, y: Any, sample_weight: Any = None) -> ExampleSet:
        """From what the user gives; raises as :func:`backtalk.gradients` does."""
        X = as_input(network, X)
        count = X.shape[0]
        labels = as_labels(network, y, count) if native.serves(network) else None
        target = None if labels is not None else as_target(network, y, count)
        weight = None if sample_weight is None else as_weight(network, sample_weight, count)
        return cls(network, X, labels, target, weight)

    @property
    def count(self) -> int:
        """N."""
        return self.X.shape[0]

    def shares(self) -> Array:
        """w, shape (N,), of sum 1: what part of ℒ = Σ_n w_n ℓ_n each example has."""
        return as_weight(self.network, None, self.count) if self.weight is None else self.weight

    def exact_shares(self) -> Array:
        """The same in float64 if arrays are NumPy's: a sum of 1 + 1e-8 would show in a difference of sums."""
        shares = wide(self.shares())
        return shares / namespace(shares).sum(shares)

    def group(self, layers: Any = None) -> Group:
        """The layers that were asked for, all by default; one backward pass gives the pairs of all."""
        network, chosen = self.network, as_layers(self.network, layers)
        shapes = [(1, network.sizes[i - 1], network.sizes[i]) for i in chosen]
        return Group(partial(self.pairs, chosen), shapes, self.count, itemsize(network), bytes_of_pairs(network))

    def block(self, rows: slice) -> tuple[Array, Array | None, Array | None]:
        """X, labels and target of some rows, as the kernels take them."""
        labels = None if self.labels is None else self.labels[rows]
        return self.X[rows, :], labels, None if self.target is None else self.target[rows, :]

    def targets(self, rows: slice) -> Array:
        """t of some rows, also if labels serve."""
        if self.target is not None:
            return self.target[rows, :]
        assert self.labels is not None
        labels = self.labels[rows]
        return as_target(self.network, labels, labels.shape[0])

    def pairs(self, layers: Sequence[int], rows: slice) -> list[Pairs]:
        """The pairs of some rows at some layers."""
        pairs, _ = self.pairs_and_losses(rows)
        return [pairs[i - 1] for i in layers]

    def pairs_and_losses(self, rows: slice) -> tuple[list[Pairs], Array]:
        """The pairs of all layers, and ℓ_n, shape (R,)."""
        network, spec = self.network, self.network.spec
        if native.serves(network):
            h, grad_a, losses = native.pairs(network, *self.block(rows))
            return paired(rows, h, grad_a), losses
        X = self.X[rows, :]
        with np.errstate(over="ignore", invalid="ignore"):
            trace = propagate(network, X)
            target, each = self.targets(rows), spec.xp.ones((X.shape[0],), dtype=spec.dtype, device=spec.device)
            losses = network.loss.value(trace.a[network.depth], trace.output, target)
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
