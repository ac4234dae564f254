"""Where the examples of an epoch come from: in parts, each shuffled, so that not all need be in memory at once."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..core.arrays import Array, namespace, to_numpy
from ..core.batch import Examples
from ..core.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """``count`` rows of an epoch; ``load`` gives the examples and the order in which they are taken."""

    count: int
    load: Callable[[], tuple[Examples, np.ndarray]]


class Source(Protocol):
    """Examples, in parts whose order and shuffling follow from a generator alone."""

    count: int

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        """The parts of one epoch. A part that is not loaded draws all the same, so that a resumed run agrees.

        Each part but the last holds whole mini-batches.
        """
        ...

    def fingerprint(self) -> str:
        """A text that differs where the data do."""
        ...


class InMemory:
    """Arrays in memory: one part, of all rows or of some. ``sample_weight``: the weights without those of classes."""

    def __init__(self, examples: Examples, rows: np.ndarray | None = None, sample_weight: Array | None = None) -> None:
        self.examples, self.sample_weight = examples, sample_weight
        self.rows = np.arange(examples.count) if rows is None else rows
        self.count = len(self.rows)

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        order = self.rows[rng.permutation(self.count)]
        yield Part(self.count, lambda: (self.examples, order))

    def chosen(self) -> Examples:
        """The rows as examples of their own."""
        examples = self.examples
        if len(self.rows) == examples.count:
            return examples
        xp = namespace(examples.X)
        rows = xp.asarray(self.rows, device=getattr(examples.X, "device", None))
        fields = (examples.X, examples.target, examples.labels, examples.weight)
        return Examples(*(None if each is None else xp.take(each, rows, axis=0) for each in fields))

    def fingerprint(self) -> str:
        examples = self.examples
        arrays = (examples.X, examples.target, examples.labels, examples.weight)
        return " ".join("-" if array is None else fingerprint(array) for array in arrays)


def fingerprint(array: Array) -> str:
    """Shape, dtype and a check sum of an array.

    >>> fingerprint(np.zeros((2, 3)))
    '(2, 3) float64 f288b395'
    """
    array = np.ascontiguousarray(to_numpy(array))
    return f"{array.shape} {array.dtype} {zlib.crc32(array.data.cast('B') if array.size else b''):08x}"


class Stream:
    """Data that are read while training goes on, given to :func:`~backtalk.fit` in the place of X."""

    def source(self, network: Network, labels: bool, class_weight: Any, together: bool = False) -> Source:
        """The examples for a network; with ``labels``, y as labels where they are one-hot targets.

        ``together``: each process of a cluster reads some of them, as ``owner`` of the examples says.
        """
        raise NotImplementedError
