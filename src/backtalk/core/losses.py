"""Output function with loss: O, the value per example, and ∇_{a_L}, together.

A loss knows its output function O, because the two are differentiated as one: for softmax with cross-entropy
∇_{a_L} collapses to ŷ − e(y), and stays exact where ŷ itself has rounded to 0 or 1. ℓ below is the loss of one
example, summed over its k outputs; ℒ is the weighted mean of ℓ over the batch. t is the target, shape (B, k).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import InputError
from .activations import sigmoid
from .arrays import Array, ArraySpec, is_concrete, namespace, real_part, refuse_non_finite, to_numpy
from .specification import read_specification, require_range, write_specification


@dataclass(frozen=True, slots=True, repr=False)
class Loss:
    """An output function with a loss. Arrays a, ŷ (``yhat``) and t (``target``) have shape (B, k).

    >>> import numpy as np
    >>> from backtalk import Network
    >>> loss, a = Network.create([2, 1], loss="squared_error", rng=0).loss, np.array([[3.0]])
    >>> loss.value(a, loss.output(a), np.array([[1.0]])), loss.gradient(a, loss.output(a), np.array([[1.0]]))
    (array([2.]), array([[2.]]))
    """

    name: ClassVar[str]
    output_name: ClassVar[str]

    def output(self, a: Array) -> Array:
        """ŷ = O(a), shape (B, k)."""
        raise NotImplementedError

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        """t from the y of a user, shape (B, k), checked."""
        raise NotImplementedError

    def value(self, a: Array, yhat: Array, target: Array) -> Array:
        """ℓ for each example, shape (B,)."""
        raise NotImplementedError

    def gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        """∂ℓ/∂a for each example, shape (B, k)."""
        raise NotImplementedError

    def output_gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        """∂ℓ/∂ŷ for each example, shape (B, k), ℓ as a function of ŷ alone, each ŷ_j free."""
        raise NotImplementedError

    def value_at_output(self, yhat: Array, target: Array) -> Array:
        """ℓ for each example, shape (B,), as the function of ŷ alone that ``output_gradient`` differentiates."""
        raise NotImplementedError

    def room(self, yhat: Array, target: Array) -> Array:
        """How far each ŷ_j may move before ℓ, as a function of ŷ alone, is no longer defined; shape (B, k).

        0 if ŷ_j has rounded so close to an end of its range that ŷ alone does not determine ∂ℓ/∂ŷ_j. Here it is the
        distance from 0, for a loss with a term t_j log ŷ_j.
        """
        return _where_heard(target, yhat)

    def kink_side(self, yhat: Array, target: Array) -> Array | None:
        """On which side of its kinks each output lies (0 exactly on one), or None if ℓ has none."""
        del yhat, target
        return None

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        """A random y that this loss accepts, for checks and examples."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return write_specification(self)


@dataclass(frozen=True, slots=True, repr=False)
class CrossEntropy(Loss):
    """Softmax with cross-entropy: ŷ_j = e^{a_j} / Σ_m e^{a_m}, ℓ = −Σ_j t_j log ŷ_j, ∂ℓ/∂a = ŷ − t.

    y: whole numbers 0 … k−1, shape (B,), where t = e(y) is one-hot; or class probabilities, shape (B, k).
    Label smoothing s replaces t by (1 − s)·t + s/k (Szegedy et al. 2016).
    ∂ℓ/∂ŷ_j = −t_j/ŷ_j; where ŷ_j is too small for a number of its dtype, that is −inf.

    >>> import numpy as np
    >>> a = np.array([[1e4, 0.0, -1e4]])
    >>> loss, target = CrossEntropy(), np.array([[0.0, 1.0, 0.0]])
    >>> loss.value(a, loss.output(a), target)
    array([10000.])
    >>> loss.gradient(a, loss.output(a), target)
    array([[ 1., -1.,  0.]])
    """

    name = "cross_entropy"
    output_name = "softmax"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        require_range(self, "label_smoothing", 0, 1)

    def output(self, a: Array) -> Array:
        xp = namespace(a)
        powers = xp.exp(a - _largest(a))
        return powers / xp.sum(powers, axis=-1, keepdims=True)

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        labels = self.labels(y, count, outputs, spec)
        target = _probabilities(y, count, outputs, spec) if labels is None else _one_hot(labels, outputs, spec)
        if self.label_smoothing:
            target = (1 - self.label_smoothing) * target + self.label_smoothing / outputs
        return target

    def labels(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array | None:
        """y as whole numbers 0 … k−1, shape (B,), checked; None where y holds probabilities."""
        y = spec.receive(y, "y")
        if y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1 and outputs > 1):
            return _labels(y, count, outputs)
        return None

    def value(self, a: Array, yhat: Array, target: Array) -> Array:
        # The largest ŷ_j is 1 / Σ_m exp(a_m − max a), so log ŷ_j = a_j − max a + log max ŷ: finite for any a
        xp = namespace(a)
        log_yhat = a - _largest(a) + xp.log(_largest(yhat))
        return -xp.sum(target * log_yhat, axis=-1)

    def gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        # ŷ − t. At a certain target (t_j = 1), ŷ_j − 1 = −Σ_{m≠j} ŷ_m keeps the digits that ŷ_j has rounded away
        xp = namespace(a)
        certain = target == 1
        others = xp.sum(xp.where(certain, xp.zeros_like(yhat), yhat), axis=-1, keepdims=True)
        return xp.where(certain, -others, yhat - target)

    def output_gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        return -_quotient(target, yhat)

    def value_at_output(self, yhat: Array, target: Array) -> Array:
        return -_times_log(target, yhat)

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.integers(outputs, size=count)


