"""weight_decay beside the data, in one step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..audit.optimizers import is_decoupled
from .moves import Move


def pull_of(
    optimizer: Any, moves: Mapping[str, Move], names: Mapping[int, str], gradient: float | None
) -> tuple[float, float | None]:
    """The largest weight_decay, and λ‖w‖ over ‖∇‖; for a decay of its own, rate·λ‖w‖ over the step of the rest.

    The second is None without a decay, or without a gradient.
    """
    largest, pulls, rests = 0.0, [], []
    for group in optimizer.param_groups:
        decay, rate = (float(group.get(name) or 0.0) for name in ("weight_decay", "lr"))
        largest = max(largest, decay)
        decoupled = is_decoupled(optimizer, group)
        for move in (moves[names[id(p)]] for p in group["params"] if names.get(id(p)) in moves):
            pulls.append(decay * move.size * (rate if decoupled else 1.0))
            if decoupled:
                rests.append(max(move.way - rate * decay * move.size, 0.0))
    rest = math.hypot(*rests) if rests else gradient
    return largest, math.hypot(*pulls) / rest if largest and rest else None
