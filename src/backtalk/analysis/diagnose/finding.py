"""What the doctor says: findings, ranked, each with its numbers and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .thresholds import LIMITS, RULES

SEVERITIES = ("severe", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a network, its data or its training, or worth knowing.

    ``kind``: its name in the table of thresholds. ``severity``: 'severe' (training cannot work like this), 'warning'
    (it works worse than it could) or 'note'. ``excess``: how far beyond its threshold, 1 at the threshold; findings of
    one severity are ranked by it. ``title``: a few words. ``said``: the finding, in sentences with the numbers.
    ``advice``: what to do. ``numbers``: the same numbers by name. ``layer``: as in the formulas, or None. ``units``:
    columns of ``h[layer]``, from 0, and ``examples``: rows of X, from 0 or as the caller numbers them, the worst first.
    Sentences count units, columns and rows from 1.

    >>> import numpy as np
    >>> from backtalk import Network, diagnose
    >>> X = np.random.default_rng(0).normal(size=(100, 2)) * [1, 5000]
    >>> finding = diagnose(Network.create([2, 2], rng=0), X, X[:, 0] > 0, columns=["width", "height"]).findings[0]
    >>> finding.kind, finding.severity, finding.layer, finding.units, finding.numbers["column"]
    ('inputs_not_scaled', 'severe', 0, (1,), 'height')
    """

    kind: str
    severity: str
    excess: float
    title: str
    said: str
    advice: str
    numbers: Mapping[str, float | int | str | None] = field(default_factory=dict)
    layer: int | None = None
    units: tuple[int, ...] = ()
    examples: tuple[int, ...] = ()


def finding(
    kind: str, value: float, title: str, said: str, advice: str, *, most: str = "severe", **rest: Any
) -> list[Finding]:
    """The finding, or none, as the table judges the number; ``most``: no more than this severity."""
    judged = RULES[kind].judge(value, most)
    if judged is None:
        return []
    severity, excess = judged
    for name in ("units", "examples"):
        rest[name] = tuple(int(each) for each in rest.get(name, ()))[: LIMITS.listed]
    return [Finding(kind, severity, excess, title, said, advice, **rest)]
