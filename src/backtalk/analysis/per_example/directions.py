"""Which examples pull in the direction of the batch's gradient, and which against it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace, to_numpy
from ...core.layers import Layers
from ...core.network import Network
from ...core.norms import euclidean_norm
from .gradient_norms import norms_of, positive, together
from .pairs import MEMORY_LIMIT, ExampleSet, wide


class UndefinedCosineWarning(RuntimeWarning):
    """A cosine is asked for where a gradient is 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Cosines:
    """cos(∇ℓ_n, ∇ℒ) for each example, shape (N,): ``whole``, over all weights and biases, and ``layers[i]``, W_i and
    b_i alone (by name, where a model of PyTorch was heard). The scale of a loss does not change it.

    Where a gradient is 0 there is no angle, and the cosine is NaN; ``undefined`` lists these examples, for ``whole``.
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
    take besides X and the result. Where a gradient is 0, an :class:`UndefinedCosineWarning` says so. Raises
    :class:`~backtalk.errors.InputError` for input that does not fit. Source: notation, section 2.

    >>> from backtalk import Network
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> cosines(net, [[1.0], [1.0], [1.0]], [0.0, 0.5, 2.0]).whole
    array([ 1.,  1., -1.])
    """
    examples = ExampleSet.of(network, X, y, sample_weight)
    pairs_again = examples.blocks(memory_limit, more=32 * sum(network.sizes))  # refuses a limit that is too small
    found = norms_of(examples, memory_limit, batch_gradient=True)
    G = found.batch_gradient
    assert G is not None
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = {i: math.hypot(euclidean_norm(G.W[i]), euclidean_norm(G.b[i])) for i in G.W}
        blocks: list[list[Array]] = []
        for pairs in pairs_again:
            rows, block = pairs.rows, []
            for i in pairs.a:
                # of δ/‖δ‖ and G/‖G‖, whose products neither overflow nor vanish; ‖(h, 1)‖ is left to divide by
                direction, h = wide(pairs.a[i]) / positive(found.a[i][rows])[:, None], wide(pairs.h[i - 1])
                W, b = (wide(part[i]) / (lengths[i] or 1.0) for part in (G.W, G.b))
                xp = namespace(h)
                size = together([found.h[i - 1][rows], xp.ones_like(found.h[i - 1][rows])])
                block.append(xp.sum((direction @ W) * (h / size[:, None]), axis=1) + (direction @ b) / size)
            blocks.append(block)
        xp = network.spec.xp
        parts = Layers(xp.concat([block[i] for block in blocks]) for i in range(network.depth))
        # Σ_i cos_i · ‖∇_i ℓ_n‖/‖∇ℓ_n‖ · ‖∇_i ℒ‖/‖∇ℒ‖
        whole, length = found.whole, math.hypot(*lengths.values())
        terms = [parts[i] * (found.layers[i] / positive(whole)) * (lengths[i] / (length or 1.0)) for i in parts]
    undefined = warn_undefined(whole, length)
    return Cosines(
        where_defined(sum(terms[1:], terms[0]), whole, length),
        Layers(where_defined(parts[i], found.layers[i], lengths[i]) for i in parts),
        undefined,
    )


def warn_undefined(norms: Array, length: float) -> tuple[int, ...]:
    """The examples without a cosine, from ‖∇ℓ_n‖ and ‖∇ℒ‖; a warning, where there are some."""
    defined = to_numpy(norms != 0) & (length != 0)
    undefined = tuple(int(n) for n in np.flatnonzero(~defined))
    if undefined:
        which = "the gradient of the batch is 0" if length == 0 else f"the gradient of example {undefined[0]} is 0"
        more = f" (and of {len(undefined) - 1} others)" if length != 0 and len(undefined) > 1 else ""
        warnings.warn(
            f"{which}{more}: the cosine of such an example is not defined, and NaN.",
            UndefinedCosineWarning,
            stacklevel=3,
        )
    return undefined


def where_defined(cosine: Array, norm: Array, length: float) -> Array:
    """Between −1 and 1, where rounding would leave it; NaN where one of the two gradients is 0 or not finite."""
    xp = namespace(cosine)
    if length == 0:
        return xp.full_like(cosine, math.nan)
    return xp.where((norm > 0) & (norm < math.inf), xp.clip(cosine, -1.0, 1.0), xp.full_like(cosine, math.nan))
