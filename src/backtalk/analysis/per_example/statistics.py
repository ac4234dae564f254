"""How the gradient varies from example to example: its moments, element by element, and the gradient noise scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace, to_numpy
from ...core.layers import mapped
from ...core.network import Network
from ...core.norms import euclidean_norm
from ...core.sizes import wide
from ...core.sums import sum_rows
from ...errors import InputError
from .examples import as_batch, exact_shares_of, group_of
from .gradient_norms import norms_of
from .pairs import MEMORY_LIMIT, Group, ParameterArrays, Sums, add, as_part, read_weighted


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of the gradients ∇ℓ_n of the examples' own losses, for every single weight and bias.

    ``mean``: Σ_n w_n ∇ℓ_n, which is ∇ℒ. ``second_moment``: Σ_n w_n (∇ℓ_n)². w has the sum 1. In float64 if the
    network's arrays are NumPy's.

    >>> from backtalk import Network, per_example
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> found = per_example.moments(net, [[1.0], [1.0]], [0.0, -2.0])
    >>> found.mean.b[1], found.second_moment.b[1], found.variance.b[1]
    (array([2.]), array([5.]), array([1.]))
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
    batch = as_batch(network, X, y, sample_weight)
    return moments_of([group_of(batch)], exact_shares_of(batch), memory_limit)


def moments_of(groups: Iterable[Group], w: Array, memory_limit: int) -> Moments:
    """The moments of examples that are known to fit, weighted by w."""
    mean, second = Sums(), Sums()
    with np.errstate(over="ignore", invalid="ignore"):
        # the pair in float64 and its square, or the gradients of two units
        for pairs, part in read_weighted(groups, w, memory_limit, lambda T, n, m: 16 * (n + m if T == 1 else n)):
            a, h, column = wide(pairs.a), wide(pairs.h), pairs.column(part)
            mean.add(pairs, a * column, h)
            if pairs.weights:
                add(second.W, pairs.layer, pairs.sum_squared_weights(part, memory_limit))
            if pairs.biases:
                add(second.b, pairs.layer, sum_rows(pairs.total(a) ** 2 * part[:, None]))
    return Moments(mean.arrays(), second.arrays())


@dataclass(frozen=True, slots=True)
class NoiseScale:
    """B = tr Σ / ‖G‖², in examples: about from where on larger batches teach little more.

    ``trace``: the unbiased estimate of tr Σ, the variance of one example's gradient ∇ℓ_n, added up over all weights and
    biases. ``squared_norm``: that of ‖G‖², G being the gradient over all examples that there could be; if the noise
    hides it, it is 0 or less, and ``value`` is inf. ``examples``: N.

    >>> from backtalk import Network, per_example
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> found = per_example.noise_scale(net, [[0.0], [0.0]], [1.0, 3.0])
    >>> round(found.value, 3), found.trace, found.squared_norm, found.examples
    (0.667, 2.0, 3.0, 2)
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
    computation may take besides X. NaN if a gradient is not finite. tr Σ is the difference of two sums: what is less
    than 1e-6 of ‖∇ℒ‖² (1e-14 in float64) is lost in rounding. Raises :class:`~backtalk.errors.InputError` for
    input that does not fit, and if all weight lies on one example. Source: McCandlish, Kaplan and Amodei 2018, "An
    empirical model of large-batch training", appendix A.

    >>> import numpy as np
    >>> from backtalk import Network
    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> found = noise_scale(net, np.ones((4, 1)), [0.0, 0.0, 0.0, 2.0])
    >>> round(found.trace, 9), found.squared_norm, found.value
    (2.0, 0.0, inf)
    """
    batch = as_batch(network, X, y, sample_weight)
    count, w = batch.count, to_numpy(exact_shares_of(batch)).astype(np.float64)
    q = float(np.sum(w * w))
    if q >= 1:
        where = "X has 1 example" if count == 1 else "sample_weight leaves all weight on one example"
        raise InputError(f"{where}, but how gradients vary is seen on 2 or more.")
    found = norms_of(batch, memory_limit, batch_gradient=True)
    assert found.batch_gradient is not None
    return estimate_noise(to_numpy(found.whole).astype(np.float64), length_of(found.batch_gradient), w)


def length_of(gradient: ParameterArrays) -> float:
    """Its norm over all weights and biases."""
    parts = [euclidean_norm(array) for family in (gradient.W, gradient.b) for array in family.values()]
    return euclidean_norm(np.array(parts))


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
