"""What makes a step private (DP-SGD): clipped gradients of single examples, noise, and mini-batches drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..core.arrays import Array, ArraySpec, to_numpy
from ..core.backward import talk_down, talk_to_output, talk_to_weights
from ..core.batch import Batch
from ..core.clipping import factors_of_layers
from ..core.dropout import Dropout
from ..core.forward import Trace, propagate
from ..core.network import Network
from ..core.noise import add_on_grid, noise_for
from ..core.sizes import combined_norm, row_norms, wide


@dataclass(frozen=True, slots=True)
class PrivateSettings:
    """The gradient of a private step: (Σ_n c_n ∇ℓ_n + z)/B instead of the mean over the mini-batch.

    ``clipping``: a name of :data:`~backtalk.core.clipping.CLIPPINGS`, which gives c_n, so that ‖c_n ∇ℓ_n‖ ≤
    ``max_norm``, C. ``noise``: the standard deviation of each entry of z/B. ``batch_size``: B, the number of examples
    that is expected, whatever their number is. ``key``: of the noise, 32 bytes.
    """

    clipping: str
    max_norm: float
    noise: float
    batch_size: float
    key: bytes = field(repr=False)


def private_gradient(
    network: Network, batch: Batch, private: PrivateSettings, step: int, dropout: Dropout | None = None
) -> tuple[float, list[Array]]:
    """The mean loss of the batch, 0 for none, and the gradient of a private step: of W_1 … W_L, then of b_1 … b_L."""
    if batch.count:
        loss, talks = _clipped(network, propagate(network, batch.X, dropout), batch, private)
    else:
        xp, loss = network.spec.xp, 0.0
        talks = [
            (xp.zeros_like(W), xp.zeros_like(b)) for W, b in zip(network.W.values(), network.b.values(), strict=True)
        ]
    if private.noise:
        talks = [_noisy(*talk, private, i, step) for i, talk in enumerate(talks, start=1)]
    return loss, [*(W for W, _ in talks), *(b for _, b in talks)]


def _clipped(
    network: Network, trace: Trace, batch: Batch, private: PrivateSettings
) -> tuple[float, list[tuple[Array, Array]]]:
    """The mean loss, and Σ_n c_n ∇ℓ_n / B for the W and b of each layer: (c ⊙ Δ)ᵀ H, so that no ∇ℓ_n is formed."""
    spec, layers = network.spec, range(1, network.depth + 1)
    ones = spec.xp.ones((batch.count,), dtype=spec.dtype, device=spec.device)
    loss, _, grad_output = talk_to_output(network, trace, batch.target(), ones)
    grad_a, _ = talk_down(network, trace, grad_output, lowest=1)
    norms = [_norms(grad_a[i], trace.h[i - 1]) for i in layers]
    factors = factors_of_layers(norms, private.max_norm, private.clipping)
    talks = []
    for i, c in zip(layers, factors, strict=True):
        counted = spec.cast(wide(grad_a[i]) * (c / private.batch_size)[:, None])
        talks.append(talk_to_weights(counted, trace.h[i - 1]))
    return float(loss) / batch.count, talks


def _norms(grad_a: Array, h: Array) -> Array:
    """‖∇_{W_i}ℓ_n‖ = ‖∇_{a_i}ℓ_n‖ · ‖h_{i−1}‖ and ‖∇_{b_i}ℓ_n‖ = ‖∇_{a_i}ℓ_n‖ together, (B,)."""
    of_a = row_norms(grad_a)
    return combined_norm([of_a * row_norms(h), of_a])


def _noisy(W: Array, b: Array, private: PrivateSettings, layer: int, step: int) -> tuple[Array, Array]:
    """Both with noise."""
    spec, (rows, columns) = ArraySpec.of(W), W.shape
    noise = noise_for(private.key, layer, step, rows, columns + 1, spec.dtype_name)
    total = np.column_stack([to_numpy(W), to_numpy(b)]).astype(np.float64)
    noisy = add_on_grid(total, noise, private.noise)
    W, b = (spec.xp.asarray(part, dtype=spec.dtype, device=spec.device) for part in (noisy[:, :-1], noisy[:, -1]))
    return W, b
