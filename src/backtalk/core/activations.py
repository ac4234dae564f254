"""Activations: g with its derivative g′, and one table of them.

g′ is computed from a, to full relative precision: h(1 − h) for the sigmoid, or 1 − h² for tanh, lose every
digit where the unit is saturated, and vanishing gradients are what this package is asked about.

At a kink g′ is the derivative from the left, so a ReLU unit at exactly 0 counts as inactive.
The branch of a piecewise g is chosen so that NaN stays NaN, and on the real part of a, so that ``check`` can
differentiate with complex numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from ..errors import InputError, InputTypeError, unknown_name
from .arrays import Array, erfc, namespace, real_part
from .initialization import SCHEMES
from .specification import read_specification, require_range, write_specification


@dataclass(frozen=True, slots=True, repr=False)
class Activation:
    """An element-wise activation: ``g(a)`` and its derivative ``g_prime(a)``.

    ``kinks`` are the points where g or g′ has a corner: a finite difference across one is no derivative.
    ``initialization`` is the scheme for the weights of a layer with this activation. ``range``: between which numbers
    g(a) lies.

    >>> import numpy as np
    >>> from backtalk import Network
    >>> relu = Network.create([2, 3, 1], "relu", rng=0).activations[0]
    >>> relu.g(np.array([-2.0, 2.0])), relu.g_prime(np.array([-2.0, 2.0])), relu.kinks
    (array([0., 2.]), array([0., 1.]), (0.0,))
    """

    name: ClassVar[str]
    kinks: ClassVar[tuple[float, ...]] = ()
    initialization: ClassVar[str] = "he_normal"
    range: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    def g(self, a: Array) -> Array:
        """g for each element of a."""
        raise NotImplementedError

    def g_prime(self, a: Array) -> Array:
        """g′ for each element of a; at a kink the derivative from the left."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return write_specification(self)


def _where(condition: Array, yes: Array | float, no: Array | float, like: Array) -> Array:
    """xp.where with numbers allowed for the branches, in the dtype of ``like``."""
    xp = namespace(like)
    yes, no = (xp.full_like(like, part) if isinstance(part, int | float) else part for part in (yes, no))
    return xp.where(condition, yes, no)


def _within(a: Array, limit: float) -> Array:
    """a clipped to [−limit, limit]; NaN stays NaN."""
    return _where(real_part(a) > limit, limit, _where(real_part(a) < -limit, -limit, a, a), a)


def _decay(a: Array) -> Array:
    """exp(−|a|), which never overflows."""
    return namespace(a).exp(_where(real_part(a) <= 0, a, -a, a))


def sigmoid(a: Array) -> Array:
    """σ(a) = 1/(1 + e^−a), accurate in both tails."""
    decay = _decay(a)
    return _where(real_part(a) <= 0, decay, 1.0, a) / (1 + decay)


def _sigmoid_prime(a: Array) -> Array:
    decay = _decay(a)
    return decay / (1 + decay) ** 2


def _tanh_prime(a: Array) -> Array:
    return 4 * _sigmoid_prime(2 * a)


def softplus(a: Array) -> Array:
    """log(1 + e^a), accurate in both tails."""
    return _where(real_part(a) <= 0, 0.0, a, a) + namespace(a).log1p(_decay(a))


@dataclass(frozen=True, slots=True, repr=False)
class Identity(Activation):
    """g(a) = a, g′(a) = 1."""

    name = "identity"
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return a

    def g_prime(self, a: Array) -> Array:
        return namespace(a).ones_like(a)


@dataclass(frozen=True, slots=True, repr=False)
class Sigmoid(Activation):
    """g(a) = σ(a) = 1/(1 + e^−a), g′(a) = σ(a)·σ(−a)."""

    name = "sigmoid"
    range = (0.0, 1.0)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return sigmoid(a)

    def g_prime(self, a: Array) -> Array:
        return _sigmoid_prime(a)


@dataclass(frozen=True, slots=True, repr=False)
class Tanh(Activation):
    """g(a) = tanh a, g′(a) = 1/cosh² a."""

    name = "tanh"
    range = (-1.0, 1.0)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return namespace(a).tanh(a)

    def g_prime(self, a: Array) -> Array:
        return _tanh_prime(a)


@dataclass(frozen=True, slots=True, repr=False)
class ReLU(Activation):
    """g(a) = max(0, a), g′(a) = 1 where a > 0, else 0; g′(0) = 0.

    >>> import numpy as np
    >>> ReLU().g_prime(np.array([-1.0, 0.0, 1.0]))
    array([0., 0., 1.])
    """

    name = "relu"
    range = (0.0, math.inf)
    kinks = (0.0,)

    def g(self, a: Array) -> Array:
        return _where(real_part(a) <= 0, 0.0, a, a)

    def g_prime(self, a: Array) -> Array:
        return _where(real_part(a) <= 0, 0.0, 1.0, a)


