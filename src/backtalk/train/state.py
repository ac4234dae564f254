"""Where training stands, as one value, which a checkpoint writes down as it is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from ..errors import InputError
from .loop import EpochPosition
from .schedules import ScheduleState

GENERATORS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]


@dataclass(frozen=True, slots=True)
class BestEpoch:
    """The epoch with the lowest loss that decides, its loss, and the epochs without an improvement since."""

    best_epoch: int | None = None
    best_loss: float = math.inf
    waited: int = 0

    def after(self, number: int, loss: float, tolerance: float) -> BestEpoch:
        """The same after epoch ``number``, whose loss this is."""
        waited = 0 if loss < self.best_loss - tolerance else self.waited + 1
        if loss < self.best_loss:
            return BestEpoch(number, loss, waited)
        return BestEpoch(self.best_epoch, self.best_loss, waited)


@dataclass(frozen=True, slots=True)
class TrainState:
    """Where a run stands between two chunks of steps, besides the network and the optimizer's state.

    ``origin``: updates that were made before this run. ``rng_at_start``: the generator's state before it. ``data``: the
    fingerprint of the examples. ``own_validation``: whether a validation set was given. ``reason``: why it ended.
    """

    rng_at_start: dict[str, Any]
    data: str | None = None
    own_validation: bool = False
    origin: int = 0
    position: EpochPosition = field(default_factory=EpochPosition)
    best: BestEpoch = field(default_factory=BestEpoch)
    schedule: ScheduleState = field(default_factory=ScheduleState)
    losses: tuple[float, ...] = ()
    validation_losses: tuple[float, ...] = ()
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """One flat object; JSON has no infinity, so None stands for it."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        position, best, schedule = (asdict(own.pop(name)) for name in ("position", "best", "schedule"))
        return plain(own | position | _finite(best, "best_loss") | {"memory": _finite(schedule, "best")})

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> TrainState:
        """The state that :meth:`to_json` wrote; ``KeyError``, ``TypeError`` or ``ValueError`` if it is not one."""
        for name in ("rng_at_start", "rng_at_epoch"):
            rng_from_json(facts[name])
        own: dict[str, Any] = {name: facts[name] for name in ("rng_at_start", "data", "own_validation")}
        own |= {"origin": facts["origin"], "reason": facts["reason"]}
        own |= {name: tuple(facts[name]) for name in ("losses", "validation_losses")}
        position = EpochPosition(**{each.name: facts[each.name] for each in fields(EpochPosition)})
        best = BestEpoch(**_infinite({each.name: facts[each.name] for each in fields(BestEpoch)}, "best_loss"))
        schedule = ScheduleState(**_infinite(facts["memory"], "best"))
        return cls(**own, position=position, best=best, schedule=schedule)


def _finite(values: dict[str, Any], name: str) -> dict[str, Any]:
    return values | {name: values[name] if math.isfinite(values[name]) else None}


def _infinite(values: dict[str, Any], name: str) -> dict[str, Any]:
    return values | {name: math.inf if values[name] is None else values[name]}


def rng_from_json(state: dict[str, Any]) -> np.random.Generator:
    """A generator in that state."""
    name = state["bit_generator"]
    if name not in GENERATORS:
        raise InputError(f"the checkpoint's random generator is {name!r}, expected one of {', '.join(GENERATORS)}.")
    bits = getattr(np.random, name)()
    bits.state = state
    return np.random.Generator(bits)


def plain(value: Any) -> Any:
    """The same without NumPy's types, for JSON."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value
