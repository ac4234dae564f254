"""The graph of a loss: how many nodes it has, how the loss was scaled, and which graphs are still in memory."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

MOST = 100_000  # nodes that are counted
MARK = "backtalk"


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


def mark(roots: Sequence[Any]) -> list[Any]:
    """A reference to each graph that dies with it."""
    found = []
    for root in roots:
        if root.grad_fn is not None:
            root.grad_fn.metadata[MARK] = own = Mark()
            found.append(weakref.ref(own))
    return found


def kept_alive(references: Sequence[Any]) -> int:
    """How many of the graphs are still in memory."""
    return sum(reference() is not None for reference in references)


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
