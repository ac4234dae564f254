"""Activations with kinks. At a kink g′ is the derivative from the left."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..arrays import Array, namespace, real_part
from ..specification import require_range
from .activation import Activation, where


@dataclass(frozen=True, slots=True, repr=False)
class ReLU(Activation):
    """g(a) = max(0, a), g′(a) = 1 where a > 0, else 0; g′(0) = 0.

    >>> import numpy as np
    >>> ReLU().g_prime(np.array([-1.0, 0.0, 1.0]))
    array([0., 0., 1.])
    """

    name = "relu"
    range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def g(self, a: Array) -> Array:
        return where(real_part(a) <= 0, 0.0, a, a)

    def g_prime(self, a: Array) -> Array:
        return where(real_part(a) <= 0, 0.0, 1.0, a)

    def g_second(self, a: Array) -> Array:
        return namespace(a).zeros_like(a)


@dataclass(frozen=True, slots=True, repr=False)
class LeakyReLU(Activation):
    """g(a) = a where a > 0, else slope·a; g′(0) = slope."""

    name = "leaky_relu"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    slope: float = 0.01

    def __post_init__(self) -> None:
        require_range(self, "slope", -math.inf, math.inf, "()")

    def g(self, a: Array) -> Array:
        return where(real_part(a) <= 0, self.slope * a, a, a)

    def g_prime(self, a: Array) -> Array:
        return where(real_part(a) <= 0, self.slope, 1.0, a)

    def g_second(self, a: Array) -> Array:
        return namespace(a).zeros_like(a)


@dataclass(frozen=True, slots=True, repr=False)
class ELU(Activation):
    """g(a) = a where a > 0, else α(e^a − 1); g′(0) = α (Clevert, Unterthiner and Hochreiter 2016)."""

    name = "elu"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    alpha: float = 1.0

    def __post_init__(self) -> None:
        require_range(self, "alpha", 0, math.inf, "()")

    def g(self, a: Array) -> Array:
        return _elu(a, 1.0, self.alpha)

    def g_prime(self, a: Array) -> Array:
        return _elu_prime(a, 1.0, self.alpha)

    def g_second(self, a: Array) -> Array:
        return _elu_second(a, 1.0, self.alpha)


@dataclass(frozen=True, slots=True, repr=False)
class SELU(Activation):
    """g(a) = λ·a where a > 0, else λα(e^a − 1); g′(0) = λα ≈ 1.758 (Klambauer et al. 2017, λ and α theirs)."""

    name = "selu"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    initialization = "lecun_normal"
    SCALE: ClassVar[float] = 1.0507009873554804934193349852946
    ALPHA: ClassVar[float] = 1.6732632423543772848170429916717

    def g(self, a: Array) -> Array:
        return _elu(a, self.SCALE, self.ALPHA)

    def g_prime(self, a: Array) -> Array:
        return _elu_prime(a, self.SCALE, self.ALPHA)

    def g_second(self, a: Array) -> Array:
        return _elu_second(a, self.SCALE, self.ALPHA)


@dataclass(frozen=True, slots=True, repr=False)
class CELU(Activation):
    """g(a) = a where a > 0, else α(e^{a/α} − 1); g′ is continuous, and g′(0) = 1 (Barron 2017)."""

    name = "celu"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    alpha: float = 1.0

    def __post_init__(self) -> None:
        require_range(self, "alpha", 0, math.inf, "()")

    def g(self, a: Array) -> Array:
        below = where(real_part(a) <= 0, a / self.alpha, 0.0, a)
        return where(real_part(a) <= 0, self.alpha * namespace(a).expm1(below), a, a)

    def g_prime(self, a: Array) -> Array:
        return namespace(a).exp(where(real_part(a) <= 0, a / self.alpha, 0.0, a))

    def g_second(self, a: Array) -> Array:
        below = where(real_part(a) <= 0, a / self.alpha, 0.0, a)
        return where(real_part(a) <= 0, namespace(a).exp(below) / self.alpha, 0.0, a)


@dataclass(frozen=True, slots=True, repr=False)
class ReLU6(Activation):
    """g(a) = min(max(0, a), 6), g′(a) = 1 where 0 < a ≤ 6, else 0; g′(0) = 0, g′(6) = 1 (Krizhevsky 2010)."""

    name = "relu6"
    range: ClassVar[tuple[float, float]] = (0.0, 6.0)
    kinks: ClassVar[tuple[float, ...]] = (0.0, 6.0)

    def g(self, a: Array) -> Array:
        return _between(a, 0.0, 6.0, 0.0, a, 6.0)

    def g_prime(self, a: Array) -> Array:
        return _between(a, 0.0, 6.0, 0.0, 1.0, 0.0)

    def g_second(self, a: Array) -> Array:
        return namespace(a).zeros_like(a)


@dataclass(frozen=True, slots=True, repr=False)
class HardTanh(Activation):
    """g(a) = min(max(−1, a), 1), g′(a) = 1 where −1 < a ≤ 1, else 0; g′(−1) = 0, g′(1) = 1 (Collobert 2004)."""

    name = "hard_tanh"
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = (-1.0, 1.0)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return _between(a, -1.0, 1.0, -1.0, a, 1.0)

    def g_prime(self, a: Array) -> Array:
        return _between(a, -1.0, 1.0, 0.0, 1.0, 0.0)

    def g_second(self, a: Array) -> Array:
        return namespace(a).zeros_like(a)


@dataclass(frozen=True, slots=True, repr=False)
class HardSigmoid(Activation):
    """g(a) = min(max(0, a/6 + ½), 1), g′(a) = 1/6 where −3 < a ≤ 3, else 0; g′(−3) = 0, g′(3) = 1/6.

    As PyTorch and Keras 3 have it; Courbariaux et al. 2015 had the slope ½, and Keras 2 had 1/5.
    """

    name = "hard_sigmoid"
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = (-3.0, 3.0)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        return _between(a, -3.0, 3.0, 0.0, (a + 3) / 6, 1.0)

    def g_prime(self, a: Array) -> Array:
        return _between(a, -3.0, 3.0, 0.0, 1 / 6, 0.0)

    def g_second(self, a: Array) -> Array:
        return namespace(a).zeros_like(a)


@dataclass(frozen=True, slots=True, repr=False)
class HardSwish(Activation):
    """g(a) = 0 where a ≤ −3, a where a > 3, else a(a + 3)/6; g′(−3) = 0, g′(3) = 3/2 (Howard et al. 2019)."""

    name = "hard_swish"
    kinks: ClassVar[tuple[float, ...]] = (-3.0, 3.0)

    def g(self, a: Array) -> Array:
        middle = _between(a, -3.0, 3.0, 0.0, a, 0.0)  # outside, a² could overflow
        return _between(a, -3.0, 3.0, 0.0, middle * (middle + 3) / 6, a)

    def g_prime(self, a: Array) -> Array:
        return _between(a, -3.0, 3.0, 0.0, (2 * a + 3) / 6, 1.0)

    def g_second(self, a: Array) -> Array:
        return _between(a, -3.0, 3.0, 0.0, 1 / 3, 0.0)


@dataclass(frozen=True, slots=True, repr=False)
class Softsign(Activation):
    """``g(a) = a/(1 + |a|)``, ``g′(a) = 1/(1 + |a|)²``, which has a corner at 0 (Bergstra et al. 2009)."""

    name = "softsign"
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    initialization = "glorot_uniform"

    def g(self, a: Array) -> Array:
        size, real = _size(a), real_part(a)
        if real is a:
            return a / (1 + size)
        # the same of complex numbers, whose quotient cancels to nothing far from 0
        return where(real_part(size) <= 1, a / (1 + size), where(real < 0, -1.0, 1.0, a) * (1 - 1 / (1 + size)), a)

    def g_prime(self, a: Array) -> Array:
        return (1 / (1 + _size(a))) ** 2

    def g_second(self, a: Array) -> Array:
        return where(real_part(a) <= 0, 2.0, -2.0, a) * (1 / (1 + _size(a))) ** 3


def _size(a: Array) -> Array:
    """|a|, by the real part's sign."""
    return where(real_part(a) <= 0, -a, a, a)


def _between(
    a: Array, low: float, high: float, below: Array | float, inside: Array | float, above: Array | float
) -> Array:
    """``below`` where a ≤ low, ``inside`` where low < a ≤ high, ``above`` where a > high."""
    return where(real_part(a) <= low, below, where(real_part(a) > high, above, inside, a), a)


def _elu(a: Array, scale: float, alpha: float) -> Array:
    below = where(real_part(a) <= 0, a, 0.0, a)  # keeps expm1 from overflowing where it is not used
    return where(real_part(a) <= 0, scale * alpha * namespace(a).expm1(below), scale * a, a)


def _elu_prime(a: Array, scale: float, alpha: float) -> Array:
    below = where(real_part(a) <= 0, a, 0.0, a)
    return where(real_part(a) <= 0, scale * alpha * namespace(a).exp(below), scale, a)


def _elu_second(a: Array, scale: float, alpha: float) -> Array:
    below = where(real_part(a) <= 0, a, 0.0, a)
    return where(real_part(a) <= 0, scale * alpha * namespace(a).exp(below), 0.0, a)
