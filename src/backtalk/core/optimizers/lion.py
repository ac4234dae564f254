"""Lion: steps of one size, by the sign of a running mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from ..arrays import Array, namespace
from ..specification import require_range
from .optimizer import Optimizer, State, require_rates


@dataclass(frozen=True, slots=True, repr=False)
class Lion(Optimizer):
    """θ ← θ − η·sign(β₁m + (1−β₁)∇), then m ← β₂m + (1−β₂)∇ (Chen et al. 2023, Algorithm 2).

    Each weight changes by η in each step, or not at all. The paper's weight decay is the decoupled one that every
    optimizer here has.

    >>> import numpy as np
    >>> lion, theta = Lion(learning_rate=0.5), [np.array([1.0])]
    >>> theta, state = lion.step(theta, [np.array([3.0])], lion.start(theta))
    >>> theta[0].round(6), state["m"][0].round(6)
    (array([0.5]), array([0.03]))
    """

    name = "lion"
    families: ClassVar[tuple[str, ...]] = ("m",)
    learning_rate: float = 1e-4
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_rates(self)
        require_range(self, "beta_1", 0, 1)
        require_range(self, "beta_2", 0, 1)

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        pairs = list(zip(state["m"], gradient, strict=True))
        changes = [-rate * _sign(self.beta_1 * m + (1 - self.beta_1) * grad) for m, grad in pairs]
        return changes, {"m": [self.beta_2 * m + (1 - self.beta_2) * grad for m, grad in pairs]}


def _sign(part: Array) -> Array:
    """1, −1, or 0 where it is 0; NaN stays NaN."""
    xp = namespace(part)
    return xp.where(part > 0, xp.ones_like(part), xp.where(part < 0, -xp.ones_like(part), part))
