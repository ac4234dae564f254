"""Examples in the order in which compiled steps take them: mini-batch by mini-batch, on the devices, ready.

A block is as many mini-batches as lie ready at a time. In a group each process lays out the rows that its devices
take: from all examples or, if each process holds some of them, from what the others send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.arrays import to_numpy
from ...core.batch import Batch
from ...distributed import Group
from ...distributed.exchange import exchange_rows, places_of
from ..devices import Devices
from .program import Batches

# Bytes of examples of a process that lie ready in their order: few, since memory that was used lately is faster; more
# where they go to another device
IN_ORDER, IN_ORDER_AFAR = 2**24, 2**26
ALIGNED = 64  # bytes: an array that begins at such a place is not copied once more by JAX on a CPU


@dataclass(frozen=True, slots=True, eq=False)
class BatchBlock:
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
        """Whether the mini-batch at this place is in the block."""
        same = self.order is order and self.batch_size == batch_size
        return same and self.first <= place < self.last and (place - self.first) % batch_size == 0

    def number(self, place: int) -> int:
        """The mini-batch that begins at this place of the order, counted within the block."""
        return (place - self.first) // self.batch_size


class BatchBlocks:
    """The examples of a part of an epoch, as blocks."""

    devices: Devices
    group: Group
    dtype: str
    by_count: bool
    width: int

    def __init__(
        self, batch: Batch, devices: Devices, group: Group, dtype: str, *, by_count: bool, on_device: bool
    ) -> None:
        self.devices, self.group, self.dtype, self.by_count = devices, group, dtype, by_count
        self.width = max(1, batch.X.shape[1])
        X, target, labels, weight = batch.arrays
        # On a CPU NumPy gathers rows many times as fast as XLA does; on another device the rows are there already
        X, labels, target, weight = (
            None if each is None else each if on_device else to_numpy(each) for each in (X, labels, target, weight)
        )
        self._fields = [X, None if labels is None else labels.astype("int32"), target, weight]
        self._block: BatchBlock | None = None
        self._owner = batch.owner if devices.processes > 1 else None
        self._place = None if self._owner is None else places_of(self._owner)

    def at(self, order: np.ndarray, place: int, batch_size: int) -> BatchBlock:
        """The block with the mini-batch at a place in the order; the same one as before where it still serves."""
        block = self._block
        if block is None or not block.holds(order, place, batch_size):
            width = self.width * np.dtype(self.dtype).itemsize
            own_rows = -(-batch_size // max(1, self.devices.processes))
            near = self.devices.devices[0].platform == "cpu"
            most = max(1, (IN_ORDER if near else IN_ORDER_AFAR) // (width * own_rows))
            last = min(place + most * batch_size, len(order))
            self._block = block = self._laid_out(order, place, last, batch_size, most)
        return block

    def _laid_out(self, order: np.ndarray, first: int, last: int, batch_size: int, most: int) -> BatchBlock:
        rows, there = order[first:last], self.devices.padded(batch_size)
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
            slots = np.argsort(np.where(real, self._owner[table], self.devices.processes), axis=1, kind="stable")
            table, real = np.take_along_axis(table, slots, axis=1), np.take_along_axis(real, slots, axis=1)
        # Each number of mini-batches is a program of its own: room for a power of two, which is not written to
        room = min(most, 1 << (batches - 1).bit_length()) if self.devices.is_host else batches
        X, labels, target, weight = self._own_rows(table, room)
        own = real[:, self.devices.columns(self.devices.process, there)].astype(self.dtype)
        counted = real.sum(axis=1).astype(np.float64)
        if weight is None:
            total = counted
        else:
            own = own * np.asarray(weight)[:batches]
            sums = own.sum(axis=1, dtype=np.float64)
            total = np.sum(self.group.concatenate(sums[None]), axis=0)
        shares, totals = np.zeros((room, own.shape[1]), self.dtype), np.ones(room, self.dtype)
        shares[:batches] = own / np.where(total > 0, total, 1)[:, None]
        totals[:batches] = total
        lie = self.devices.rows
        ready = Batches(
            lie(X),
            None if labels is None else lie(labels),
            None if target is None else lie(target),
            lie(shares),
            self.devices.whole(totals),
        )
        counts = np.where(total > 0, counted, 0) if self.by_count else total
        return BatchBlock(order, first, last, batch_size, ready, counts, slots)

    def _own_rows(self, table: np.ndarray, room: int) -> list[Any]:
        """Of each field, the rows of this process' columns, (mini-batches, own columns, …), with room for more."""
        processes = self.devices.processes
        wanted = [table[:, self.devices.columns(process, table.shape[1])] for process in range(processes)]
        own = wanted[self.devices.process]
        if self._owner is None or self._place is None:
            return [
                None if each is None else _taken(each, own, room) if isinstance(each, np.ndarray) else each[own]
                for each in self._fields
            ]
        present = [each for each in self._fields if each is not None]
        got = iter(
            exchange_rows(self.group, present, self._owner, self._place, [rows.reshape(-1) for rows in wanted], _taken)
        )
        return [None if each is None else next(got).reshape(*own.shape, *each.shape[1:]) for each in self._fields]


def _taken(array: np.ndarray, rows: np.ndarray, room: int = 0) -> np.ndarray:
    """``array[rows]``, in memory that JAX need not copy, and that has room for so many of the first axis."""
    shape = (max(room, len(rows)), *rows.shape[1:], *array.shape[1:])
    buffer = np.empty(int(np.prod(shape)) * array.itemsize + ALIGNED, np.uint8)
    first = -buffer.ctypes.data % ALIGNED
    out = buffer[first : len(buffer) - ALIGNED + first].view(array.dtype).reshape(shape)
    np.take(array, rows, axis=0, out=out[: len(rows)], mode="clip")  # the other modes make one more copy
    return out
