"""Pairs of output function and loss whose ℓ and ∂ℓ/∂a are written in a, so that no digit is lost in ŷ."""

from __future__ import annotations

import math
from typing import Any

from .activations import Sigmoid, sigmoid
from .arrays import Array, log1p, namespace, real_part
from .losses import BinaryCrossEntropy, CrossEntropy, Focal, KLDivergence, Loss, PoissonDeviance, SquaredError
from .losses.classes import power, slope_of_power
from .losses.loss import half_squares, quotient, times, times_log
from .outputs import Softmax, largest, sums_of_others, through_softmax
from .tails import TAILS, Tails


class ClosedForm:
    """ℓ, ∂ℓ/∂a and ∂ℓ/∂ŷ of a pair, for a, ŷ and t of shape (B, k).

    >>> import numpy as np
    >>> a, target = np.array([[1e4, 0.0, -1e4]]), np.array([[0.0, 1.0, 0.0]])
    >>> pair, yhat = CLOSED_FORMS["softmax", CrossEntropy], np.array([[1.0, 0.0, 0.0]])
    >>> pair.value(CrossEntropy(), a, yhat, target), pair.gradient(CrossEntropy(), a, yhat, target)
    (array([10000.]), array([[ 1., -1.,  0.]]))
    """

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        """ℓ for each example, shape (B,)."""
        raise NotImplementedError

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        """∂ℓ/∂a, shape (B, k)."""
        raise NotImplementedError

    def output_gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        """∂ℓ/∂ŷ, shape (B, k)."""
        return loss.gradient(yhat, target)


class SoftmaxCrossEntropy(ClosedForm):
    """ℓ = −Σ_j t_j log ŷ_j with log ŷ from a, ∂ℓ/∂a = ŷ − t."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        # log ŷ_j = log(1 − Σ_{m≠j} ŷ_m) keeps the digits at a certain target (t_j = 1) whose ŷ_j is near 1
        xp = namespace(a)
        rest = xp.sum(xp.where(target == 1, yhat - yhat, yhat), axis=-1)  # 0 for a number, and NaN stays NaN
        near = real_part(rest) < 0.5
        close = -log1p(-xp.where(near, rest, xp.zeros_like(rest)))
        return xp.where(near, close, -xp.sum(times(2 * target, _half_log_softmax(a)), axis=-1))

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        # ŷ − t. At a certain target, ŷ_j − 1 = −Σ_{m≠j} ŷ_m keeps the digits that ŷ_j has rounded away
        xp = namespace(a)
        certain = target == 1
        others = xp.sum(xp.where(certain, yhat - yhat, yhat), axis=-1, keepdims=True)
        return xp.where(certain, -others, yhat - target)


class SoftmaxKL(SoftmaxCrossEntropy):
    """Cross-entropy less the entropy of t, which has no gradient."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).sum(times_log(target, target), axis=-1) + super().value(loss, a, yhat, target)


