"""Examples in the order in which compiled steps take them: mini-batch by mini-batch, on the devices, ready.

A window is as many mini-batches as lie ready at a time. In a cluster each process lays out the rows that its devices
take: from all examples, or, where each process holds some of them, from what the others send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import distributed as cluster
from ...core.arrays import to_numpy
from ...core.batch import Examples
from ..devices import Layout
from .program import Batches

# Bytes of examples of a process that lie ready in their order: few, since memory that was used lately is faster; more
# where they go to another device
IN_ORDER, IN_ORDER_AFAR = 2**24, 2**26
ALIGNED = 64  # bytes: an array that begins at such a place is not copied once more by JAX on a CPU


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The mini-batches of ``order`` from row ``first`` to row ``last``.

    ``counts``: by how much each mini-batch counts in the loss of an epoch. ``slots`` (mini-batches, rows): the place
    that each row has in the order of its mini-batch; None where they lie in that order.
    """

    order: np.ndarray
    first: int
    last: int
    batch_size: int
    batches: Batches
    counts: np.ndarray
    slots: np.ndarray | None

    def holds(self, order: np.ndarray, place: int, batch_size: int) -> bool:
        """Whether the mini-batch at this place is in the window."""
        same = self.order is order and self.batch_size == batch_size
        return same and self.first <= place < self.last and (place - self.first) % batch_size == 0

    def number(self, place: int) -> int:
        """The mini-batch that begins at this place of the order, counted within the window."""
        return (place - self.first) // self.batch_size


class Windows:
    """The examples of a part of an epoch, as windows."""

    def __init__(self, examples: Examples, layout: Layout, dtype: str, *, by_count: bool, on_device: bool) -> None:
        self.examples, self.layout, self.dtype, self.by_count = examples, layout, dtype, by_count
        target = None if examples.labels is not None else examples.target
        fields = (examples.X, examples.labels, target, examples.weight)
        # On a CPU NumPy gathers rows many times as fast as XLA does; on another device the rows are there already
        self._fields = [None if each is None else each if on_device else to_numpy(each) for each in fields]
        self._window: Window | None = None
        self._owner = examples.owner if layout.processes > 1 else None
        self._place = None if self._owner is None else cluster.places_of(self._owner)

    def at(self, order: np.ndarray, place: int, batch_size: int) -> Window:
        """The window with the mini-batch at a place in the order; the same one as before where it still serves."""
        window = self._window
        if window is None or not window.holds(order, place, batch_size):
            width = max(1, self.examples.X.shape[1]) * np.dtype(self.dtype).itemsize
            own_rows = -(-batch_size // max(1, self.layout.processes))
            near = self.layout.devices[0].platform == "cpu"
            most = max(1, (IN_ORDER if near else IN_ORDER_AFAR) // (width * own_rows))
            self._window = window = self._laid_out(order, place, min(place + most * batch_size, len(order)), batch_size)
        return window

    def _laid_out(self, order: np.ndarray, first: int, last: int, batch_size: int) -> Window:
        rows, there = order[first:last], self.layout.padded(batch_size)
        batches = -(-len(rows) // batch_size)
        table = np.full((batches, there), rows[-1])  # of each mini-batch its rows, and what fills it up
        real = np.zeros((batches, there), bool)
        whole = len(rows) // batch_size
        table[:whole, :batch_size] = rows[: whole * batch_size].reshape(whole, batch_size)
        real[:whole, :batch_size] = True
        if whole < batches:
            left = len(rows) - whole * batch_size
            table[whole, :left], real[whole, :left] = rows[whole * batch_size :], True
        slots = None
        if self._owner is not None:
            # The order within a mini-batch changes nothing but rounding. Each row goes to the process that holds it, as
            # far as all have the same number: few rows travel, and those between neighbours. What fills up is last.
            slots = np.argsort(np.where(real, self._owner[table], self.layout.processes), axis=1, kind="stable")
            table, real = np.take_along_axis(table, slots, axis=1), np.take_along_axis(real, slots, axis=1)
        X, labels, target, weight = self._own_rows(table)
        own = real[:, self.layout.columns(self.layout.process, there)].astype(self.dtype)
        counted = real.sum(axis=1).astype(np.float64)
        if weight is None:
            together = counted
        else:
            own = own * np.asarray(weight)
            sums = own.sum(axis=1, dtype=np.float64)
            together = np.sum(cluster.concatenate(sums[None]), axis=0) if self.layout.processes > 1 else sums
        own = own / np.where(together > 0, together, 1)[:, None]
        lie = self.layout.rows
        ready = Batches(
            lie(X),
            None if labels is None else lie(labels.astype("int32")),
            None if target is None else lie(target),
            lie(own.astype(self.dtype)),
            self.layout.whole(together.astype(self.dtype)),
        )
        counts = np.where(together > 0, counted, 0) if self.by_count else together
        return Window(order, first, last, batch_size, ready, counts, slots)

    def _own_rows(self, table: np.ndarray) -> list[Any]:
        """Of each field, the rows of this process' columns, (mini-batches, own columns, …)."""
        processes = self.layout.processes
        wanted = [table[:, self.layout.columns(process, table.shape[1])] for process in range(processes)]
        own = wanted[self.layout.process]
        if self._owner is None or self._place is None:
            return [
                None if each is None else _taken(each, own) if isinstance(each, np.ndarray) else each[own]
                for each in self._fields
            ]
        present = [each for each in self._fields if each is not None]
        got = iter(
            cluster.exchange_rows(present, self._owner, self._place, [rows.reshape(-1) for rows in wanted], _taken)
        )
        return [None if each is None else next(got).reshape(*own.shape, *each.shape[1:]) for each in self._fields]


def _taken(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """``array[rows]``, in memory that JAX need not copy."""
    shape = (*rows.shape, *array.shape[1:])
    buffer = np.empty(int(np.prod(shape)) * array.itemsize + ALIGNED, np.uint8)
    first = -buffer.ctypes.data % ALIGNED
    out = buffer[first : len(buffer) - ALIGNED + first].view(array.dtype).reshape(shape)
    return np.take(array, rows, axis=0, out=out, mode="clip")  # the other modes make one more copy
