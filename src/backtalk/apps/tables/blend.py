"""How much each kind of network counts in the mean, by rows that it did not see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

STEPS = 20


def blend(ends: Sequence[np.ndarray], loss: Callable[[np.ndarray], float]) -> np.ndarray:
    """The weights (sum 1) with which the mean of several a_L (rows, outputs) has a small loss.

    Step by step the one is added with which the mean of all that were added has the least loss; one may be added
    several times. Source: Caruana et al. (2004), Ensemble selection from libraries of models.

    >>> y = np.array([[0.0], [1.0]])
    >>> blend([y + 1, y - 1, y + 9], lambda a: float(((a - y) ** 2).mean())).tolist()
    [0.5, 0.5, 0.0]
    """
    counts, total = np.zeros(len(ends)), np.zeros(ends[0].shape)
    for step in range(STEPS if len(ends) > 1 else 1):
        losses = [loss((total + each) / (step + 1)) for each in ends]
        best = int(np.argmin(losses))
        counts[best] += 1
        total = total + ends[best]
    return counts / counts.sum()
