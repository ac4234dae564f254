"""How good predictions are: of classes by log loss and error, of numbers by the root of the mean squared error."""

from __future__ import annotations

import numpy as np

LEAST = 1e-7  # that a probability counts as, at least: float32 holds no 1 - 1e-8


def scores(task: str, y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """``loss``: log loss (natural logarithm) or RMSE. ``error``: 1 - accuracy, or RMSE."""
    if task == "classification":
        shares = predicted / predicted.sum(axis=1, keepdims=True)
        own = np.clip(shares[np.arange(len(y)), y], LEAST, 1.0)
        return {"loss": float(-np.log(own).mean()), "error": float((shares.argmax(axis=1) != y).mean())}
    root = float(np.sqrt(np.mean((predicted - y) ** 2)))
    return {"loss": root, "error": root}
