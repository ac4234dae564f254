"""Activations: g with its derivative g′, and one table of them.

g′ is computed from a, to full relative precision: h(1 − h) for the sigmoid, or 1 − h² for tanh, lose every
digit where the unit is saturated, and vanishing gradients are what this package is asked about.

At a kink g′ is the derivative from the left, so a ReLU unit at exactly 0 counts as inactive.
The branch of a piecewise g is chosen so that NaN stays NaN, and on the real part of a, so that ``check`` can
differentiate with complex numbers.

activation.py   what an activation is, and the functions of which several are made
smooth.py       those without a kink
piecewise.py    those with kinks
table.py        all of them by their names; ``register_activation``
"""

from .activation import Activation, sigmoid, sigmoid_prime, softplus
from .piecewise import CELU, ELU, SELU, HardSigmoid, HardSwish, HardTanh, LeakyReLU, ReLU, ReLU6, Softsign
from .smooth import GELU, Exponential, GELUTanh, Identity, Mish, Sigmoid, SiLU, Softplus, Tanh
from .table import ACTIVATIONS, RegisteredActivation, as_activation, register_activation

__all__ = [
    "ACTIVATIONS", "CELU", "ELU", "GELU", "SELU", "Activation", "Exponential", "GELUTanh", "HardSigmoid", "HardSwish",
    "HardTanh", "Identity", "LeakyReLU", "Mish", "ReLU", "ReLU6", "RegisteredActivation", "SiLU", "Sigmoid",
    "Softplus", "Softsign", "Tanh", "as_activation", "register_activation", "sigmoid",
    "sigmoid_prime", "softplus",
]  # fmt: skip
