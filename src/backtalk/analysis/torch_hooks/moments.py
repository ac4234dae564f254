"""How the gradient varies from example to example: moments of every weight and bias, and the noise scale."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from ...core.arrays import Array, to_numpy
from ...core.norms import euclidean_norm
from ...errors import InputError
from ..per_example.pairs import ParameterArrays
from ..per_example.statistics import Moments, NoiseScale, estimate_noise
from .norms import norms_of, weighted_sums
from .pairs import BatchPairs, Pairs, by_name, outer_products, units_within


def moments_of(batch: BatchPairs, memory_limit: int) -> Moments:
    """Σ_n (1/B) ∇ℓ_n and Σ_n (1/B) (∇ℓ_n)², entry by entry."""
    mean, square = batch.factor / batch.count, batch.factor**2 / batch.count
    sums = weighted_sums(batch, None, memory_limit)
    means = [MappingProxyType({name: mean * part for name, part in family.items()}) for family in (sums.W, sums.b)]
    W = by_name(batch.parts, "weights", lambda part: square * _squares(part, memory_limit))
    b = by_name(
        batch.parts,
        "biases",
        lambda part: square * sum(a.sum(1).square().sum(0) for _, _, a in part.blocks(memory_limit)),
    )
    return Moments(ParameterArrays(*means), ParameterArrays(MappingProxyType(W), MappingProxyType(b)))


def noise_scale_of(batch: BatchPairs, memory_limit: int) -> NoiseScale:
    """tr Σ/‖G‖², as :func:`backtalk.per_example.noise_scale` estimates it."""
    count = batch.count
    if count < 2:
        raise InputError("the backward pass had 1 example, but how gradients vary is seen on 2 or more.")
    norms = to_numpy(norms_of(batch, memory_limit).whole).astype(np.float64)
    gradient = batch.factor / count * gradient_norm(weighted_sums(batch, None, memory_limit))
    return estimate_noise(norms, gradient, np.full(count, 1 / count))


def gradient_norm(sums: ParameterArrays) -> float:
    """Over all weights and biases."""
    return euclidean_norm(np.array([euclidean_norm(part) for family in (sums.W, sums.b) for part in family.values()]))


def _squares(part: Pairs, memory_limit: int) -> Array:
    """Σ_n (Σ_t ∇_{a_t} h_tᵀ)² entry by entry: for one place (Δ²)ᵀ(H²), else of each example's sum."""
    n, m = part.inputs, part.outputs
    if part.places == 1:
        return sum(a[:, 0].square().mT @ h[:, 0].square() for _, h, a in part.blocks(memory_limit))
    more = 2 * n
    units = units_within(memory_limit // 2, part.itemsize * 2 * n * part.rows_at_once(memory_limit, more), m)
    total = part.hearings[0].a.new_zeros((m, n), dtype=part.block(slice(0, 1))[1].dtype)
    for _, h, a in part.blocks(memory_limit, more):
        for rows, W in outer_products(h, a, units):
            total[rows] += W.square().sum(0)
    return total
