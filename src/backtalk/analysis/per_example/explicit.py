"""The gradients of single examples themselves, for who needs each of them: a block of examples at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from types import MappingProxyType
from typing import Any

import numpy as np

from ...core.arrays import Array
from ...core.network import Network
from ...errors import InputError, InputTypeError, LayerError, unknown_name
from .gradient_norms import SCALES
from .pairs import MEMORY_LIMIT, ExampleSet, as_part, bytes_of_pairs, itemsize, rows_within, slices


@dataclass(frozen=True, slots=True, eq=False)
class ExampleGradients:
    """The gradients of the examples in ``rows``: ``W[i]`` of shape (rows, n_i, n_{i−1}), ``b[i]`` of (rows, n_i).

    ``scale``: 'own' where they are of ℓ_n, 'share' where they are of w_n ℓ_n, which add up to ℒ.
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
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    examples = ExampleSet.of(network, X, y, sample_weight)
    chosen = as_layers(network, layers)
    entries = sum((network.sizes[i - 1] + 1) * network.sizes[i] for i in chosen)
    each = bytes_of_pairs(network) + itemsize(network) * entries
    rows_at_once = rows_within(memory_limit, each, "one example with its gradient")
    return _blocks(examples, chosen, scale, rows_at_once)  # what does not fit is refused before the first block


def _blocks(examples: ExampleSet, layers: list[int], scale: str, rows_at_once: int) -> Iterator[ExampleGradients]:
    shares = examples.shares()
    for rows in slices(examples.count, rows_at_once):
        pairs = examples.pairs(rows)
        grad_a = {i: pairs.a[i] for i in layers}
        if scale == "share":
            grad_a = {i: as_part(d, shares[rows][:, None]) for i, d in grad_a.items()}
        with np.errstate(over="ignore", invalid="ignore"):
            W = {i: d[:, :, None] * pairs.h[i - 1][:, None, :] for i, d in grad_a.items()}
        yield ExampleGradients(rows, MappingProxyType(W), MappingProxyType(grad_a), scale)


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
