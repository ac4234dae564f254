"""Which examples pull in the direction of the batch's gradient, and which against it."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace, to_numpy
from ...core.network import Network
from ...core.norms import euclidean_norm
from ...core.sizes import beside, positive, wide
from .examples import as_batch, group_of
from .gradient_norms import GradientNorms, norms_of
from .pairs import MEMORY_LIMIT, Group, Pairs, ParameterArrays, add, by_layer, read_blocks


class UndefinedCosineWarning(RuntimeWarning):
    """A cosine is asked for, but a gradient is 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Cosines:
    """cos(∇ℓ_n, ∇ℒ) for each example, shape (N,): ``whole``, over all weights and biases, and ``layers[i]``, W_i and
    b_i alone (by name, for a PyTorch model). The scale of a loss does not change it.

    If a gradient is 0 there is no angle, and the cosine is NaN; ``undefined`` lists these examples, for ``whole``.

    >>> from backtalk import Network, per_example
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> found = per_example.cosines(net, [[1.0], [0.0]], [0.0, -1.0])
    >>> found.whole.round(3), found.layers[1].round(3), found.undefined
    (array([0.949, 0.894]), array([0.949, 0.894]), ())
    """

    whole: Array
    layers: Mapping[Any, Array]
    undefined: tuple[int, ...]


def cosines(
    network: Network, X: Any, y: Any, sample_weight: Any = None, *, memory_limit: int = MEMORY_LIMIT
) -> Cosines:
    """The cosine similarity of each example's gradient to that of the batch.

    cos_n = ⟨∇ℓ_n, ∇ℒ⟩ / (‖∇ℓ_n‖ ‖∇ℒ‖), where ⟨∇_{W_i}ℓ_n, G⟩ = ∇_{a_i}ℓ_nᵀ G h_{i−1}: two passes over the examples.

    X: (N, n_0). y, sample_weight: as for :func:`backtalk.gradients`. ``memory_limit``: bytes that the computation may
    take besides X and the result. If a gradient is 0, an :class:`UndefinedCosineWarning` says so. Raises
    :class:`~backtalk.errors.InputError` for input that does not fit. Source: notation, section 2.

    >>> from backtalk import Network
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> cosines(net, [[1.0], [1.0], [1.0]], [0.0, 0.5, 2.0]).whole
    array([ 1.,  1., -1.])
    """
    batch = as_batch(network, X, y, sample_weight)
    found = norms_of(batch, memory_limit, batch_gradient=True)
    assert found.batch_gradient is not None
    return cosines_of([group_of(batch)], found, found.batch_gradient, memory_limit)


def cosines_of(groups: Iterable[Group], norms: GradientNorms, gradient: ParameterArrays, memory_limit: int) -> Cosines:
    """The cosines, from the norms of the same examples and the gradient of the batch."""
    layers, whole = norms.layers, norms.whole
    lengths = {i: math.hypot(*map(euclidean_norm, arrays)) for i, arrays in gradient.by_layer().items()}
    length = math.hypot(*lengths.values())
    blocks: defaultdict[tuple[Any, ...], list[Array]] = defaultdict(list)
    cosine: dict[Any, Array] = {}
    with np.errstate(over="ignore", invalid="ignore"):
        W, b = ({i: wide(x) / (lengths[i] or 1.0) for i, x in family.items()} for family in (gradient.W, gradient.b))
        for pairs in read_blocks(groups, memory_limit, lambda T, n, m: 16 * T * (n + m)):
            if pairs.weights or pairs.biases:
                scales = norms.scales(pairs, layers[pairs.layer])
                blocks[pairs.layer, pairs.weights, pairs.biases].append(_products(pairs, *scales, W, b))
        for (layer, *_), products in blocks.items():
            add(cosine, layer, namespace(products[0]).concat(products))
        # Σ_i cos_i · ‖∇_i ℓ_n‖/‖∇ℓ_n‖ · ‖∇_i ℒ‖/‖∇ℒ‖
        shares = {i: beside(layers[i], whole) / positive(whole) for i in cosine}
        terms = [beside(cosine[i], whole) * shares[i] * (lengths[i] / (length or 1.0)) for i in cosine]
    undefined = warn_undefined(whole, length)
    return Cosines(
        where_defined(sum(terms[1:], terms[0]), whole, length),
        by_layer({i: where_defined(cosine[i], layers[i], lengths[i]) for i in cosine}),
        undefined,
    )


def _products(pairs: Pairs, of_a: Array, of_h: Array, W: dict[Any, Array], b: dict[Any, Array]) -> Array:
    """⟨∇ℓ_n, G⟩/‖∇ℓ_n‖ of a layer, where G has length 1: of numbers that neither overflow nor vanish."""
    a, found = wide(pairs.a) / pairs.column(positive(of_a)), 0.0
    if pairs.weights:
        found = pairs.weight_products(a, of_h, W[pairs.layer])
    if pairs.biases:
        found = found + (pairs.total(a) @ b[pairs.layer]) / of_h
    return found


def warn_undefined(norms: Array, length: float) -> tuple[int, ...]:
    """The examples without a cosine, from ‖∇ℓ_n‖ and ‖∇ℒ‖; a warning, if there are some."""
    defined = to_numpy(norms != 0) & (length != 0)
    undefined = tuple(int(n) for n in np.flatnonzero(~defined))
    if undefined:
        which = "the gradient of the batch is 0" if length == 0 else f"the gradient of example {undefined[0]} is 0"
        more = f" (and of {len(undefined) - 1} others)" if length != 0 and len(undefined) > 1 else ""
        warnings.warn(
            f"{which}{more}: the cosine of such an example is not defined, and NaN.",
            UndefinedCosineWarning,
            stacklevel=4,
        )
    return undefined


def where_defined(cosine: Array, norm: Array, length: float) -> Array:
    """Between −1 and 1, where rounding would leave it; NaN if one of the two gradients is 0 or not finite."""
    xp = namespace(cosine)
    if length == 0:
        return xp.full_like(cosine, math.nan)
    return xp.where((norm > 0) & (norm < math.inf), xp.clip(cosine, -1.0, 1.0), xp.full_like(cosine, math.nan))
