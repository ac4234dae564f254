"""Means over the examples of products of a pair: Kronecker factors, and what each unit matters to the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.arrays import Array, namespace
from ...core.backward import talk_to_hidden
from ...core.layers import Layers
from ...core.network import Network
from .pairs import MEMORY_LIMIT, ExampleSet, Pairs, itemsize, summed


@dataclass(frozen=True, slots=True, eq=False)
class KroneckerFactors:
    """The factors of E[∇ℓ_n ∇ℓ_nᵀ] ≈ E[h hᵀ] ⊗ E[δ δᵀ], layer by layer; the means weigh examples by w, of sum 1.

    ``h[i]``: E[h_i h_iᵀ], shape (n_i, n_i), i = 0 … L − 1. ``a[i]``: E[δ δᵀ] for δ = ∇_{a_i}ℓ_n of the example's own
    loss, shape (n_i, n_i), i = 1 … L. ``mean_h[i]``: E[h_i]. The factors of layer i are h[i − 1] and a[i]; where a
    model of PyTorch was heard, h[name] and a[name] are those of the layer with this name.
    """

    h: Mapping[Any, Array]
    a: Mapping[Any, Array]
    mean_h: Mapping[Any, Array]

    def with_bias(self, i: Any) -> Array:
        """E[h̄ h̄ᵀ] for h̄ = (h_i, 1), shape (n_i + 1, n_i + 1): the factor of W_{i+1} and b_{i+1} together."""
        xp, mean = namespace(self.h[i]), self.mean_h[i]
        right = xp.concat([mean, xp.ones_like(mean[:1])])
        return xp.concat([xp.concat([self.h[i], mean[None, :]]), right[:, None]], axis=1)


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
    examples = ExampleSet.of(network, X, y, sample_weight)
    shares, L = examples.shares(), network.depth

    def of_block(pairs: Pairs) -> list[Array]:
        w = shares[pairs.rows]
        pairs, w = pairs.heard(w), w[:, None]
        both = [*pairs.h.values(), *pairs.a.values()]
        means = [namespace(w).sum(h * w, axis=0) for h in pairs.h.values()]
        return [*((array * w).T @ array for array in both), *means]

    more = 4 * itemsize(network) * sum(network.sizes)
    sums = summed(map(of_block, examples.blocks(memory_limit, more)))
    h, a, means = sums[:L], sums[L : 2 * L], sums[2 * L :]
    return KroneckerFactors(Layers(h, first=0), Layers(a), Layers(means, first=0))


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
    examples = ExampleSet.of(network, X, y, sample_weight)
    shares = examples.shares()

    def of_block(pairs: Pairs) -> list[Array]:
        w = shares[pairs.rows]
        pairs, w = pairs.heard(w), w[:, None]
        effects = [namespace(w).abs(h * talk_to_hidden(network, i, pairs.a[i + 1])) for i, h in pairs.h.items()]
        return [namespace(w).sum(effect * w, axis=0) for effect in effects]

    more = 3 * itemsize(network) * sum(network.sizes)
    return Layers(summed(map(of_block, examples.blocks(memory_limit, more))), first=0)
