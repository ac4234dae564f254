"""Pairs (h, ∇_aℓ_n) of layers, a block of examples at a time: all of this package is computed from them.

The gradient of one example's own loss ℓ_n is ∇_Wℓ_n = ∇_aℓ_n hᵀ and ∇_bℓ_n = ∇_aℓ_n: a pair of vectors says all about
a matrix, which is never formed. A layer that is applied at T places of an example, as a Linear of PyTorch is to a
sequence, has T pairs, and ∇_Wℓ_n = Σ_t ∇_{a_t}ℓ_n h_tᵀ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from types import MappingProxyType
from typing import Any

from ...core.arrays import Array, ArraySpec, is_concrete, namespace
from ...core.layers import Layers
from ...core.sizes import beside, positive, row_norms, wide
from ...core.sums import sum_products, sum_rows
from ...errors import InputError, InputTypeError

MEMORY_LIMIT = 64 * 2**20  # bytes that the blocks of one call take
MOST_ROWS = 1024  # of a block: more are not faster
Cost = Callable[[int, int, int], int]  # bytes that one example takes at a layer, from T, n and m


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The pairs of one layer for the R examples in ``rows``: ``h`` and ``a``, ∇_aℓ_n of each example's own loss.

    Shapes (R·T, n) and (R·T, m), for T ``places`` of an example one below the other. ``weights``, ``biases``: whether
    they make up the gradient of the layer's W and b; ``units``: whether they are just those of the layer's own units.
    All three are true unless a parameter is frozen, or several layers share it.

    ∇_bℓ_n is ``total(a)``. What follows for the weights, ∇_Wℓ_n = Σ_t ∇_{a_t}ℓ_n h_tᵀ, is in the methods below; a kind
    of layer that uses its weights in another way has its own.
    """

    layer: Any
    rows: slice
    h: Array
    a: Array
    places: int = 1
    weights: bool = True
    biases: bool = True
    units: bool = True

    def column(self, values: Array) -> Array:
        """One value for each example, (R,), beside all of its places: (R·T, 1)."""
        if self.places == 1:
            return values[:, None]
        xp = namespace(values)
        return xp.reshape(xp.broadcast_to(values[:, None], (values.shape[0], self.places)), (-1, 1))

    def split(self, array: Array) -> Array:
        """(R, T, k) from (R·T, k)."""
        return namespace(array).reshape(array, (-1, self.places, array.shape[1]))

    def in_rows(self, array: Array) -> Array:
        """(R, T·k) from (R·T, k)."""
        return array if self.places == 1 else namespace(array).reshape(array, (-1, self.places * array.shape[1]))

    def total(self, array: Array) -> Array:
        """The sum over the places, (R, k)."""
        return array if self.places == 1 else namespace(array).sum(self.split(array), axis=1)

    def without(self, rows: Array) -> Pairs:
        """The same with 0 in the rows where (R,) is true: they have no part in a sum, also of inf."""
        xp, column = namespace(self.a), self.column(rows)
        h, a = (xp.where(column, xp.zeros_like(array), array) for array in (self.h, self.a))
        return replace(self, h=h, a=a)

    # forward: a_t = W h_t + b

    def sum_weights(self, a: Array, h: Array) -> Array:
        """Σ_n Σ_t a_t h_tᵀ of arrays in the shapes of the pairs' own."""
        return sum_products(a, h)

    def weight_gradients(self, units: slice = slice(None)) -> Array:
        """∇_Wℓ_n of each example, (R, units, n)."""
        a = self.a[:, units]
        one_place = self.places == 1
        return a[:, :, None] * self.h[:, None, :] if one_place else self.split(a).mT @ self.split(self.h)

    def weight_norms(self, of_a: Array, memory_limit: int) -> Array:
        """‖∇_Wℓ_n‖ of each example, (R,), given ``of_a``, ‖∇_aℓ_n‖: of two ways to it, the one with fewer operations.

        For one place it is ‖∇_a‖·‖h‖. For more, its square is Σ_{t,s} (∇_{a_t}·∇_{a_s})(h_t·h_s), T²(n + m) products,
        or that of the sum itself, which takes T·n·m.
        """
        if self.places == 1:
            return of_a * row_norms(self.h)
        xp, (of_a, of_h, a, h) = namespace(self.h), self.scaled()
        if by_products(self.places, h.shape[2], a.shape[2]):
            squares = xp.sum((a @ a.mT) * (h @ h.mT), axis=(1, 2))
        else:
            squares = sum(xp.sum(W * W, axis=(1, 2)) for W in outer_products(a, h, memory_limit // 2))
        return of_a * of_h * xp.sqrt(xp.clip(squares, min=0))  # rounding may leave a little less than 0

    def scaled(self) -> tuple[Array, Array, Array, Array]:
        """The largest value of each example's ∇_a and h, (R,), and these in units of it, (R, T, m) and (R, T, n).

        So no square leaves the range.
        """
        xp, (a, h) = namespace(self.h), (self.split(self.a), self.split(self.h))
        of_a, of_h = (positive(xp.max(xp.abs(array), axis=(1, 2))) for array in (a, h))
        return of_a, of_h, a / of_a[:, None, None], h / of_h[:, None, None]

    def sum_squared_weights(self, w: Array, memory_limit: int) -> Array:
        """Σ_n w_n (∇_Wℓ_n)², element by element."""
        a, h = wide(self.a), wide(self.h)
        if self.places == 1:  # the square of an outer product is that of the squares
            return sum_products(a * a * self.column(w), h * h)
        of_units = outer_products(self.split(a), self.split(h), memory_limit // 2)
        return namespace(a).concat([sum_rows(W * W * w[:, None, None]) for W in of_units])

    def talk_down(self, a: Array, W: Array) -> Array:
        """Wᵀa, what comes to h through the weights: (R·T, n)."""
        return a @ W

    def input_effects(self, effects: Array) -> Array:
        """What all places of h have together, (R, n), from (R·T, n)."""
        return self.total(effects)

    def weight_products(self, a: Array, of_h: Array, W: Array) -> Array:
        """⟨Σ_t a_t h_tᵀ, W⟩ / of_h of each example, (R,), for another ∇_a."""
        products = self.in_rows(self.talk_down(a, W) * (wide(self.h) / self.column(of_h)))
        return namespace(products).sum(products, axis=1)

    def input_products(self, other: Pairs) -> Array:
        """h_t · h_s for the places of all examples of both, (R·T, S·T′)."""
        return self.h @ other.h.T

    def inner_products(self, other: Pairs) -> Array:
        """⟨∇ℓ_n, ∇ℓ_m⟩ over the weights and biases of the layer, for the examples of both: (R, S)."""
        T, S = self.places, other.places
        if self.weights and T == S == 1:
            return (self.input_products(other) + int(self.biases)) * (self.a @ other.a.T)
        found: Any = 0.0
        if self.weights:
            xp, products = namespace(self.a), self.input_products(other) * (self.a @ other.a.T)
            found = xp.sum(xp.reshape(products, (-1, T, other.a.shape[0] // S, S)), axis=(1, 3))
        return found + self.total(self.a) @ other.total(other.a).T if self.biases else found

    def factor(self, weighted: Array, array: Array) -> Array:
        """Σ x xᵀ over the rows of h or of a, given weighted and as they are."""
        return sum_products(weighted, array)

    def mean_of_inputs(self, weighted: Array) -> Array:
        """Σ h over the rows, weighted."""
        return sum_rows(weighted)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Layers whose pairs are computed together: those of a network, or one Linear of a PyTorch model.

    ``read`` gives the pairs of some rows, layer by layer. ``shapes``: T, n and m of each layer. ``count``: N.
    ``itemsize``: bytes of a number. ``bytes``: what the pairs of one example take; ``example``: what an error calls it.
    ``entries``: how many weights the layer has, if they are not n·m.
    """

    read: Callable[[slice], Sequence[Pairs]]
    shapes: Sequence[tuple[int, int, int]]
    count: int
    itemsize: int
    bytes: int
    example: str = "one example"
    entries: int | None = None

    def bytes_with(self, more: Cost) -> int:
        """What one example takes, with ``more`` for each layer."""
        return self.bytes + sum(more(*shape) for shape in self.shapes)

    def rows(self, memory_limit: int, more: Cost = lambda T, n, m: 0) -> Iterator[slice]:
        """All rows, in blocks that stay within the limit."""
        return slices(self.count, rows_within(memory_limit, self.bytes_with(more), self.example))


def read_blocks(groups: Iterable[Group], memory_limit: int, *more: Cost) -> Iterator[Pairs]:
    """The pairs of all examples and layers, in blocks that stay within the limit."""
    return (pairs for group in groups for rows in group.rows(memory_limit, *more) for pairs in group.read(rows))


def read_weighted(groups: Iterable[Group], w: Array, memory_limit: int, *more: Cost) -> Iterator[tuple[Pairs, Array]]:
    """The same, each with its rows of w, shape (N,); an example of weight 0 has pairs of 0."""
    some_are_zero = not is_concrete(w) or bool(namespace(w).any(w == 0))
    for pairs in read_blocks(groups, memory_limit, *more):
        part = beside(w, pairs.a)[pairs.rows]
        yield (pairs.without(part == 0) if some_are_zero else pairs), part


@dataclass(frozen=True, slots=True, eq=False)
class ParameterArrays:
    """An array of the shape of each W_i, ``W[i]``, and of each b_i, ``b[i]``: for i = 1 … L, or by a layer's name.

    >>> from backtalk import Network, per_example
    >>> net = Network([[[3.0, 4.0]]], [[0.0]], loss="squared_error")
    >>> gradient = per_example.norms(net, [[1.0, 0.0]], [2.0], batch_gradient=True).batch_gradient
    >>> gradient.W[1], gradient.b[1]
    (array([[1., 0.]]), array([1.]))
    """

    W: Mapping[Any, Array]
    b: Mapping[Any, Array]

    def by_layer(self) -> dict[Any, list[Array]]:
        """The one or two of each layer."""
        return {i: [family[i] for family in (self.W, self.b) if i in family] for i in [*self.W, *self.b]}


class Sums:
    """Sums over examples and places, of the shapes of the W and b of each layer, block by block."""

    def __init__(self) -> None:
        self.W: dict[Any, Array] = {}
        self.b: dict[Any, Array] = {}

    def add(self, pairs: Pairs, a: Array = None, h: Array = None) -> None:
        """Add Σ a hᵀ and Σ a, of the pairs' own arrays, or of others that have their shapes."""
        a, h = pairs.a if a is None else a, pairs.h if h is None else h
        # forward: a = W h + b; every example and place hears the same W and b
        if pairs.weights:
            add(self.W, pairs.layer, pairs.sum_weights(a, h))
        if pairs.biases:
            add(self.b, pairs.layer, sum_rows(a))

    def add_gradients(self, pairs: Pairs, w: Array) -> None:
        """Add Σ_n w_n ∇ℓ_n, in the dtype of the pairs."""
        self.add(pairs, ArraySpec.of(pairs.a).cast(wide(pairs.a) * pairs.column(w)))

    def arrays(self) -> ParameterArrays:
        """What was added up."""
        return ParameterArrays(by_layer(self.W), by_layer(self.b))


def add(total: dict[Any, Array], layer: Any, array: Array) -> None:
    """Add what a block has for a layer."""
    total[layer] = total[layer] + array if layer in total else array


def by_layer(found: Mapping[Any, Array], first: int = 1) -> Mapping[Any, Array]:
    """Layers that count from ``first`` if the keys are their numbers; else a mapping by name."""
    return Layers(found.values(), first) if isinstance(next(iter(found), None), int) else MappingProxyType(found)


def by_products(T: int, n: int, m: int) -> bool:
    """Whether the norm of a sum over T places takes fewer operations by products of places than by the sum."""
    return T * (n + m) <= n * m


def outer_products(a: Array, h: Array, memory_limit: int) -> Iterator[Array]:
    """Σ_t ∇_{a_t} h_tᵀ from (R, T, m) and (R, T, n): (R, units, n) for as many units at once as fit, but one."""
    for units in slices(a.shape[2], max(1, memory_limit // (2 * a.itemsize * h.shape[0] * h.shape[2]))):
        yield a[:, :, units].mT @ h


def slices(count: int, at_once: int) -> Iterator[slice]:
    """0 … count in pieces."""
    for first in range(0, count, at_once):
        yield slice(first, min(first + at_once, count))


def rows_within(memory_limit: int, bytes_per_row: int, what: str = "one example") -> int:
    """How many rows of a block fit into so many bytes; :class:`~backtalk.errors.InputError` if none does."""
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


def as_part(values: Array, w: Array) -> Array:
    """values · w, where an example without weight has no part, also of inf; w has a row for each of the values."""
    xp = namespace(values)
    return xp.where(w > 0, values, w) * w
