"""The folds, of the comparison and of bagged models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

FOLDS = 5


def folds_of(task: str, y: np.ndarray, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows to train on and the rows of each of five folds, with the shares of the classes in each."""
    kind = StratifiedKFold if task == "classification" else KFold
    return kind(FOLDS, shuffle=True, random_state=seed).split(np.zeros(len(y)), y)
