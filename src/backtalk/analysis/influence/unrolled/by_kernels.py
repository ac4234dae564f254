"""The steps of a recorded run, taken again and followed backwards by the native kernels, many in one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ....engines.native import passes as native
from ....engines.native.kernels import extension, kernels, threads
from ....engines.native.steps import NativeSteps, in_training
from ....engines.steps import SECONDS
from ....train.recording import Recording
from ..own_gradients import wide, widened
from .adjoints import Adjoints
from .trajectory import require_the_end

CACHE_LINE = 64  # bytes


def serves(recording: Recording) -> bool:
    """Whether the kernels took the steps, and know the second derivatives of the network."""
    return recording.kind is NativeSteps and native.bends(widened(recording.start))


def sweep(recording: Recording, adjoints: Adjoints, stride: int) -> None:
    """From the end of the run down to its start, in place; the adjoints of the state are not handed out."""
    network = widened(recording.start)
    L, M, net = network.depth, len(adjoints.penalty), in_training(network, recording.settings)
    bars = adjoints.parameters[:L], adjoints.parameters[L:]
    back: Any = extension.Sweep(net, kernels() or "", M)
    back.pack_bars(*([native.readable(part) for part in family] for family in bars))
    X, target, labels, weight = native.readable_batch(recording.examples).arrays
    X, target, weight = (None if part is None else wide(part) for part in (X, target, weight))
    path = _Path(recording, stride)
    for first, points in path.backwards():
        rows, starts, rates = path.between(first, first + len(points))
        left = len(points)
        while left:
            left = back.back(
                path.steps.net, points, left, X, labels, target, weight, rows, starts, rates, first, path.updates,
                adjoints.examples, adjoints.rates, adjoints.penalty, SECONDS, threads(),
            )  # fmt: skip
    adjoints.parameters = [np.empty_like(part) for part in adjoints.parameters]
    back.unpack_bars(adjoints.parameters[:L], adjoints.parameters[L:])


class _Path:
    """The points of a run in the kernels' memory: each ``stride``-th is kept, from which the others follow.

    ``updates``: how many the optimizer had made before the run.
    """

    def __init__(self, recording: Recording, stride: int) -> None:
        self.recording, self.stride = recording, stride
        taken = list(recording.mini_batches())
        self.rows = np.concatenate([rows for rows, _ in taken]) if taken else np.zeros(0, np.int64)
        self.starts = np.cumsum([0, *(len(rows) for rows, _ in taken)])
        self.rates = np.array([rate for _, rate in taken])
        self.steps: Any = recording.begin()  # NativeSteps
        self.updates = self.steps.step

    def between(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows of these steps, where those of each begin, and the rates."""
        starts = self.starts[first : last + 1]
        return self.rows[starts[0] : starts[-1]], starts - starts[0], self.rates[first:last]

    def backwards(self) -> Iterator[tuple[int, np.ndarray]]:
        """The last part of the run, the one before, …: the number of its first step, and the point before each step."""
        firsts = range(0, len(self.rates), self.stride)
        kept, points = self._room(len(firsts) - 1), self._room(min(self.stride, len(self.rates)))
        for part, first in enumerate(firsts):
            self._take(first, points if part == len(firsts) - 1 else kept[part : part + 1])
        require_the_end(self.recording, self.steps.network)
        for part, first in reversed(list(enumerate(firsts))):
            if part < len(firsts) - 1:
                self.steps.go_to(kept[part], self.updates + first)
                self._take(first, points)
            yield first, points[: min(self.stride, len(self.rates) - first)]

    def _room(self, count: int) -> np.ndarray:
        """For so many points, on cache lines: the kernels read them where they lie."""
        dtype, size = self.recording.start.W[1].dtype, self.steps.point_size()
        room = np.empty(count * size + CACHE_LINE // dtype.itemsize, dtype)
        begin = -room.ctypes.data % CACHE_LINE // dtype.itemsize
        return room[begin : begin + count * size].reshape(count, size)

    def _take(self, first: int, points: np.ndarray) -> None:
        """The steps of a part. Those of one size, and a smaller one behind them, are taken in one call."""
        last = min(first + self.stride, len(self.rates))
        sizes = np.diff(self.starts)
        while first < last:
            whole = np.flatnonzero(sizes[first:last] != sizes[first])
            until = first + (int(whole[0]) if len(whole) else last - first)
            until += until < last and sizes[until] < sizes[first]
            order = self.rows[self.starts[first] : self.starts[until]]
            self.steps.take_noting(order, int(sizes[first]), self.rates[first:until], points)
            points, first = points[until - first :], until
