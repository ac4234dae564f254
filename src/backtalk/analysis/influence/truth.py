"""Actual retraining beside what a method says: the changes of losses without some examples, and correlations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.arrays import to_numpy
from ...core.batch import Batch
from ...core.network import Network
from ...train.recording import Recording
from ..per_example import losses
from .own_gradients import ALL
from .retraining import retrain


def changes_of(recordings: Sequence[Recording], test: tuple[Any, Any], without: Sequence[Any]) -> np.ndarray:
    """(M, R): by how much the loss of each test example rises without each set of rows; the mean over the runs."""
    return np.mean([_changes(recording, test, without) for recording in recordings], axis=0)


def _changes(recording: Recording, test: tuple[Any, Any], without: Sequence[Any]) -> np.ndarray:
    after = np.stack([_losses(network, test) for network in retrain(recording, without)], axis=1)
    return after - _losses(recording.end, test)[:, None]


class Retrained:
    """The influence of each example as it is: the run is made again without it."""

    recording: Recording
    at_once: int

    def __init__(self, recording: Recording, memory_limit: int) -> None:
        self.recording = recording
        each = sum(part.nbytes for part in (*recording.end.W.values(), *recording.end.b.values()))
        self.at_once = max(1, memory_limit // (2 * each))

    def of(self, queries: Batch, columns: slice = ALL) -> np.ndarray:
        """(M, n): by how much the loss of each query rises without each of the examples ``columns``."""
        chosen = range(self.recording.examples.count)[columns]
        blocks = (chosen[first : first + self.at_once] for first in range(0, len(chosen), self.at_once))
        return np.concatenate([changes_of([self.recording], (queries.X, queries.y), rows) for rows in blocks], axis=1)

    def bytes_per_query(self) -> int:
        """Its row of the result, twice."""
        return 16 * self.recording.examples.count


def _losses(network: Network, test: tuple[Any, Any]) -> np.ndarray:
    return to_numpy(losses(network, *test)).astype(np.float64)


def draw_sets(rows: np.ndarray, count: int, share: float, rng: np.random.Generator) -> list[np.ndarray]:
    """So many sets of that share of the rows, at least one row and not all."""
    size = min(max(1, round(share * len(rows))), max(1, len(rows) - 1))
    return [rng.choice(rows, size, replace=False) for _ in range(count)]


def rank_correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's, of each row."""
    from scipy.stats import rankdata  # slow to import

    return correlations(rankdata(one, axis=1), rankdata(other, axis=1))


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson's, of each row; 0 if one of them is constant, and so says nothing."""
    one, other = (each - each.mean(axis=1, keepdims=True) for each in (one, other))
    size = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.divide((one * other).sum(axis=1), size, out=np.zeros(len(one)), where=size > 0)
