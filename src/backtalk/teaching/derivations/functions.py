"""Activations and output functions in words: what g, g′ and O compute, for sentences."""

from __future__ import annotations

import re

from ...core.activations import (
    CELU,
    ELU,
    GELU,
    SELU,
    Activation,
    Exponential,
    GELUTanh,
    HardSigmoid,
    HardSwish,
    HardTanh,
    Identity,
    LeakyReLU,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from ...core.outputs import ElementWise, Output

OUTPUTS = {
    "softmax": "softmax, exp(a) of each unit divided by the sum of all",
    "sigmoid": "the sigmoid, 1/(1 + exp(−a)) of each unit",
    "exp": "exp(a) of each unit",
    "identity": "the identity",
}


def said_of_output(output: Output) -> str:
    """An output function in words.

    >>> from backtalk.core.outputs import as_output
    >>> said_of_output(as_output("tanh"))
    'O, which is tanh, applied to each unit: O(a) = tanh a and O′(a) = 1 − O(a)²'
    """
    if output.name in OUTPUTS or not isinstance(output, ElementWise):
        return OUTPUTS.get(output.name, output.name)
    formulas = re.sub(r"\bg(?=′?\()", "O", formulas_of(output.activation))  # the g of log( is no function g
    return f"O, which is {output.activation}, applied to each unit" + (f": {formulas}" if formulas else "")


def formulas_of(activation: Activation) -> str:
    """g and g′ as formulas; empty for an activation that a user registered.

    >>> formulas_of(Tanh())
    'g(a) = tanh a and g′(a) = 1 − g(a)²'
    """
    match activation:
        case Identity():
            return "g(a) = a and g′(a) = 1"
        case ReLU():
            return "g(a) = a and g′(a) = 1 where a > 0, else both are 0"
        case LeakyReLU(slope):
            return f"g(a) = a and g′(a) = 1 where a > 0, else g(a) = {slope:g} · a and g′(a) = {slope:g}"
        case ELU(alpha):
            factor = "" if alpha == 1 else f"{alpha:g} · "
            below = f"g(a) = {factor}(exp(a) − 1) and g′(a) = {factor}exp(a)"
            return f"g(a) = a and g′(a) = 1 where a > 0, else {below}"
        case SELU():
            scale, below = f"{SELU.SCALE:.6g}", f"{SELU.SCALE * SELU.ALPHA:.6g}"
            return (
                f"g(a) = {scale} · a and g′(a) = {scale} where a > 0, else g(a) = {below} · (exp(a) − 1) and "
                f"g′(a) = {below} · exp(a)"
            )
        case Sigmoid():
            return "g(a) = 1/(1 + exp(−a)) and g′(a) = g(a) · (1 − g(a))"
        case Tanh():
            return "g(a) = tanh a and g′(a) = 1 − g(a)²"
        case Softplus():
            return "g(a) = log(1 + exp(a)) and g′(a) = 1/(1 + exp(−a))"
        case SiLU():
            return "g(a) = a · σ(a) and g′(a) = σ(a) + a · σ(a) · (1 − σ(a)), with σ(a) = 1/(1 + exp(−a))"
        case GELU():
            return "g(a) = a · Φ(a) and g′(a) = Φ(a) + a · φ(a), with the normal distribution Φ and its density φ"
        case GELUTanh():
            scale, cubic = f"{GELUTanh.SCALE:.6g}", f"{GELUTanh.CUBIC:g}"
            return (
                f"g(a) = a · (1 + T)/2 and g′(a) = (1 + T)/2 + a · (1 − T²) · u′/2, with T = tanh u, "
                f"u = {scale} · (a + {cubic} · a · a · a) and u′ = {scale} · (1 + 3 · {cubic} · a²)"
            )
        case Mish():
            return (
                "g(a) = a · T and g′(a) = T + a · (1 − T²) · σ(a), with T = tanh(log(1 + exp(a))) and "
                "σ(a) = 1/(1 + exp(−a))"
            )
        case Exponential():
            return "g(a) = exp(a) and g′(a) = exp(a)"
        case CELU(alpha):
            below = "exp(a)" if alpha == 1 else f"exp(a/{alpha:g})"
            factor = "" if alpha == 1 else f"{alpha:g} · "
            return f"g(a) = a and g′(a) = 1 where a > 0, else g(a) = {factor}({below} − 1) and g′(a) = {below}"
        case ReLU6():
            return "g(a) = a and g′(a) = 1 where 0 < a ≤ 6, else g(a) = 0 or 6 and g′(a) = 0"
        case HardTanh():
            return "g(a) = a and g′(a) = 1 where −1 < a ≤ 1, else g(a) = −1 or 1 and g′(a) = 0"
        case HardSigmoid():
            return "g(a) = (a + 3)/6 and g′(a) = 1/6 where −3 < a ≤ 3, else g(a) = 0 or 1 and g′(a) = 0"
        case HardSwish():
            return (
                "g(a) = a · (a + 3)/6 and g′(a) = (2 · a + 3)/6 where −3 < a ≤ 3, g(a) = a and g′(a) = 1 where a > 3, "
                "else both are 0"
            )
        case Softsign():
            return "g(a) = a/(1 + |a|) and g′(a) = 1/(1 + |a|)²"
    return ""
