"""The settings of a run, checked; and to and from JSON, for checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ..core.dropout import Dropout
from ..core.optimizers import LBFGS, OPTIMIZERS, Optimizer, as_any_optimizer
from ..engines.choose import ENGINES
from ..errors import BacktalkError, FileFormatError, InputError, InputTypeError, unknown_name
from .schedules import Constant, Schedule, as_schedule


@dataclass(frozen=True, slots=True)
class Plan:
    """What :func:`~backtalk.fit` is asked for, besides the network, the data and what watches over it."""

    epochs: int
    batch_size: int
    optimizer: Optimizer | LBFGS
    schedule: Schedule
    l2_penalty: float
    dropout: float | tuple[float, ...]
    clip_norm: float | None
    class_weight: Any
    validation: float | None  # the fraction; None where there is none, or a set of its own
    patience: int | None
    tolerance: float
    engine: str
    measure_every: int

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("measure_every", 0), ("patience", 1)):
            value = getattr(self, name)
            if name == "patience" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise InputTypeError(f"{name} is {value!r}, expected a whole number.")
            if value < least:
                raise InputError(f"{name} is {value}, expected {least} or more.")
            object.__setattr__(self, name, int(value))
        self._require_number("l2_penalty", self.l2_penalty)
        self._require_number("tolerance", self.tolerance)
        if self.clip_norm is not None:
            self._require_number("clip_norm", self.clip_norm)
            if self.clip_norm == 0:
                raise InputError("clip_norm is 0, expected a number above 0, or None for no clipping.")
        if self.validation is not None and not 0 < self.validation < 1:
            raise InputError(f"validation is {self.validation!r}, expected a fraction between 0 and 1, or (X, y).")
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        Dropout(self.dropout)
        if isinstance(self.optimizer, LBFGS):
            self._require_whole_batch()

    def _require_number(self, name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise InputTypeError(f"{name} is {value!r}, expected a number.")
        if not 0 <= float(value) < math.inf:
            raise InputError(f"{name} is {value!r}, expected a finite number of 0 or more.")

    def _require_whole_batch(self) -> None:
        """L-BFGS takes whole steps on one smooth function: what changes that function cannot go with it."""
        refused = {
            "dropout": self.drops,
            "clip_norm": self.clip_norm is not None,
            "schedule": not isinstance(self.schedule, Constant) or bool(self.schedule.warm_up),
            "measure_every": bool(self.measure_every),
        }
        for name, given in refused.items():
            if given:
                raise InputError(f"{name} is given, but the optimizer 'lbfgs' cannot use it: leave it out.")

    @property
    def by_steps(self) -> bool:
        """Whether training goes by mini-batches, and not by L-BFGS."""
        return isinstance(self.optimizer, Optimizer)

    @property
    def drops(self) -> bool:
        """Whether any hidden layer has dropout."""
        return any(self.dropout) if isinstance(self.dropout, tuple) else bool(self.dropout)

    def to_dict(self) -> dict[str, Any]:
        """The settings as numbers, texts and lists."""
        values = {name: getattr(self, name) for name in self.__slots__}
        texts = {"optimizer": repr(self.optimizer), "schedule": repr(self.schedule)}
        return values | texts

    def to_json(self) -> dict[str, Any]:
        """The same, where each can be read back by :meth:`from_json`."""
        values = self.to_dict()
        if type(self.optimizer) not in OPTIMIZERS.values():
            raise InputError(f"optimizer is {self.optimizer!r}, which a checkpoint cannot hold: use one by its name.")
        if isinstance(self.class_weight, Mapping):
            values["class_weight"] = [[plain(label), float(weight)] for label, weight in self.class_weight.items()]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any], path: Any) -> Plan:
        """The plan that a checkpoint holds."""
        try:
            values = dict(values)
            values["optimizer"] = as_any_optimizer(values["optimizer"])
            values["schedule"] = as_schedule(values["schedule"])
            if isinstance(values["dropout"], list):
                values["dropout"] = tuple(values["dropout"])
            if isinstance(values["class_weight"], list):
                values["class_weight"] = dict(values["class_weight"])
            return cls(**values)
        except (BacktalkError, KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path} holds settings of training that cannot be read ({error}).") from None


def plain(value: Any) -> Any:
    """The same without NumPy's types, for JSON."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value