@dataclass(frozen=True, slots=True, repr=False)
class BinaryCrossEntropy(Loss):
    """Sigmoid with binary cross-entropy: ŷ = σ(a), ℓ = −Σ_j [t_j log ŷ_j + (1 − t_j) log(1 − ŷ_j)], ∂ℓ/∂a = ŷ − t.

    For k labels that may hold together. y: 0, 1 or probabilities between, shape (B, k), or (B,) for k = 1.
    Label smoothing s replaces t by (1 − s)·t + s/2. ∂ℓ/∂ŷ_j = (1 − t_j)/(1 − ŷ_j) − t_j/ŷ_j; infinite where
    ŷ_j or 1 − ŷ_j is too small for a number of its dtype.
    """

    name = "binary_cross_entropy"
    output_name = "sigmoid"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        require_range(self, "label_smoothing", 0, 1)

    def output(self, a: Array) -> Array:
        return sigmoid(a)

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        target = _numbers(y, count, outputs, spec)
        _refuse_where(target, (target < 0) | (target > 1), "y", "expected labels 0 or 1, or probabilities")
        return (1 - self.label_smoothing) * target + self.label_smoothing / 2

    def value(self, a: Array, yhat: Array, target: Array) -> Array:
        # −log σ(a) = log(1 + e^−|a|) + max(0, −a), and −log(1 − σ(a)) the same with a for −a
        xp = namespace(a)
        zero = xp.zeros_like(a)
        negative = real_part(a) <= 0
        tail = xp.log1p(xp.exp(xp.where(negative, a, -a)))
        excess = target * xp.where(negative, -a, zero) + (1 - target) * xp.where(negative, zero, a)
        return xp.sum(tail + excess, axis=-1)

    def gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        # ŷ − t, written so that neither 1 − ŷ nor ŷ − 1 loses digits
        return (1 - target) * yhat - target * sigmoid(-a)

    def output_gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        return _quotient(1 - target, sigmoid(-a)) - _quotient(target, yhat)

    def value_at_output(self, yhat: Array, target: Array) -> Array:
        return -_times_log(target, yhat) - _times_log(1 - target, 1 - yhat)

    def room(self, yhat: Array, target: Array) -> Array:
        xp = namespace(yhat)
        above = xp.where(1 - yhat < 1e-8, xp.zeros_like(yhat), 1 - yhat)  # nearer to 1, too few digits are left
        return xp.minimum(_where_heard(target, yhat), _where_heard(1 - target, above))

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.integers(2, size=(count, outputs))


class _IdentityOutput(Loss):
    """ŷ = a, so ∂ℓ/∂ŷ is ∂ℓ/∂a. y: any finite numbers, shape (B, k), or (B,) for k = 1."""

    __slots__ = ()
    output_name = "identity"

    def output(self, a: Array) -> Array:
        return a

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        return _numbers(y, count, outputs, spec)

    def output_gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        return self.gradient(a, yhat, target)

    def value_at_output(self, yhat: Array, target: Array) -> Array:
        return self.value(yhat, yhat, target)

    def room(self, yhat: Array, target: Array) -> Array:
        return namespace(yhat).full_like(yhat, math.inf)

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.normal(size=(count, outputs))


