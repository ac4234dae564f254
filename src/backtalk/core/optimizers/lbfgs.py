"""L-BFGS, which takes whole batches and looks for its steps; it has no state of ours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..specification import require_range, write_specification

MOST_MEMORY = 1000  # pairs; more serve no purpose


@dataclass(frozen=True, slots=True, repr=False)
class LBFGS:
    """Limited-memory BFGS (Liu and Nocedal 1989), as SciPy's L-BFGS-B does it; an epoch is one iteration.

    ``memory``: how many pairs of steps and gradient changes it keeps. It has converged if the largest entry of the
    gradient is ``tolerance`` or less, or if an iteration lowers the loss by the share ``reduction`` of it or less.
    ``evaluations``: how often it evaluates the loss with its gradient, at most.

    >>> from backtalk import Network, fit
    >>> net = Network.create([1, 1], loss="squared_error", rng=0)
    >>> training = fit(net, [[0.0], [1.0]], [1.0, 3.0], epochs=100, optimizer=LBFGS(tolerance=1e-8))
    >>> training.reason, round(float(training.network.W[1][0, 0]), 6), round(float(training.network.b[1][0]), 6)
    ('converged', 2.0, 1.0)
    """

    name: ClassVar[str] = "lbfgs"
    searches: ClassVar[bool] = True
    memory: float = 10.0
    tolerance: float = 1e-5
    reduction: float = 1e7 * 2.0**-52  # SciPy's own
    evaluations: float = 15000.0

    def __post_init__(self) -> None:
        require_range(self, "memory", 1, MOST_MEMORY, "[]")
        require_range(self, "tolerance", 0, math.inf)
        require_range(self, "reduction", 0, 1)
        require_range(self, "evaluations", 1, math.inf)

    def __repr__(self) -> str:
        return write_specification(self)
