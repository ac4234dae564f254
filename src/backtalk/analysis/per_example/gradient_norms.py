"""The norm of every example's gradient: ‖∇_{W_i}ℓ_n‖ = ‖∇_{a_i}ℓ_n‖ · ‖h_{i−1}‖, and ‖∇_{b_i}ℓ_n‖ = ‖∇_{a_i}ℓ_n‖."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace
from ...core.batch import Batch
from ...core.layers import Layers
from ...core.network import Network
from ...core.sizes import combined_norm, positive, row_norms
from ...engines.native import passes as native
from ...engines.passes import ends_in_blocks
from ...errors import unknown_name
from .examples import as_batch, exact_shares_of, group_of, pairs_and_losses
from .pairs import (
    MEMORY_LIMIT,
    Group,
    Pairs,
    ParameterArrays,
    Sums,
    add,
    as_part,
    by_layer,
    by_products,
    read_blocks,
)

SCALES = ("own", "share")


class GradientNorms:
    """What follows from ``W``, ``b`` and ``a``, the norms (N,) of each example's gradients, by layer."""

    __slots__ = ()
    W: Any
    b: Any
    a: Any

    @property
    def layers(self) -> Mapping[Any, Array]:
        """Of a layer's weights and biases together; for one place ‖∇_{a_i}‖ · √(‖h_{i−1}‖² + 1)."""
        both = ParameterArrays(self.W, self.b).by_layer()
        return by_layer({layer: combined_norm(both[layer]) for layer in self.a if layer in both})

    @property
    def whole(self) -> Array:
        """Of all weights and biases together."""
        return combined_norm(self.layers.values())

    @property
    def whole_without_biases(self) -> Array:
        """Of all weights together."""
        return combined_norm(self.W.values())

    def scales(self, pairs: Pairs, norms: Array) -> tuple[Array, Array]:
        """Of a and of h, both (R,), with the product ‖∇ℓ_n‖ at the layer, which is ``norms[rows]``."""
        of_a = row_norms(pairs.in_rows(pairs.a))
        return of_a, positive(norms[pairs.rows] / positive(of_a))


@dataclass(frozen=True, slots=True, eq=False)
class ExampleNorms(GradientNorms):
    """Euclidean norms of each example's gradient, each of shape (N,).

    ``h[i]`` is ‖h_i‖ for i = 0 … L − 1, ``a[i]`` is ‖∇_{a_i}‖ for i = 1 … L. ``scale``: 'own' if the gradients are
    those of the example's own loss ℓ_n, 'share' if they are those of its share w_n ℓ_n of ℒ: an example of weight 0
    has norms of 0 then. ``losses`` is ℓ_n in either case. ``batch_gradient``: ∇_{W_i}ℒ and ∇_{b_i}ℒ, if they were
    asked for. Of the norms follow ``W[i]``, ``b[i]``, ``layers[i]`` (both together), ``whole`` and
    ``whole_without_biases``. They are in float64 if the network's arrays are NumPy's.

    >>> from backtalk import Network, per_example
    >>> net = Network([[[3.0, 4.0]]], [[0.0]], loss="squared_error")
    >>> found = per_example.norms(net, [[1.0, 0.0], [0.0, 2.0]], [2.0, 7.0])
    >>> found.h[0], found.a[1], found.losses, found.layers[1].round(2)
    (array([1., 2.]), array([1., 1.]), array([0.5, 0.5]), array([1.41, 2.24]))
    """

    h: Layers
    a: Layers
    losses: Array
    scale: str
    batch_gradient: ParameterArrays | None = None

    @property
    def W(self) -> Layers:
        """‖∇_{W_i}‖ = ‖∇_{a_i}‖ · ‖h_{i−1}‖."""
        with np.errstate(over="ignore", invalid="ignore"):
            return Layers([self.a[i] * self.h[i - 1] for i in self.a])

    @property
    def b(self) -> Layers:
        """‖∇_{b_i}‖ = ‖∇_{a_i}‖."""
        return self.a

    def scales(self, pairs: Pairs, norms: Array) -> tuple[Array, Array]:
        """‖∇_{a_i}‖ and √(‖h_{i−1}‖² + 1)."""
        of_h = self.h[pairs.layer - 1][pairs.rows]
        return self.a[pairs.layer][pairs.rows], combined_norm([of_h, namespace(of_h).ones_like(of_h)])


def norms(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    scale: str = "own",
    batch_gradient: bool = False,
    memory_limit: int = MEMORY_LIMIT,
) -> ExampleNorms:
    """The norm of each example's gradient, layer by layer and whole, without ever forming such a gradient.

    ‖∇_{W_i}ℓ_n‖ = ‖∇_{a_i}ℓ_n‖ · ‖h_{i−1}‖, since ∇_{W_i}ℓ_n is the outer product of the two vectors.

    X: (N, n_0). y, sample_weight: as for :func:`backtalk.gradients`. ``scale``: 'own', of ℓ_n, or 'share', of w_n ℓ_n,
    which add up to ℒ. ``batch_gradient``: the weights' and biases' gradients of ℒ as well, which costs one more product
    of matrices for each layer. ``memory_limit``: bytes that the computation may take besides X and the result.
    A norm is inf or NaN where an example's gradient is. Raises :class:`~backtalk.errors.InputError` for input that does
    not fit. Source: Goodfellow 2015, "Efficient per-example gradient computations"; notation, section 2.

    >>> from backtalk import Network
    >>> net = Network([[[3.0, 4.0]]], [[0.0]], loss="squared_error")
    >>> found = norms(net, [[1.0, 0.0], [0.0, 2.0]], [2.0, 7.0])
    >>> found.W[1], found.b[1]
    (array([1., 2.]), array([1., 1.]))
    >>> found.whole.round(4)
    array([1.4142, 2.2361])
    """
    share, batch = is_share(scale), as_batch(network, X, y, sample_weight)
    found = norms_of(batch, memory_limit, batch_gradient=batch_gradient)
    if not share:
        return found
    shares = exact_shares_of(batch)
    counts = namespace(shares).where(shares > 0, namespace(shares).ones_like(shares), shares)
    h, a = ([as_part(norm, w) for norm in family.values()] for family, w in ((found.h, counts), (found.a, shares)))
    return replace(found, h=Layers(h, first=0), a=Layers(a), scale=scale)


