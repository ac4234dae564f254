"""What is kept of a step that was measured: numbers alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .moves import Move


@dataclass(slots=True)
class Step:
    """One step of training, from its first backward pass to the optimizer's step.

    ``number``: from 1. ``backwards``: how many backward passes reached the model; ``nodes``: of the graph of the first.
    ``scale``: of a GradScaler. ``heard``: ‖∇‖ after the last backward pass, without that scale, and ``used``: at the
    optimizer's step; None if they were not measured. ``moves``: by the name of the parameter. ``rate``: the largest
    of the optimizer's. ``closure``: whether the optimizer itself called for backward passes, as L-BFGS does.
    ``optimizers``: which stepped. ``decay``: the largest weight_decay; ``pull``: its pull over that of the data; None
    if it is not known.
    """

    number: int
    backwards: int = 0
    nodes: int | None = None
    scale: float = 1.0
    heard: float | None = None
    used: float | None = None
    moves: dict[str, Move] = field(default_factory=dict)
    rate: float | None = None
    closure: bool = False
    optimizers: set[int] = field(default_factory=set)
    decay: float = 0.0
    pull: float | None = None

    @property
    def ratio(self) -> float | None:
        """‖Δw‖/‖w‖ over all parameters that the optimizer moved; None if it was not measured."""
        size = math.hypot(*(move.size for move in self.moves.values()))
        return math.hypot(*(move.way for move in self.moves.values())) / size if size > 0 else None

    @property
    def product(self) -> float:
        """⟨Δw, ∇⟩ over all parameters."""
        return math.fsum(move.product for move in self.moves.values())
