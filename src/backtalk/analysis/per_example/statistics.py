"""How the gradient varies from example to example: its moments, element by element, and the gradient noise scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace, to_numpy
from ...core.backward import talk_to_weights
from ...core.layers import Layers, mapped
from ...core.network import Network
from ...core.norms import euclidean_norm
from ...errors import InputError
from .gradient_norms import norms_of
from .pairs import MEMORY_LIMIT, ExampleSet, Pairs, ParameterArrays, as_part, summed, wide


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of the gradients ∇ℓ_n of the examples' own losses, for every single weight and bias.

    ``mean``: Σ_n w_n ∇ℓ_n, which is ∇ℒ. ``second_moment``: Σ_n w_n (∇ℓ_n)². w has the sum 1. In float64 where the
    network's arrays are NumPy's.
    """

    mean: ParameterArrays
    second_moment: ParameterArrays

    @property
    def variance(self) -> ParameterArrays:
        """Σ_n w_n (∇ℓ_n − mean)², the variance over these examples (not an estimate for others)."""

        def variance(mean: Array, second: Array) -> Array:
            with np.errstate(over="ignore", invalid="ignore"):
                v = second - mean**2
            return namespace(v).where(v < 0, namespace(v).zeros_like(v), v)  # rounding; NaN stays

        one, two = self.mean, self.second_moment
        return ParameterArrays(mapped(variance, one.W, two.W), mapped(variance, one.b, two.b))


def moments(
    network: Network, X: Any, y: Any, sample_weight: Any = None, *, memory_limit: int = MEMORY_LIMIT
) -> Moments:
    """Mean, second moment and variance of each entry of the gradient over the examples.

    Σ_n w_n (∇_{W_i}ℓ_n)² = (w ⊙ Δ²)ᵀ(H²), since the square of an outer product is that of the squares.

    X: (N, n_0). y, sample_weight: as for :func:`backtalk.gradients`. ``memory_limit``: bytes that the computation may
    take besides X and the result. A variance is the difference of two sums: what is less than 1e-14 of the squared mean
    is lost in rounding. Raises :class:`~backtalk.errors.InputError` for input that does not fit. Source: Dangel,
    Kunstner and Hennig 2020, "BackPACK: packing more into backprop"; notation, section 2.

    >>> from backtalk import Network
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> found = moments(net, [[1.0], [1.0]], [0.0, 2.0])
    >>> found.mean.W[1], found.second_moment.W[1], found.variance.W[1]
    (array([[0.]]), array([[1.]]), array([[1.]]))
    """
    examples = ExampleSet.of(network, X, y, sample_weight)
    shares = examples.exact_shares()
    more = 16 * (network.sizes[0] + 2 * sum(network.sizes[1:]))  # the pair in float64, and its square

    def of_block(pairs: Pairs) -> list[Array]:
        w, block = shares[pairs.rows], []
        pairs, w = pairs.heard(w), w[:, None]
        for i in pairs.a:
            grad_a, h = wide(pairs.a[i]), wide(pairs.h[i - 1])
            block += talk_to_weights(grad_a * w, h)
            block += talk_to_weights(grad_a * grad_a * w, h * h)
        return block

    sums = summed(map(of_block, examples.blocks(memory_limit, more)))
    W, b, W_squares, b_squares = (Layers(sums[place::4]) for place in range(4))
    return Moments(ParameterArrays(W, b), ParameterArrays(W_squares, b_squares))


@dataclass(frozen=True, slots=True)
class NoiseScale:
    """B = tr Σ / ‖G‖², in examples: about from where on larger batches teach little more.

    ``trace``: the unbiased estimate of tr Σ, the variance of one example's gradient ∇ℓ_n, added up over all weights and
    biases. ``squared_norm``: that of ‖G‖², G being the gradient over all examples that there could be; where the noise
    hides it, it is 0 or less, and ``value`` is inf. ``examples``: N.
    """

    value: float
    trace: float
    squared_norm: float
    examples: int


def noise_scale(
    network: Network, X: Any, y: Any, sample_weight: Any = None, *, memory_limit: int = MEMORY_LIMIT
) -> NoiseScale:
    """The simple gradient noise scale tr Σ / ‖G‖², from one pass over the examples.

    With S = Σ_n w_n ‖∇ℓ_n‖², ∇ℒ = Σ_n w_n ∇ℓ_n and q = Σ_n w_n² (1/N without weights): tr Σ is estimated by
    (S − ‖∇ℒ‖²)/(1 − q), and ‖G‖² by ‖∇ℒ‖² − q·tr Σ.

    X: (N, n_0), N of 2 or more. y, sample_weight: as for :func:`backtalk.gradients`. ``memory_limit``: bytes that the
    computation may take besides X. NaN where a gradient is not finite. tr Σ is the difference of two sums: what is less
    than 1e-6 of ‖∇ℒ‖² (1e-14 in float64) is lost in rounding. Raises :class:`~backtalk.errors.InputError` for
    input that does not fit, and where all weight lies on one example. Source: McCandlish, Kaplan and Amodei 2018, "An
    empirical model of large-batch training", appendix A.

    >>> import numpy as np
    >>> from backtalk import Network
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> found = noise_scale(net, np.ones((4, 1)), [0.0, 0.0, 0.0, 2.0])
    >>> round(found.trace, 9), found.squared_norm, found.value
    (2.0, 0.0, inf)
    """
    examples = ExampleSet.of(network, X, y, sample_weight)
    count, w = examples.count, to_numpy(examples.exact_shares()).astype(np.float64)
    q = float(np.sum(w * w))
    if q >= 1:
        where = "X has 1 example" if count == 1 else "sample_weight leaves all weight on one example"
        raise InputError(f"{where}, but how gradients vary is seen on 2 or more.")
    found = norms_of(examples, memory_limit, batch_gradient=True)
    sums = found.batch_gradient
    assert sums is not None
    norm = euclidean_norm(np.array([euclidean_norm(array) for array in [*sums.W.values(), *sums.b.values()]]))
    return estimate_noise(to_numpy(found.whole).astype(np.float64), norm, w)


def estimate_noise(norms: np.ndarray, gradient: float, w: np.ndarray) -> NoiseScale:
    """The noise scale from ‖∇ℓ_n‖ and w, shape (N,), and ‖∇ℒ‖."""
    q = float(np.sum(w * w))
    with np.errstate(over="ignore", invalid="ignore"):
        square = float(np.square(gradient))
        mean_square = float(np.sum(as_part(norms**2, w)))
    trace = (mean_square - square) / (1 - q)
    trace = 0.0 if trace < 0 else trace  # rounding; NaN stays
    squared_norm = square - q * trace
    value = math.inf if squared_norm <= 0 else trace / squared_norm  # NaN stays
    return NoiseScale(value, trace, squared_norm, len(norms))
