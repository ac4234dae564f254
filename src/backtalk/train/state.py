"""Where training stands, as one value, which a checkpoint writes down as it is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..core.checked import as_kind, field_of
from ..errors import FileFormatError, InputError
from .loop import EpochPosition
from .schedules import ScheduleState

Part = TypeVar("Part")
# Where a generator stands in the numbers that it has made, and how many there are
POINTERS = {"MT19937": ("pos", 624), "Philox": ("buffer_pos", 4)}
GENERATORS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]


@dataclass(frozen=True, slots=True)
class BestEpoch:
    """The best epoch, the loss that decides after it, and the epochs without an improvement since.

    ``best_cost``: of its metric, of which less is better; infinite if there is none, so that the loss alone decides.
    """

    best_epoch: int | None = None
    best_loss: float = math.inf
    waited: int = 0
    best_cost: float = math.inf

    def after(self, number: int, loss: float, tolerance: float, cost: float = math.inf) -> BestEpoch:
        """The same after epoch ``number``, whose loss and metric these are."""
        equal = cost == self.best_cost
        enough = loss < self.best_loss - tolerance if equal else cost < self.best_cost - tolerance
        waited = 0 if enough else self.waited + 1
        if loss < self.best_loss if equal else cost < self.best_cost:
            return BestEpoch(number, loss, waited, cost)
        return BestEpoch(self.best_epoch, self.best_loss, waited, self.best_cost)


@dataclass(frozen=True, slots=True)
class TrainState:
    """Where a run stands between two chunks of steps, besides the network and the optimizer's state.

    ``origin``: updates that were made before this run. ``rng_at_start``: the generator's state before it. ``data``: the
    fingerprint of the examples. ``own_validation``: whether a validation set was given. ``reason``: why it ended.
    ``metric``: the name of the metric that decides, if it is not the loss. ``noise_multiplier``: that of private steps.
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
    metric: str | None = None
    validation_metrics: tuple[float | None, ...] = ()
    noise_multiplier: float | None = None

    def to_json(self) -> dict[str, Any]:
        """One flat object; JSON has no infinity, so None stands for it."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        position, best, schedule = (asdict(own.pop(name)) for name in ("position", "best", "schedule"))
        best = _finite(_finite(best, "best_loss"), "best_cost")
        return plain(own | position | best | {"memory": _finite(schedule, "best")})

    @classmethod
    def from_json(cls, facts: dict[str, Any], path: Path | str) -> TrainState:
        """The state that :meth:`to_json` wrote into a file; :class:`FileFormatError` if it is not one."""
        facts = {**LATER, **facts}
        position, best = _part(facts, EpochPosition, path), _part(facts, BestEpoch, path)
        schedule = as_kind(_infinite(field_of(facts, "memory", dict, path), "best"), ScheduleState, path, "memory")
        own: dict[str, Any] = {name: field_of(facts, name, kind, path) for name, kind in OWN.items()}
        for name in ("rng_at_start", "rng_at_epoch"):
            try:
                rng_from_json(facts[name])
            except (InputError, AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
                raise FileFormatError(f"{path}: {name!r} is the state of no random generator ({error}).") from None
        counts = {**asdict(position), **asdict(best), **asdict(schedule), **own}
        for name in ("part", "row", "weight", "epoch_began_at", "waited", "resting", "factor", "origin"):
            if not 0 <= counts[name] < math.inf:
                raise FileFormatError(f"{path}: {name!r} is {counts[name]}, expected 0 or more.")
        epochs, validated = len(own["losses"]), len(own["validation_losses"])
        measured = epochs if own["metric"] is not None else 0
        fits = validated in (0, epochs) and len(own["validation_metrics"]) == measured
        if not fits or (best.best_epoch is not None and not 1 <= best.best_epoch <= epochs):
            raise FileFormatError(f"{path}: 'losses' has {epochs} epochs, which is not as many as the others tell of.")
        return cls(**own, position=position, best=best, schedule=schedule)


OWN: dict[str, Any] = {
    "rng_at_start": dict[str, Any],
    "data": str | None,
    "own_validation": bool,
    "origin": int,
    "losses": tuple[float],
    "validation_losses": tuple[float],
    "reason": str | None,
    "metric": str | None,
    "validation_metrics": tuple[float | None],
    "noise_multiplier": float | None,
}
LATER: dict[str, Any] = {  # not in older checkpoints
    "metric": None, "validation_metrics": [], "best_cost": None, "noise_multiplier": None
}  # fmt: skip


def _part(facts: dict[str, Any], kind: type[Part], path: Path | str) -> Part:
    """What stands in one flat object with others."""
    names = [each.name for each in fields(kind)]  # pyright: ignore[reportArgumentType]
    found = {name: field_of(facts, name, Any, path) for name in names}
    found = _infinite(_infinite(found, "best_loss"), "best_cost")
    return as_kind(found, kind, path, "training")


def _finite(values: dict[str, Any], name: str) -> dict[str, Any]:
    return values | {name: values[name] if math.isfinite(values[name]) else None}


def _infinite(values: dict[str, Any], name: str) -> dict[str, Any]:
    return values | {name: math.inf} if values.get(name, 0) is None else values


def rng_from_json(state: dict[str, Any]) -> np.random.Generator:
    """A generator in that state."""
    name = state["bit_generator"]
    if name not in GENERATORS:
        raise InputError(f"the checkpoint's random generator is {name!r}, expected one of {', '.join(GENERATORS)}.")
    pointer, most = POINTERS.get(name, ("", 0))
    if pointer and not 0 <= state.get(pointer, state["state"].get(pointer, 0)) <= most:
        raise ValueError(f"{pointer} is beyond {most}")  # NumPy would read there
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
