"""What is minimized besides the loss, the L2 penalty, and the gradient's clipping: for all engines and L-BFGS.

Written once for arrays of any library; the native kernels have the same, fused into their update.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arrays import Array
from .norms import euclidean_norm


def add_penalty(
    loss: Any, gradient: list[Array], W: Sequence[Array], penalty: Any, number: Callable[[Any], Any] = float
) -> tuple[Any, list[Array]]:
    """ℒ + ½λ Σ_i ‖W_i‖² and its gradient, of which ∇_{W_i} = ∇_{W_i}ℒ + λW_i come first.

    ``number`` makes the sum of squares of a W_i a number; within a compiled step it stays what it is.

    >>> add_penalty(1.0, [np.array([1.0]), np.array([5.0])], [np.array([2.0])], 0.5)
    (2.0, [array([2.]), array([5.])])
    """
    loss = loss + 0.5 * penalty * sum(number((each * each).sum()) for each in W)
    decayed = [grad + penalty * each for grad, each in zip(gradient, W, strict=False)]
    return loss, [*decayed, *gradient[len(W) :]]


def global_norm(gradient: Sequence[Array]) -> float:
    """√Σx² over all entries of all parts, in float64."""
    return euclidean_norm(np.array([euclidean_norm(part) for part in gradient]))


def clip(
    gradient: list[Array],
    most: float,
    norm: Callable[[Sequence[Array]], Any] = global_norm,
    larger: Callable[[Any, Any], Any] = max,
) -> list[Array]:
    """The gradient, scaled down if the norm of all its parts together exceeds ``most``; a NaN stays one.

    ``norm`` and ``larger``: other functions within a compiled step.

    >>> clip([np.array([3.0]), np.array([4.0])], 1.0)
    [array([0.6]), array([0.8])]
    """
    factor = most / larger(most, norm(gradient))
    return [part * factor for part in gradient]
