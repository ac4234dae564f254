"""The table of schedules, by their names."""

from __future__ import annotations

from ...core.specification import read_specification
from .cycles import Cosine, CosineRestarts, OneCycle
from .decays import Constant, Exponential, InverseScaling, Polynomial, StepDecay
from .plateaus import Adaptive, ReduceOnPlateau
from .schedule import Schedule

SCHEDULES: dict[str, type[Schedule]] = {
    kind.name: kind
    for kind in (
        Constant, InverseScaling, Exponential, Polynomial, StepDecay, Adaptive, ReduceOnPlateau, Cosine, CosineRestarts,
        OneCycle,
    )
}  # fmt: skip


def as_schedule(value: str | Schedule, argument: str = "schedule") -> Schedule:
    """A schedule from itself or from its name, with parameters where it has some.

    >>> as_schedule("cosine(warm_up=100)")
    cosine(warm_up=100.0)
    """
    if isinstance(value, Schedule):
        return value
    return read_specification(value, SCHEDULES, argument)
