"""The graph of a loss: how many nodes it has, how the loss was scaled, and which graphs are still in memory."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

MOST = 100_000  # nodes that are counted
MARK = "backtalk"
KEPT = 64  # steps whose graphs are followed


class Mark:
    """Lives as long as the node that it was put on."""

    __slots__ = ("__weakref__",)


def count_nodes(roots: Sequence[Any]) -> int:
    """The nodes of the graph that these tensors hang on, at most 100,000."""
    waiting = [root.grad_fn for root in roots if root.grad_fn is not None]
    seen = set(waiting)
    while waiting and len(seen) < MOST:
        for node, _ in waiting.pop().next_functions:
            if node is not None and node not in seen:
                seen.add(node)
                waiting.append(node)
    return len(seen)


class Graphs:
    """The graphs of the last steps: ``alive``, the most of them that were in memory at once, in a row.

    A loop lets go of each when the next one is made.
    """

    alive: int

    def __init__(self) -> None:
        self.alive = 0
        self._last: deque[weakref.ref[Mark]] = deque(maxlen=KEPT)

    def look(self, roots: Sequence[Any], *, measured: bool) -> int | None:
        """The number of operations, if the step is measured."""
        alive = 0
        for reference in reversed(self._last):
            if reference() is None:
                break
            alive += 1
        self.alive = max(self.alive, alive)
        if len(roots) == 1 and roots[0].grad_fn is not None:
            roots[0].grad_fn.metadata[MARK] = own = Mark()
            self._last.append(weakref.ref(own))
        return count_nodes(roots) if measured else None


def scale_of(root: Any) -> Any:
    """The scale of a GradScaler, by which the loss was multiplied: a tensor of floating-point numbers; or 1."""
    node = root.grad_fn
    if node is not None and node.name() == "MulBackward0":
        try:
            scale = node._saved_other
        except (AttributeError, RuntimeError):  # freed
            return 1.0
        if scale is not None and scale.ndim == 0 and scale.is_floating_point():
            return scale.detach()
    return 1.0
