"""Where the examples of an epoch come from: in parts, each shuffled, so that not all need be in memory at once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..core.arrays import Array, to_numpy
from ..core.batch import Batch
from ..core.network import Network
from ..distributed import ALONE, Group


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """An order of mini-batches that differ in size, for steps one after another: place s stands for step s, whose rows
    are ``rows[ends[s − 1]:ends[s]]``, and may be none.

    >>> samples = Samples(np.array([4, 2, 7]), np.array([2, 2, 3]))
    >>> len(samples), [samples[s : s + 1].tolist() for s in range(3)]
    (3, [[4, 2], [], [7]])
    """

    rows: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, places: slice) -> np.ndarray:
        """The rows of these steps."""
        first, last, _ = places.indices(len(self))
        return self.rows[self.ends[first - 1] if first else 0 : self.ends[last - 1] if last else 0]


Order = np.ndarray | Samples


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """``count`` rows of an epoch; ``load`` gives the examples and the order in which they are taken."""

    count: int
    load: Callable[[], tuple[Batch, Order]]


class Source(Protocol):
    """Examples, in parts whose order and shuffling follow from a generator alone."""

    count: int

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        """The parts of one epoch. A part that is not loaded draws all the same, so that a resumed run agrees.

        Each part but the last holds whole mini-batches.
        """
        ...

    def fingerprint(self) -> str:
        """A text that differs if the data do."""
        ...


class InMemory:
    """Arrays in memory: one part, of all rows or of some, each as often as ``rows`` holds it.

    ``sample_weight``: the weights without those of classes.
    """

    batch: Batch
    rows: np.ndarray | None
    sample_weight: Array | None
    count: int

    def __init__(self, batch: Batch, rows: np.ndarray | None = None, sample_weight: Array | None = None) -> None:
        self.batch, self.rows, self.sample_weight = batch, rows, sample_weight
        self.count = batch.count if rows is None else len(rows)

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        order = rng.permutation(self.count if self.rows is None else self.rows)
        yield Part(self.count, lambda: (self.batch, order))

    def chosen(self) -> Batch:
        """The rows as examples of their own."""
        return self.batch if self.rows is None else self.batch.rows(self.rows)

    def fingerprint(self) -> str:
        return " ".join("-" if array is None else fingerprint(array, self.rows) for array in self.batch.arrays)


BLOCK = 2**14  # rows of a check sum at a time


def fingerprint(array: Array, rows: np.ndarray | None = None) -> str:
    """Shape, dtype and a check sum of an array, or of some of its rows as an array of their own.

    >>> fingerprint(np.zeros((2, 3))), fingerprint(np.zeros((9, 3)), np.array([4, 0]))
    ('(2, 3) float64 f288b395', '(2, 3) float64 f288b395')
    """
    array = to_numpy(array)
    count, sum_so_far = len(array) if rows is None else len(rows), 0
    for first in range(0, count, BLOCK):
        block = slice(first, first + BLOCK)
        part = np.ascontiguousarray(array[block if rows is None else rows[block]])
        sum_so_far = zlib.crc32(part.data.cast("B") if part.size else b"", sum_so_far)
    return f"{(count, *array.shape[1:])} {array.dtype} {sum_so_far:08x}"


class Stream:
    """Data that are read while training goes on, given to :func:`~backtalk.fit` instead of X."""

    def source(self, network: Network, takes_labels: bool, class_weight: Any, group: Group = ALONE) -> Source:
        """The examples for a network; with ``takes_labels``, y as labels if they are one-hot targets.

        Each process of ``group`` reads some of them, as ``owner`` of the examples says.
        """
        raise NotImplementedError
