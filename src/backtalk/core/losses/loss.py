"""What a loss is: a function of the output ŷ and the target t alone, with its gradient; and what they share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arrays import Array, ArraySpec, log1p, namespace, real_part
from ..specification import write_specification
from ..targets import numbers


@dataclass(frozen=True, slots=True, repr=False)
class Loss:
    """A loss ℓ(ŷ, t) of each example, summed over its k outputs. ŷ (``yhat``) and t (``target``) have shape (B, k).

    ``natural_output`` names the output function that it goes with unless another one is asked for. ``domain``: between
    which numbers each ŷ_j must lie for ℓ to be defined. ``takes_classes``: whether t is a distribution over classes,
    so that y may be labels.

    >>> import numpy as np
    >>> from backtalk import Network
    >>> loss, yhat = Network.create([2, 1], loss="squared_error", rng=0).loss, np.array([[3.0]])
    >>> loss.value(yhat, np.array([[1.0]])), loss.gradient(yhat, np.array([[1.0]]))
    (array([2.]), array([[2.]]))
    """

    name: ClassVar[str]
    natural_output: ClassVar[str] = "identity"
    domain: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    takes_classes: ClassVar[bool] = False

    def value(self, yhat: Array, target: Array) -> Array:
        """ℓ for each example, shape (B,)."""
        raise NotImplementedError

    def gradient(self, yhat: Array, target: Array) -> Array:
        """∂ℓ/∂ŷ for each example, shape (B, k), each ŷ_j free."""
        raise NotImplementedError

    def target(self, y: Any, count: int, outputs: int, spec: ArraySpec) -> Array:
        """t of shape (B, k) from the y of a user that holds no labels, checked."""
        return numbers(y, count, outputs, spec)

    def smoothed(self, target: Array) -> Array:
        """The target with its label smoothing, where the loss has some."""
        return target

    def room(self, yhat: Array, target: Array) -> Array:
        """How far each ŷ_j may move before ℓ is no longer defined, shape (B, k).

        0 if ŷ_j has rounded so close to an end of its range that ŷ alone does not determine ∂ℓ/∂ŷ_j.
        """
        del target
        return namespace(yhat).full_like(yhat, math.inf)

    def kink_side(self, yhat: Array, target: Array) -> Array | None:
        """On which side of its kinks each output lies (0 exactly on one), or None if ℓ has none."""
        del yhat, target
        return None

    def require_outputs(self, outputs: int) -> None:
        """Raise :class:`~backtalk.errors.InputError` if the loss cannot have so many outputs."""

    def outputs_for(self, targets: int) -> int:
        """How many outputs a network needs to predict so many numbers of each example."""
        return targets

    def prediction(self, yhat: Array) -> Array:
        """The part of ŷ, or of t, that is what the example should have: all of it."""
        return yhat

    def draw_target(self, rng: np.random.Generator, count: int, outputs: int) -> np.ndarray:
        """A random y that this loss accepts, for checks and examples."""
        return rng.normal(size=(count, outputs))

    def __repr__(self) -> str:
        return write_specification(self)


def quotient(numerator: Array, denominator: Array) -> Array:
    """numerator/denominator for both ≥ 0, with 0/0 = 0 and no warning where the quotient is inf."""
    xp = namespace(denominator)
    low = real_part(denominator) <= 0  # NaN is not, and stays
    safe = xp.where(low, xp.ones_like(denominator), denominator)
    limit = xp.where(real_part(numerator) > 0, xp.full_like(denominator, math.inf), xp.zeros_like(denominator))
    return xp.where(low, limit, numerator / safe)


def where_heard(factor: Array, distance: Array) -> Array:
    """The distance where its term of ℓ has a factor above 0; elsewhere ℓ has no such term, and the room is infinite."""
    xp = namespace(distance)
    return xp.where(factor > 0, distance, xp.full_like(distance, math.inf))


def logarithm(value: Array) -> Array:
    """log value; −inf without a warning where it is 0 or less, which no ŷ inside the domain of a logarithm is."""
    xp = namespace(value)
    low = real_part(value) <= 0  # NaN is not, and stays
    return xp.where(low, xp.full_like(value, -math.inf), xp.log(xp.where(low, xp.ones_like(value), value)))


def times(factor: Array, value: Array) -> Array:
    """The product, 0 where the factor is 0, also if the value is infinite."""
    xp = namespace(value)
    silent = factor == 0
    return xp.where(silent, xp.zeros_like(value), factor * xp.where(silent, xp.zeros_like(value), value))


def log_of_rest(yhat: Array) -> Array:
    """log(1 − ŷ), which keeps its digits near ŷ = 0."""
    xp = namespace(yhat)
    small = xp.abs(real_part(yhat)) < 0.5
    return xp.where(small, log1p(-xp.where(small, yhat, xp.zeros_like(yhat))), logarithm(1 - yhat))


def half_squares(residual: Array) -> Array:
    """Σ_j ½r_j², shape (B,); ½r² may be a number where r² is none."""
    return namespace(residual).sum(residual * (residual / 2), axis=-1)


def times_log(factor: Array, value: Array) -> Array:
    """factor · log value, with 0 log 0 = 0 and no warning."""
    xp = namespace(value)
    silent = factor == 0
    return xp.where(silent, xp.zeros_like(value), factor * logarithm(xp.where(silent, xp.ones_like(value), value)))
