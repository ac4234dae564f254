"""From the statistics of all modules to findings."""

from __future__ import annotations

from ...diagnose.finding import Finding
from .reach import find_unreached
from .statistics import ModelStatistics


def find_in_modules(statistics: ModelStatistics) -> list[Finding]:
    """What is wrong with a model, as far as one forward and backward pass shows it; not ranked."""
    return find_unreached(statistics.reach)