@dataclass(frozen=True, slots=True, repr=False)
class SquaredError(_IdentityOutput):
    """Identity with half the squared error: ŷ = a, ℓ = ½ Σ_j (ŷ_j − t_j)², ∂ℓ/∂a = ŷ − t."""

    name = "squared_error"

    def value(self, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).sum((yhat - target) ** 2, axis=-1) / 2

    def gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        return yhat - target


@dataclass(frozen=True, slots=True, repr=False)
class AbsoluteError(_IdentityOutput):
    """Identity with absolute error: ŷ = a, ℓ = Σ_j |ŷ_j − t_j|, ∂ℓ/∂a = sign(ŷ − t); 0 at the kink ŷ = t."""

    name = "absolute_error"

    def value(self, a: Array, yhat: Array, target: Array) -> Array:
        residual = yhat - target
        return namespace(a).sum(residual * self.gradient(a, yhat, target), axis=-1)

    def gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        return namespace(a).sign(real_part(yhat - target))

    def kink_side(self, yhat: Array, target: Array) -> Array:
        return self.gradient(yhat, yhat, target)


@dataclass(frozen=True, slots=True, repr=False)
class Huber(_IdentityOutput):
    """Identity with Huber's loss: ŷ = a, ℓ = Σ_j ρ(ŷ_j − t_j), ρ(r) = ½r² where |r| ≤ δ, else δ(|r| − ½δ).

    ∂ℓ/∂a = r clipped to [−δ, δ] (Huber 1964). ``delta`` is δ, in units of y.
    """

    name = "huber"
    delta: float = 1.0

    def __post_init__(self) -> None:
        require_range(self, "delta", 0, math.inf, "()")

    def value(self, a: Array, yhat: Array, target: Array) -> Array:
        # with c = r clipped to [−δ, δ], ρ(r) = c·(r − ½c) in both pieces
        residual = yhat - target
        clipped = self.gradient(a, yhat, target)
        return namespace(a).sum(clipped * (residual - clipped / 2), axis=-1)

    def gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        xp = namespace(a)
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
class PoissonDeviance(Loss):
    """Exp with Poisson deviance: ŷ = e^a, ℓ = 2 Σ_j [t_j log(t_j/ŷ_j) − t_j + ŷ_j], ∂ℓ/∂a = 2(ŷ − t).

    For counts and rates. y: numbers ≥ 0, shape (B, k), or (B,) for k = 1. ∂ℓ/∂ŷ_j = 2(1 − t_j/ŷ_j).
    ŷ, and with it ℓ and its gradients, is inf where e^a is too big for its dtype (a above 709 in float64).
    """

    name = "poisson_deviance"
    output_name = "exp"

    def output(self, a: Array) -> Array:
        return namespace(a).exp(a)

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        target = _numbers(y, count, outputs, spec)
        _refuse_where(target, target < 0, "y", "expected counts or rates of 0 or more")
        return target

    def value(self, a: Array, yhat: Array, target: Array) -> Array:
        # log(t/ŷ) = −u for u = a − log t, and near u = 0 the terms cancel: there t(e^u − 1 − u) keeps the digits
        xp = namespace(a)
        log_target = xp.log(xp.where(target > 0, target, xp.ones_like(target)))
        u = a - log_target
        near = (target > 0) & (xp.abs(real_part(u)) < 1)
        close = target * (xp.expm1(xp.where(near, u, xp.zeros_like(u))) - u)
        return 2 * xp.sum(xp.where(near, close, target * log_target + (yhat - target - target * a)), axis=-1)

    def gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        return 2 * (yhat - target)

    def output_gradient(self, a: Array, yhat: Array, target: Array) -> Array:
        return 2 * (1 - _quotient(target, yhat))

    def value_at_output(self, yhat: Array, target: Array) -> Array:
        spread = namespace(yhat).sum(yhat - target, axis=-1)
        return 2 * (_times_log(target, target) - _times_log(target, yhat) + spread)

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        return rng.poisson(2.0, size=(count, outputs))


LOSSES: dict[str, type[Loss]] = {
    kind.name: kind for kind in (CrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, PoissonDeviance)
}


def as_loss(value: str | Loss, argument: str = "loss") -> Loss:
    """A loss from itself or from its name, with parameters where it has some.

    >>> as_loss("huber(delta=2)")
    huber(delta=2.0)
    """
    if isinstance(value, Loss):
        return value
    return read_specification(value, LOSSES, argument)


