"""Norms of tensors, each computed once."""

from __future__ import annotations

import math
from typing import Any


class Measures:
    """Euclidean norms, and largest magnitudes of units, of tensors that live as long as this."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._norms: dict[int, tuple[Any, float]] = {}

    def norm(self, tensor: Any) -> float:
        """Not finite only if a value is not, and 0 only if all are; NaN for numbers that are no real ones."""
        known = self._norms.get(id(tensor))
        if known is None:
            known = self._norms[id(tensor)] = tensor, self._norm(dense(tensor))
        return known[1]

    def is_finite(self, tensor: Any) -> bool:
        """Whether all values are."""
        return not tensor.is_floating_point() or math.isfinite(self.norm(tensor))

    def largest(self, tensor: Any, dimension: int) -> Any:
        """The largest magnitude of each unit, over all else."""
        others = [k for k in range(tensor.ndim) if k != dimension]
        return self._torch.linalg.vector_norm(tensor, math.inf, others) if others else tensor.abs()

    def _norm(self, tensor: Any) -> float:
        if not tensor.is_floating_point():
            return math.nan
        if not tensor.numel():
            return 0.0
        wide = tensor.dtype if tensor.element_size() >= 4 else self._torch.float32
        norm = float(self._torch.linalg.vector_norm(tensor, dtype=wide))
        if norm > 0 and math.isfinite(norm):
            return norm
        largest = float(tensor.abs().max())  # squares may have left the range
        if largest == 0 or not math.isfinite(largest):
            return largest
        return largest * float(self._torch.linalg.vector_norm(tensor.double() / largest))


def dense(tensor: Any) -> Any:
    """The values of a sparse gradient; any other tensor as it is."""
    return tensor.coalesce().values() if tensor.is_sparse else tensor
