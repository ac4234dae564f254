"""Pictures that a frame holds only while the page shows them: each unit over the plane, and histograms of a layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAP_EVERY = 3  # of the points of the surface, in each direction
MOST_MAPS = 32  # units of a layer; more would be too small to see
BINS = 31  # odd: the one in the middle is around 0


@dataclass(frozen=True, slots=True)
class Looks:
    """What the page shows beside the numbers."""

    maps: bool = False
    histograms: bool = False


PLAIN = Looks()


def maps(trace: Any, units: tuple[np.ndarray, ...], side: int) -> Iterable[tuple[str, np.ndarray]]:
    """h of each drawn unit over the plane, (n, 14, 14) for a surface of 40 points a side, of layers that are not large.

    ``trace``: of the points of the surface, row by row from the lowest x_2, (side², n_0).
    """
    for i, chosen in enumerate(units):
        if len(chosen) <= MOST_MAPS:
            over = trace.h[i][:, chosen].reshape(side, side, -1)[::MAP_EVERY, ::MAP_EVERY]
            yield f"map.{i}", over.transpose(2, 0, 1)


def histograms(trace: Any, grads: Any) -> tuple[dict[str, Any], list[tuple[str, np.ndarray]]]:
    """a and ∇_a of each layer, every unit and every example of a mini-batch: counts between −most and most.

    ∇_a is that of each example's own loss, as the drawing has it. The facts hold ``most``, and ``zeros``, the share of
    numbers that are exactly 0.
    """
    facts, arrays = {}, []
    for i, a in trace.a.items():
        for name, values in ((f"a.{i}", a), (f"grad_a.{i}", len(a) * grads.a[i])):
            finite = values[np.isfinite(values)]
            most = float(np.abs(finite).max(initial=0))
            counts, _ = np.histogram(finite, BINS, (-(most or 1.0), most or 1.0))
            facts[name] = {"most": most, "zeros": float(np.mean(values == 0))}
            arrays.append((f"histogram.{name}", counts))
    return facts, arrays
