"""The pairs (h_{i-1}, ∇_{a_i}ℓ_n) of a set of examples, block by block: all of this package is computed from them.

The gradient of one example's own loss ℓ_n is ∇_{W_i}ℓ_n = ∇_{a_i}ℓ_n h_{i-1}ᵀ and ∇_{b_i}ℓ_n = ∇_{a_i}ℓ_n: a pair of
vectors says all about a matrix, which is never formed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np

from ...core.arrays import Array, is_concrete, namespace
from ...core.backward import talk_down, talk_to_output
from ...core.forward import propagate
from ...core.inputs import as_input, as_labels, as_target, as_weight
from ...core.layers import Layers
from ...core.network import Network
from ...engines.native import passes as native
from ...errors import InputError, InputTypeError

MEMORY_LIMIT = 64 * 2**20  # bytes that the blocks of one call take
MOST_ROWS = 1024  # of a block: more are not faster


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """``h[i]`` for i = 0 … L − 1 and ``a[i]``, ∇_{a_i}ℓ_n of each example's own loss, for i = 1 … L.

    Each has one row for each of the examples in ``rows``. ``losses``: ℓ_n, shape (rows,).
    """

    rows: slice
    h: Layers
    a: Layers
    losses: Array

    def heard(self, w: Array) -> Pairs:
        """The same, with 0 in the rows of examples that have no weight: they have no part in a sum, also of inf."""
        xp = namespace(w)
        if is_concrete(w) and bool(xp.all(w != 0)):
            return self
        h, a = (
            Layers(
                (xp.where(w[:, None] != 0, part, xp.zeros_like(part)) for part in family.values()), first=min(family)
            )
            for family in (self.h, self.a)
        )
        return replace(self, h=h, a=a)


@dataclass(frozen=True, slots=True, eq=False)
class ExampleSet:
    """A network with examples that were checked against it: X (N, n_0), y as target or labels, w (N,) of sum 1.

    ``weight`` is None where each has 1/N.
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
        """The same in float64 where arrays are NumPy's: a sum of 1 + 1e-8 would show in a difference of sums."""
        shares = wide(self.shares())
        return shares / namespace(shares).sum(shares)

    def slices(self, memory_limit: int, more: int = 0) -> Iterator[slice]:
        """The rows in blocks whose pairs, with so many bytes ``more`` for each row, stay within the limit."""
        return slices(self.count, rows_within(memory_limit, bytes_of_pairs(self.network) + more))

    def blocks(self, memory_limit: int, more: int = 0) -> Iterator[Pairs]:
        """The pairs of all examples, in these blocks."""
        return map(self.pairs, self.slices(memory_limit, more))

    def block(self, rows: slice) -> tuple[Array, Array | None, Array | None]:
        """X, labels and target of some rows, as the kernels take them."""
        labels = None if self.labels is None else self.labels[rows]
        return self.X[rows, :], labels, None if self.target is None else self.target[rows, :]

    def targets(self, rows: slice) -> Array:
        """t of some rows, also where labels serve."""
        if self.target is not None:
            return self.target[rows, :]
        assert self.labels is not None
        labels = self.labels[rows]
        return as_target(self.network, labels, labels.shape[0])

    def pairs(self, rows: slice) -> Pairs:
        """The pairs of some rows that follow one another."""
        network, spec = self.network, self.network.spec
        X = self.X[rows, :]
        if native.serves(network):
            h, a, losses = native.pairs(network, *self.block(rows))
            return Pairs(rows, h, a, losses)
        with np.errstate(over="ignore", invalid="ignore"):
            trace = propagate(network, X)
            target, each = self.targets(rows), spec.xp.ones((X.shape[0],), dtype=spec.dtype, device=spec.device)
            losses = network.loss.value(trace.a[network.depth], trace.output, target)
            _, _, grad_output = talk_to_output(network, trace, target, each)
            grad_a, _ = talk_down(network, trace, grad_output, lowest=1)
        h = Layers((trace.h[i] for i in range(network.depth)), first=0)
        return Pairs(rows, h, Layers(grad_a[i] for i in range(1, network.depth + 1)), losses)


def slices(count: int, at_once: int) -> Iterator[slice]:
    """0 … count in pieces."""
    for first in range(0, count, at_once):
        yield slice(first, min(first + at_once, count))


def rows_within(memory_limit: int, bytes_per_row: int, what: str = "one example") -> int:
    """How many rows of a block fit into so many bytes; :class:`~backtalk.errors.InputError` where none does."""
    if as_bytes(memory_limit) < bytes_per_row:
        raise InputError(
            f"memory_limit is {memory_limit} bytes, but {what} takes {bytes_per_row}: expected at least that many."
        )
    return min(int(memory_limit) // bytes_per_row, MOST_ROWS)


def as_bytes(memory_limit: Any) -> int:
    """The limit as a number of Python."""
    if isinstance(memory_limit, bool) or not isinstance(memory_limit, Integral):
        raise InputTypeError(f"memory_limit is {memory_limit!r}, expected a whole number of bytes.")
    return int(memory_limit)


def bytes_of_pairs(network: Network) -> int:
    """What the forward and backward pass of one example takes: x, and a_i, h_i and ∇_{a_i} of each layer."""
    inputs, *units = network.sizes
    return itemsize(network) * (2 * inputs + 4 * sum(units))


def itemsize(network: Network) -> int:
    """Bytes of a number."""
    return 4 if network.spec.dtype_name == "float32" else 8


def summed(blocks: Iterable[list[Array]]) -> list[Array]:
    """The sums of what stands at the same place in each block; what overflows is seen in them."""
    total: list[Array] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks:
            total = [one + other for one, other in zip(total, block, strict=True)] if total else block
    return total


@dataclass(frozen=True, slots=True, eq=False)
class ParameterArrays:
    """An array of the shape of each W_i, ``W[i]``, and of each b_i, ``b[i]``: for i = 1 … L, or by a layer's name."""

    W: Mapping[Any, Array]
    b: Mapping[Any, Array]


def wide(array: Array) -> Array:
    """In float64, where an array of NumPy: sums of squares of float32 would vanish or lose digits."""
    return array.astype(np.float64, copy=False) if isinstance(array, np.ndarray) else array


def as_part(values: Array, w: Array) -> Array:
    """values · w, where an example without weight has no part, also of inf; w has a row for each of the values."""
    xp = namespace(values)
    return xp.where(w > 0, values, w) * w
