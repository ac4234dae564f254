"""The gradients of single examples themselves, for who needs each of them: a block of examples at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ...core.arrays import Array
from ...core.network import Network
from ...core.sizes import beside
from .examples import as_batch, group_of, shares_of
from .gradient_norms import is_share
from .pairs import MEMORY_LIMIT, Group, as_part, rows_within, slices


@dataclass(frozen=True, slots=True, eq=False)
class ExampleGradients:
    """The gradients of the examples in ``rows``: ``W[i]`` of shape (rows, n_i, n_{i−1}), ``b[i]`` of (rows, n_i).

    ``scale``: 'own' if they are of ℓ_n, 'share' if they are of w_n ℓ_n, which add up to ℒ.

    >>> from backtalk import Network, per_example
    >>> net = Network([[[1.0, 2.0]]], [[0.0]], loss="squared_error")
    >>> [block] = per_example.gradients(net, [[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    >>> block.W[1].tolist(), block.b[1].tolist(), block.scale
    ([[[1.0, 0.0]], [[0.0, 2.0]]], [[1.0], [2.0]], 'own')
    """

    rows: slice
    W: Mapping[Any, Array]
    b: Mapping[Any, Array]
    scale: str


def gradients(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    layers: Sequence[int] | None = None,
    scale: str = "own",
    memory_limit: int = MEMORY_LIMIT,
) -> Iterator[ExampleGradients]:
    """Each example's own gradient, formed, for the layers that are asked for: blocks of examples, one after the other.

    ∇_{W_i}ℓ_n = ∇_{a_i}ℓ_n h_{i−1}ᵀ, ∇_{b_i}ℓ_n = ∇_{a_i}ℓ_n. Ask for what you need of them instead, where one of the
    other functions has it: N gradients are N times as large as the network.

    X: (N, n_0). y, sample_weight: as for :func:`backtalk.gradients`. ``layers``: numbers from 1 to L; by default all.
    ``scale``: 'own' for ∇ℓ_n, 'share' for w_n ∇ℓ_n. ``memory_limit``: bytes that a block takes, gradients included; it
    must hold those of one example. Raises :class:`~backtalk.errors.InputError` for input that does not fit,
    :class:`~backtalk.errors.LayerError` for a layer that does not exist. Source: notation, section 2.

    >>> import numpy as np
    >>> from backtalk import Network
    >>> net = Network.create([3, 5, 2], rng=0)
    >>> for block in gradients(net, np.eye(3), [0, 1, 0], layers=[2]):
    ...     print(block.rows, block.W[2].shape, block.b[2].shape)
    slice(0, 3, None) (3, 2, 5) (3, 2)
    """
    share, batch = is_share(scale), as_batch(network, X, y, sample_weight)
    return gradients_of([group_of(batch, layers)], shares_of(batch) if share else None, memory_limit)


def gradients_of(groups: Sequence[Group], parts: Array | None, memory_limit: int) -> Iterator[ExampleGradients]:
    """The gradients of examples that are known to fit, or with ``parts``, (N,), these parts of them."""

    def cost(group: Group) -> int:
        # W, and b or, for a product of T places, ∇_a turned around
        most = sum((n * m if group.entries is None else group.entries) + T * m for T, n, m in group.shapes)
        return group.bytes + groups[0].itemsize * most

    # what does not fit is refused before the first block
    at_once = rows_within(memory_limit, sum(map(cost, groups)), "one example with its gradient")
    return (_of_rows(groups, rows, parts) for rows in slices(groups[0].count, at_once))


def _of_rows(groups: Sequence[Group], rows: slice, parts: Array | None) -> ExampleGradients:
    W, b = {}, {}
    with np.errstate(over="ignore", invalid="ignore"):
        for pairs in (pairs for group in groups for pairs in group.read(rows)):
            if parts is not None:
                pairs = replace(pairs, a=as_part(pairs.a, pairs.column(beside(parts, pairs.a)[rows])))
            if pairs.weights:
                W[pairs.layer] = pairs.weight_gradients()
            if pairs.biases:
                b[pairs.layer] = pairs.total(pairs.a)
    return ExampleGradients(rows, MappingProxyType(W), MappingProxyType(b), "own" if parts is None else "share")
