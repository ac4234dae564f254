"""Pairs of output function and loss whose ℓ and ∂ℓ/∂a are written in a, so that no digit is lost in ŷ."""

from __future__ import annotations

from typing import Any

from .activations import Sigmoid, sigmoid, softplus
from .arrays import Array, namespace, real_part
from .losses import BinaryCrossEntropy, CrossEntropy, Focal, KLDivergence, Loss, PoissonDeviance, SquaredError
from .losses.classes import power
from .losses.loss import quotient, times_log
from .outputs import Softmax, largest, sums_of_others, through_softmax


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
        rest = xp.sum(xp.where(target == 1, xp.zeros_like(yhat), yhat), axis=-1)
        near = real_part(rest) < 0.5
        close = -xp.log1p(-xp.where(near, rest, xp.zeros_like(rest)))
        return xp.where(near, close, -xp.sum(_times(target, _log_softmax(a)), axis=-1))

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        # ŷ − t. At a certain target, ŷ_j − 1 = −Σ_{m≠j} ŷ_m keeps the digits that ŷ_j has rounded away
        xp = namespace(a)
        certain = target == 1
        others = xp.sum(xp.where(certain, xp.zeros_like(yhat), yhat), axis=-1, keepdims=True)
        return xp.where(certain, -others, yhat - target)


class SoftmaxKL(SoftmaxCrossEntropy):
    """Cross-entropy less the entropy of t, which has no gradient."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).sum(times_log(target, target), axis=-1) + super().value(loss, a, yhat, target)


class SoftmaxFocal(ClosedForm):
    """With p_j = ŷ_j ∂ℓ/∂ŷ_j it is ∂ℓ/∂a_j = p_j (1 − ŷ_j) − ŷ_j Σ_{m≠j} p_m, with 1 − ŷ and log ŷ from a."""

    def value(self, loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
        rest = sums_of_others(yhat)
        return -namespace(a).sum(_times(target * power(rest, loss.gamma), self._log(a, rest)), axis=-1)

    def gradient(self, loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
        rest = sums_of_others(yhat)
        pull = -target * power(rest, loss.gamma)
        if loss.gamma:
            slope = loss.gamma * target * yhat * power(rest, loss.gamma - 1)
            pull = pull + _times(slope, self._log(a, rest))
        return through_softmax(pull, yhat, rest)

    def _log(self, a: Array, rest: Array) -> Array:
        xp = namespace(a)
        near = real_part(rest) < 0.5
        return xp.where(near, xp.log1p(-xp.where(near, rest, xp.zeros_like(rest))), _log_softmax(a))


class SoftmaxSquaredError(ClosedForm):
    """Half the squared error of probabilities, with ŷ_j − 1 = −Σ_{m≠j} ŷ_m."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).sum(self.output_gradient(loss, a, yhat, target) ** 2, axis=-1) / 2

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return Softmax().gradient(a, yhat, self.output_gradient(loss, a, yhat, target))

    def output_gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).where(target == 1, -sums_of_others(yhat), yhat - target)


class SigmoidSquaredError(ClosedForm):
    """Half the squared error of probabilities, with ŷ_j − 1 = −σ(−a_j)."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).sum(self.output_gradient(loss, a, yhat, target) ** 2, axis=-1) / 2

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return self.output_gradient(loss, a, yhat, target) * Sigmoid().g_prime(a)

    def output_gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).where(target == 1, -sigmoid(-a), yhat - target)


class SigmoidBinaryCrossEntropy(ClosedForm):
    """−log σ(a) = log(1 + e^−|a|) + max(0, −a), and −log(1 − σ(a)) the same with a for −a; ∂ℓ/∂a = ŷ − t."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        xp = namespace(a)
        zero = xp.zeros_like(a)
        negative = real_part(a) <= 0
        tail = xp.log1p(xp.exp(xp.where(negative, a, -a)))
        excess = target * xp.where(negative, -a, zero) + (1 - target) * xp.where(negative, zero, a)
        return xp.sum(tail + excess, axis=-1)

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        # ŷ − t, written so that neither 1 − ŷ nor ŷ − 1 loses digits
        return (1 - target) * yhat - target * sigmoid(-a)

    def output_gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return quotient(1 - target, sigmoid(-a)) - quotient(target, yhat)


class SigmoidCrossEntropy(ClosedForm):
    """ℓ = −Σ_j t_j log σ(a_j), ∂ℓ/∂a = −t σ(−a)."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).sum(target * softplus(-a), axis=-1)

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return -target * sigmoid(-a)


class ExpPoisson(ClosedForm):
    """Poisson deviance with log ŷ = a, ∂ℓ/∂a = 2(ŷ − t)."""

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return _deviance(target, yhat, a)

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        return 2 * (yhat - target)


class SoftplusPoisson(ClosedForm):
    """Poisson deviance with ŷ = log(1 + e^a), ∂ℓ/∂a = 2(1 − t/ŷ) σ(a)."""

    LOW = -40.0  # below, log ŷ is a, and σ(a)/ŷ is 1, to the last digit

    def value(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        xp = namespace(a)
        low = real_part(a) < self.LOW
        return _deviance(target, yhat, xp.where(low, a, xp.log(xp.where(low, xp.ones_like(yhat), yhat))))

    def gradient(self, loss: Any, a: Array, yhat: Array, target: Array) -> Array:
        xp = namespace(a)
        low = a < self.LOW
        slope, one = sigmoid(a), xp.ones_like(a)
        return 2 * (slope - target * xp.where(low, one, slope / xp.where(low, one, yhat)))


CLOSED_FORMS: dict[tuple[str, type[Loss]], ClosedForm] = {
    ("softmax", CrossEntropy): SoftmaxCrossEntropy(),
    ("softmax", KLDivergence): SoftmaxKL(),
    ("softmax", Focal): SoftmaxFocal(),
    ("softmax", SquaredError): SoftmaxSquaredError(),
    ("sigmoid", SquaredError): SigmoidSquaredError(),
    ("sigmoid", BinaryCrossEntropy): SigmoidBinaryCrossEntropy(),
    ("sigmoid", CrossEntropy): SigmoidCrossEntropy(),
    ("exp", PoissonDeviance): ExpPoisson(),
    ("softplus", PoissonDeviance): SoftplusPoisson(),
}


def _log_softmax(a: Array) -> Array:
    """log ŷ_j = (a_j − m) − log Σ_m e^{a_m − m} with one m = max a: finite where a_j − m is."""
    xp = namespace(a)
    lower = a - largest(a)
    return lower - xp.log(xp.sum(xp.exp(lower), axis=-1, keepdims=True))


def _times(factor: Array, logarithm: Array) -> Array:
    """The product, 0 where the factor is 0, also if the logarithm is −inf."""
    xp = namespace(factor)
    silent = factor == 0
    return factor * xp.where(silent, xp.zeros_like(logarithm), logarithm)


def _deviance(target: Array, yhat: Array, log_yhat: Array) -> Array:
    # log(t/ŷ) = −u for u = log ŷ − log t, and near u = 0 the terms cancel: there t(e^u − 1 − u) keeps the digits
    xp = namespace(yhat)
    log_target = xp.log(xp.where(target > 0, target, xp.ones_like(target)))
    u = log_yhat - log_target
    near = (target > 0) & (xp.abs(real_part(u)) < 1)
    close = target * (xp.expm1(xp.where(near, u, xp.zeros_like(u))) - u)
    far = target * log_target + (yhat - target - target * log_yhat)
    return 2 * xp.sum(xp.where(near, close, far), axis=-1)
