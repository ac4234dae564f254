"""Inner products of examples' gradients: Gram matrices of a set or between two, and the empirical tangent kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.arrays import Array
from ...core.backward import talk_down
from ...core.forward import propagate
from ...core.inputs import as_input
from ...core.layers import Layers
from ...core.network import Network
from ...errors import BacktalkError, InputTypeError, unknown_name
from .explicit import as_layers
from .pairs import MEMORY_LIMIT, ExampleSet, Pairs, bytes_of_pairs, itemsize, rows_within, slices

OUTPUTS = ("sum", "each", "pairs")


def gram(
    network: Network,
    X: Any,
    y: Any,
    other: tuple[Any, Any] | None = None,
    *,
    layers: Sequence[int] | None = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Array:
    """⟨∇ℓ_n, ∇ℓ_m⟩ of the own losses of every two examples of a set, or of one of it and one of another set.

    Σ_i (Δ_i Δ_i′ᵀ) ∘ (H_{i−1} H_{i−1}′ᵀ + 1), where the rows of Δ_i are ∇_{a_i}ℓ_n and the 1 is the bias's.

    X: (N, n_0). y: as for :func:`backtalk.gradients`. ``other``: (X′, y′) with M examples. ``layers``: only the weights
    and biases of these; by default all. ``memory_limit``: bytes that the computation may take besides X and the result.
    Gives an array of shape (N, N) or (N, M), in the network's dtype. Raises :class:`~backtalk.errors.InputError` for
    input that does not fit. Source: notation, section 2; Jacot, Gabriel and Hongler 2018 for the kernel.

    >>> from backtalk import Network
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> gram(net, [[1.0], [2.0]], [0.0, 0.0])
    array([[ 2.,  6.],
           [ 6., 20.]])
    """
    one, chosen = ExampleSet.of(network, X, y), as_layers(network, layers)
    two = one if other is None else _called_other(ExampleSet.of, network, *_pair(other))
    rows_at_once = _rows(network, memory_limit, 1)
    result = _empty(network, (one.count, two.count))
    for rows in slices(one.count, rows_at_once):
        left = one.pairs(rows)
        for columns in slices(two.count, rows_at_once):
            if two is one and columns.start < rows.start:  # the same as above the diagonal
                block = result[columns, rows].T
            else:
                block = inner_products(left, left if two is one and columns == rows else two.pairs(columns), chosen)
            result = _put(result, (rows, columns), block)
    return result


def tangent_kernel(
    network: Network, X: Any, other: Any = None, *, outputs: str = "sum", memory_limit: int = MEMORY_LIMIT
) -> Array:
    """The empirical neural tangent kernel: inner products of the gradients of the output units a_{Lj}.

    K_{nm}^{jl} = ⟨∇_θ a_{Lj}(x_n), ∇_θ a_{Ll}(x_m)⟩, with θ all weights and biases. It depends on no y and no loss; a_L
    is ŷ before the output function (softmax, sigmoid, exp), and ŷ itself where that is the identity.

    X: (N, n_0). ``other``: X′ with M examples, by default X. ``outputs``: 'sum' for Σ_j K^{jj}, (N, M); 'each' for all
    K^{jj}, shape (N, M, k); 'pairs' for all of K^{jl}, shape (N, M, k, k). ``memory_limit``: bytes that the computation
    may take besides X and the result. Raises :class:`~backtalk.errors.InputError` for input that does not fit. Source:
    Jacot, Gabriel and Hongler 2018, "Neural tangent kernel".

    >>> from backtalk import Network
    >>> net = Network([[[1.0], [-1.0]]], [[0.0, 0.0]], loss="cross_entropy")
    >>> tangent_kernel(net, [[1.0], [2.0]])
    array([[ 4.,  6.],
           [ 6., 10.]])
    >>> tangent_kernel(net, [[1.0]], [[2.0]], outputs="pairs")[0, 0]
    array([[3., 0.],
           [0., 3.]])
    """
    if outputs not in OUTPUTS:
        raise unknown_name("outputs", outputs, OUTPUTS)
    X = as_input(network, X)
    X_other = X if other is None else _called_other(as_input, network, other)
    k, xp = network.sizes[-1], network.spec.xp
    shape = {"sum": (), "each": (k,), "pairs": (k, k)}[outputs]
    rows_at_once = _rows(network, memory_limit, k * k if outputs == "pairs" else k)
    result = _empty(network, (X.shape[0], X_other.shape[0], *shape))
    for rows in slices(X.shape[0], rows_at_once):
        left = _of_outputs(network, X[rows, :])
        for columns in slices(X_other.shape[0], rows_at_once):
            right = _of_outputs(network, X_other[columns, :])
            if outputs == "pairs":
                block = xp.stack([xp.stack([inner_products(a, b) for b in right], axis=-1) for a in left], axis=-2)
            else:
                each = xp.stack([inner_products(a, b) for a, b in zip(left, right, strict=True)], axis=-1)
                block = each if outputs == "each" else xp.sum(each, axis=-1)
            result = _put(result, (rows, columns), block)
    return result


def inner_products(one: Pairs, other: Pairs, layers: Sequence[int] | None = None) -> Array:
    """Σ_i (Δ_i Δ_i′ᵀ) ∘ (H_{i−1} H_{i−1}′ᵀ + 1) of two blocks of examples, over the chosen layers."""
    found: Array = None
    with np.errstate(over="ignore", invalid="ignore"):
        for i in layers or one.a:
            products = (one.h[i - 1] @ other.h[i - 1].T + 1) * (one.a[i] @ other.a[i].T)
            found = products if found is None else found + products
    return found


def _of_outputs(network: Network, X: Array) -> list[Pairs]:
    """The pairs of each output unit a_{Lj} instead of a loss: ∇_{a_L}a_{Lj} is e(j)."""
    spec = network.spec
    with np.errstate(over="ignore", invalid="ignore"):
        trace = propagate(network, X)
        h = Layers((trace.h[i] for i in range(network.depth)), first=0)
        units = spec.xp.eye(network.sizes[-1], dtype=spec.dtype, device=spec.device)
        found = []
        for j in range(network.sizes[-1]):
            seed = spec.xp.zeros_like(trace.a[network.depth]) + units[j, :]
            grad_a, _ = talk_down(network, trace, seed, lowest=1)
            found.append(Pairs(slice(0, X.shape[0]), h, Layers(grad_a[i] for i in trace.a), seed[:, 0]))
    return found


def _rows(network: Network, memory_limit: int, kernels: int) -> int:
    """Rows of a block, so that two blocks and what is computed of each two rows stay within the limit."""
    each, entry = 2 * bytes_of_pairs(network) * kernels, 3 * itemsize(network) * kernels
    rows = rows_within(memory_limit, each + entry, "one example")
    while rows > 1 and rows * each + rows * rows * entry > memory_limit:
        rows //= 2
    return rows


def _pair(other: Any) -> tuple[Any, Any]:
    if not isinstance(other, tuple | list) or len(other) != 2:
        raise InputTypeError("other is not (X, y), the examples of the other set: expected a pair.")
    return other[0], other[1]


def _called_other(read: Callable[..., Any], *arguments: Any) -> Any:
    """What ``read`` makes of the other set, whose errors say that it is that one."""
    try:
        return read(*arguments)
    except BacktalkError as error:
        raise type(error)(f"other: {error}") from None


def _empty(network: Network, shape: tuple[int, ...]) -> Array:
    spec = network.spec
    return spec.xp.empty(shape, dtype=spec.dtype, device=spec.device)


def _put(result: Array, place: tuple[slice, slice], block: Array) -> Array:
    """The block at its place; JAX's arrays cannot be written into, and give another."""
    if hasattr(result, "at"):
        return result.at[place].set(block)
    result[(*place, ...)] = block
    return result
