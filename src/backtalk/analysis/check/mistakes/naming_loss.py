"""Which mistake was made in the loss? The first that explains its values on every batch that was tried."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from .loss import LOSS, KnownLoss, LossCase
from .mistake import Mistake

CLOSE = 1e-7
LEAST = 3  # a number that is found must be told by so many batches


@np.errstate(all="ignore")
def name_loss_mistakes(cases: list[LossCase]) -> tuple[Mistake, ...]:
    """The mistake that explains the loss on every batch; empty if none does."""
    if not cases or not all(math.isfinite(case.given) for case in cases):
        return ()
    for known in LOSS:
        found = next((_known(known, value, cases) for value in known.values if _known(known, value, cases)), None)
        if found is not None:
            return (found,)
        for value in known.unknowns if len(cases) >= LEAST else ():
            factor = _solve(value, cases)
            if factor is not None:
                return (_told(known, factor, cases),)
    return ()


def _known(known: KnownLoss, value: Callable[[LossCase], float | None], cases: list[LossCase]) -> Mistake | None:
    try:
        fits = all(_is_close(value(case), case.given) for case in cases)
    except (ValueError, IndexError, KeyError, ZeroDivisionError):  # as log 0: nobody did that
        return None
    return known.mistake() if fits else None


def _told(known: KnownLoss, factor: float, cases: list[LossCase]) -> Mistake:
    if known.name != "loss_factor":
        return known.mistake(abs(factor) if known.name == "loss_epsilon" else factor)
    network = cases[0].network
    names = {1 / n: f" (1/{n}, {n} the number of {what})"
             for n, what in ((network.sizes[-1], "outputs"), (network.sizes[0], "inputs"))}  # fmt: skip
    mistake = known.mistake(1 + factor)
    because = next((words for value, words in names.items() if math.isclose(value, 1 + factor, rel_tol=1e-6)), "")
    return replace(mistake, said=mistake.said + because)


def _is_close(one: float | None, other: float) -> bool:
    return one is not None and math.isfinite(one) and abs(one - other) <= CLOSE * max(abs(one), abs(other), 1e-12)


def _solve(value: Callable[[LossCase, float], float], cases: list[LossCase]) -> float | None:
    """The number that explains every batch: found on the first by bisection, tried on the others; None if none does."""

    def off(factor: float) -> float:
        return value(cases[0], factor) - cases[0].given

    try:
        for sign in (1.0, -1.0):
            points = [sign * 10.0**power for power in range(-12, 4)]
            for low, high in pairwise(points):
                if not off(low) * off(high) <= 0:
                    continue
                for _ in range(200):
                    middle = (low + high) / 2
                    low, high = (low, middle) if off(low) * off(middle) <= 0 else (middle, high)
                if all(_is_close(value(case, high), case.given) for case in cases):
                    return high
    except (ValueError, KeyError, IndexError, ZeroDivisionError):
        return None
    return None
