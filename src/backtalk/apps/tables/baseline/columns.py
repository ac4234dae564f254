"""The columns of a table as the baselines take them, from the inputs of the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..preprocessing import Preprocessing
from ..verdict.alone import places_of

MOST_CODES = 254  # of a category: boosted trees take 255 values, one of which stands for what is missing


def columns_in(preprocessing: Preprocessing, X: np.ndarray) -> np.ndarray:
    """The columns (rows, values), float32, NaN for what is missing, from the inputs X.

    A number is the scaled one, which divides the rows as the number itself does; a date has its waves as well. A
    category is its code.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"age": [30, None, 50, 40], "town": ["A", "B", "A", "B"]})
    >>> preprocessing = Preprocessing.learn(frame, np.arange(4))
    >>> A = columns_in(preprocessing, preprocessing.transform(frame)[0])
    >>> A[:, 1].tolist(), bool(np.isnan(A[1, 0])), are_codes(preprocessing).tolist()
    ([0.0, 1.0, 0.0, 1.0], True, [False, True])
    """
    places, found = places_of(preprocessing), []
    for column in preprocessing.columns:
        if not column.used:
            continue
        own = places[column.name]
        if own.number is None:
            words = X[:, slice(*own.categories)]
            found.append(np.where(words.any(axis=1), words.argmax(axis=1), np.nan).astype(np.float32)[:, None])
            continue
        numbers = X[:, own.number : own.number + len(column.numbers)].astype(np.float32)
        if own.missing is not None:
            numbers[X[:, own.missing] > 0] = np.nan
        found.append(numbers)
    return np.column_stack(found)


def are_codes(preprocessing: Preprocessing) -> np.ndarray:
    """Which of the values that :func:`columns_in` gives are codes of categories."""
    used = [column for column in preprocessing.columns if column.used]
    return np.concatenate([[True] if column.categories else [False] * len(column.numbers) for column in used])


@dataclass(frozen=True, slots=True, eq=False)
class Recoded:
    """Codes that are few enough for boosted trees: of each value that has too many, the most frequent, in ``kept``.

    >>> A = np.array([[float(n // 2 if n < 600 else 7)] for n in range(900)])
    >>> few = Recoded.of(A, np.array([True]))
    >>> float(few(A)[14, 0]), bool(np.isnan(few(A)[599, 0]))
    (7.0, True)
    """

    kept: dict[int, np.ndarray]

    @classmethod
    def of(cls, A: np.ndarray, codes: np.ndarray) -> Recoded:
        """From the rows that are learned."""
        kept = {}
        for place in np.flatnonzero(codes):
            different, counts = np.unique(A[~np.isnan(A[:, place]), place], return_counts=True)
            if len(different) and different[-1] >= MOST_CODES:
                kept[int(place)] = np.sort(different[np.argsort(-counts, kind="stable")[:MOST_CODES]])
        return cls(kept)

    def __call__(self, A: np.ndarray) -> np.ndarray:
        """The same columns, with NaN for the codes that are not kept."""
        A = A.copy() if self.kept else A
        for place, kept in self.kept.items():
            known = np.isin(A[:, place], kept)
            A[:, place] = np.where(known, np.searchsorted(kept, A[:, place]), np.nan)
        return A
