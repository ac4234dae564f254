"""Activations without a kink."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..arrays import Array, erfc, namespace
from .activation import (
    Activation,
    sigmoid,
    sigmoid_prime,
    sigmoid_second,
    softplus,
    tanh_prime,
    tanh_second,
    within,
)


@dataclass(frozen=True, slots=True, repr=False)
class Identity(Activation):
    """g(a) = a, g′(a) = 1."""

    name = "identity"
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return a

    def g_prime(self, a: Array) -> Array:
        return namespace(a).ones_like(a)

    def g_second(self, a: Array) -> Array:
        return namespace(a).zeros_like(a)


@dataclass(frozen=True, slots=True, repr=False)
class Sigmoid(Activation):
    """g(a) = σ(a) = 1/(1 + e^−a), g′(a) = σ(a)·σ(−a)."""

    name = "sigmoid"
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return sigmoid(a)

    def g_prime(self, a: Array) -> Array:
        return sigmoid_prime(a)

    def g_second(self, a: Array) -> Array:
        return sigmoid_second(a)


@dataclass(frozen=True, slots=True, repr=False)
class Tanh(Activation):
    """g(a) = tanh a, g′(a) = 1/cosh² a."""

    name = "tanh"
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return namespace(a).tanh(a)

    def g_prime(self, a: Array) -> Array:
        return tanh_prime(a)

    def g_second(self, a: Array) -> Array:
        return tanh_second(a)


@dataclass(frozen=True, slots=True, repr=False)
class GELU(Activation):
    """g(a) = a·Φ(a), g′(a) = Φ(a) + a·φ(a), Φ and φ the normal distribution and density (Hendrycks, Gimpel 2016)."""

    name = "gelu"

    def g(self, a: Array) -> Array:
        return a * (erfc(-a * math.sqrt(0.5)) / 2)

    def g_prime(self, a: Array) -> Array:
        # beyond ±40 the density is 0 to the last digit, and a² could overflow
        near = within(a, 40.0)
        density = namespace(a).exp(-near * near / 2) / math.sqrt(2 * math.pi)
        return erfc(-a * math.sqrt(0.5)) / 2 + near * density

    def g_second(self, a: Array) -> Array:
        # g″(a) = φ(a)(2 − a²)
        near = within(a, 40.0)
        density = namespace(a).exp(-near * near / 2) / math.sqrt(2 * math.pi)
        return density * (2 - near * near)


@dataclass(frozen=True, slots=True, repr=False)
class GELUTanh(Activation):
    """g(a) = a·σ(2u) = ½a(1 + tanh u), u = √(2/π)(a + 0.044715 a³); g′(a) = σ(2u) + a·σ′(2u)·2u′."""

    name = "gelu_tanh"
    CUBIC: ClassVar[float] = 0.044715
    SCALE: ClassVar[float] = math.sqrt(2 / math.pi)

    def _inner(self, a: Array) -> tuple[Array, Array]:
        # beyond ±50, σ(2u) is 0 or 1 to the last digit, and a³ could overflow
        near = within(a, 50.0)
        u = self.SCALE * (near + self.CUBIC * near**3)
        return u, self.SCALE * (1 + 3 * self.CUBIC * near * near)

    def g(self, a: Array) -> Array:
        u, _ = self._inner(a)
        return a * sigmoid(2 * u)

    def g_prime(self, a: Array) -> Array:
        u, u_prime = self._inner(a)
        return sigmoid(2 * u) + a * sigmoid_prime(2 * u) * 2 * u_prime

    def g_second(self, a: Array) -> Array:
        # g″(a) = 2σ′(v)v′ + a(σ″(v)v′² + σ′(v)v″) for v = 2u
        u, u_prime = self._inner(a)
        slope, bend = 2 * u_prime, 12 * self.SCALE * self.CUBIC * within(a, 50.0)
        squashed = sigmoid_prime(2 * u)
        return 2 * squashed * slope + a * (sigmoid_second(2 * u) * slope**2 + squashed * bend)


@dataclass(frozen=True, slots=True, repr=False)
class SiLU(Activation):
    """g(a) = a·σ(a), g′(a) = σ(a) + a·σ′(a) (also called swish)."""

    name = "silu"

    def g(self, a: Array) -> Array:
        return a * sigmoid(a)

    def g_prime(self, a: Array) -> Array:
        return sigmoid(a) + a * sigmoid_prime(a)

    def g_second(self, a: Array) -> Array:
        # g″(a) = 2σ′(a) + a·σ″(a)
        return 2 * sigmoid_prime(a) + a * sigmoid_second(a)


@dataclass(frozen=True, slots=True, repr=False)
class Softplus(Activation):
    """g(a) = log(1 + e^a), g′(a) = σ(a)."""

    name = "softplus"
    range: ClassVar[tuple[float, float]] = (0.0, math.inf)

    def g(self, a: Array) -> Array:
        return softplus(a)

    def g_prime(self, a: Array) -> Array:
        return sigmoid(a)

    def g_second(self, a: Array) -> Array:
        return sigmoid_prime(a)


@dataclass(frozen=True, slots=True, repr=False)
class Mish(Activation):
    """g(a) = a·tanh s, s = softplus(a); g′(a) = tanh s + a·tanh′(s)·σ(a) (Misra 2019)."""

    name = "mish"

    def g(self, a: Array) -> Array:
        return a * namespace(a).tanh(softplus(a))

    def g_prime(self, a: Array) -> Array:
        s = softplus(a)
        return namespace(a).tanh(s) + a * tanh_prime(s) * sigmoid(a)

    def g_second(self, a: Array) -> Array:
        # g″(a) = 2 tanh′(s)σ(a) + a(tanh″(s)σ(a)² + tanh′(s)σ′(a))
        s, slope = softplus(a), sigmoid(a)
        inner = tanh_second(s) * slope**2 + tanh_prime(s) * sigmoid_prime(a)
        return 2 * tanh_prime(s) * slope + a * inner


@dataclass(frozen=True, slots=True, repr=False)
class Exponential(Activation):
    """g(a) = e^a, g′(a) = e^a; inf where e^a is beyond the largest number of the dtype."""

    name = "exp"
    range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return namespace(a).exp(a)

    def g_prime(self, a: Array) -> Array:
        return namespace(a).exp(a)

    def g_second(self, a: Array) -> Array:
        return namespace(a).exp(a)
