"""Losses of numbers: t holds what each output should be, or counts, or what a normal distribution should explain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import InputError, InputTypeError
from ..arrays import Array, ArraySpec, namespace, real_part
from ..specification import require_range
from ..targets import numbers, refuse_where
from .loss import Loss, half_squares, quotient, times_log, where_heard


@dataclass(frozen=True, slots=True, repr=False)
class SquaredError(Loss):
    """Half the squared error: ℓ = ½ Σ_j (ŷ_j − t_j)², ∂ℓ/∂ŷ = ŷ − t. y: finite numbers (B, k), or (B,) for k = 1."""

    name = "squared_error"

    def value(self, yhat: Array, target: Array) -> Array:
        return half_squares(yhat - target)

    def gradient(self, yhat: Array, target: Array) -> Array:
        return yhat - target


@dataclass(frozen=True, slots=True, repr=False)
class AbsoluteError(Loss):
    """Absolute error: ``ℓ = Σ_j |ŷ_j − t_j|``, ∂ℓ/∂ŷ = sign(ŷ − t); 0 at the kink ŷ = t.

    y: as for squared error.
    """

    name = "absolute_error"

    def value(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).sum((yhat - target) * self.gradient(yhat, target), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).sign(real_part(yhat - target))

    def kink_side(self, yhat: Array, target: Array) -> Array:
        return self.gradient(yhat, target)


@dataclass(frozen=True, slots=True, repr=False)
class Huber(Loss):
    """Huber's loss: ℓ = Σ_j ρ(ŷ_j − t_j), ρ(r) = ½r² where ``|r|`` ≤ δ, else ``δ(|r| − ½δ)``.

    ∂ℓ/∂ŷ = r clipped to [−δ, δ] (Huber 1964). ``delta`` is δ, in units of y.

    >>> import numpy as np
    >>> Huber(delta=1).gradient(np.array([[0.5, 3.0]]), np.zeros((1, 2)))
    array([[0.5, 1. ]])
    """

    name = "huber"
    delta: float = 1.0

    def __post_init__(self) -> None:
        require_range(self, "delta", 0, math.inf, "()")

    def value(self, yhat: Array, target: Array) -> Array:
        # with c = r clipped to [−δ, δ], ρ(r) = c·(r − ½c) in both pieces
        residual = yhat - target
        clipped = self.gradient(yhat, target)
        return namespace(yhat).sum(clipped * (residual - clipped / 2), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        xp = namespace(yhat)
        residual = yhat - target
        side = self._side(residual)
        return xp.where(side == 0, residual, self.delta * side)

    def kink_side(self, yhat: Array, target: Array) -> Array:
        # r is on a kink where |r| = δ: counted apart from the three pieces
        xp = namespace(yhat)
        residual = real_part(yhat - target)
        return xp.where(xp.abs(residual) == self.delta, xp.zeros_like(residual), self._side(residual) + 2)

    def _side(self, residual: Array) -> Array:
        xp = namespace(residual)
        real = real_part(residual)
        return xp.where(xp.abs(real) <= self.delta, xp.zeros_like(real), xp.sign(real))


@dataclass(frozen=True, slots=True, repr=False)
class Quantile(Loss):
    """Quantile loss (pinball): ℓ = Σ_j max(q·r_j, (q − 1)·r_j) with r = t − ŷ; its best ŷ is the q-quantile of t.

    ∂ℓ/∂ŷ = −q where ŷ < t, 1 − q where ŷ > t, and 0 at the kink (Koenker and Bassett 1978). ``level`` is q, between 0
    and 1; with q = ½ it is half the absolute error.

    >>> import numpy as np
    >>> Quantile(level=0.9).value(np.array([[1.0], [1.0]]), np.array([[2.0], [0.0]])).round(6)
    array([0.9, 0.1])
    """

    name = "quantile"
    level: float = 0.5

    def __post_init__(self) -> None:
        require_range(self, "level", 0, 1, "()")

    def value(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).sum((yhat - target) * self.gradient(yhat, target), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        return _quantile_slope(self.kink_side(yhat, target), self.level)

    def kink_side(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).sign(real_part(yhat - target))


@dataclass(frozen=True, slots=True, repr=False)
class Quantiles(Loss):
    """Quantile loss at several levels, each with outputs of its own: the sum of the losses ``quantile`` of the levels.

    The k outputs are those of the first level, then those of the second, and so on: ℓ = Σ_q Σ_j max(q·r, (q − 1)·r)
    with r = t_j − ŷ_qj, and ∂ℓ/∂ŷ_qj as for one level (Koenker and Bassett 1978). ``levels``: at least one, rising,
    between 0 and 1. Nothing keeps the outputs of one level above those of a lower one. y: finite numbers, shape
    (B, k/levels), or (B,) if there is one for each level.

    >>> import numpy as np
    >>> Quantiles(levels=(0.1, 0.9)).gradient(np.array([[1.0, 3.0]]), np.array([[2.0, 2.0]])).round(6)
    array([[-0.1,  0.1]])
    """

    name = "quantiles"
    levels: tuple[float, ...] = (0.1, 0.9)

    def __post_init__(self) -> None:
        if not isinstance(self.levels, list | tuple) or not self.levels:
            raise InputTypeError(f"levels of quantiles is {self.levels!r}, expected a list of numbers.")
        levels = tuple(Quantile(level).level for level in self.levels)
        if sorted({*levels}) != [*levels]:
            raise InputError(f"levels of quantiles is {[*levels]}, expected numbers that rise.")
        object.__setattr__(self, "levels", levels)

    def require_outputs(self, outputs: int) -> None:
        if outputs % len(self.levels):
            raise InputError(
                f"loss is '{self}', of {len(self.levels)} levels, each with as many outputs: expected a multiple of "
                f"{len(self.levels)} outputs, not {outputs}."
            )

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        target = numbers(y, count, outputs // len(self.levels), spec)
        return spec.xp.concat([target] * len(self.levels), axis=1)  # of shape (B, k), as every target

    def value(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).sum((yhat - target) * self.gradient(yhat, target), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        side, width = self.kink_side(yhat, target), yhat.shape[-1] // len(self.levels)
        slopes = [_quantile_slope(side[..., n * width : (n + 1) * width], level) for n, level in enumerate(self.levels)]
        return namespace(yhat).concat(slopes, axis=-1)

    def kink_side(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).sign(real_part(yhat - target))

    def outputs_for(self, targets: int) -> int:
        return len(self.levels) * targets

    def prediction(self, yhat: Array) -> Array:
        """The outputs of the level that is nearest to ½, of two such levels of the lower one."""
        width = yhat.shape[-1] // len(self.levels)
        middle = min(range(len(self.levels)), key=lambda n: abs(self.levels[n] - 0.5))
        return yhat[..., middle * width : (middle + 1) * width]

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.normal(size=(count, outputs // len(self.levels)))


def _quantile_slope(side: Array, level: float) -> Array:
    """∂ℓ/∂ŷ of the quantile loss at one level, from the sign of ŷ − t."""
    xp = namespace(side)
    return xp.where(side < 0, -level * xp.ones_like(side), (1 - level) * side)


@dataclass(frozen=True, slots=True, repr=False)
class PoissonDeviance(Loss):
    """Poisson deviance: ℓ = 2 Σ_j [t_j log(t_j/ŷ_j) − t_j + ŷ_j], ∂ℓ/∂ŷ_j = 2(1 − t_j/ŷ_j). With exp, ∂ℓ/∂a = 2(ŷ − t).

    For counts and rates. y: numbers ≥ 0, shape (B, k), or (B,) for k = 1. With the output function exp, ŷ, and with it
    ℓ and its gradients, is inf where e^a is too big for its dtype (a above 709 in float64).

    >>> import numpy as np
    >>> PoissonDeviance().gradient(np.array([[2.0]]), np.array([[3.0]]))
    array([[-1.]])
    """

    name = "poisson_deviance"
    natural_output = "exp"
    domain: ClassVar[tuple[float, float]] = (0.0, math.inf)

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        target = numbers(y, count, outputs, spec)
        refuse_where(target, target < 0, "y", "expected counts or rates of 0 or more")
        return target

    def value(self, yhat: Array, target: Array) -> Array:
        xp = namespace(yhat)
        return 2 * xp.sum(times_log(target, target) - times_log(target, yhat) + (yhat - target), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        return 2 * (1 - quotient(target, yhat))

    def room(self, yhat: Array, target: Array) -> Array:
        return where_heard(target, yhat)

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.poisson(2.0, size=(count, outputs))


@dataclass(frozen=True, slots=True, repr=False)
class GaussianNLL(Loss):
    """Negative log-likelihood of normal distributions whose mean and variance are both outputs.

    The first half of the k outputs are means μ, the second half logarithms of variances s = log σ²:
    ℓ = ½ Σ_j [s_j + (t_j − μ_j)² e^(−s_j) + log 2π], ∂ℓ/∂μ = (μ − t) e^(−s), ∂ℓ/∂s = ½[1 − (t − μ)² e^(−s)]
    (Nix and Weigend 1994). y: finite numbers, shape (B, k/2), or (B,) for k = 2.

    >>> import numpy as np
    >>> GaussianNLL().gradient(np.array([[1.0, 0.0]]), np.array([[3.0, 0.0]]))
    array([[-2. , -1.5]])
    """

    name = "gaussian_nll"

    def require_outputs(self, outputs: int) -> None:
        if outputs % 2:
            raise InputError(
                "loss is 'gaussian_nll', whose outputs are means and as many logarithms of variances: expected an "
                f"even number of outputs, not {outputs}."
            )

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        target = numbers(y, count, outputs // 2, spec)
        return spec.xp.concat([target, spec.xp.zeros_like(target)], axis=1)  # of shape (B, k), as every target

    def value(self, yhat: Array, target: Array) -> Array:
        standard, log_variance, _ = self._parts(yhat, target)
        terms = log_variance + standard**2 + math.log(2 * math.pi)
        return namespace(yhat).sum(terms, axis=-1) / 2

    def gradient(self, yhat: Array, target: Array) -> Array:
        standard, _, root = self._parts(yhat, target)
        return namespace(yhat).concat([standard * root, (1 - standard**2) / 2], axis=-1)

    def outputs_for(self, targets: int) -> int:
        return 2 * targets

    def prediction(self, yhat: Array) -> Array:
        return yhat[..., : yhat.shape[-1] // 2]

    def deviation(self, yhat: Array) -> Array:
        """σ = e^{s/2}, the standard deviation of each normal distribution, shape (B, k/2)."""
        return namespace(yhat).exp(yhat[..., yhat.shape[-1] // 2 :] / 2)

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.normal(size=(count, outputs // 2))

    def _parts(self, yhat: Array, target: Array) -> tuple[Array, Array, Array]:
        """z = (μ − t) e^(−s/2), s, and e^(−s/2): of half the exponent, so that less of it overflows."""
        half = yhat.shape[-1] // 2
        log_variance = yhat[..., half:]
        root = namespace(yhat).exp(-log_variance / 2)
        return (yhat[..., :half] - target[..., :half]) * root, log_variance, root
