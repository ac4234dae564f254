"""The norm of each example's gradient, from pairs; and sums over the examples, also of clipped gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...core.arrays import Array, namespace
from ...errors import InputError, unknown_name
from ..per_example.clipping import ClippedSum, as_clip_norm
from ..per_example.gradient_norms import SCALES, row_norms, together
from ..per_example.pairs import ParameterArrays
from .pairs import BatchPairs, Pairs, by_name, outer_products, scaled, units_within


@dataclass(frozen=True, slots=True, eq=False)
class HeardNorms:
    """Euclidean norms of each example's gradient, each of shape (B,), by the names of the layers.

    ``W[name]``, ``b[name]``: of the weights' and of the biases' gradient, where these are trained; of parameters that
    several Linears share, under the first one's name. ``a[name]``: of ∇_aℓ_n, over all places and calls. ``scale``:
    'own' where they are of ℓ_n, 'share' where they are of its part in s.
    """

    W: Mapping[str, Array]
    b: Mapping[str, Array]
    a: Mapping[str, Array]
    scale: str

    @property
    def layers(self) -> Mapping[str, Array]:
        """Of a layer's weights and biases together."""
        both = {name: [part[name] for part in (self.W, self.b) if name in part] for name in self.a}
        return MappingProxyType({name: together(parts) for name, parts in both.items() if parts})

    @property
    def whole(self) -> Array:
        """Of all weights and biases together."""
        return _across([*self.W.values(), *self.b.values()])

    @property
    def whole_without_biases(self) -> Array:
        """Of all weights together."""
        if not self.W:
            raise InputError("no weights are trained in the layers that were heard, expected some.")
        return _across([*self.W.values()])


def norms_of(batch: BatchPairs, memory_limit: int, scale: str = "own") -> HeardNorms:
    """The norms of all layers."""
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    factor = batch.factor if scale == "own" else 1.0
    return HeardNorms(
        MappingProxyType(by_name(batch.parts, "weights", lambda part: factor * weight_norms(part, memory_limit))),
        MappingProxyType(by_name(batch.parts, "biases", lambda part: factor * bias_norms(part, memory_limit))),
        MappingProxyType({name: factor * unit_norms(own, memory_limit) for name, own in batch.own.items()}),
        scale,
    )


def weight_norms(pairs: Pairs, memory_limit: int) -> Array:
    """‖Σ_t ∇_{a_t} h_tᵀ‖ of each example, shape (B,): of both ways to it, the one with fewer operations.

    For one place it is ‖∇_a‖·‖h‖. For more, its square is Σ_{t,s} (∇_{a_t}·∇_{a_s})(h_t·h_s), T²(n + m) products, or
    that of the sum itself, which takes T·n·m.
    """
    T, n, m = pairs.places, pairs.inputs, pairs.outputs
    by_products = T * (n + m) <= n * m
    more = 0 if T == 1 else 3 * T * T if by_products else 2 * n
    rows_at_once = pairs.rows_at_once(memory_limit, more)
    units = units_within(memory_limit // 2, pairs.itemsize * 2 * n * rows_at_once, m)
    found: list[Array] = []
    for _, h, a in pairs.blocks(memory_limit, more):
        if T == 1:
            found.append(row_norms(a[:, 0]) * row_norms(h[:, 0]))
            continue
        (h, size_h), (a, size_a) = scaled(h), scaled(a)
        if by_products:
            squares: Array = ((a @ a.mT) * (h @ h.mT)).sum((1, 2))
        else:
            parts = [W.square().sum((1, 2)) for _, W in outer_products(h, a, units)]
            squares = sum(parts[1:], parts[0])
        found.append(size_h * size_a * squares.clamp(min=0).sqrt())  # rounding may leave a little less than 0
    return namespace(found[0]).concat(found)


def bias_norms(pairs: Pairs, memory_limit: int) -> Array:
    """‖Σ_t ∇_{a_t}‖ of each example."""
    found = [row_norms(a.sum(1)) for _, _, a in pairs.blocks(memory_limit)]
    return namespace(found[0]).concat(found)


def unit_norms(pairs: Pairs, memory_limit: int) -> Array:
    """√Σ_t ‖∇_{a_t}‖² of each example."""
    found = [row_norms(a.flatten(1)) for _, _, a in pairs.blocks(memory_limit)]
    return namespace(found[0]).concat(found)


def weighted_sums(batch: BatchPairs, c: Array | None, memory_limit: int) -> ParameterArrays:
    """Σ_n c_n times the example's part in ∇s, for each weight and bias; c_n = 1 without c."""

    def total(part: Pairs, of_weights: bool) -> Array:
        found: Array = 0
        for rows, h, a in part.blocks(memory_limit):
            if c is not None:
                a = a * c[rows, None, None].to(a)
            found = found + (a.flatten(0, 1).mT @ h.flatten(0, 1) if of_weights else a.sum((0, 1)))
        return found

    W = by_name(batch.parts, "weights", lambda part: total(part, True))
    b = by_name(batch.parts, "biases", lambda part: total(part, False))
    return ParameterArrays(MappingProxyType(W), MappingProxyType(b))


def clipped_sum_of(batch: BatchPairs, clip_norm: float, memory_limit: int) -> ClippedSum:
    """Σ_n c_n ∇ℓ_n with c_n = min(1, C/‖∇ℓ_n‖)."""
    clip_norm = as_clip_norm(clip_norm)
    whole = norms_of(batch, memory_limit).whole
    c = batch.factor * (clip_norm / whole.clamp(min=clip_norm))
    sums = weighted_sums(batch, c, memory_limit)
    return ClippedSum(sums.W, sums.b, whole, clip_norm)


def _across(parts: list[Array]) -> Array:
    """Of all parts together, on the device of the first."""
    return together([part.to(parts[0].device) for part in parts])
