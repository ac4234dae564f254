"""Kronecker factors and the importance of units, from pairs."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from ...core.arrays import Array
from ...errors import InputError
from ..per_example.factors import KroneckerFactors
from .pairs import BatchPairs, Pairs


def kronecker_factors_of(batch: BatchPairs, memory_limit: int) -> KroneckerFactors:
    """E[h hᵀ] over examples and places, and E_n Σ_t δ_t δ_tᵀ with δ of ℓ_n."""
    h, a, means = {}, {}, {}
    for part in batch.parts:
        places = part.count * part.places
        more = part.inputs + part.outputs
        for _, block_h, block_a in part.blocks(memory_limit, more):
            block_h, block_a = block_h.flatten(0, 1), block_a.flatten(0, 1)
            if part.weights:
                h[part.name] = h.get(part.name, 0) + block_h.mT @ block_h / places
                means[part.name] = means.get(part.name, 0) + block_h.sum(0) / places
            if part.weights or not any(other.weights and other.name == part.name for other in batch.parts):
                share = batch.factor**2 / batch.count
                a[part.name] = a.get(part.name, 0) + share * (block_a.mT @ block_a)
    return KroneckerFactors(*map(MappingProxyType, (h, a, means)))


def unit_importance_of(
    batch: BatchPairs, weights: dict[str, tuple[Any, bool]], memory_limit: int
) -> MappingProxyType[str, Array]:
    """E_n|Σ_t h_tj · ∂ℓ_n/∂h_tj| of each unit that a layer hears; ``weights``: each with whether it is as it was."""
    found = {}
    for name, own in batch.own.items():
        weight, same = weights[name]
        if not same:
            raise InputError(
                f"the weight of layer '{name}' was changed since it was heard, and with it what ∂ℓ/∂h would be: "
                "ask for unit_importance before the optimizer's step."
            )
        found[name] = batch.factor / batch.count * _effects(own, weight, memory_limit)
    return MappingProxyType(found)


def _effects(own: Pairs, weight: Any, memory_limit: int) -> Array:
    """Σ_n |Σ_t h_t ⊙ Wᵀ∇_{a_t}|."""
    weight = weight.detach()
    total: Array = 0
    for _, h, a in own.blocks(memory_limit, 2 * own.places * own.inputs):
        total = total + (h * (a @ weight.to(a.dtype))).sum(1).abs().sum(0)
    return total
