"""A rule: what one number must reach to be a finding, and what such a finding explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_EXCESS = 1e12  # of a number that is infinitely far beyond its threshold: JSON has no inf


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: the number that is ``compared``, from where it is one, and what it ``explains``: kinds that
    stand below it in the table, or "*" for all of them.

    ``low``: it is one if the number is below the threshold. A threshold of None is never reached.

    >>> from backtalk.analysis.diagnose import RULES
    >>> RULES["dead_units"].judge(0.5)
    ('warning', 1.6666666666666667)
    """

    kind: str
    compared: str
    note: float | None
    warning: float | None
    severe: float | None
    reason: str
    explains: tuple[str, ...] = ()
    low: bool = False

    def judge(self, value: float, most: str = "severe") -> tuple[str, float] | None:
        """The severity, at most so high, and the excess; None if the number is no finding, or is no number."""
        if math.isnan(value):
            return None
        order = ("severe", "warning", "note")
        for severity in order[order.index(most) :]:
            threshold = getattr(self, severity)
            if threshold is not None and (value <= threshold if self.low else value >= threshold):
                return severity, self._excess(value, threshold)
        return None

    def _excess(self, value: float, threshold: float) -> float:
        above, below = (threshold, value) if self.low else (value, threshold)
        if below <= 0 or math.isinf(above):
            return MOST_EXCESS if above > below else 1.0
        return min(above / below, MOST_EXCESS)
