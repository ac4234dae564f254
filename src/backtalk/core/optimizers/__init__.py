"""Optimizers: from the parameters θ and their gradient ∇ to the next θ. Frozen; the state is handed through.

Each has a decoupled ``weight_decay`` λ (Loshchilov and Hutter 2019): before its own change, θ ← (1 − η·λ)·θ.
Only weight matrices decay, biases do not. The defaults are PyTorch's, apart from the learning rate and momentum of SGD.

optimizer.py   what an optimizer is
momentum.py    gradient descent: plain, with momentum, and looking ahead
adaptive.py    Adagrad, RMSprop, Adadelta
adam.py        Adam, and those that follow from it
lion.py        Lion
lbfgs.py       L-BFGS
table.py       all of them by their names
"""

from .adam import Adam, Adamax, AdamEpsilonHat, AdamUncorrected, AdamW, AMSGrad, Nadam
from .adaptive import Adadelta, Adagrad, RMSprop
from .lbfgs import LBFGS
from .lion import Lion
from .momentum import SGD, GradientDescent, Momentum, Nesterov
from .optimizer import Optimizer, State
from .table import OPTIMIZERS, as_any_optimizer

__all__ = [
    "LBFGS", "OPTIMIZERS", "SGD", "AMSGrad", "Adadelta", "Adagrad", "Adam", "AdamEpsilonHat", "AdamUncorrected",
    "AdamW", "Adamax", "GradientDescent", "Lion", "Momentum", "Nadam", "Nesterov", "Optimizer", "RMSprop", "State",
    "as_any_optimizer",
]  # fmt: skip
