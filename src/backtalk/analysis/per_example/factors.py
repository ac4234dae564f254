"""Means over the examples of products of a pair: Kronecker factors, and what each unit matters to the loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace
from ...core.layers import Layers
from ...core.network import Network
from ...core.sums import sum_rows
from .examples import as_batch, group_of, shares_of
from .pairs import MEMORY_LIMIT, Group, add, by_layer, read_weighted


@dataclass(frozen=True, slots=True, eq=False)
class KroneckerFactors:
    """The factors of E[∇ℓ_n ∇ℓ_nᵀ] ≈ E[h hᵀ] ⊗ E[δ δᵀ], layer by layer; the means weigh examples by w, of sum 1.

    ``h[i]``: E[h_i h_iᵀ], shape (n_i, n_i), i = 0 … L − 1. ``a[i]``: E[δ δᵀ] for δ = ∇_{a_i}ℓ_n of the example's own
    loss, shape (n_i, n_i), i = 1 … L. ``mean_h[i]``: E[h_i]. The factors of layer i are h[i − 1] and a[i]; those of a
    PyTorch model's layer are h[name] and a[name].

    >>> from backtalk import Network, per_example
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> per_example.kronecker_factors(net, [[1.0], [3.0]], [0.0, 0.0]).with_bias(0)
    array([[5., 2.],
           [2., 1.]])
    """

    h: Mapping[Any, Array]
    a: Mapping[Any, Array]
    mean_h: Mapping[Any, Array]

    def with_bias(self, i: Any) -> Array:
        """E[h̄ h̄ᵀ] for h̄ = (h_i, 1), shape (n_i + 1, n_i + 1): the factor of W_{i+1} and b_{i+1} together."""
        xp, mean = namespace(self.h[i]), self.mean_h[i]
        right = xp.concat([mean, xp.ones_like(mean[..., :1])], axis=-1)
        return xp.concat([xp.concat([self.h[i], mean[..., None, :]], axis=-2), right[..., :, None]], axis=-1)


def kronecker_factors(
    network: Network, X: Any, y: Any, sample_weight: Any = None, *, memory_limit: int = MEMORY_LIMIT
) -> KroneckerFactors:
    """The Kronecker factors of the empirical Fisher matrix, that of the given y, for each layer.

    E[h_{i−1} h_{i−1}ᵀ] and E[δ_i δ_iᵀ], as K-FAC takes them; K-FAC itself draws y from the network's own output.

    X: (N, n_0). y, sample_weight: as for :func:`backtalk.gradients`. ``memory_limit``: bytes that the computation may
    take besides X and the result. Raises :class:`~backtalk.errors.InputError` for input that does not fit. Source:
    Martens and Grosse 2015, "Optimizing neural networks with Kronecker-factored approximate curvature".

    >>> from backtalk import Network
    >>> net = Network([[[1.0, 0.0]]], [[0.0]], loss="squared_error")
    >>> found = kronecker_factors(net, [[1.0, 2.0], [3.0, 0.0]], [0.0, 0.0])
    >>> found.h[0]
    array([[5., 1.],
           [1., 2.]])
    >>> found.a[1], found.mean_h[0]
    (array([[5.]]), array([2., 1.]))
    """
    batch = as_batch(network, X, y, sample_weight)
    return kronecker_factors_of([group_of(batch)], shares_of(batch), memory_limit, first=0)


def kronecker_factors_of(groups: Iterable[Group], w: Array, memory_limit: int, first: int = 1) -> KroneckerFactors:
    """The factors, those of h as means over the places too; h[i − 1 + first] is that of layer i, unless by name."""
    h, a, means = families = {}, {}, {}
    with np.errstate(over="ignore", invalid="ignore"):
        for pairs, part in read_weighted(groups, w, memory_limit, lambda T, n, m: 16 * (n + m)):
            layer = pairs.layer
            if pairs.weights or (pairs.biases and layer not in h):  # once, if W and b are of different calls
                add(a, layer, pairs.factor(pairs.a * pairs.column(part), pairs.a))
            if pairs.weights:
                weighted = pairs.h * pairs.column(part / pairs.places)
                add(h, layer, pairs.factor(weighted, pairs.h))
                add(means, layer, pairs.mean_of_inputs(weighted))
    return KroneckerFactors(*(by_layer(found, 1 if found is a else first) for found in families))


def unit_importance(
    network: Network, X: Any, y: Any, sample_weight: Any = None, *, memory_limit: int = MEMORY_LIMIT
) -> Layers:
    """How much each unit matters to the loss: E|h_{ij} · ∂ℓ_n/∂h_{ij}|, by Taylor's first term.

    h · ∂ℓ/∂h is, to first order, what the loss of the example would lose if the unit gave 0 instead. The mean over
    examples is weighted by w, of sum 1, and is of their own losses.

    X: (N, n_0). y, sample_weight: as for :func:`backtalk.gradients`. ``memory_limit``: bytes that the computation may
    take besides X. Gives Layers with shape (n_i,) for i = 0 … L − 1, the inputs first. Raises
    :class:`~backtalk.errors.InputError` for input that does not fit. Source: Molchanov et al. 2017, "Pruning
    convolutional neural networks for resource efficient inference".

    >>> from backtalk import Network
    >>> net = Network([[[1.0, 1.0]]], [[0.0]], loss="squared_error")
    >>> unit_importance(net, [[1.0, 0.0], [1.0, 3.0]], [0.0, 0.0])[0]
    array([2.5, 6. ])
    """
    batch = as_batch(network, X, y, sample_weight)
    return Layers(unit_importance_of([group_of(batch)], shares_of(batch), network.W, memory_limit).values(), first=0)


def unit_importance_of(
    groups: Iterable[Group], w: Array, W: Mapping[Any, Array], memory_limit: int
) -> Mapping[Any, Array]:
    """E|Σ_t h_t ⊙ Wᵀ∇_{a_t}ℓ_n| of the units that each layer hears, with its weights W."""
    found: dict[Any, Array] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for pairs, part in read_weighted(groups, w, memory_limit, lambda T, n, m: 24 * T * n):
            if pairs.units:
                # forward: a = W h + b
                effects = namespace(part).abs(pairs.input_effects(pairs.h * pairs.talk_down(pairs.a, W[pairs.layer])))
                add(found, pairs.layer, sum_rows(effects * part[:, None]))
    return by_layer(found)
