"""What an activation is, and the functions of which several are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..arrays import Array, log1p, namespace, real_part
from ..specification import write_specification


@dataclass(frozen=True, slots=True, repr=False)
class Activation:
    """An element-wise activation: ``g(a)``, and its derivatives ``g_prime(a)`` and ``g_second(a)``.

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

    def g_second(self, a: Array) -> Array:
        """g″ for each element of a; at a kink the derivative from the left."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return write_specification(self)


def where(condition: Array, yes: Array | float, no: Array | float, like: Array) -> Array:
    """xp.where with numbers allowed for the branches, in the dtype of ``like``."""
    xp = namespace(like)
    yes, no = (xp.full_like(like, part) if isinstance(part, int | float) else part for part in (yes, no))
    return xp.where(condition, yes, no)


def within(a: Array, limit: float) -> Array:
    """a clipped to [−limit, limit]; NaN stays NaN."""
    return where(real_part(a) > limit, limit, where(real_part(a) < -limit, -limit, a, a), a)


def decay(a: Array) -> Array:
    """exp(−|a|), which never overflows."""
    return namespace(a).exp(where(real_part(a) <= 0, a, -a, a))


def sigmoid(a: Array) -> Array:
    """σ(a) = 1/(1 + e^−a), accurate in both tails."""
    fallen = decay(a)
    return where(real_part(a) <= 0, fallen, 1.0, a) / (1 + fallen)


def sigmoid_prime(a: Array) -> Array:
    fallen = decay(a)
    return fallen / (1 + fallen) ** 2


def sigmoid_second(a: Array) -> Array:
    """σ″(a) = σ′(a)(1 − 2σ(a)) = −σ′(a) tanh(a/2)."""
    return -sigmoid_prime(a) * namespace(a).tanh(a / 2)


def tanh_prime(a: Array) -> Array:
    return 4 * sigmoid_prime(2 * a)


def tanh_second(a: Array) -> Array:
    """tanh″(a) = −2 tanh(a) tanh′(a)."""
    return -2 * namespace(a).tanh(a) * tanh_prime(a)


def softplus(a: Array) -> Array:
    """log(1 + e^a), accurate in both tails."""
    return where(real_part(a) <= 0, 0.0, a, a) + log1p(decay(a))
