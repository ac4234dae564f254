"""The table of activations, by their names, and how users add theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ...errors import InputError, InputTypeError
from ..arrays import Array
from ..initialization import as_initialization
from ..specification import read_specification, require_own_name
from .activation import Activation
from .piecewise import CELU, ELU, SELU, HardSigmoid, HardSwish, HardTanh, LeakyReLU, ReLU, ReLU6, Softsign
from .smooth import GELU, Exponential, GELUTanh, Identity, Mish, Sigmoid, SiLU, Softplus, Tanh

ACTIVATIONS: dict[str, Callable[..., Activation]] = {
    kind.name: kind
    for kind in (
        Identity, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, SELU, GELU, GELUTanh, SiLU, Softplus, Mish, Exponential,
        HardSigmoid, HardTanh, HardSwish, Softsign, ReLU6, CELU,
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
    second_derivative: Callable[[Array], Array] | None = None

    def g(self, a: Array) -> Array:
        return self._of_same_shape(self.function(a), a, "g")

    def g_prime(self, a: Array) -> Array:
        return self._of_same_shape(self.derivative(a), a, "g_prime")

    def g_second(self, a: Array) -> Array:
        if self.second_derivative is None:
            raise InputError(
                f"activation {self.name} has no second derivative, which Hessian products need: give g_second to "
                "register_activation."
            )
        return self._of_same_shape(self.second_derivative(a), a, "g_second")

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
    g_second: Callable[[Array], Array] | None = None,
    kinks: Iterable[float] = (),
    initialization: str = "he_normal",
) -> Activation:
    """Add an activation to the table, from the pair (g, g′), both element-wise functions of a.

    Write both with operators, or with the functions of the library whose arrays the network has. Name the
    ``kinks``, the points where g or g′ has a corner. ``g_second``, the derivative of g′, is needed for
    :func:`backtalk.hessian_product` alone. ``backtalk.check(name)`` measures whether g′ is the
    derivative of g. An activation of your own that had the name is replaced; networks that were made with it keep it.

    Raises :class:`~backtalk.errors.InputError` for the name of an activation of backtalk's own.

    >>> import backtalk
    >>> square = backtalk.register_activation("square", lambda a: a * a, lambda a: 2 * a)
    >>> backtalk.check("square").passed
    True
    >>> backtalk.Network.create([2, 3, 1], activation="square", loss="squared_error").activations
    (square,)
    """
    require_own_name(name, ACTIVATIONS, "activation")
    if not callable(g) or not callable(g_prime) or not (g_second is None or callable(g_second)):
        raise InputTypeError("g and g_prime must be functions of a, and g_second, if it is given.")
    activation = RegisteredActivation(
        name=name,
        kinks=_as_kinks(kinks),
        initialization=repr(as_initialization(initialization)),
        function=g,
        derivative=g_prime,
        second_derivative=g_second,
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
