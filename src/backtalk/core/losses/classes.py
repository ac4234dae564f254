"""Losses of classes: t is a distribution over the k outputs, mostly one-hot; or k yes-or-no answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import InputError
from ..arrays import Array, ArraySpec, namespace, real_part
from ..specification import require_range
from ..targets import numbers, probabilities, refuse_where
from .loss import Loss, log_of_rest, quotient, times, times_log, where_heard


@dataclass(frozen=True, slots=True, repr=False)
class _OfDistributions(Loss):
    """y: whole numbers 0 … k−1, shape (B,), where t = e(y) is one-hot; or class probabilities, shape (B, k)."""

    natural_output = "softmax"
    domain: ClassVar[tuple[float, float]] = (0.0, math.inf)
    takes_classes = True

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        return probabilities(y, count, outputs, spec)

    def room(self, yhat: Array, target: Array) -> Array:
        # the distance from 0: each term has a factor t_j and log ŷ_j
        return where_heard(target, yhat)

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.integers(outputs, size=count)


@dataclass(frozen=True, slots=True, repr=False)
class CrossEntropy(_OfDistributions):
    """Cross-entropy: ℓ = −Σ_j t_j log ŷ_j, ∂ℓ/∂ŷ_j = −t_j/ŷ_j. With softmax, ∂ℓ/∂a = ŷ − t.

    y: whole numbers 0 … k−1, shape (B,), where t = e(y) is one-hot; or class probabilities, shape (B, k).
    Label smoothing s replaces t by (1 − s)·t + s/k (Szegedy et al. 2016). Where ŷ_j is too small for a number of its
    dtype, ∂ℓ/∂ŷ_j is −inf.

    >>> import numpy as np
    >>> CrossEntropy().value(np.array([[0.5, 0.25, 0.25]]), np.array([[0.0, 1.0, 0.0]])).round(4)
    array([1.3863])
    """

    name = "cross_entropy"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        require_range(self, "label_smoothing", 0, 1)

    def smoothed(self, target: Array) -> Array:
        s = self.label_smoothing
        return (1 - s) * target + s / target.shape[1] if s else target

    def value(self, yhat: Array, target: Array) -> Array:
        return -namespace(yhat).sum(times_log(target, yhat), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        return -quotient(target, yhat)


@dataclass(frozen=True, slots=True, repr=False)
class KLDivergence(_OfDistributions):
    """Kullback-Leibler divergence of ŷ from t: ℓ = Σ_j t_j log(t_j/ŷ_j), ∂ℓ/∂ŷ_j = −t_j/ŷ_j.

    It is cross-entropy less the entropy of t, so its gradients are those of cross-entropy, and it is 0 where ŷ = t
    (Kullback and Leibler 1951). y: as for cross-entropy.

    >>> import numpy as np
    >>> KLDivergence().value(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]]))
    array([0.])
    """

    name = "kl_divergence"

    def value(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).sum(times_log(target, target) - times_log(target, yhat), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        return -quotient(target, yhat)


@dataclass(frozen=True, slots=True, repr=False)
class Focal(_OfDistributions):
    """Focal loss: ℓ = −Σ_j t_j (1 − ŷ_j)^γ log ŷ_j: examples that are already right count less (Lin et al. 2017).

    ∂ℓ/∂ŷ_j = t_j [γ (1 − ŷ_j)^(γ−1) log ŷ_j − (1 − ŷ_j)^γ / ŷ_j]. ``gamma`` is γ, 0 or at least 1; with γ = 0 it is
    cross-entropy. An ŷ_j above 1 counts as 1. y: as for cross-entropy.

    >>> import numpy as np
    >>> Focal(gamma=2).value(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])).round(4)  # ¼ log 2
    array([0.1733])
    """

    name = "focal"
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    gamma: float = 2.0

    def __post_init__(self) -> None:
        require_range(self, "gamma", 0, math.inf)
        if 0 < self.gamma < 1:
            raise InputError(
                f"gamma of focal is {self.gamma!r}, expected 0 or a number of 1 or more: between them the gradient is "
                "infinite at ŷ = 1."
            )

    def value(self, yhat: Array, target: Array) -> Array:
        return -namespace(yhat).sum(times_log(times(target, power(1 - yhat, self.gamma)), yhat), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        rest = 1 - yhat
        pull = times_log(times(target, slope_of_power(rest, self.gamma)), yhat) if self.gamma else 0.0
        return pull - quotient(times(target, power(rest, self.gamma)), yhat)

    def room(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).minimum(where_heard(target, yhat), where_heard(target, _from_one(yhat)))


@dataclass(frozen=True, slots=True, repr=False)
class CategoricalHinge(Loss):
    """Categorical hinge: ℓ = max(0, 1 + max_{j≠y} ŷ_j − ŷ_y): the right class should lead by 1.

    ∂ℓ/∂ŷ is −1 at the label and +1 at the first of the largest others where ℓ > 0, else 0 (Crammer and Singer 2001).
    y: labels 0 … k−1, shape (B,), or one-hot, shape (B, k); k is 2 or more.

    >>> import numpy as np
    >>> CategoricalHinge().value(np.array([[2.0, 1.5]]), np.array([[1.0, 0.0]]))
    array([0.5])
    """

    name = "categorical_hinge"
    takes_classes = True

    def require_outputs(self, outputs: int) -> None:
        if outputs < 2:
            raise InputError("loss is 'categorical_hinge', which compares classes: expected 2 outputs or more, not 1.")

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        target = numbers(y, count, outputs, spec)
        sums = spec.xp.sum(target, axis=1, keepdims=True)
        refuse_where(target, ((target != 0) & (target != 1)) | (sums != 1), "y", "expected labels, or rows with one 1")
        return target

    def value(self, yhat: Array, target: Array) -> Array:
        xp = namespace(yhat)
        margin = xp.sum(yhat * (self._rival(yhat, target) - target), axis=-1) + 1
        return xp.where(real_part(margin) <= 0, xp.zeros_like(margin), margin)

    def gradient(self, yhat: Array, target: Array) -> Array:
        xp = namespace(yhat)
        move = self._rival(yhat, target) - target
        margin = xp.sum(yhat * move, axis=-1, keepdims=True) + 1
        return xp.where(real_part(margin) <= 0, xp.zeros_like(move), move)

    def kink_side(self, yhat: Array, target: Array) -> Array:
        # a kink where ℓ begins to be 0, and where another output becomes the largest of the others
        xp = namespace(yhat)
        rival = self._rival(yhat, target)
        real = real_part(yhat)
        margin = xp.sum(real * (rival - target), axis=-1, keepdims=True) + 1
        largest = xp.sum(real * rival, axis=-1, keepdims=True)
        tied = xp.sum(xp.astype((real == largest) & (target == 0), yhat.dtype), axis=-1, keepdims=True) > 1
        side = xp.where(margin <= 0, xp.sign(margin) - xp.zeros_like(rival), 1 + rival)
        return xp.where(tied & (margin >= 0), xp.zeros_like(side), side)

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.integers(outputs, size=count)

    def _rival(self, yhat: Array, target: Array) -> Array:
        """One-hot: the first of the largest outputs that are not the label's."""
        xp = namespace(yhat)
        real = real_part(yhat)
        others = xp.where(target == 1, xp.full_like(real, -math.inf), real)
        classes = xp.arange(yhat.shape[-1], device=getattr(yhat, "device", None))
        return xp.astype(xp.argmax(others, axis=-1, keepdims=True) == classes[None, :], real.dtype)