def losses(network: Network, X: Any, y: Any) -> Array:
    """ℓ_n, each example's own loss, shape (N,): ℒ is their weighted mean.

    >>> from backtalk import Network
    >>> losses(Network([[[2.0]]], [[0.0]], loss="squared_error"), [[1.0], [3.0]], [1.0, 2.0])
    array([0.5, 8. ])
    """
    batch = as_batch(network, X, y)
    found = []
    for rows, a, yhat in ends_in_blocks(network, batch.X):
        with np.errstate(over="ignore", invalid="ignore"):
            found.append(network.head.value(a, yhat, batch.rows(rows).target()))
    return namespace(found[0]).concat(found)


def norms_of(batch: Batch, memory_limit: int, *, batch_gradient: bool = False, clip_norm: float = 0.0) -> ExampleNorms:
    """The norms of examples that are known to fit, of their own losses; and ∇ℒ, or the sum of the clipped gradients."""
    network, sums, blocks = batch.network, Sums(), []
    w = exact_shares_of(batch) if batch_gradient else None
    for rows in group_of(batch).rows(memory_limit):
        part = None if w is None else w[rows]
        if not native.serves(network):
            blocks.append(_by_formulas(batch, rows, part, clip_norm, sums))
            continue
        X, target, labels, _ = batch.rows(rows).arrays
        wanted = {"sums": w is not None or clip_norm > 0, "parts": part, "most_norm": clip_norm}
        *found, W, b = native.row_norms(network, X, labels, target, **wanted)
        blocks.append(found)
        for total, family in ((sums.W, W), (sums.b, b)):
            for i, array in enumerate(family, start=1):
                add(total, i, array)
    concat, (h, a, own) = network.spec.xp.concat, zip(*blocks, strict=True)
    h, a = (map(concat, zip(*family, strict=True)) for family in (h, a))
    return ExampleNorms(Layers(h, first=0), Layers(a), concat(own), "own", sums.arrays() if sums.W else None)


def _by_formulas(batch: Batch, rows: slice, w: Array | None, clip_norm: float, sums: Sums) -> Any:
    """‖h_{i−1}‖ and ‖∇_{a_i}‖ of some rows for i = 1 … L, and ℓ_n; adds up their gradients, if a sum is wanted."""
    every, own = pairs_and_losses(batch, rows)
    h, a = [row_norms(pairs.h) for pairs in every], [row_norms(pairs.a) for pairs in every]
    if clip_norm > 0:
        w = clip_factors(ExampleNorms(Layers(h, first=0), Layers(a), own, "own").whole, clip_norm)
    if w is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            for pairs in every:
                sums.add_gradients(pairs.without(w == 0), w)
    return h, a, own


def norms_by_layer(
    groups: Iterable[Group], memory_limit: int, *readers: Callable[[Pairs], None]
) -> list[Mapping[Any, Array]]:
    """‖∇_Wℓ_n‖, ‖∇_bℓ_n‖ and ‖∇_aℓ_n‖ (over all places) of each example, by layer; readers are given all pairs too."""
    W, b, a = families = [defaultdict(list) for _ in range(3)]
    for pairs in read_blocks(groups, memory_limit, cost_of_norms):
        of_a = row_norms(pairs.in_rows(pairs.a))
        if pairs.weights:
            W[pairs.layer].append(pairs.weight_norms(of_a, memory_limit))
        if pairs.biases:
            b[pairs.layer].append(of_a if pairs.places == 1 else row_norms(pairs.total(pairs.a)))
        if pairs.units:
            a[pairs.layer].append(of_a)
        for read in readers:
            read(pairs)
    return [by_layer({i: namespace(blocks[0]).concat(blocks) for i, blocks in each.items()}) for each in families]


def cost_of_norms(T: int, n: int, m: int) -> int:
    """Of the norm of one example's gradient."""
    return 0 if T == 1 else 8 * (3 * T * T if by_products(T, n, m) else 2 * n)


def is_share(scale: str) -> bool:
    """Whether gradients are those of an example's share of the loss, and not of its own loss."""
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    return scale == "share"


def clip_factors(norms: Array, clip_norm: float) -> Array:
    """min(1, clip_norm/norm), shape (N,); NaN for a norm that is not finite, which makes the sum so."""
    xp = namespace(norms)
    limit = xp.full_like(norms, clip_norm)
    return limit / xp.where(norms < math.inf, xp.maximum(norms, limit), xp.full_like(norms, math.nan))
