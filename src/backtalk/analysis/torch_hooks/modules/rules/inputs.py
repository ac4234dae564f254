"""Data that are not scaled, as the first layers hear them."""

from __future__ import annotations

import math

import numpy as np

from ....diagnose.finding import Finding, finding
from ....diagnose.ranking import worst_of_each_kind
from ....diagnose.thresholds import RULES
from ....diagnose.words import counted, listed
from ..statistics import InputScale, ModelStatistics

SCALE = (
    "Subtract the mean and divide by the standard deviation of each, over the training data (pixels: divide by 255); "
)
SCALE += "where they come from frozen layers below, put a normalization before this one."


def find_input_scale(statistics: ModelStatistics) -> list[Finding]:
    """Columns or channels that are far larger than 1, or data far smaller."""
    return worst_of_each_kind([each for scale in statistics.inputs for each in _of(scale)])


def _of(scale: InputScale) -> list[Finding]:
    sizes = np.array(scale.sizes)
    order = np.argsort(-sizes, kind="stable")
    large = [int(k) for k in order if sizes[k] >= (RULES["inputs_not_scaled"].warning or math.inf)]
    names = [f"{k + 1} ({sizes[k]:.3g})" for k in large]
    return finding(
        "inputs_not_scaled", float(sizes[order[0]]), "inputs are not scaled",
        f"{counted(len(large), 'input')} of {len(sizes)} of '{scale.name}', which hears the data first, are far from "
        "the size that initial weights are made for: the root of the mean square should be near 1, and it is "
        f"{listed(names)}. The largest has mean {scale.means[order[0]]:.3g}.",
        SCALE, most="warning", numbers={"columns": len(large), "largest": float(sizes[order[0]]), "module": scale.name},
        layer=0, units=large,
    ) + finding(
        "inputs_too_small", scale.typical if scale.typical > 0 else math.nan, "inputs are very small",
        f"The root of the mean square of what '{scale.name}' hears of the data is {scale.typical:.3g}, where initial "
        "weights are made for inputs near 1.",
        SCALE, most="warning", numbers={"root_mean_square": scale.typical, "module": scale.name}, layer=0,
    )  # fmt: skip