@dataclass(frozen=True, slots=True, repr=False)
class BinaryCrossEntropy(Loss):
    """Binary cross-entropy: ℓ = −Σ_j [t_j log ŷ_j + (1 − t_j) log(1 − ŷ_j)]. With the sigmoid, ∂ℓ/∂a = ŷ − t.

    For k labels that may hold together. y: 0, 1 or probabilities between, shape (B, k), or (B,) for k = 1.
    Label smoothing s replaces t by (1 − s)·t + s/2. ∂ℓ/∂ŷ_j = (1 − t_j)/(1 − ŷ_j) − t_j/ŷ_j; infinite where
    ŷ_j or 1 − ŷ_j is too small for a number of its dtype.

    >>> import numpy as np
    >>> BinaryCrossEntropy().gradient(np.array([[0.5]]), np.array([[1.0]]))
    array([[-2.]])
    """

    name = "binary_cross_entropy"
    natural_output = "sigmoid"
    domain: ClassVar[tuple[float, float]] = (0.0, 1.0)
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        require_range(self, "label_smoothing", 0, 1)

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        target = numbers(y, count, outputs, spec)
        refuse_where(target, (target < 0) | (target > 1), "y", "expected labels 0 or 1, or probabilities")
        return target

    def smoothed(self, target: Array) -> Array:
        s = self.label_smoothing
        return (1 - s) * target + s / 2 if s else target

    def value(self, yhat: Array, target: Array) -> Array:
        return -namespace(yhat).sum(times_log(target, yhat) + times(1 - target, log_of_rest(yhat)), axis=-1)

    def gradient(self, yhat: Array, target: Array) -> Array:
        return quotient(1 - target, 1 - yhat) - quotient(target, yhat)

    def room(self, yhat: Array, target: Array) -> Array:
        xp = namespace(yhat)
        return xp.minimum(where_heard(target, yhat), where_heard(1 - target, _from_one(yhat)))

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.integers(2, size=(count, outputs))


def power(base: Array, exponent: float) -> Array:
    """base^exponent for a base of 0 or more; a lower one, which is outside of the domain, counts as 0."""
    xp = namespace(base)
    low = real_part(base) <= 0  # NaN is not, and stays
    at_zero = xp.ones_like(base) if exponent == 0 else xp.zeros_like(base)
    return xp.where(low, at_zero, xp.where(low, xp.ones_like(base), base) ** exponent)


def slope_of_power(base: Array, exponent: float) -> Array:
    """Its derivative, exponent · base^(exponent − 1): 0 where the base is 0 or less."""
    xp = namespace(base)
    return xp.where(real_part(base) <= 0, xp.zeros_like(base), exponent * power(base, exponent - 1))


def _from_one(yhat: Array) -> Array:
    """1 − ŷ; 0 where ŷ is so near to 1 that too few digits are left."""
    xp = namespace(yhat)
    return xp.where(1 - yhat < 1e-8, xp.zeros_like(yhat), 1 - yhat)
