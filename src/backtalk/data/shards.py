"""``Shard``: arrays of which each process of a cluster holds some rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..core.arrays import to_numpy
from ..core.batch import Batch, checked_y
from ..core.inputs import as_input, as_weight
from ..core.network import Network
from ..distributed import ALONE, Group
from ..errors import InputError
from .class_weights import class_weights
from .sources import Part, Stream


class Shard(Stream):
    """The rows of X and y that this process of a cluster holds, given to :func:`~backtalk.fit` instead of X.

    Training uses the rows of all processes together, in the order of the processes: with the same rows and seed the
    result is, up to rounding, that of one process with all of them. A process may hold more rows than another, or
    none. ``X`` (own rows, n_0), ``y``, ``sample_weight``: as for :func:`~backtalk.fit`. With one process a shard is
    the same as the arrays. Rows that a mini-batch needs in another process are sent there during training.

    It is also a validation set: ``fit(…, validation=Shard(X, y))``.

    >>> from backtalk import Network, fit
    >>> net = Network.create([2, 2], rng=0)
    >>> fit(net, Shard([[0.0, 1.0], [1.0, 0.0]], [0, 1]), epochs=5, engine="compiled", rng=0).reason
    'epochs'
    """

    X: Any
    y: Any
    sample_weight: Any

    def __init__(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        self.X, self.y, self.sample_weight = X, y, sample_weight

    def source(self, network: Network, takes_labels: bool, class_weight: Any, group: Group = ALONE) -> ShardSource:
        """The examples for a network: those of all processes of ``group``."""
        X, y, weight = group.run(partial(self.checked, network, group))
        count = len(X)
        if class_weight is not None:
            by_class = class_weights(network, class_weight, group.concatenate(np.asarray(to_numpy(y), np.float64)))
            assert by_class is not None
            first = sum(group.all_gather(count)[: group.index])
            own = by_class[first : first + count]
            weight = own if weight is None else weight * own
        if weight is not None:  # of the same scale everywhere
            largest = max(group.all_gather(float(np.max(weight, initial=0))))
            if not largest > 0:
                raise InputError("sample_weight is 0 for every example of every process, expected one above 0.")
            weight = (weight / largest).astype(X.dtype)
        y = group.run(partial(_y_of, network, y, count, takes_labels))
        return ShardSource(Batch(network, X, y, weight), group)

    def batch(self, network: Network, group: Group = ALONE) -> Batch:
        """The rows of this process, with weights of sum 1 over those of all processes: a validation set."""
        X, y, weight = group.run(partial(self.checked, network, group))
        target = group.run(partial(_y_of, network, y, len(X), takes_labels=False))
        own = np.ones(len(X)) if weight is None else weight
        total = sum(group.all_gather(float(np.sum(own, dtype=np.float64))))
        if not total > 0:
            raise InputError("validation has no row with a weight above 0 in any process, expected at least one.")
        spec = network.spec
        arrays = (spec.xp.asarray(each, device=spec.device) for each in (X, target, (own / total).astype(X.dtype)))
        return Batch(network, *arrays)

    def checked(self, network: Network, group: Group) -> tuple[np.ndarray, Any, np.ndarray | None]:
        """X in the network's dtype, y, and the weights in float64, of any scale."""
        if np.shape(self.X)[:1] == np.shape(self.y)[:1] == (0,) and group.count > 1:  # this process has none
            X = np.zeros((0, network.sizes[0]), network.spec.dtype_name)
            return X, self.y, None if self.sample_weight is None else np.zeros(0)
        X = to_numpy(as_input(network, self.X))
        if self.sample_weight is None:
            return X, self.y, None
        weight = np.asarray(to_numpy(self.sample_weight), np.float64)
        if weight.any() or weight.shape != (len(X),):  # one process may have none above 0
            as_weight(network, self.sample_weight, len(X))
        return X, self.y, weight


def _y_of(network: Network, y: Any, count: int, takes_labels: bool) -> np.ndarray:
    """y as labels if it may be, or as the target; of no rows, what those of other processes are."""
    given, rows = (y, count) if count else (np.zeros((1, *np.shape(y)[1:]), np.int64), 1)
    found = to_numpy(checked_y(network, given, rows, takes_labels))[:count]
    return found.astype(np.int64) if found.ndim == 1 else found


class ShardSource:
    """The examples of a :class:`Shard`: one part, of the rows of all processes."""

    count: int
    first: int
    group: Group
    batch: Batch

    def __init__(self, batch: Batch, group: Group) -> None:
        counts = group.all_gather(batch.count)
        self.count, self.first, self.group = sum(counts), sum(counts[: group.index]), group
        owner = np.repeat(np.arange(len(counts), dtype=np.int16), counts) if len(counts) > 1 else None
        self.batch = replace(batch, owner=owner)
        if self.count == 0:
            raise InputError("X has no rows in any process, expected at least one example.")

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        order = rng.permutation(self.count)
        yield Part(self.count, lambda: (self.batch, order))

    def fingerprint(self) -> str:
        """The same for any number of processes."""
        texts = []
        for array in self.batch.arrays:
            if array is None:
                texts.append("-")
                continue
            every = sum(self.group.all_gather(_sum_of_rows(array, self.first))) % 2**64
            texts.append(f"{(self.count, *array.shape[1:])} {array.dtype} {every:016x}")
        return " ".join(texts)


def _sum_of_rows(array: np.ndarray, first: int) -> int:
    """A sum over the rows of a number that follows from a row's bytes and from its place; modulo 2^64.

    >>> whole = np.arange(12.0).reshape(4, 3)
    >>> (_sum_of_rows(whole[:1], 0) + _sum_of_rows(whole[1:], 1)) % 2**64 == _sum_of_rows(whole, 0)
    True
    """
    if not len(array):
        return 0
    rows = np.ascontiguousarray(array).reshape(len(array), -1).view(np.uint8).reshape(len(array), -1)
    words = np.zeros((len(rows), -(-rows.shape[1] // 8) * 8), np.uint8)
    words[:, : rows.shape[1]] = rows
    draw = np.random.default_rng(0)
    factors = draw.integers(2**64, size=words.shape[1] // 8, dtype=np.uint64) | np.uint64(1)
    mixed = words.view(np.uint64) @ factors
    mixed ^= mixed >> np.uint64(31)
    places = 2 * np.arange(first, first + len(rows), dtype=np.uint64) + 1
    return int(np.sum((mixed + places) * (places * factors[0]), dtype=np.uint64))
