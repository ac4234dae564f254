"""Sums of clipped gradients, and noise for them: the two halves of DP-SGD, apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from ...core.arrays import Array, ArraySpec, to_numpy
from ...core.initialization import as_generator
from ...core.layers import mapped
from ...core.network import Network
from ...errors import InputError, InputTypeError
from .examples import as_batch
from .gradient_norms import norms_of
from .pairs import MEMORY_LIMIT


@dataclass(frozen=True, slots=True, eq=False)
class ClippedSum:
    """Σ_n c_n ∇ℓ_n, the sum over examples of their own losses' gradients, each scaled down to ``clip_norm``.

    ``W[i]``, ``b[i]``: the sums, of the shapes of W_i and b_i; they are no means: divide by N for one. Keys are layer
    numbers, or the names of a PyTorch model's layers. ``norms``: ‖∇ℓ_n‖ before, shape (N,); c_n = min(1, clip_norm /
    ‖∇ℓ_n‖). ``noise``: the standard deviation of what :func:`add_noise` added to each entry; 0 before.

    >>> from backtalk import Network, per_example
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> total = per_example.clipped_sum(net, [[1.0], [1.0]], [0.5, 8.0], clip_norm=4.0)
    >>> total.norms.round(2), total.W[1].round(2), total.noise
    (array([ 0.71, 11.31]), array([[-3.33]]), 0.0)
    """

    W: Mapping[Any, Array]
    b: Mapping[Any, Array]
    norms: Array
    clip_norm: float
    noise: float = 0.0

    @property
    def share_clipped(self) -> float:
        """The share of the examples that were scaled down."""
        return float(np.mean(to_numpy(self.norms) > self.clip_norm))


def clipped_sum(network: Network, X: Any, y: Any, clip_norm: float, *, memory_limit: int = MEMORY_LIMIT) -> ClippedSum:
    """The sum of all examples' gradients, where none has a norm above ``clip_norm``.

    Σ_n c_n ∇ℓ_n with c_n = min(1, C/‖∇ℓ_n‖), of the own loss ℓ_n of each example; the norm is that over all weights
    and biases. It is (c ⊙ Δ)ᵀ H for each layer, so no example's gradient is formed. With :func:`add_noise` it is the
    step of DP-SGD; :class:`backtalk.Privacy` makes a run of such steps, and counts what they cost.

    X: (N, n_0). y: as for :func:`backtalk.gradients`. ``clip_norm``: C, above 0. ``memory_limit``: bytes that the
    computation may take besides X and the result. An example whose gradient is not finite makes the sum so. Raises
    :class:`~backtalk.errors.InputError` for input that does not fit. Source: Abadi et al. 2016, "Deep learning with
    differential privacy".

    >>> from backtalk import Network
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> total = clipped_sum(net, [[0.0], [0.0]], [0.5, 8.0], clip_norm=1.0)
    >>> total.b[1], total.norms, total.share_clipped
    (array([-1.5]), array([0.5, 8. ]), 0.5)
    """
    clip_norm = as_clip_norm(clip_norm)
    found = norms_of(as_batch(network, X, y), memory_limit, clip_norm=clip_norm)
    sums = found.batch_gradient
    assert sums is not None
    return ClippedSum(sums.W, sums.b, found.whole, clip_norm)


def add_noise(clipped: ClippedSum, noise_multiplier: float, rng: np.random.Generator | int | None) -> ClippedSum:
    """The sum with noise: to each entry a normal number with mean 0 and standard deviation σ·C.

    ``noise_multiplier``: σ, 0 or more; C is the ``clip_norm`` of the sum, which is what one example can change in it.
    ``rng``: a ``numpy.random.Generator``, a seed, or None for noise that no other run has. A seed makes a run
    repeatable; who knows it can take the noise away again. Source: Abadi et al. 2016.

    >>> from backtalk import Network
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> total = clipped_sum(net, [[0.0], [0.0]], [0.5, 8.0], clip_norm=1.0)
    >>> noisy = add_noise(total, noise_multiplier=0.5, rng=0)
    >>> noisy.noise, bool(noisy.b[1] != total.b[1])
    (0.5, True)
    """
    if not isinstance(clipped, ClippedSum):
        raise InputTypeError(f"clipped is a {type(clipped).__name__}, expected what clipped_sum gives.")
    noise_multiplier = _as_number(noise_multiplier, "noise_multiplier", "of 0 or more")
    if not 0 <= noise_multiplier < math.inf:
        raise InputError(f"noise_multiplier is {noise_multiplier}, expected a finite number of 0 or more.")
    if clipped.noise:
        raise InputError(f"clipped already has noise of {clipped.noise}: add noise to the sum of clipped_sum.")
    generator, deviation = as_generator(rng), noise_multiplier * clipped.clip_norm

    def noisy(array: Array) -> Array:
        spec = ArraySpec.of(array)
        drawn = generator.normal(0.0, deviation, tuple(array.shape))
        return array + spec.xp.asarray(drawn, dtype=spec.dtype, device=spec.device)

    return replace(clipped, W=mapped(noisy, clipped.W), b=mapped(noisy, clipped.b), noise=deviation)


def as_clip_norm(value: Any) -> float:
    """The clip norm as a number of Python."""
    clip_norm = _as_number(value, "clip_norm", "above 0")
    if not 0 < clip_norm < math.inf:
        raise InputError(f"clip_norm is {clip_norm}, expected a finite number above 0.")
    return clip_norm


def _as_number(value: Any, argument: str, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"{argument} is {value!r}, expected a number {expected}.")
    try:
        return float(value)
    except OverflowError:
        return math.inf
