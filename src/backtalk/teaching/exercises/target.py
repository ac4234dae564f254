"""The label or target of an example, such that the loss has something to say."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.head import Head

RESIDUALS = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)


def draw_target(rng: np.random.Generator, head: Head, yhat: np.ndarray) -> Any:
    """A label, or a target near the outputs ŷ (k,) that they do not meet."""
    k, loss = len(yhat), head.loss
    if head.takes_labels:
        return int(rng.integers(k))
    if loss.natural_output == "sigmoid":
        return rng.integers(2, size=k).astype(float)
    if loss.natural_output == "exp":
        return rng.integers(0, 5, size=k).astype(float)
    yhat = loss.prediction(yhat)
    return np.round(2 * yhat) / 2 + rng.choice(RESIDUALS, len(yhat))
