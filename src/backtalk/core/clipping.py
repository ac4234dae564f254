"""What the gradients of single examples are multiplied by, so that none of them counts for more than a norm."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .arrays import Array, namespace
from .sizes import combined_norm

CLIPPINGS = ("flat", "per_layer", "automatic")
STABILITY = 0.01  # γ of Bu et al. 2022


def clip_factors(norms: Array, max_norm: float, *, automatic: bool = False) -> Array:
    """min(1, C/norm), or C/(norm + γ) if ``automatic``, (N,); NaN for a norm that is not finite, which makes a sum so.

    >>> import numpy as np
    >>> clip_factors(np.array([0.5, 4.0]), 1.0)
    array([1.  , 0.25])
    """
    xp = namespace(norms)
    limit = xp.full_like(norms, max_norm)
    finite = xp.where(norms < math.inf, norms, xp.full_like(norms, math.nan))
    return limit / (finite + STABILITY if automatic else xp.maximum(finite, limit))


def factors_of_layers(norms: Sequence[Array], max_norm: float, clipping: str) -> list[Array]:
    """For each layer, what ∇_{W_i}ℓ_n and ∇_{b_i}ℓ_n are multiplied by, (N,), given their norm together, ``norms[i]``.

    With any of the ``CLIPPINGS``, the norm over all layers is at most ``max_norm``, C, after it: with 'flat' the whole
    gradient is multiplied by min(1, C/‖∇ℓ_n‖); with 'per_layer' each of the L layers has a norm of C/√L at most; with
    'automatic' the whole gradient is multiplied by C/(‖∇ℓ_n‖ + γ), so small ones count as much as large ones. Sources:
    Abadi et al. 2016, "Deep learning with differential privacy"; Bu et al. 2022, "Automatic clipping".

    >>> import numpy as np
    >>> norms = [np.array([3.0]), np.array([4.0])]
    >>> [[round(c.item(), 3) for c in factors_of_layers(norms, 2.5, clipping)] for clipping in ("flat", "per_layer")]
    [[0.5, 0.5], [0.589, 0.442]]
    """
    if clipping == "per_layer":
        return [clip_factors(each, max_norm / math.sqrt(len(norms))) for each in norms]
    return [clip_factors(combined_norm(norms), max_norm, automatic=clipping == "automatic")] * len(norms)
