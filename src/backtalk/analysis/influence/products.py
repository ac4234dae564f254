"""Inner products of the gradients of two sets of examples: Σ_t η_t Σ_i (Δ Δ'ᵀ) ∘ (H H'ᵀ + 1), block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...core.arrays import namespace, to_numpy
from ...core.batch import Batch
from ...errors import InputError
from ..per_example.examples import bytes_of_pairs, read_pairs
from ..per_example.gram_matrices import inner_products
from ..per_example.pairs import Pairs, as_bytes, rows_within, slices
from .checkpoints import Moment, refuse

TEST_ROWS = 2048  # of a block, at most: from here on, the passes over the training examples weigh little
TRAIN_ROWS = 512  # so that the product of such a block is still in a cache when the next one is multiplied with it


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Two sets of examples under the same networks, with the layers that count."""

    moments: list[Moment]
    layers: list[tuple[int, ...]]
    test: list[Batch]
    train: list[Batch]

    @property
    def dtype(self) -> np.dtype:
        """Of the result: float64 if one of the networks is."""
        return np.result_type(*(moment.network.spec.dtype_name for moment in self.moments))

    def rows_at_once(self, memory_limit: int, more: int) -> tuple[int, int]:
        """How many test examples, each with so many bytes ``more``, and how many training examples a block has."""
        itemsize = self.dtype.itemsize
        held = more + itemsize * sum(
            sum(moment.network.sizes[:-1] + moment.network.sizes[1:]) for moment in self.moments
        )
        pairs = max(bytes_of_pairs(moment.network) for moment in self.moments)
        # of a pair of examples: two products, their sum, and what the search for the largest takes
        product = 3 * itemsize + 4
        test = held + pairs + product
        memory_limit = as_bytes(memory_limit)
        rows_within(memory_limit, test + pairs, "one test example with one training example")
        m = max(1, min(TEST_ROWS, self.test[0].count, (memory_limit - pairs) // 2 // test))
        n = min(TRAIN_ROWS, self.train[0].count, (memory_limit - m * (held + pairs)) // (pairs + m * product))
        return m, n

    def blocks(self, memory_limit: int, more: int = 0) -> Iterator[tuple[slice, Iterator[tuple[slice, np.ndarray]]]]:
        """For some test examples after others: their rows, and the blocks (m, n) with the rows in train."""
        m, n = self.rows_at_once(memory_limit, more)
        for rows in slices(self.test[0].count, m):
            yield rows, self._along(rows, n)

    def _along(self, rows: slice, n: int) -> Iterator[tuple[slice, np.ndarray]]:
        of_test = [self._pairs(t, self.test[t], rows, "test") for t in range(len(self.moments))]
        # η times the gradients, so that the products need no factor
        scaled = [
            pairs if moment.rate == 1 else [replace(each, a=moment.rate * each.a) for each in pairs]
            for pairs, moment in zip(of_test, self.moments, strict=True)
        ]
        for columns in slices(self.train[0].count, n):
            total: np.ndarray | None = None
            for t, one in enumerate(scaled):
                other = self._pairs(t, self.train[t], columns, "train")
                with np.errstate(over="ignore", invalid="ignore"):
                    part = to_numpy(inner_products(one, other))
                total = part if total is None else total + part
            assert total is not None
            if not np.isfinite(total).all():
                row, column = (int(place) for place in np.argwhere(~np.isfinite(total))[0])
                raise InputError(
                    f"the influence of train example {columns.start + column} on test example {rows.start + row} is "
                    f"{total[row, column]}, too big for {self.dtype}: leave one of them out"
                    + (", or use float64 networks." if self.dtype.itemsize < 8 else ".")
                )
            yield columns, total

    def _pairs(self, t: int, batch: Batch, rows: slice, argument: str) -> list[Pairs]:
        """The pairs of some rows, every number finite."""
        pairs = read_pairs(batch, self.layers[t], rows)
        in_order = [(f"h_{each.layer - 1}", each.h) for each in pairs]
        in_order += [(f"∇_a_{each.layer}", each.a) for each in reversed(pairs)]
        for name, array in in_order:
            xp = namespace(array)
            if not bool(xp.all(xp.isfinite(array))):
                values = to_numpy(array)
                row, unit = np.argwhere(~np.isfinite(values))[0]
                what = f"{name} holds {values[row, unit]} at unit {unit}"
                raise refuse(self.moments[t], rows.start + int(row), argument, what)
        return pairs