@dataclass(frozen=True, slots=True, repr=False)
class LeakyReLU(Activation):
    """g(a) = a where a > 0, else slope·a; g′(0) = slope."""

    name = "leaky_relu"
    kinks = (0.0,)
    slope: float = 0.01

    def __post_init__(self) -> None:
        require_range(self, "slope", -math.inf, math.inf, "()")

    def g(self, a: Array) -> Array:
        return _where(real_part(a) <= 0, self.slope * a, a, a)

    def g_prime(self, a: Array) -> Array:
        return _where(real_part(a) <= 0, self.slope, 1.0, a)


def _elu(a: Array, scale: float, alpha: float) -> Array:
    below = _where(real_part(a) <= 0, a, 0.0, a)  # keeps expm1 from overflowing where it is not used
    return _where(real_part(a) <= 0, scale * alpha * namespace(a).expm1(below), scale * a, a)


def _elu_prime(a: Array, scale: float, alpha: float) -> Array:
    below = _where(real_part(a) <= 0, a, 0.0, a)
    return _where(real_part(a) <= 0, scale * alpha * namespace(a).exp(below), scale, a)


@dataclass(frozen=True, slots=True, repr=False)
class ELU(Activation):
    """g(a) = a where a > 0, else α(e^a − 1); g′(0) = α (Clevert, Unterthiner and Hochreiter 2016)."""

    name = "elu"
    kinks = (0.0,)
    alpha: float = 1.0

    def __post_init__(self) -> None:
        require_range(self, "alpha", 0, math.inf, "()")

    def g(self, a: Array) -> Array:
        return _elu(a, 1.0, self.alpha)

    def g_prime(self, a: Array) -> Array:
        return _elu_prime(a, 1.0, self.alpha)


@dataclass(frozen=True, slots=True, repr=False)
class SELU(Activation):
    """g(a) = λ·a where a > 0, else λα(e^a − 1); g′(0) = λα ≈ 1.758 (Klambauer et al. 2017, λ and α theirs)."""

    name = "selu"
    kinks = (0.0,)
    initialization = "lecun_normal"
    SCALE: ClassVar[float] = 1.0507009873554804934193349852946
    ALPHA: ClassVar[float] = 1.6732632423543772848170429916717

    def g(self, a: Array) -> Array:
        return _elu(a, self.SCALE, self.ALPHA)

    def g_prime(self, a: Array) -> Array:
        return _elu_prime(a, self.SCALE, self.ALPHA)


@dataclass(frozen=True, slots=True, repr=False)
class GELU(Activation):
    """g(a) = a·Φ(a), g′(a) = Φ(a) + a·φ(a), Φ and φ the normal distribution and density (Hendrycks, Gimpel 2016)."""

    name = "gelu"

    def g(self, a: Array) -> Array:
        return a * erfc(-a * math.sqrt(0.5)) / 2

    def g_prime(self, a: Array) -> Array:
        # beyond ±40 the density is 0 to the last digit, and a² could overflow
        near = _within(a, 40.0)
        density = namespace(a).exp(-near * near / 2) / math.sqrt(2 * math.pi)
        return erfc(-a * math.sqrt(0.5)) / 2 + near * density


@dataclass(frozen=True, slots=True, repr=False)
class GELUTanh(Activation):
    """g(a) = a·σ(2u) = ½a(1 + tanh u), u = √(2/π)(a + 0.044715 a³); g′(a) = σ(2u) + a·σ′(2u)·2u′."""

    name = "gelu_tanh"
    CUBIC: ClassVar[float] = 0.044715
    SCALE: ClassVar[float] = math.sqrt(2 / math.pi)

    def _inner(self, a: Array) -> tuple[Array, Array]:
        # beyond ±50, σ(2u) is 0 or 1 to the last digit, and a³ could overflow
        near = _within(a, 50.0)
        u = self.SCALE * (near + self.CUBIC * near**3)
        return u, self.SCALE * (1 + 3 * self.CUBIC * near * near)

    def g(self, a: Array) -> Array:
        u, _ = self._inner(a)
        return a * sigmoid(2 * u)

    def g_prime(self, a: Array) -> Array:
        u, u_prime = self._inner(a)
        return sigmoid(2 * u) + a * _sigmoid_prime(2 * u) * 2 * u_prime


@dataclass(frozen=True, slots=True, repr=False)
class SiLU(Activation):
    """g(a) = a·σ(a), g′(a) = σ(a) + a·σ′(a) (also called swish)."""

    name = "silu"

    def g(self, a: Array) -> Array:
        return a * sigmoid(a)

    def g_prime(self, a: Array) -> Array:
        return sigmoid(a) + a * _sigmoid_prime(a)


