"""What an optimizer is: from the parameters θ and their gradient ∇ to the next θ."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..arrays import Array, is_array, namespace
from ..specification import require_range, write_specification

State = dict[str, list[Array]]


@dataclass(frozen=True, slots=True, repr=False)
class Optimizer:
    """``start`` makes the state for a list of parameters; ``step`` gives the next parameters and state.

    The state holds a list of arrays, one for each parameter, for each of ``families``.
    """

    name: ClassVar[str]
    families: ClassVar[tuple[str, ...]]
    whole_batch: ClassVar[bool] = False  # whether a step takes all examples, and never some of them
    searches: ClassVar[bool] = False  # whether it looks for its steps, each with several evaluations of the loss
    learning_rate: float
    weight_decay: float = field(kw_only=True)

    def start(self, parameters: list[Array]) -> State:
        """The state before the first step: zeros."""
        return {family: [namespace(theta).zeros_like(theta) for theta in parameters] for family in self.families}

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        """What update number t (from 1) adds to each parameter at a learning rate, and the next state."""
        raise NotImplementedError

    def step(
        self, parameters: list[Array], gradient: list[Array], state: State, *, t: int = 1, rate: float | None = None
    ) -> tuple[list[Array], State]:
        """The next parameters and state; ``rate`` stands in for the optimizer's own learning rate, where given."""
        rate = self.learning_rate if rate is None else rate
        changes, state = self.change(gradient, state, t, rate)
        keep = 1 - rate * self.weight_decay
        return [
            (keep * theta if theta.ndim == 2 and self.weight_decay else theta) + change
            for theta, change in zip(parameters, changes, strict=True)
        ], state

    def __repr__(self) -> str:
        return write_specification(self)


def require_rates(optimizer: Any) -> None:
    """Refuse a learning rate or a weight decay that is none."""
    require_range(optimizer, "learning_rate", 0, math.inf, "()")
    require_range(optimizer, "weight_decay", 0, math.inf)


def root(part: Array) -> Array:
    """√ of each element."""
    return namespace(part).sqrt(part)


def risen(beta: float, t: Any) -> Any:
    """1 − β^t, to full precision also where t is an array of float32, inside a compiled step."""
    if beta == 0 or not is_array(t):
        return 1 - beta**t
    return -namespace(t).expm1(t * math.log(beta))
