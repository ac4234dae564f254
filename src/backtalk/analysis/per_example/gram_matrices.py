"""Inner products of examples' gradients: Gram matrices of a set or between two, and the empirical tangent kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.arrays import Array, ArraySpec, namespace
from ...core.backward import talk_down
from ...core.forward import propagate
from ...core.inputs import as_input
from ...core.network import Network
from ...core.sizes import beside
from ...errors import BacktalkError, InputTypeError, unknown_name
from .examples import as_batch, bytes_of_pairs, group_of, itemsize, paired
from .pairs import MEMORY_LIMIT, Group, Pairs, as_bytes, rows_within, slices

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
    one = as_batch(network, X, y)
    two = one if other is None else _called_other(as_batch, network, *_pair(other))
    left = group_of(one, layers)
    return gram_of([(left, left if two is one else group_of(two, layers))], memory_limit)


def gram_of(groups: Sequence[tuple[Group, Group]], memory_limit: int) -> Array:
    """⟨∇ℓ_n, ∇ℓ_m⟩ of examples that are known to fit, over groups that each of the two sets has."""
    found = None
    for left, right in groups:
        products = _by_sums(left, right, memory_limit)
        products = _by_products(left, right, memory_limit) if products is None else products
        found = products if found is None else found + beside(products, found)
    return found


def _by_products(one: Group, two: Group, memory_limit: int) -> Array:
    """The sum over the layers of a group, from products of pairs: block by block of the result."""
    shapes = zip(one.shapes, two.shapes, strict=True)
    entry = one.itemsize * max(2 * left[0] * right[0] + 1 for left, right in shapes)
    rows_at_once = _square(memory_limit, one.bytes + two.bytes, entry, one.example)
    result: Array = None
    for rows in slices(one.count, rows_at_once):
        left = one.read(rows)
        for columns in slices(two.count, rows_at_once):
            if two is one and columns.start < rows.start:  # the same as above the diagonal
                block = result[columns, rows].T
            else:
                block = inner_products(left, left if two is one and columns == rows else two.read(columns))
            result = _put(result, (one.count, two.count), (rows, columns), block)
    return result


def _by_sums(one: Group, two: Group, memory_limit: int) -> Array | None:
    """The same for one layer with many places, if it is less work to form the gradients, some units at a time."""
    (T, n, m), (S, _, _) = one.shapes[0], two.shapes[0]
    entries = n * m if one.entries is None else one.entries
    of_a_unit, limit = one.itemsize * -(-entries // m) * (one.count + two.count), as_bytes(memory_limit) // 4
    if T * S == 1 or T * S * (n + m) <= entries or of_a_unit > limit:
        return None
    found: Array = 0
    for units in slices(m, limit // of_a_unit):
        left = _gradients(one, units, limit)
        found = found + left @ (left if two is one else _gradients(two, units, limit)).T
    return found


def _gradients(group: Group, units: slice, memory_limit: int) -> Array:
    """∇ℓ_n of some units' weights and biases, one row for each example."""
    blocks = []
    for rows in group.rows(max(memory_limit, group.bytes)):
        [pairs] = group.read(rows)
        W = [pairs.weight_gradients(units)] if pairs.weights else []
        b = [pairs.total(pairs.a[:, units])] if pairs.biases else []
        blocks.append(namespace(pairs.a).concat([*(each.reshape(each.shape[0], -1) for each in W), *b], axis=1))
    return namespace(blocks[0]).concat(blocks)


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
    kernels = k * k if outputs == "pairs" else k
    rows_at_once = _square(memory_limit, 2 * bytes_of_pairs(network) * kernels, 3 * itemsize(network) * kernels)
    shape, result = (X.shape[0], X_other.shape[0], *shape), None
    for rows in slices(X.shape[0], rows_at_once):
        left = _of_outputs(network, X[rows, :])
        for columns in slices(X_other.shape[0], rows_at_once):
            right = _of_outputs(network, X_other[columns, :])
            if outputs == "pairs":
                block = xp.stack([xp.stack([inner_products(a, b) for b in right], axis=-1) for a in left], axis=-2)
            else:
                each = xp.stack([inner_products(a, b) for a, b in zip(left, right, strict=True)], axis=-1)
                block = each if outputs == "each" else xp.sum(each, axis=-1)
            result = _put(result, shape, (rows, columns), block)
    return result


def inner_products(one: Sequence[Pairs], other: Sequence[Pairs]) -> Array:
    """Σ_i (Δ_i Δ_i′ᵀ) ∘ (H_{i−1} H_{i−1}′ᵀ + 1) of two blocks of examples, over the layers that are given."""
    with np.errstate(over="ignore", invalid="ignore"):
        products = (left.inner_products(right) for left, right in zip(one, other, strict=True))
        return sum(products, next(products))


def _of_outputs(network: Network, X: Array) -> list[list[Pairs]]:
    """The pairs of each output unit a_{Lj} instead of a loss: ∇_{a_L}a_{Lj} is e(j)."""
    spec, rows = network.spec, slice(0, X.shape[0])
    with np.errstate(over="ignore", invalid="ignore"):
        trace = propagate(network, X)
        units = spec.xp.eye(network.sizes[-1], dtype=spec.dtype, device=spec.device)
        seeds = [spec.xp.zeros_like(trace.output) + units[j, :] for j in range(network.sizes[-1])]
        return [paired(rows, trace.h, talk_down(network, trace, seed, lowest=1)[0]) for seed in seeds]


def _square(memory_limit: int, each: int, entry: int, what: str = "one example") -> int:
    """Rows of a block, so that two blocks and what is computed of each two rows stay within the limit."""
    rows = rows_within(memory_limit, each + entry, what)
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


def _put(result: Array, shape: tuple[int, ...], place: tuple[slice, slice], block: Array) -> Array:
    """The block at its place in a result of this shape; JAX's arrays cannot be written into, and give another."""
    if result is None:
        spec = ArraySpec.of(block)
        result = spec.xp.empty(shape, dtype=spec.dtype, device=spec.device)
    if hasattr(result, "at"):
        return result.at[place].set(block)
    result[(*place, ...)] = block
    return result
