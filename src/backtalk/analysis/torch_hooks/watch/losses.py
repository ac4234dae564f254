"""The losses of steps, as backward passes show them and as the user tells them, fetched from the device late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .curve import Curve
from .moves import fetched


@dataclass(slots=True)
class StepLosses:
    """Of one step: of its backward passes, each with the scale of a GradScaler, and the one that was told."""

    seen: list[tuple[Any, Any]] = field(default_factory=list)
    told: Any = None


class Losses:
    """``seen`` and ``told``, a curve each."""

    def __init__(self, torch: Any) -> None:
        self._torch, self._waiting = torch, []
        self._seen, self._told = Curve(), Curve()

    def add(self, step: StepLosses) -> None:
        """Those of one more step."""
        self._waiting.append(step)
        if all(_is_here(value) for value in _values(step)):
            self.fetch()

    def fetch(self) -> None:
        """Wait for what is on a device."""
        waiting, self._waiting = self._waiting, []
        values = [value for step in waiting for value in _values(step)]
        tensors = [value.float() for value in values if not isinstance(value, float)]
        numbers = iter(fetched(self._torch, tensors))
        for step in waiting:
            seen = [_number(value, numbers) / grad_scale(_number(scale, numbers)) for value, scale in step.seen]
            if seen:
                self._seen.add(sum(seen) / len(seen))
            if step.told is not None:
                self._told.add(_number(step.told, numbers))

    @property
    def seen(self) -> Curve:
        """As backward passes show them: means over the passes of a step."""
        self.fetch()
        return self._seen

    @property
    def told(self) -> Curve:
        """As the user gives them."""
        self.fetch()
        return self._told

    @property
    def curve(self) -> Curve:
        """What the optimizer was given, if it was seen for half of the steps, or else the user's word."""
        return self.seen if 2 * self.seen.count >= self.told.count else self._told


def grad_scale(factor: float) -> float:
    """The factor of a loss if it may be that of a GradScaler, or 1: a loss that is a part of a sum has less."""
    return factor if factor >= 2 else 1.0


def _values(step: StepLosses) -> list[Any]:
    return [each for pair in step.seen for each in pair] + ([] if step.told is None else [step.told])


def _is_here(value: Any) -> bool:
    return isinstance(value, float) or value.device.type == "cpu"


def _number(value: Any, numbers: Any) -> float:
    return value if isinstance(value, float) else next(numbers)
