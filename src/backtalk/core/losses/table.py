"""The one table of losses by name, and the way into it for a user's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import InputError, InputTypeError
from ..arrays import Array
from ..outputs import as_output
from ..specification import read_specification, require_own_name
from .classes import BinaryCrossEntropy, CategoricalHinge, CrossEntropy, Focal, KLDivergence
from .loss import Loss
from .numeric import AbsoluteError, GaussianNLL, Huber, PoissonDeviance, Quantile, Quantiles, SquaredError

LOSSES: dict[str, Callable[..., Loss]] = {
    kind.name: kind
    for kind in (
        CrossEntropy, BinaryCrossEntropy, SquaredError, AbsoluteError, Huber, PoissonDeviance, KLDivergence, Focal,
        CategoricalHinge, Quantile, Quantiles, GaussianNLL,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class RegisteredLoss(Loss):
    """A loss from a user's own pair (ℓ, ∂ℓ/∂ŷ); made by :func:`register_loss`."""

    name: str  # pyright: ignore[reportIncompatibleVariableOverride]
    natural_output: str  # pyright: ignore[reportIncompatibleVariableOverride]
    domain: tuple[float, float]  # pyright: ignore[reportIncompatibleVariableOverride]
    function: Callable[[Array, Array], Array]
    derivative: Callable[[Array, Array], Array]

    def value(self, yhat: Array, target: Array) -> Array:
        return self._of_shape(self.function(*_own(yhat, target)), tuple(yhat.shape[:-1]), "value")

    def gradient(self, yhat: Array, target: Array) -> Array:
        return self._of_shape(self.derivative(*_own(yhat, target)), tuple(yhat.shape), "gradient")

    def _of_shape(self, values: Any, expected: tuple[int, ...], function: str) -> Any:
        shape = tuple(getattr(values, "shape", ()))
        if shape != expected:
            hint = ": one number for each example, the sum over the last axis" if function == "value" else ""
            raise InputError(f"loss {self.name} gives {function} of shape {shape}, expected {expected}{hint}.")
        return values

    def __repr__(self) -> str:
        return self.name


def _own(*arrays: Array) -> tuple[Array, ...]:
    """Copies, which a user's function may change: in NumPy, where it could change ours or the caller's."""
    return tuple(array.copy() if isinstance(array, np.ndarray) else array for array in arrays)


def register_loss(
    name: str,
    value: Callable[[Array, Array], Array],
    gradient: Callable[[Array, Array], Array],
    *,
    output: str = "identity",
    domain: tuple[float, float] = (-math.inf, math.inf),
) -> Loss:
    """Add a loss to the table, from the pair (ℓ, ∂ℓ/∂ŷ), both functions of (ŷ, t) of shape (B, k).

    ``value`` gives ℓ of each example, shape (B,), summed over the outputs; ``gradient`` gives ∂ℓ/∂ŷ, shape (B, k).
    Write both with operators, or with the functions of the library whose arrays the network has. ``output``: the output
    function that it goes with unless a network asks for another one. ``domain``: between which numbers each ŷ_j must
    lie. ``backtalk.check(name)`` measures whether the gradient is the derivative of the value. A loss of your own that
    had the name is replaced; networks that were made with it keep it.

    Raises :class:`~backtalk.errors.InputError` for the name of a loss of backtalk's own.

    >>> import backtalk
    >>> quartic = backtalk.register_loss(
    ...     "quartic", lambda yhat, t: ((yhat - t) ** 4).sum(axis=-1), lambda yhat, t: 4 * (yhat - t) ** 3)
    >>> float(backtalk.gradients(backtalk.Network([[[1.0]]], [[0.0]], loss="quartic"), [[2.0]], [1.0]).W[1][0, 0])
    8.0
    """
    require_own_name(name, LOSSES, "loss")
    if not callable(value) or not callable(gradient):
        raise InputTypeError("value and gradient must both be functions of (yhat, target).")
    as_output(output)
    loss = RegisteredLoss(
        name=name, natural_output=output, domain=_as_domain(domain), function=value, derivative=gradient
    )
    LOSSES[name] = lambda: loss
    return loss


def _as_domain(domain: Any) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in domain)
    except (TypeError, ValueError):
        raise InputTypeError(f"domain is {domain!r}, expected two numbers, such as (0, 1).") from None
    if not low < high:
        raise InputError(f"domain is {domain!r}, expected two numbers of which the first is smaller.")
    return low, high


def as_loss(value: str | Loss, argument: str = "loss") -> Loss:
    """A loss from itself or from its name, with parameters where it has some.

    >>> as_loss("huber(delta=2)")
    huber(delta=2.0)
    """
    if isinstance(value, Loss):
        return value
    return read_specification(value, LOSSES, argument)
