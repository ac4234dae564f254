"""What is kept of a step: numbers alone."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Move:
    """How an optimizer's step moved one parameter: ‖w‖ before, ‖Δw‖, ‖∇‖ and ⟨Δw, ∇⟩, of at most a million numbers."""

    size: float
    way: float
    gradient: float
    product: float

    @property
    def ratio(self) -> float | None:
        """‖Δw‖/‖w‖; None for a parameter that was 0."""
        return self.way / self.size if self.size > 0 else None


@dataclass(slots=True)
class Step:
    """One step of training, from its first backward pass on.

    ``number``: from 1. ``losses``: of its backward passes, as the optimizer wants them (without the scale of a
    GradScaler). ``told``: the loss that doctor.step was given. ``backwards``: how many passes reached the model;
    ``nodes``: of the graph, if it was measured. ``heard``: ‖∇‖ over all parameters after the last backward pass, and
    ``used``: at the optimizer's step; None if it was not measured. ``moves``: by the name of the parameter.
    ``rate``: the largest of the optimizer's. ``cleared``: whether the gradients were cleared since the last step.
    ``scale``: of a GradScaler. ``closure``: whether the optimizer itself called for backward passes, as L-BFGS does.
    ``emptied``: whether the optimizer found no gradient that is not 0, though a backward pass had made some.
    """

    number: int
    losses: list[float] = field(default_factory=list)
    told: float | None = None
    backwards: int = 0
    nodes: int | None = None
    heard: float | None = None
    used: float | None = None
    moves: dict[str, Move] = field(default_factory=dict)
    rate: float | None = None
    cleared: bool = True
    emptied: bool = False
    evaluating: bool = False
    scale: float = 1.0
    closure: bool = False
    optimizers: list[int] = field(default_factory=list)
