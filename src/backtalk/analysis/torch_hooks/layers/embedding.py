"""nn.Embedding: a Linear that hears e(index), a vector with one 1, which is never formed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ....core.arrays import Array
from ....core.sizes import positive, row_norms
from ...per_example.pairs import Pairs
from .layer import Kind, in_places


class Embedding(Kind):
    """a_t = W[i_t], so ∇_Wℓ_n = Σ_t e(i_t) ∇_{a_t}ℓ_nᵀ; an index that is ``padding_idx`` has no gradient."""

    expected = "(B, …)"
    has_bias = False
    has_factors = False
    may_be_alike = True

    def refusal(self, module: Any) -> str:
        """Its gradient must be the sum of the examples' parts, and its weights those of the module."""
        if module.scale_grad_by_freq:
            return "scale_grad_by_freq=True divides by how often an index is in the whole batch, which mixes examples"
        if module.max_norm is not None:
            return "max_norm changes the weights that are looked up, within the forward pass"
        return ""

    def leading(self, module: Any, shape: tuple[int, ...]) -> int:
        """All dimensions of the indices."""
        return len(shape)

    def sizes(self, module: Any, h: Array, a: Array) -> tuple[int, int, int]:
        """One index for each place."""
        return h.numel(), 1, a.shape[-1]

    def read(self, module: Any, h: Array, a: Array) -> tuple[Array, Array]:
        """The indices, (R, T, 1), and ∇_a, which is 0 for padding."""
        index, a = in_places(h, 0).long(), in_places(a, 1)
        return index, a if module.padding_idx is None else a.masked_fill(index == module.padding_idx, 0)

    def pairs(self, module: Any) -> Callable[..., Pairs]:
        """Pairs whose h is an index."""
        return partial(IndexedPairs, rows_of_weight=module.num_embeddings)


@dataclass(frozen=True, slots=True, eq=False)
class IndexedPairs(Pairs):
    """Pairs with an index of a row of W instead of h, (R·T, 1); W has as many rows as ``rows_of_weight``."""

    rows_of_weight: int = 0

    def sum_weights(self, a: Array, h: Array) -> Array:
        """Each ∇_a is added to its row."""
        return a.new_zeros(self.rows_of_weight, a.shape[1]).index_add_(0, h[:, 0], a)

    def weight_gradients(self, units: slice = slice(None)) -> Array:
        """(R, rows of W, units)."""
        a, count = self.a[:, units], self.a.shape[0] // self.places
        found = a.new_zeros(count * self.rows_of_weight, a.shape[1])
        return found.index_add_(0, self._places_of_rows(), a).unflatten(0, (count, self.rows_of_weight))

    def weight_norms(self, of_a: Array, memory_limit: int) -> Array:
        """From the rows that an example looks up."""
        example, _, rows = self._rows()
        scale = positive(of_a)  # so that no square leaves the range
        squares = scale.new_zeros(scale.shape).index_add_(0, example, (row_norms(rows) / scale[example]) ** 2)
        return scale * squares**0.5

    def sum_squared_weights(self, w: Array, memory_limit: int) -> Array:
        """Of the rows that an example looks up."""
        example, index, rows = self._rows()
        return self.sum_weights(rows * rows * w[example][:, None], index[:, None])

    def weight_products(self, a: Array, of_h: Array, W: Array) -> Array:
        """⟨a_t, W[i_t]⟩, added up."""
        return self.in_rows(a * W[self.h[:, 0]]).sum(1) / of_h

    def input_products(self, other: Pairs) -> Array:
        """1 where the indices are equal."""
        return (self.h == other.h.T).to(self.a.dtype)

    def _places_of_rows(self) -> Array:
        """For each place, the number of its example times the rows of W, and its index."""
        count = self.a.shape[0] // self.places
        return (self.split(self.h)[:, :, 0] + self.rows_of_weight * _count_up(self.h, count)[:, None]).flatten()

    def _rows(self) -> tuple[Array, Array, Array]:
        """The rows of W that each example looks up, once each: example, index, and the gradient of the row."""
        which, place = self._places_of_rows().unique(return_inverse=True)
        rows = self.a.new_zeros(which.shape[0], self.a.shape[1]).index_add_(0, place, self.a)
        return which // self.rows_of_weight, which % self.rows_of_weight, rows


def _count_up(array: Array, count: int) -> Array:
    """0 … count − 1, beside the array."""
    return array.new_ones(count).cumsum(0) - 1
