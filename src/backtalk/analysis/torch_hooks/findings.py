"""From the gradients of single examples to findings, by the thresholds of :mod:`backtalk.diagnose`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...core.arrays import to_numpy
from ..diagnose.finding import Finding, finding
from ..diagnose.thresholds import LIMITS
from ..diagnose.words import counted, listed, percent
from .norms import HeardNorms

OF_EXAMPLES = ("dominating_examples", "batch_too_small")


def find_dominating(found: HeardNorms) -> list[Finding]:
    """A hundredth of the examples with as much say as all others: a note, since their losses are not known."""
    norms = to_numpy(found.whole).astype(np.float64)
    count = len(norms)
    if count < LIMITS.examples or not norms.max() > 0:
        return []
    say = (norms / norms.max()) ** 2
    say = say / say.sum()
    few = max(1, int(LIMITS.loud * count))
    rows = np.argsort(-say, kind="stable")[:few]
    share = float(say[rows].sum())
    loudest = [f"{n + 1} ({percent(float(say[n]))})" for n in rows]
    return finding(
        "dominating_examples", share, "a few examples drown out the others",
        f"{counted(few, 'example')} of {count} have {percent(share)} of the sum of the squares of the gradients' "
        f"norms: {listed(loudest, 5)}.",
        "Look at these examples for wrong values, in the inputs as in the targets. If they are right, a loss that "
        "listens to them less, or clip_grad_norm_, helps.",
        most="note", numbers={"examples": few, "share": share}, examples=rows,
    )  # fmt: skip


def find_noise(count: int, noise: float | None) -> list[Finding]:
    """The noise of the batch's gradient: a note, since every run ends there once its gradient vanishes."""
    if noise is None or count < LIMITS.examples:
        return []
    much = f"{noise:.3g} examples" if math.isfinite(noise) else "too large to be told from one batch"
    found = finding(
        "batch_too_small", noise / count, "the batch's gradient is mostly noise",
        f"The gradient noise scale is {much}, and the batch has {count}: one such batch hardly shows the "
        "direction in which the mean loss falls. That is usual where training is nearly done.",
        "If the loss still has to fall, use larger batches, or a smaller learning rate.",
        numbers={"noise_scale": noise, "batch": count},
    )  # fmt: skip
    return [replace(each, severity="note") for each in found]
