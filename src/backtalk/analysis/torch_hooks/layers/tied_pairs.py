"""One weight that is the table of an embedding and the weight of a Linear as well, as in many models of language."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ....core.arrays import Array
from ....core.sizes import combined_norm, positive, row_norms
from ....core.sums import sum_rows
from ...per_example.pairs import Pairs, slices
from .embedding import IndexedPairs


@dataclass(frozen=True, slots=True, eq=False)
class TiedPairs(Pairs):
    """∇_Wℓ_n = L_n + E_n, from the ``linear`` calls and from those that looked up rows, ``indexed``; W is (V, n).

    ``a`` and ``h`` hold those of both, all places of an example in one row, so that ``places`` is 1.
    """

    linear: Any = None
    indexed: Any = None

    def sum_weights(self, a: Array, h: Array) -> Array:
        """Of both."""
        linear, indexed = self._both(a)
        return linear.sum_weights(linear.a, linear.h) + indexed.sum_weights(indexed.a, indexed.h)

    def weight_gradients(self, units: slice = slice(None)) -> Array:
        """(R, units, n); the units are rows of W."""
        linear, indexed = self._both(self.a)
        found = linear.split(linear.a[:, units]).mT @ linear.split(linear.h)
        first, last, _ = units.indices(linear.a.shape[1])
        index = indexed.split(indexed.h)[:, :, 0]
        here = (index >= first) & (index < last)
        place = index.clamp(first, last - 1) - first + (last - first) * _rows_before(index)
        rows = indexed.a * here.reshape(-1, 1)
        return found.flatten(0, 1).index_add(0, place.flatten(), rows).unflatten(0, (-1, last - first))

    def weight_norms(self, of_a: Array, memory_limit: int) -> Array:
        """√(‖L_n‖² + ‖E_n‖² + 2⟨L_n, E_n⟩)."""
        linear, indexed = self._both(self.a)
        norms = [pairs.weight_norms(row_norms(pairs.in_rows(pairs.a)), memory_limit) for pairs in (linear, indexed)]
        size = positive(combined_norm(norms))
        of_a, of_h, a, h = linear.scaled()
        rows = indexed.split(indexed.a)
        of_rows = positive(rows.abs().amax((1, 2)))
        # ⟨δ hᵀ, e(i) ∇_aᵀ⟩ = δ_i (h · ∇_a)
        index = indexed.split(indexed.h)[:, :, 0][:, None, :].expand(-1, a.shape[1], -1)
        products = (a.gather(2, index) * (h @ (rows / of_rows[:, None, None]).mT)).sum((1, 2))
        products = (of_a / size) * (of_h / size) * of_rows * products
        return size * ((norms[0] / size) ** 2 + (norms[1] / size) ** 2 + 2 * products).clip(min=0) ** 0.5

    def sum_squared_weights(self, w: Array, memory_limit: int) -> Array:
        """Σ_n w_n (∇_Wℓ_n)², some rows of W at a time."""
        linear, count = self.linear, w.shape[0]
        at_once = max(1, memory_limit // (6 * self.a.itemsize * count * linear.h.shape[1]))
        blocks = (self.weight_gradients(units) for units in slices(linear.a.shape[1], at_once))
        return _concat([sum_rows(W * W * w[:, None, None]) for W in blocks])

    def weight_products(self, a: Array, of_h: Array, W: Array) -> Array:
        """The sum of both."""
        linear, indexed = self._both(a)
        return linear.weight_products(linear.a, of_h, W) + indexed.weight_products(indexed.a, of_h, W)

    def inner_products(self, other: Pairs) -> Array:
        """Of both with both."""
        assert isinstance(other, TiedPairs)
        (linear, indexed), (other_linear, other_indexed) = self._both(self.a), other._both(other.a)
        found = linear.inner_products(other_linear) + indexed.inner_products(other_indexed)
        return found + _across(linear, other_indexed) + _across(other_linear, indexed).T

    def _both(self, a: Array) -> tuple[Pairs, IndexedPairs]:
        """The pairs of both, with this ∇_a."""
        linear, indexed = self.linear, self.indexed
        width = linear.places * linear.a.shape[1]
        return (
            replace(linear, a=a[:, :width].reshape(linear.a.shape)),
            replace(indexed, a=a[:, width:].reshape(indexed.a.shape)),
        )


def tied(linear: Pairs, indexed: Pairs) -> TiedPairs:
    """Those of both together, for their weight alone."""
    linear, indexed = (replace(pairs, weights=True, biases=False, units=False) for pairs in (linear, indexed))
    a, h = (_concat([linear.in_rows(left), indexed.in_rows(right).to(left.dtype)], 1) for left, right in (
        (linear.a, indexed.a), (linear.h, indexed.h)
    ))  # fmt: skip
    return TiedPairs(linear.layer, linear.rows, h, a, 1, True, False, False, linear, indexed)


def _across(linear: Pairs, indexed: Pairs) -> Array:
    """⟨L_n, E_m⟩ for the examples of both, (R, S)."""
    products = linear.a[:, indexed.h[:, 0]] * (linear.h @ indexed.a.T)
    return products.unflatten(1, (-1, indexed.places)).unflatten(0, (-1, linear.places)).sum((1, 3))


def _rows_before(index: Array) -> Array:
    """The number of each row, (R, 1)."""
    return index.new_ones(index.shape[0]).cumsum(0)[:, None] - 1


def _concat(arrays: list[Array], axis: int = 0) -> Array:
    from torch import cat  # pyright: ignore[reportMissingImports]

    return cat(arrays, axis)
