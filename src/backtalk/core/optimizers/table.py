"""The table of optimizers, by their names."""

from __future__ import annotations

from typing import Any

from ..specification import read_specification
from .adam import Adam, Adamax, AdamEpsilonHat, AdamUncorrected, AdamW, AMSGrad, Nadam
from .adaptive import Adadelta, Adagrad, RMSprop
from .lbfgs import LBFGS
from .lion import Lion
from .momentum import SGD, GradientDescent, Momentum, Nesterov
from .optimizer import Optimizer

OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.name: kind
    for kind in (
        GradientDescent, SGD, Momentum, Nesterov, Adagrad, RMSprop, Adadelta, Adam, AdamEpsilonHat,
        AdamUncorrected, AMSGrad, Adamax, Nadam, AdamW, Lion,
    )
}  # fmt: skip


def as_any_optimizer(value: Any, argument: str = "optimizer") -> Optimizer | LBFGS:
    """An optimizer of steps, or L-BFGS, from itself or from its name, with parameters where it has some.

    >>> as_any_optimizer("adam(learning_rate=0.01)"), as_any_optimizer("nag")
    (adam(learning_rate=0.01), nesterov)
    """
    if isinstance(value, Optimizer | LBFGS):
        return value
    return read_specification(value, {**OPTIMIZERS, LBFGS.name: LBFGS}, argument)