@dataclass(frozen=True, slots=True, repr=False)
class Softplus(Activation):
    """g(a) = log(1 + e^a), g′(a) = σ(a)."""

    name = "softplus"
    range = (0.0, math.inf)

    def g(self, a: Array) -> Array:
        return softplus(a)

    def g_prime(self, a: Array) -> Array:
        return sigmoid(a)


@dataclass(frozen=True, slots=True, repr=False)
class Mish(Activation):
    """g(a) = a·tanh s, s = softplus(a); g′(a) = tanh s + a·tanh′(s)·σ(a) (Misra 2019)."""

    name = "mish"

    def g(self, a: Array) -> Array:
        return a * namespace(a).tanh(softplus(a))

    def g_prime(self, a: Array) -> Array:
        s = softplus(a)
        return namespace(a).tanh(s) + a * _tanh_prime(s) * sigmoid(a)


@dataclass(frozen=True, slots=True, repr=False)
class Exponential(Activation):
    """g(a) = e^a, g′(a) = e^a; inf where e^a is beyond the largest number of the dtype."""

    name = "exp"
    range = (0.0, math.inf)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return namespace(a).exp(a)

    def g_prime(self, a: Array) -> Array:
        return namespace(a).exp(a)


ACTIVATIONS: dict[str, Callable[..., Activation]] = {
    kind.name: kind
    for kind in (
        Identity, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, SELU, GELU, GELUTanh, SiLU, Softplus, Mish, Exponential,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class RegisteredActivation(Activation):
    """An activation from a user's own pair (g, g′); made by :func:`register_activation`."""

    name: str  # pyright: ignore[reportIncompatibleVariableOverride]
    kinks: tuple[float, ...]  # pyright: ignore[reportIncompatibleVariableOverride]
    initialization: str  # pyright: ignore[reportIncompatibleVariableOverride]
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]

    def g(self, a: Array) -> Array:
        return self._of_same_shape(self.function(a), a, "g")

    def g_prime(self, a: Array) -> Array:
        return self._of_same_shape(self.derivative(a), a, "g_prime")

    def _of_same_shape(self, values: Any, a: Array, function: str) -> Any:
        shape = tuple(getattr(values, "shape", ()))
        if shape not in ((), tuple(a.shape)):  # one number serves for all, such as a derivative of 1
            raise InputError(
                f"activation {self.name} gives an array of shape {shape} for one of shape {tuple(a.shape)}, "
                f"expected the same shape from {function}."
            )
        return values

    def __repr__(self) -> str:
        return self.name


def register_activation(
    name: str,
    g: Callable[[Array], Array],
    g_prime: Callable[[Array], Array],
    *,
    kinks: Iterable[float] = (),
    initialization: str = "he_normal",
) -> Activation:
    """Add an activation to the table, from the pair (g, g′), both element-wise functions of a.

    Write both with operators, or with the functions of the library whose arrays the network has. Name the
    ``kinks``, the points where g or g′ has a corner. ``backtalk.check(name)`` measures whether g′ is the
    derivative of g. If the name is taken, an :class:`InputError` says so.

    >>> import backtalk
    >>> square = backtalk.register_activation("square", lambda a: a * a, lambda a: 2 * a)
    >>> backtalk.check("square").passed
    True
    >>> backtalk.Network.create([2, 3, 1], activation="square", loss="squared_error").activations
    (square,)
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"name is {name!r}, expected one word of letters, digits and underscores.")
    if name in ACTIVATIONS:
        raise InputError(f"name is {name!r}, which is taken: choose another name for your activation.")
    if not callable(g) or not callable(g_prime):
        raise InputTypeError("g and g_prime must both be functions of a.")
    if initialization not in SCHEMES:
        raise unknown_name("initialization", initialization, SCHEMES)
    activation = RegisteredActivation(
        name=name, kinks=_as_kinks(kinks), initialization=initialization, function=g, derivative=g_prime
    )
    ACTIVATIONS[name] = lambda: activation
    return activation


def _as_kinks(kinks: Iterable[float]) -> tuple[float, ...]:
    try:
        corners = tuple(float(kink) for kink in kinks)
    except (TypeError, ValueError):
        raise InputTypeError(f"kinks is {kinks!r}, expected a list of numbers, such as [0.0].") from None
    if not all(map(math.isfinite, corners)):
        raise InputError(f"kinks is {kinks!r}, expected finite numbers.")
    return corners


def as_activation(value: str | Activation, argument: str = "activation") -> Activation:
    """An activation from itself or from its name, with parameters where it has some.

    >>> as_activation("leaky_relu(slope=0.2)")
    leaky_relu(slope=0.2)
    """
    if isinstance(value, Activation):
        return value
    return read_specification(value, ACTIVATIONS, argument)