def _largest(a: Array) -> Array:
    """The entry of each row with the largest real part, shape (B, 1)."""
    xp = namespace(a)
    if not xp.isdtype(a.dtype, "complex floating"):
        return xp.max(a, axis=-1, keepdims=True)
    place = xp.argmax(xp.real(a), axis=-1)
    return xp.take_along_axis(a, place[:, None], axis=-1)


def _quotient(numerator: Array, denominator: Array) -> Array:
    """numerator/denominator for both ≥ 0, with 0/0 = 0 and no warning where the quotient is inf."""
    xp = namespace(denominator)
    positive = denominator > 0
    safe = xp.where(positive, denominator, xp.ones_like(denominator))
    limit = xp.where(numerator > 0, xp.full_like(denominator, math.inf), xp.zeros_like(denominator))
    return xp.where(positive, numerator / safe, limit)


def _where_heard(factor: Array, distance: Array) -> Array:
    """The distance where its term of ℓ has a factor above 0; elsewhere ℓ has no such term, and the room is infinite."""
    xp = namespace(distance)
    return xp.where(factor > 0, distance, xp.full_like(distance, math.inf))


def _times_log(factor: Array, value: Array) -> Array:
    """Σ_j factor_j log value_j, shape (B,), with 0 log 0 = 0 and no warning where a log is −inf."""
    xp = namespace(value)
    silent = factor == 0
    return xp.sum(factor * xp.log(xp.where(silent, xp.ones_like(value), value)), axis=-1)


def _numbers(y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
    """y as finite numbers of shape (B, k)."""
    y = spec.receive(y, "y")
    if y.ndim == 1 and outputs == 1:
        y = y[:, None]
    _require_shape(y, count, outputs, f"({count}, {outputs})" + (f" or ({count},)" if outputs == 1 else ""))
    return spec.cast_finite(y, "y")


def _require_shape(y: Array, count: int, outputs: int, expected: str) -> None:
    if y.ndim >= 1 and y.shape[0] != count:
        raise InputError(f"y has {y.shape[0]} rows, but X has {count}: expected one target for each example.")
    if tuple(y.shape) != (count, outputs):
        raise InputError(f"y has shape {tuple(y.shape)}, expected {expected}.")


def _labels(y: Array, count: int, outputs: int) -> Array:
    xp = namespace(y)
    y = y[:, 0] if y.ndim == 2 else y
    if y.shape[0] != count:
        raise InputError(f"y has {y.shape[0]} labels, but X has {count} rows: expected one for each example.")
    refuse_non_finite(y, "y")
    if xp.isdtype(y.dtype, "real floating"):
        _refuse_where(y, y != xp.floor(y), "y", "expected labels, which are whole numbers")
    else:
        y = xp.astype(y, xp.arange(1).dtype)  # a small unsigned dtype could not be compared with k
    wanted = f"expected labels 0 … {outputs - 1}, because the network has {outputs} outputs"
    if outputs == 1:
        wanted = "expected label 0, the only one of a network with 1 output; for yes or no use 'binary_cross_entropy'"
    _refuse_where(y, (y < 0) | (y >= outputs), "y", wanted)
    return y


def _one_hot(labels: Array, outputs: int, spec: ArraySpec) -> Array:
    classes = spec.xp.arange(outputs, device=spec.device)
    return spec.cast(spec.xp.astype(labels, classes.dtype)[:, None] == classes[None, :])


def _probabilities(y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
    y = spec.receive(y, "y")
    _require_shape(y, count, outputs, f"labels of shape ({count},), or probabilities of shape ({count}, {outputs})")
    y = spec.cast_finite(y, "y")
    _refuse_where(y, y < 0, "y", "expected probabilities, which are 0 or more")
    sums = spec.xp.sum(y, axis=1, keepdims=True)
    _refuse_where(sums, spec.xp.abs(sums - 1) > 1e-4, "the sum of a row of y", "expected probabilities with sum 1")
    return y / sums  # exactly 1, so that ŷ − t is the derivative of −Σ t log ŷ to the last digit


def _refuse_where(values: Array, wrong: Array, argument: str, expected: str) -> None:
    """Raise :class:`InputError` with the first value that is wrong, if there is one."""
    xp = namespace(values)
    if not is_concrete(wrong) or not bool(xp.any(wrong)):
        return
    place = to_numpy(wrong).ravel().argmax()
    row = int(place) // (values.shape[1] if values.ndim == 2 else 1)
    found = to_numpy(values).ravel()[place]
    raise InputError(f"{argument} is {found}", place=f"at row {row}", expected=expected)
