"""The examples to be diagnosed: checked as everywhere, except that a NaN or an inf is let in, to be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import is_array, to_numpy
from ...core.backward import talk_down, talk_to_output
from ...core.forward import Trace, propagate
from ...core.inputs import as_input, as_labels, as_target, as_weight, require_network
from ...core.layers import Layers
from ...core.losses import CrossEntropy
from ...core.network import Network
from ...engines.native import passes as native
from ..per_example.pairs import rows_within, slices


@dataclass(frozen=True, slots=True, eq=False)
class ExampleBlock:
    """Some rows: their forward pass, ∇_{a_i}ℓ_n of each one's own loss, ℓ_n and t."""

    rows: slice
    trace: Trace
    grad_a: Layers
    losses: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """A network with NumPy arrays, X (N, n_0), y, w (N,) of sum 1, and which rows of y are not finite (N,)."""

    network: Network
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    unknown: np.ndarray

    @classmethod
    def of(cls, network: Network, X: Any, y: Any, sample_weight: Any = None) -> Examples:
        """From what the user gives; raises as :func:`backtalk.gradients` does, but for values that are not finite."""
        require_network(network)
        if not isinstance(network.W[1], np.ndarray):
            network = network.to(np)
        spec = network.spec
        X = spec.cast(spec.receive(_on_cpu(X), "X"))
        finite = np.isfinite(X)
        as_input(network, X if finite.all() else np.where(finite, X, 0))
        y = spec.receive(_on_cpu(y), "y")
        count, unknown = len(X), np.zeros(len(X), bool)
        if y.dtype.kind == "f" and y.ndim and len(y) == count:
            with np.errstate(over="ignore"):
                bad = ~np.isfinite(y.astype(spec.dtype))
            unknown = bad.reshape(count, -1).any(axis=1)
            if unknown.any():
                y = y.copy()
                y[unknown] = 1 / y.shape[1] if isinstance(network.loss, CrossEntropy) and _is_wide(y) else 0
        if as_labels(network, y, count) is None:
            as_target(network, y, count)
        weight = as_weight(network, None if sample_weight is None else _on_cpu(sample_weight), count)
        return cls(network, X, y, weight, unknown)

    @property
    def count(self) -> int:
        """N."""
        return len(self.X)

    def blocks(self, memory_limit: int) -> Iterator[ExampleBlock]:
        """All examples, so many rows at a time that they fit into the limit."""
        network = self.network
        inputs, *units = network.sizes
        each = 8 * (4 * inputs + 12 * sum(units))  # a_i, h_i, ∇_{a_i}, and what the statistics make of them
        kernels = native.serves(network)
        for rows in slices(self.count, rows_within(memory_limit, each)):
            X, target = self.X[rows], self.target(rows)
            with np.errstate(all="ignore"):
                trace = native.forward(network, X) if kernels else propagate(network, X)
                losses = network.head.value(trace.a[network.depth], trace.output, target)
                _, _, grad_output = talk_to_output(network, trace, target, np.ones(len(X), X.dtype))
                grad_a, _ = talk_down(network, trace, grad_output, lowest=1)
            yield ExampleBlock(rows, trace, Layers(grad_a[i] for i in range(1, network.depth + 1)), losses, target)

    def target(self, rows: slice) -> np.ndarray:
        """t of some rows, NaN if y is not finite."""
        y = self.y[rows]
        target = as_target(self.network, y, len(y))
        if self.unknown[rows].any():
            target = np.where(self.unknown[rows, None], np.nan, target)
        return target


def _on_cpu(values: Any) -> Any:
    return to_numpy(values) if is_array(values) and not isinstance(values, np.ndarray) else values


def _is_wide(y: np.ndarray) -> bool:
    return y.ndim == 2 and y.shape[1] > 1
