"""From the captured calls to the statistics of all modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reach import Reach
from .statistics import ModelStatistics

if TYPE_CHECKING:
    from .hooks import ModuleHooks


def gather(hooks: ModuleHooks, tasks: set[int], batch_dimension: int = 0) -> ModelStatistics:
    """Of these backward passes."""
    reached = {name for task in tasks for name in hooks.tasks[task]}
    uncalled = {name for name in hooks.modules if name not in hooks.first}
    return ModelStatistics((), None, Reach(hooks.parameters.sizes(), frozenset(reached), frozenset(uncalled)))
