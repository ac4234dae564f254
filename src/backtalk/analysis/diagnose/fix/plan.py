"""A plan: how a network is made and trained, from what is known of the run that was diagnosed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ....core.arrays import dtype_name
from ....core.losses import Loss
from ....core.network import Network
from ....core.optimizers import LBFGS, Optimizer
from ....core.outputs import Output
from ....engines.choose import COMPILED
from ....errors import BacktalkError, InputError, unknown_name
from ....train.settings import TrainSettings
from ..telemetry import Telemetry

STEPS = 2000  # of a training of which nothing is known
EPOCHS = 20, 500  # within which it takes so many steps
STOPPING = 0.2  # of the rows that are trained on: those by which a run with patience stops, if it held none out itself
MEASURED_IN_EPOCH = 5  # steps
GIVEN = frozenset(each.name for each in fields(TrainSettings)) - {"measure_every"} | {"class_weight"}


@dataclass(frozen=True, slots=True)
class Plan:
    """The network's ``sizes`` with its functions, the ``settings`` of its training, and what is done to the data.

    ``held_out``: the fraction of the rows by which a training with patience stops. ``scales_inputs``,
    ``scales_targets``: whether X, and the targets, are scaled before training, and the scales folded into the first and
    the last layer after it.
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: Loss
    output: Output
    dtype: str
    settings: TrainSettings
    class_weight: Any = None
    held_out: float | None = None
    scales_inputs: bool = False
    scales_targets: bool = False

    @classmethod
    def of(cls, network: Network, telemetry: Telemetry, given: Mapping[str, Any], rows: int) -> Plan:
        """That of the run that was diagnosed; ``given``: settings that the user wants instead."""
        for name in given:
            if name not in GIVEN:
                raise unknown_name("a setting of fit", name, sorted(GIVEN))
        told = {name: value for name, value in telemetry.settings.items() if name in GIVEN}
        class_weight = given.get("class_weight", told.pop("class_weight", None))
        own = {name: value for name, value in given.items() if name != "class_weight"}
        settings = _settings(told, own, rows)
        fraction = telemetry.settings.get("validation")
        watched = any(loss is not None for loss in telemetry.validation_losses)
        if settings.patience is None:
            fraction = None
        elif not isinstance(fraction, float):
            fraction = STOPPING if watched else None
        return cls(
            network.sizes,
            tuple(map(repr, network.activations)),
            network.loss,
            network.output,
            dtype_name(network.spec.dtype),
            settings,
            class_weight,
            fraction,
        )

    def with_settings(self, **values: Any) -> Plan:
        """The same with other settings of training."""
        return replace(self, settings=replace(self.settings, **values))

    @property
    def rate(self) -> float | None:
        """The learning rate, None for a search."""
        optimizer = self.settings.optimizer
        return None if isinstance(optimizer, LBFGS) else float(optimizer.learning_rate)

    def start(self, rng: Any) -> Network:
        """A network before training."""
        return Network.create(
            self.sizes, list(self.activations), self.loss, output=self.output, rng=rng, dtype=self.dtype
        )

    def arguments(self, rows: int) -> dict[str, Any]:
        """What :func:`~backtalk.fit` is given besides the data."""
        settings, held_out = self.settings, self.held_out
        if settings.by_steps and settings.engine not in COMPILED:
            steps = -(-rows // settings.batch_for(rows))
            settings = replace(settings, measure_every=max(1, steps // MEASURED_IN_EPOCH))
        return settings.arguments() | {"class_weight": self.class_weight, "validation": held_out}

    def to_dict(self) -> dict[str, Any]:
        """As numbers, texts and lists."""
        return {
            "sizes": list(self.sizes),
            "activations": list(self.activations),
            "loss": repr(self.loss),
            "output": repr(self.output),
            "scaled_inputs": self.scales_inputs,
            "scaled_targets": self.scales_targets,
            **{name: value for name, value in self.settings.to_dict().items() if name != "measure_every"},
            "class_weight": self.class_weight,
            "validation": self.held_out,
        }


def _settings(told: Mapping[str, Any], given: Mapping[str, Any], rows: int) -> TrainSettings:
    """Those of the run with what is given; without a run, the defaults of fit for as many epochs as take 2000 steps."""
    TrainSettings(**given)  # refuses what cannot be used, before what the run told is mixed with it
    if isinstance(told.get("batch_size"), int) and "epochs" in told:
        try:
            return TrainSettings(**{**told, "measure_every": 0, **given})
        except BacktalkError as error:
            if given:
                raise InputError(f"these settings do not go with those of the run: {error}") from None
    settings = TrainSettings(**given)
    if "epochs" in given:
        return settings
    least, most = EPOCHS
    steps = math.ceil(rows / settings.batch_for(rows))
    return replace(settings, epochs=min(max(least, math.ceil(STEPS / steps)), most))


def why_rate(optimizer: Optimizer, before: float) -> str:
    """Why it has the usual rate, or ten times as much, instead of the one before, if that was far from it; else ''."""
    rate, usual = optimizer.learning_rate, default_rate(optimizer)
    is_far = before > 10 * rate or before < usual / 10
    return f", which is far from the usual one of {optimizer.name}" if is_far and rate in (usual, 10 * usual) else ""


def default_rate(optimizer: Optimizer) -> float:
    """The learning rate that the optimizer has unless another is asked for."""
    return float(type(optimizer)().learning_rate)  # pyright: ignore[reportCallIssue]
