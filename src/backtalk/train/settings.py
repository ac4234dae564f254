"""The settings of training, checked; and to and from JSON, for checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

import numpy as np

from ..core.dropout import Dropout
from ..core.optimizers import LBFGS, OPTIMIZERS, Optimizer, as_any_optimizer
from ..engines.choose import COMPILED, ENGINES
from ..errors import BacktalkError, FileFormatError, InputError, InputTypeError, unknown_name
from .metric import Metric, require_metric
from .privacy import Privacy
from .schedules import Constant, as_schedule
from .state import plain

BATCH_SIZE = 32  # where none is given


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How a network is trained, and until when: what :func:`~backtalk.fit` says of its arguments of these names.

    >>> TrainSettings(epochs=5, schedule="cosine").optimizer
    adam
    """

    epochs: int = 20
    batch_size: Any = None  # a whole number, or None for all examples
    optimizer: Any = "adam"  # a name becomes what it names
    schedule: Any = "constant"
    l2_penalty: float = 0.0
    dropout: Any = 0.0
    clip_norm: float | None = None
    patience: int | None = None
    tolerance: float = 0.0
    engine: str = "auto"
    measure_every: int = 0
    privacy: Privacy | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put("optimizer", as_any_optimizer(self.optimizer))
        if self.batch_size is None and not self.takes_all:
            put("batch_size", BATCH_SIZE)
        put("schedule", as_schedule(self.schedule))
        put("dropout", Dropout(self.dropout).rates)
        for name, least in (("epochs", 1), ("batch_size", 1), ("measure_every", 0), ("patience", 1)):
            value = getattr(self, name)
            if value is None and (name == "patience" or (name == "batch_size" and self.takes_all)):
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise InputTypeError(f"is {value!r}, expected a whole number.", argument=name)
            if value < least:
                raise InputError(f"is {value}, expected {least} or more.", argument=name)
            put(name, int(value))
        _require_number("l2_penalty", self.l2_penalty)
        _require_number("tolerance", self.tolerance)
        if self.clip_norm is not None:
            _require_number("clip_norm", self.clip_norm)
            if self.clip_norm == 0:
                raise InputError("is 0, expected a number above 0, or None for no clipping.", argument="clip_norm")
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        if self.privacy is not None:
            self._require_private()
        if self.optimizer.searches:
            self._require_one_function()

    def _require_private(self) -> None:
        """Private steps: what the optimizer and the schedule make of a noisy gradient is as private as it is."""
        if not isinstance(self.privacy, Privacy):
            raise InputTypeError(f"is {self.privacy!r}, expected a backtalk.Privacy.", argument="privacy")
        refused = {
            f"optimizer is {self._words!r}, which takes all examples in each step": not self.by_steps or self.takes_all,
            "clip_norm is given, which clips the gradient of a mini-batch": self.clip_norm is not None,
            "measure_every is given, which measures gradients without noise": bool(self.measure_every),
            f"engine is {self.engine!r}, which takes no private steps": self.engine in COMPILED,
        }
        advice = {"optimizer": "use one such as 'adam'", "clip_norm": "use max_norm of Privacy"}
        for reason, is_so in refused.items():
            if is_so:
                what = advice.get(reason.split()[0], "leave it out")
                raise InputError(f"is given, but {reason}: {what}.", argument="privacy")

    def _require_one_function(self) -> None:
        """A search goes down one function: what changes that function, or the steps, cannot go with it."""
        refused = {
            "dropout": self.drops,
            "clip_norm": self.clip_norm is not None,
            "schedule": not isinstance(self.schedule, Constant) or bool(self.schedule.warm_up),
            "measure_every": bool(self.measure_every),
        }
        for name, given in refused.items():
            if given:
                raise InputError(
                    f"is given, but the optimizer {self._words!r} cannot use it: leave it out.", argument=name
                )

    @property
    def _words(self) -> str:
        return self.optimizer.name if isinstance(self.optimizer, LBFGS) else repr(self.optimizer)

    @property
    def by_steps(self) -> bool:
        """Whether training goes by steps of the engine, and not by a search."""
        return not self.optimizer.searches

    @property
    def takes_all(self) -> bool:
        """Whether each step takes all examples."""
        return isinstance(self.optimizer, Optimizer) and self.optimizer.whole_batch

    def batch_for(self, count: int) -> int:
        """How many of ``count`` examples a step takes; refuses a ``batch_size`` that the optimizer cannot have."""
        if self.takes_all and self.batch_size not in (None, count):
            raise InputError(
                f"is {self.batch_size}, but the optimizer {self.optimizer!r} takes all {count} examples in "
                "each step: leave batch_size out, or use 'sgd(momentum=0)'.",
                argument="batch_size",
            )
        return max(count, 1) if self.batch_size is None else min(self.batch_size, max(count, 1))

    @property
    def drops(self) -> bool:
        """Whether any hidden layer has dropout."""
        return any(self.dropout) if isinstance(self.dropout, tuple) else bool(self.dropout)

    def arguments(self) -> dict[str, Any]:
        """By name, as :func:`~backtalk.fit` takes them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def to_dict(self) -> dict[str, Any]:
        """As numbers, texts and lists."""
        privacy = None if self.privacy is None else repr(self.privacy)
        return self.arguments() | {
            "optimizer": repr(self.optimizer), "schedule": repr(self.schedule), "privacy": privacy
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataSettings:
    """What :func:`~backtalk.fit` is asked to do with its data: ``validation`` is the fraction, None for none.

    ``metric``: what decides on the validation set instead of the loss.
    """

    class_weight: Any = None
    validation: float | None = None
    metric: Metric | None = None

    def __post_init__(self) -> None:
        if self.validation is not None and not 0 < self.validation < 1:
            raise InputError(
                f"is {self.validation!r}, expected a fraction between 0 and 1, or (X, y).", argument="validation"
            )

    @classmethod
    def of(cls, class_weight: Any, validation: Any, metric: Any = None) -> DataSettings:
        """From the arguments of these names; a validation set that is given is none of the settings."""
        require_metric(metric, is_validated=validation is not None)
        fraction = validation if isinstance(validation, float | int) and not isinstance(validation, bool) else None
        return cls(class_weight, fraction, metric)

    def to_dict(self) -> dict[str, Any]:
        """As they are; of the metric its name."""
        name = None if self.metric is None else self.metric.name
        return {"class_weight": self.class_weight, "validation": self.validation, "metric": name}


def settings_to_json(settings: TrainSettings, data: DataSettings) -> dict[str, Any]:
    """Both as one object, which :func:`settings_from_json` reads back."""
    if type(settings.optimizer) not in OPTIMIZERS.values():
        raise InputError(
            f"is {settings.optimizer!r}, which a checkpoint cannot hold: use one by its name.", argument="optimizer"
        )
    values = settings.to_dict() | data.to_dict()
    del values["metric"]  # a function: whoever goes on gives it again
    values["privacy"] = None if settings.privacy is None else settings.privacy.to_dict()
    if isinstance(data.class_weight, Mapping):
        values["class_weight"] = [[plain(label), float(weight)] for label, weight in data.class_weight.items()]
    return values


def settings_from_json(values: dict[str, Any], path: Any) -> tuple[TrainSettings, DataSettings]:
    """The settings that a checkpoint holds."""
    try:
        values = {"privacy": None, **values}  # older checkpoints know of none
        if values["privacy"] is not None:
            values["privacy"] = Privacy(**values["privacy"])
        class_weight = values.pop("class_weight")
        if isinstance(class_weight, list):
            class_weight = dict(class_weight)
        data = DataSettings(class_weight, values.pop("validation"))
        missing = [each.name for each in fields(TrainSettings) if each.name not in values]
        if missing:
            raise KeyError(missing[0])
        return TrainSettings(**values), data
    except (BacktalkError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} holds settings of training that cannot be read ({error}).") from None


def _require_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputTypeError(f"is {value!r}, expected a number.", argument=name)
    if not 0 <= float(value) < math.inf:
        raise InputError(f"is {value!r}, expected a finite number of 0 or more.", argument=name)
