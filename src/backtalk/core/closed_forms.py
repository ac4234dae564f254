"""Pairs of output function and loss whose ℓ and ∂ℓ/∂a are written in a, so that no digit is lost in ŷ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .activations import Sigmoid, sigmoid, softplus
from .arrays import Array, namespace, real_part
from .losses import BinaryCrossEntropy, CrossEntropy, Focal, KLDivergence, Loss, PoissonDeviance, SquaredError
from .losses.classes import power
from .losses.loss import quotient, times_log
from .outputs import Softmax, largest, sums_of_others


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """ℓ and ∂ℓ/∂a of a pair, functions of (loss, a, ŷ, t); and ∂ℓ/∂ŷ, if a keeps digits that ŷ has lost.

    >>> import numpy as np
    >>> a, target = np.array([[1e4, 0.0, -1e4]]), np.array([[0.0, 1.0, 0.0]])
    >>> pair, yhat = CLOSED_FORMS["softmax", CrossEntropy], np.array([[1.0, 0.0, 0.0]])
    >>> pair.value(CrossEntropy(), a, yhat, target), pair.gradient(CrossEntropy(), a, yhat, target)
    (array([10000.]), array([[ 1., -1.,  0.]]))
    """

    value: Callable[[Any, Array, Array, Array], Array]
    gradient: Callable[[Any, Array, Array, Array], Array]
    output_gradient: Callable[[Any, Array, Array, Array], Array] | None = None


# softmax


def _log_softmax(a: Array) -> Array:
    """log ŷ_j = (a_j − m) − log Σ_m e^{a_m − m} with one m = max a: finite where a_j − m is."""
    xp = namespace(a)
    lower = a - largest(a)
    return lower - xp.log(xp.sum(xp.exp(lower), axis=-1, keepdims=True))


def _times_log_softmax(factor: Array, a: Array) -> Array:
    """Σ_j factor_j log ŷ_j, with 0 log 0 = 0."""
    xp = namespace(a)
    log_yhat = _log_softmax(a)
    return xp.sum(xp.where(factor == 0, xp.zeros_like(log_yhat), factor * log_yhat), axis=-1)


def _softmax_cross_entropy(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return -_times_log_softmax(target, a)


def _softmax_minus_target(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    # ŷ − t. At a certain target (t_j = 1), ŷ_j − 1 = −Σ_{m≠j} ŷ_m keeps the digits that ŷ_j has rounded away
    xp = namespace(a)
    certain = target == 1
    others = xp.sum(xp.where(certain, xp.zeros_like(yhat), yhat), axis=-1, keepdims=True)
    return xp.where(certain, -others, yhat - target)


def _softmax_kl(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return namespace(a).sum(times_log(target, target), axis=-1) - _times_log_softmax(target, a)


def _softmax_focal(loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
    return -_times_log_softmax(target * power(sums_of_others(yhat), loss.gamma), a)


def _softmax_focal_gradient(loss: Focal, a: Array, yhat: Array, target: Array) -> Array:
    # s_j = ŷ_j ∂ℓ/∂ŷ_j, and ∂ℓ/∂a_j = s_j − ŷ_j Σ_m s_m = s_j (1 − ŷ_j) − ŷ_j Σ_{m≠j} s_m
    xp = namespace(a)
    rest = sums_of_others(yhat)
    pull = -target * power(rest, loss.gamma)
    if loss.gamma:
        slope = loss.gamma * target * yhat * power(rest, loss.gamma - 1)
        pull = pull + xp.where(slope == 0, xp.zeros_like(slope), slope * _log_softmax(a))
    return pull * rest - yhat * sums_of_others(pull)


# sigmoid


def _sigmoid_binary(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    # −log σ(a) = log(1 + e^−|a|) + max(0, −a), and −log(1 − σ(a)) the same with a for −a
    xp = namespace(a)
    zero = xp.zeros_like(a)
    negative = real_part(a) <= 0
    tail = xp.log1p(xp.exp(xp.where(negative, a, -a)))
    excess = target * xp.where(negative, -a, zero) + (1 - target) * xp.where(negative, zero, a)
    return xp.sum(tail + excess, axis=-1)


def _sigmoid_minus_target(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    # ŷ − t, written so that neither 1 − ŷ nor ŷ − 1 loses digits
    return (1 - target) * yhat - target * sigmoid(-a)


def _sigmoid_binary_output(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return quotient(1 - target, sigmoid(-a)) - quotient(target, yhat)


def _sigmoid_cross_entropy(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return namespace(a).sum(target * softplus(-a), axis=-1)


def _sigmoid_cross_entropy_gradient(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return -target * sigmoid(-a)


# squared error


def _residual(yhat: Array, rest: Array, target: Array) -> Array:
    """ŷ − t, written as −(1 − ŷ) at a target of 1."""
    return namespace(yhat).where(target == 1, -rest, yhat - target)


def _half_square(residual: Array) -> Array:
    return namespace(residual).sum(residual**2, axis=-1) / 2


def _softmax_squared(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return _half_square(_softmax_residual(loss, a, yhat, target))


def _softmax_residual(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return _residual(yhat, sums_of_others(yhat), target)


def _softmax_squared_gradient(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return Softmax().gradient(a, yhat, _softmax_residual(loss, a, yhat, target))


def _sigmoid_squared(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return _half_square(_sigmoid_residual(loss, a, yhat, target))


def _sigmoid_residual(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return _residual(yhat, sigmoid(-a), target)


def _sigmoid_squared_gradient(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return _sigmoid_residual(loss, a, yhat, target) * Sigmoid().g_prime(a)


# exp and softplus


def _deviance(target: Array, yhat: Array, log_yhat: Array) -> Array:
    # log(t/ŷ) = −u for u = log ŷ − log t, and near u = 0 the terms cancel: there t(e^u − 1 − u) keeps the digits
    xp = namespace(yhat)
    log_target = xp.log(xp.where(target > 0, target, xp.ones_like(target)))
    u = log_yhat - log_target
    near = (target > 0) & (xp.abs(real_part(u)) < 1)
    close = target * (xp.expm1(xp.where(near, u, xp.zeros_like(u))) - u)
    far = target * log_target + (yhat - target - target * log_yhat)
    return 2 * xp.sum(xp.where(near, close, far), axis=-1)


def _exp_poisson(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return _deviance(target, yhat, a)


def _exp_minus_target(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    return 2 * (yhat - target)


LOW = -40.0  # below, log(softplus(a)) is a, and σ(a)/softplus(a) is 1, to the last digit


def _softplus_poisson(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    xp = namespace(a)
    low = real_part(a) < LOW
    return _deviance(target, yhat, xp.where(low, a, xp.log(xp.where(low, xp.ones_like(yhat), yhat))))


def _softplus_poisson_gradient(loss: Loss, a: Array, yhat: Array, target: Array) -> Array:
    # 2(1 − t/ŷ) σ(a)
    xp = namespace(a)
    low = a < LOW
    slope = sigmoid(a)
    return 2 * (slope - target * xp.where(low, xp.ones_like(a), slope / xp.where(low, xp.ones_like(a), yhat)))


CLOSED_FORMS: dict[tuple[str, type[Loss]], ClosedForm] = {
    ("softmax", CrossEntropy): ClosedForm(_softmax_cross_entropy, _softmax_minus_target),
    ("softmax", KLDivergence): ClosedForm(_softmax_kl, _softmax_minus_target),
    ("softmax", Focal): ClosedForm(_softmax_focal, _softmax_focal_gradient),
    ("sigmoid", BinaryCrossEntropy): ClosedForm(_sigmoid_binary, _sigmoid_minus_target, _sigmoid_binary_output),
    ("sigmoid", CrossEntropy): ClosedForm(_sigmoid_cross_entropy, _sigmoid_cross_entropy_gradient),
    ("softmax", SquaredError): ClosedForm(_softmax_squared, _softmax_squared_gradient, _softmax_residual),
    ("sigmoid", SquaredError): ClosedForm(_sigmoid_squared, _sigmoid_squared_gradient, _sigmoid_residual),
    ("exp", PoissonDeviance): ClosedForm(_exp_poisson, _exp_minus_target),
    ("softplus", PoissonDeviance): ClosedForm(_softplus_poisson, _softplus_poisson_gradient),
}