class SoftmaxFocal(ClosedForm):
    """With p_j = ŷ_j ∂ℓ/∂ŷ_j it is ∂ℓ/∂a_j = p_j (1 − ŷ_j) − ŷ_j Σ_{m≠j} p_m, with 1 − ŷ and log ŷ from a."""

    def value(self, loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
        rest = sums_of_others(yhat)
        terms = times(2 * target * power(rest, loss.gamma), _half_log_of_softmax(a, rest))
        return -namespace(a).sum(terms, axis=-1)

    def gradient(self, loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
        rest = sums_of_others(yhat)
        pull = -target * power(rest, loss.gamma)
        if loss.gamma:
            slope = target * yhat * slope_of_power(rest, loss.gamma)
            pull = pull + times(2 * slope, _half_log_of_softmax(a, rest))
        return through_softmax(pull, yhat, rest)

    def output_gradient(self, loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
        rest = sums_of_others(yhat)
        pull = -quotient(target * power(rest, loss.gamma), yhat)
        if not loss.gamma:
            return pull
        return pull + times(2 * target * slope_of_power(rest, loss.gamma), _half_log_of_softmax(a, rest))


class SoftmaxSquaredError(ClosedForm):
    """Half the squared error of probabilities, with ŷ_j − 1 = −Σ_{m≠j} ŷ_m."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return half_squares(self.output_gradient(loss, a, yhat, target))

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return Softmax().gradient(a, yhat, self.output_gradient(loss, a, yhat, target))

    def output_gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).where(target == 1, -sums_of_others(yhat), yhat - target)


class SigmoidSquaredError(ClosedForm):
    """Half the squared error of probabilities, with ŷ_j − 1 = −σ(−a_j)."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return half_squares(self.output_gradient(loss, a, yhat, target))

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return self.output_gradient(loss, a, yhat, target) * Sigmoid().g_prime(a)

    def output_gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).where(target == 1, -sigmoid(-a), yhat - target)


class SoftmaxPoisson(ClosedForm):
    """Poisson deviance of probabilities, with log ŷ from a; p_j = ŷ_j ∂ℓ/∂ŷ_j is 2(ŷ_j − t_j)."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return _deviance(target, yhat, 2 * _half_log_of_softmax(a, sums_of_others(yhat)))

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return through_softmax(2 * (yhat - target), yhat, sums_of_others(yhat))


class CrossEntropyOf(ClosedForm):
    """ℓ = −Σ_j t_j log ŷ_j, ∂ℓ/∂a = −t g′/g, for one of the ``Tails``."""

    def __init__(self, tails: Tails) -> None:
        self.tails = tails

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return -namespace(a).sum(times(target, self.tails.log(a, yhat)), axis=-1)

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return -target * self.tails.slope_of_log(a, yhat)


class KLOf(CrossEntropyOf):
    """Cross-entropy less the entropy of t, which has no gradient."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).sum(times_log(target, target), axis=-1) + super().value(loss, a, yhat, target)


class FocalOf(CrossEntropyOf):
    """ℓ = −Σ_j t_j r_j^γ log ŷ_j with r = 1 − ŷ, ∂ℓ/∂a = t [γ r^(γ−1) g′ log ŷ − r^γ g′/g]."""

    def value(self, loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
        rest = self.tails.rest(a, yhat)
        return -namespace(a).sum(times(target * power(rest, loss.gamma), self.tails.log(a, yhat)), axis=-1)

    def gradient(self, loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
        tails, rest = self.tails, self.tails.rest(a, yhat)
        pull = -target * power(rest, loss.gamma) * tails.slope_of_log(a, yhat)
        if not loss.gamma:
            return pull
        factor = target * slope_of_power(rest, loss.gamma)
        return pull + times(factor, tails.slope(a, yhat) * tails.log(a, yhat))

    def output_gradient(self, loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
        rest = self.tails.rest(a, yhat)
        pull = -quotient(target * power(rest, loss.gamma), yhat)
        if not loss.gamma:
            return pull
        return pull + times(target * slope_of_power(rest, loss.gamma), self.tails.log(a, yhat))


class BinaryCrossEntropyOf(CrossEntropyOf):
    """ℓ = −Σ_j [t_j log ŷ_j + (1 − t_j) log(1 − ŷ_j)], ∂ℓ/∂a = (1 − t) g′/(1 − g) − t g′/g."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        terms = times(target, self.tails.log(a, yhat)) + times(1 - target, self.tails.log_of_rest(a, yhat))
        return -namespace(a).sum(terms, axis=-1)

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        rise = times(1 - target, quotient(self.tails.slope(a, yhat), self.tails.rest(a, yhat)))
        return rise - target * self.tails.slope_of_log(a, yhat)

    def output_gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return quotient(1 - target, self.tails.rest(a, yhat)) - quotient(target, yhat)


class SigmoidBinaryCrossEntropy(BinaryCrossEntropyOf):
    """−log σ(a) = log(1 + e^−|a|) + max(0, −a), and −log(1 − σ(a)) the same with a for −a; ∂ℓ/∂a = ŷ − t."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        xp = namespace(a)
        zero = xp.zeros_like(a)
        negative = real_part(a) <= 0
        tail = log1p(xp.exp(xp.where(negative, a, -a)))
        excess = target * xp.where(negative, -a, zero) + (1 - target) * xp.where(negative, zero, a)
        return xp.sum(tail + excess, axis=-1)

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        # ŷ − t, written so that neither 1 − ŷ nor ŷ − 1 loses digits
        return (1 - target) * yhat - target * sigmoid(-a)


class PoissonOf(CrossEntropyOf):
    """Poisson deviance with log ŷ from a, ∂ℓ/∂a = 2(ŷ − t) g′/g; with exp it is 2(ŷ − t)."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return _deviance(target, yhat, self.tails.log(a, yhat))

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        residual = namespace(a).where(target == 1, -self.tails.rest(a, yhat), yhat - target)
        return 2 * residual * self.tails.slope_of_log(a, yhat)


OF_TAILS: dict[type[Loss], type[CrossEntropyOf]] = {
    CrossEntropy: CrossEntropyOf,
    KLDivergence: KLOf,
    Focal: FocalOf,
    BinaryCrossEntropy: BinaryCrossEntropyOf,
    PoissonDeviance: PoissonOf,
}
CLOSED_FORMS: dict[tuple[str, type[Loss]], ClosedForm] = {
    **{(output, loss): form(tails) for output, tails in TAILS.items() for loss, form in OF_TAILS.items()},
    ("softmax", CrossEntropy): SoftmaxCrossEntropy(),
    ("softmax", KLDivergence): SoftmaxKL(),
    ("softmax", Focal): SoftmaxFocal(),
    ("softmax", SquaredError): SoftmaxSquaredError(),
    ("softmax", PoissonDeviance): SoftmaxPoisson(),
    ("sigmoid", SquaredError): SigmoidSquaredError(),
    ("sigmoid", BinaryCrossEntropy): SigmoidBinaryCrossEntropy(TAILS["sigmoid"]),
}


def _half_log_of_softmax(a: Array, rest: Array) -> Array:
    """½ log ŷ_j, from 1 − ŷ_j where that is small, else from a."""
    xp = namespace(a)
    near = real_part(rest) < 0.5
    return xp.where(near, log1p(-xp.where(near, rest, xp.zeros_like(rest))) / 2, _half_log_softmax(a))


def _half_log_softmax(a: Array) -> Array:
    """½ log ŷ_j = (½a_j − ½m) − ½ log Σ_m e^{a_m − m} with one m = max a: finite for every finite a."""
    xp = namespace(a)
    most = largest(a)
    return (a / 2 - most / 2) - xp.log(xp.sum(xp.exp(a - most), axis=-1, keepdims=True)) / 2


def _deviance(target: Array, yhat: Array, log_yhat: Array) -> Array:
    # log(t/ŷ) = −u for u = log ŷ − log t, and near u = 0 the terms cancel: there t(e^u − 1 − u) keeps the digits
    xp = namespace(yhat)
    log_target = xp.log(xp.where(target > 0, target, xp.ones_like(target)))
    u = log_yhat - log_target
    near = (target > 0) & (xp.abs(real_part(u)) < 1)
    close = target * (xp.expm1(xp.where(near, u, xp.zeros_like(u))) - u)
    far = target * log_target + (yhat - target - times(target, log_yhat))
    far = xp.where(real_part(yhat) == math.inf, yhat, far)  # whatever it is that overflows besides
    return 2 * xp.sum(xp.where(near, close, far), axis=-1)
