"""What ``solver`` names: scikit-learn's three, and any optimizer of backtalk."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

from ...core.optimizers import as_any_optimizer
from ...errors import InputError
from ...train import LBFGS, SGD, Adadelta, AdamEpsilonHat, GradientDescent, Nesterov, Optimizer

MOST_MOMENTUM = math.nextafter(1.0, 0.0)  # scikit-learn takes 1 as well, our SGD the numbers below it


def solver_of(model: Any, scale: float = 1.0) -> Optimizer | LBFGS:
    """The optimizer for a loss that is ``scale`` times the one that is reported: it takes the same steps.

    scikit-learn's names take the parameters of the estimator. Every other one has its own, but for the learning rate,
    which is ``learning_rate_init``. (Adadelta's ε stands in two places, so its steps are not quite the same.)
    """
    if model.solver == "lbfgs":
        return LBFGS(tolerance=model.tol * scale, evaluations=model.max_fun)
    if model.solver == "adam":
        return AdamEpsilonHat(model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon * scale)
    if model.solver == "sgd":
        kind = Nesterov if model.nesterovs_momentum and model.momentum > 0 else SGD
        return kind(model.learning_rate_init, min(model.momentum, MOST_MOMENTUM))
    named = as_any_optimizer(model.solver, "solver")
    if isinstance(named, LBFGS):
        return named
    if named.learning_rate != type(named).__dataclass_fields__["learning_rate"].default:
        raise InputError(f"solver is {model.solver!r}, but the learning rate is learning_rate_init: give it there.")
    changes: dict[str, float] = {"learning_rate": model.learning_rate_init / (scale if named.searches else 1)}
    if "epsilon" in {each.name for each in fields(named)} and not isinstance(named, Adadelta):
        changes["epsilon"] = named.epsilon * scale  # pyright: ignore[reportAttributeAccessIssue]
    return replace(named, **changes)


def searches(model: Any) -> bool:
    """Whether the solver searches on the whole batch, and takes no steps of mini-batches."""
    return solver_of(model).searches


def rate_unit(model: Any, scale: float) -> float:
    """What a rate of the steps is multiplied by to be the estimator's: steps in proportion to the gradient grow."""
    return scale if isinstance(solver_of(model), SGD | GradientDescent) else 1.0
