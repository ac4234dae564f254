"""Private training of the estimators: what it refuses, and its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...core.batch import Batch
from ...core.network import Network
from ...data.sources import InMemory
from ...engines.private import PrivateSettings
from ...errors import InputError
from ...train.privacy import PrivacyPlan
from ...train.settings import TrainSettings
from .solvers import solver_of


def require_private(model: Any, validation: Any, incremental: bool) -> None:
    """Refuse what cannot be private, or what the unprotected loss of the private examples decides."""
    TrainSettings(
        optimizer=solver_of(model), clip_norm=model.clip_norm, engine=model.engine, privacy=model.privacy
    )  # which refuses
    if incremental or model.warm_start:
        what = "partial_fit is called" if incremental else "warm_start is True"
        raise InputError(f"{what} with privacy, which would not count the training before: call fit, once.")
    if model.early_stopping and validation is None:
        raise InputError(
            "early_stopping is True with privacy, but the samples that it holds out are not protected: give X_val and "
            "y_val of others, or leave it out."
        )
    follows = model.learning_rate == "adaptive" or str(model.learning_rate).startswith(
        ("adaptive", "reduce_on_plateau")
    )
    if follows and not model.early_stopping:
        raise InputError(
            f"learning_rate is {model.learning_rate!r} with privacy, but follows the loss of the private samples, "
            "which has no noise: use another, or early_stopping=True with X_val and y_val of others."
        )


def plan_of(model: Any, network: Network, batch: Batch, batch_size: int) -> PrivacyPlan | None:
    """The private steps of an estimator on these examples, if they are to be private."""
    if model.privacy is None:
        return None
    return PrivacyPlan.of(model.privacy, network, InMemory(batch), batch_size, model.max_iter)


def step_settings(plan: PrivacyPlan | None, scale: float) -> PrivateSettings | None:
    """What the engine is told, whose loss is ``scale`` times the one that is reported."""
    if plan is None:
        return None
    private = plan.step_settings
    return replace(private, max_norm=private.max_norm * scale, noise=private.noise * scale)
