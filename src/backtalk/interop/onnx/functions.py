"""Element-wise functions in an ONNX graph. They are known by what they do: by their values at PROBES.

Exporters write one activation in many ways, such as x·sigmoid(x) or x / (1 + exp(−x)) for SiLU. So a chain of
operators is evaluated, with NumPy in float64, and compared with each activation of backtalk.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
from scipy.special import erf

from ...core import activations
from ...core.activations import Activation, as_activation

# Where functions are compared: dense where they bend, and far out, where a clipped one differs; 0 and −1 among them
PROBES = np.concatenate([np.linspace(-12, 12, 97), [-1e6, -1e4, -100, -30, -20.5, 20.5, 30, 100, 1e4, 1e6]])
PROBES.flags.writeable = False
NEAR = np.abs(PROBES) <= 12
WITHOUT_PARAMETERS = (
    "identity", "relu", "sigmoid", "tanh", "selu", "gelu", "gelu_tanh", "silu", "softplus", "mish",
    "hard_sigmoid", "hard_tanh", "hard_swish", "softsign", "relu6",
)  # fmt: skip
TOLERANCE = 1e-6  # constants of float32, such as √2, are wrong by 3e-8

Values = np.ndarray
Attributes = Mapping[str, Any]


def shortest(number: float) -> float:
    """A number that was kept in float32, such as 0.20000000298, with the digits that float32 means: 0.2."""
    small = np.float32(number)
    return float(str(small)) if abs(float(small) - number) <= 1e-14 * abs(number) else float(f"{number:.15g}")


# Operators that are an activation of ours; some have its name, and no parameters
SAME_NAME = ("Relu", "Softplus", "Mish", "Sigmoid", "Tanh", "Softsign")
ACTIVATION_OF: dict[str, Callable[[Attributes], Activation]] = {
    **{name: lambda given, name=name: as_activation(name.lower()) for name in SAME_NAME},
    "LeakyRelu": lambda given: activations.LeakyReLU(shortest(given.get("alpha", 0.01))),
    "Elu": lambda given: activations.ELU(shortest(given.get("alpha", 1.0))),
    "Celu": lambda given: activations.CELU(shortest(given.get("alpha", 1.0))),
    "HardSwish": lambda given: activations.HardSwish(),
    "Gelu": lambda given: activations.GELUTanh() if given.get("approximate") == b"tanh" else activations.GELU(),
}


def _selu(given: Attributes, a: Values) -> Values:
    gamma, alpha = given.get("gamma", activations.SELU.SCALE), given.get("alpha", activations.SELU.ALPHA)
    return gamma * np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0)))


def _clip(given: Attributes, a: Values, low: Any = None, high: Any = None) -> Values:
    low, high = (given.get(name) if value is None else value for name, value in (("min", low), ("max", high)))
    return np.clip(a, -np.inf if low is None else low, np.inf if high is None else high)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Selu": _selu,
    "Clip": _clip,
    "Swish": lambda given, a: a * activations.Sigmoid().g(given.get("alpha", 1.0) * a),
    "HardSigmoid": lambda given, a: np.clip(given.get("alpha", 0.2) * a + given.get("beta", 0.5), 0, 1),
    "PRelu": lambda given, a, slope: np.where(a > 0, a, slope * a),
    "Max": lambda given, *values: reduce(np.maximum, values),
    "Min": lambda given, *values: reduce(np.minimum, values),
    "Sum": lambda given, *values: reduce(operator.add, values),
    **{name: lambda given, *values, function=function: function(*values) for name, function in {
        "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": operator.truediv, "Pow": np.power,
        "Exp": np.exp, "Log": np.log, "Neg": operator.neg, "Abs": np.abs, "Sqrt": np.sqrt, "Erf": erf,
        "Reciprocal": np.reciprocal, "Greater": operator.gt, "GreaterOrEqual": operator.ge, "Less": operator.lt,
        "LessOrEqual": operator.le, "Not": np.logical_not, "Where": np.where,
    }.items()},
}  # fmt: skip


def evaluate(kind: str, attributes: Attributes, values: list[Any]) -> tuple[Any, Activation | None]:
    """What an operator gives, and the activation that it is, if it is one. ``KeyError`` for one that is not known."""
    with np.errstate(all="ignore"):
        if kind in ACTIVATION_OF:
            activation = ACTIVATION_OF[kind](attributes)
            return activation.g(*values), activation
        return FUNCTIONS[kind](attributes, *values), None


def recognize(values: Values) -> Activation | None:
    """The activation with these values at PROBES, or None."""
    candidates = [as_activation(name) for name in WITHOUT_PARAMETERS]
    at_minus_one = float(values[PROBES == -1][0])
    if np.isfinite(at_minus_one):
        candidates.append(activations.LeakyReLU(shortest(-at_minus_one)))
    if at_minus_one < 0:
        candidates.append(activations.ELU(shortest(at_minus_one / np.expm1(-1.0))))
    candidates.append(activations.Exponential())
    return next((candidate for candidate in candidates if is_function(values, candidate)), None)


def is_function(values: Values, activation: Activation) -> bool:
    """Whether these are the activation's values at PROBES."""
    with np.errstate(all="ignore"):
        return agree(values, activation.g(PROBES))


def agree(values: Values, expected: Values) -> bool:
    """Whether two functions are one, where both are finite; far out a formula may overflow that is right else."""
    finite = np.isfinite(values) & np.isfinite(expected)
    if not finite[NEAR].all():
        return False
    limit = TOLERANCE * np.maximum(1, np.abs(expected[finite]))
    return bool((np.abs(values[finite] - expected[finite]) <= limit).all())
