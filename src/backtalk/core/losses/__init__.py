"""Losses: ℓ(ŷ, t) with ∂ℓ/∂ŷ, whatever output function made ŷ.

loss.py       what every loss has, and what several of them compute with
classes.py    cross-entropy, KL divergence, focal, categorical hinge, binary cross-entropy
numeric.py    squared, absolute, Huber, quantile, quantiles, Poisson deviance, Gaussian negative log-likelihood
table.py      the table of them by name, and :func:`register_loss`
"""

from .classes import BinaryCrossEntropy, CategoricalHinge, CrossEntropy, Focal, KLDivergence
from .loss import Loss
from .numeric import AbsoluteError, GaussianNLL, Huber, PoissonDeviance, Quantile, Quantiles, SquaredError
from .table import LOSSES, RegisteredLoss, as_loss, register_loss

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalHinge",
    "CrossEntropy",
    "Focal",
    "GaussianNLL",
    "Huber",
    "KLDivergence",
    "Loss",
    "PoissonDeviance",
    "Quantile",
    "Quantiles",
    "RegisteredLoss",
    "SquaredError",
    "as_loss",
    "register_loss",
]
