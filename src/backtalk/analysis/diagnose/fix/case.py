"""What an action looks at, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..finding import Finding
from ..measure import Measurements
from .plan import Plan


@dataclass(frozen=True, slots=True)
class Case:
    """What an action looks at besides the finding: the plan, what was measured, and how many rows are trained on.

    ``first``: whether nothing was trained anew yet. ``epochs``: of the run that was diagnosed.
    """

    plan: Plan
    measured: Measurements
    rows: int
    first: bool
    epochs: int


Change = tuple[Plan, str] | None  # the changed plan, and what was done, in words
Action = Callable[[Finding, Case], Change]
