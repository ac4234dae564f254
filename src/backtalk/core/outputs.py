"""Output functions: ŷ = O(a_L), and how ∇_ŷℒ becomes ∇_{a_L}ℒ = Jᵀ ∇_ŷℒ, with J = ∂ŷ/∂a_L."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .activations import ACTIVATIONS, Activation, Identity
from .arrays import Array, namespace
from .specification import read_specification


@dataclass(frozen=True, slots=True, repr=False)
class Output:
    """An output function: softmax, or an activation element by element. Arrays have shape (B, k).

    >>> import numpy as np
    >>> tanh = as_output("tanh")
    >>> tanh.value(np.zeros((1, 2))), tanh.gradient(np.zeros((1, 2)), np.zeros((1, 2)), np.array([[3.0, 4.0]]))
    (array([[0., 0.]]), array([[3., 4.]]))
    """

    @property
    def name(self) -> str:
        """Its name without parameters."""
        raise NotImplementedError

    def value(self, a: Array) -> Array:
        """ŷ = O(a)."""
        raise NotImplementedError

    def gradient(self, a: Array, yhat: Array, grad_yhat: Array) -> Array:
        """∂ℓ/∂a = Jᵀ ∂ℓ/∂ŷ, row by row."""
        raise NotImplementedError

    @property
    def kinks(self) -> tuple[float, ...]:
        """The points a where O or O′ has a corner."""
        return ()

    @property
    def range(self) -> tuple[float, float]:
        """Between which numbers each ŷ_j lies."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, repr=False)
class Softmax(Output):
    """ŷ_j = e^{a_j} / Σ_m e^{a_m}; J_{jm} = ŷ_j (1[j = m] − ŷ_m), so ∂ℓ/∂a_j = ŷ_j (∂ℓ/∂ŷ_j − Σ_m ŷ_m ∂ℓ/∂ŷ_m)."""

    @property
    def name(self) -> str:
        return "softmax"

    def value(self, a: Array) -> Array:
        xp = namespace(a)
        powers = xp.exp(a - largest(a))
        return powers / xp.sum(powers, axis=-1, keepdims=True)

    def gradient(self, a: Array, yhat: Array, grad_yhat: Array) -> Array:
        # an output that has rounded to 0 has no part, also where ∂ℓ/∂ŷ_j is infinite there
        xp = namespace(a)
        pull = yhat * xp.where(yhat == 0, xp.zeros_like(grad_yhat), grad_yhat)
        return through_softmax(pull, yhat, sums_of_others(yhat))  # which keeps its digits where ŷ_j is nearly 1

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def __repr__(self) -> str:
        return "softmax"


@dataclass(frozen=True, slots=True, repr=False)
class ElementWise(Output):
    """ŷ_j = g(a_j) for an activation g; J is diagonal, so ∂ℓ/∂a = g′(a) ⊙ ∂ℓ/∂ŷ."""

    activation: Activation

    @property
    def name(self) -> str:
        return self.activation.name

    def value(self, a: Array) -> Array:
        return self.activation.g(a)

    def gradient(self, a: Array, yhat: Array, grad_yhat: Array) -> Array:
        if isinstance(self.activation, Identity):
            return grad_yhat
        # an output that does not move, or that ℓ does not hear, has no part, also where the other factor is infinite
        xp, slope = namespace(a), self.activation.g_prime(a)
        silent = ((slope == 0) & ~xp.isnan(grad_yhat)) | ((grad_yhat == 0) & ~xp.isnan(slope))
        return xp.where(silent, xp.zeros_like(slope), slope * grad_yhat)

    @property
    def kinks(self) -> tuple[float, ...]:
        return self.activation.kinks

    @property
    def range(self) -> tuple[float, float]:
        return self.activation.range

    def __repr__(self) -> str:
        return repr(self.activation)


def as_output(value: str | Output | Activation, argument: str = "output") -> Output:
    """An output function from itself, from an activation, or from its name, with parameters where it has some.

    >>> as_output("softmax"), as_output("leaky_relu(slope=0.2)")
    (softmax, leaky_relu(slope=0.2))
    """
    if isinstance(value, Output):
        return value
    if not isinstance(value, Activation):
        table: dict[str, Callable[..., Softmax | Activation]] = {"softmax": Softmax, **ACTIVATIONS}
        value = read_specification(value, table, argument)
    return ElementWise(value) if isinstance(value, Activation) else value


def through_softmax(pull: Array, yhat: Array, rest: Array) -> Array:
    """∂ℓ/∂a_j = p_j (1 − ŷ_j) − ŷ_j Σ_{m≠j} p_m, from p_j = ŷ_j ∂ℓ/∂ŷ_j (``pull``) and 1 − ŷ (``rest``)."""
    return pull * rest - yhat * sums_of_others(pull)


def sums_of_others(values: Array) -> Array:
    """Σ_{m≠j} values_m for each j, shape (B, k); of softmax's ŷ it is 1 − ŷ_j, also where ŷ_j has rounded to 1."""
    if values.shape[-1] == 1:
        return values - values  # 0, and NaN stays NaN
    xp = namespace(values)
    none = xp.zeros_like(values[..., :1])
    before = xp.concat([none, xp.cumulative_sum(values, axis=-1)[..., :-1]], axis=-1)
    behind = xp.concat([none, xp.cumulative_sum(xp.flip(values, axis=-1), axis=-1)[..., :-1]], axis=-1)
    return before + xp.flip(behind, axis=-1)


def largest(a: Array) -> Array:
    """The entry of each row with the largest real part, shape (B, 1)."""
    xp = namespace(a)
    if not xp.isdtype(a.dtype, "complex floating"):
        return xp.max(a, axis=-1, keepdims=True)
    place = xp.argmax(xp.real(a), axis=-1)
    return xp.take_along_axis(a, place[:, None], axis=-1)
