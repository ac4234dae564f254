"""``Shard``: arrays of which each process of a cluster holds some rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from .. import distributed as cluster
from ..core.arrays import to_numpy
from ..core.batch import Examples
from ..core.inputs import as_input, as_labels, as_target, as_weight
from ..core.network import Network
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

    def __init__(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        self.X, self.y, self.sample_weight = X, y, sample_weight

    def source(self, network: Network, labels: bool, class_weight: Any, together: bool = False) -> ShardSource:
        """The examples for a network; with ``together``, those of all processes."""
        X, y, weight = self.checked_alike(network, together)
        count = len(X)
        by_class = None
        if class_weight is not None:
            every = cluster.concatenate(np.asarray(to_numpy(y), np.float64)) if together else y
            by_class = class_weights(network, class_weight, every)
        if by_class is not None:
            first = sum(cluster.gather(count)[: cluster.index()]) if together else 0
            own = by_class[first : first + count]
            weight = own if weight is None else weight * own
        if weight is not None:  # of the same scale everywhere
            largest = float(np.max(weight, initial=0))
            largest = max(cluster.gather(largest)) if together else largest
            if not largest > 0:
                raise InputError("sample_weight is 0 for every example of every process, expected one above 0.")
            weight = (weight / largest).astype(X.dtype)
        work = partial(targets_of, network, y, count, labels)
        known, target = cluster.together(work) if together else work()
        return ShardSource(Examples(X, target, known, weight), together)

    def checked_alike(self, network: Network, together: bool) -> tuple[np.ndarray, Any, np.ndarray | None]:
        """The same; where one process refuses its rows, all do."""
        return cluster.together(partial(self.checked, network)) if together else self.checked(network)

    def checked(self, network: Network) -> tuple[np.ndarray, Any, np.ndarray | None]:
        """X in the network's dtype, y, and the weights in float64, of any scale."""
        if cluster.count() > 1 and np.shape(self.X)[:1] == np.shape(self.y)[:1] == (0,):  # this process holds none
            X = np.zeros((0, network.sizes[0]), network.spec.dtype_name)
            return X, self.y, None if self.sample_weight is None else np.zeros(0)
        X = to_numpy(as_input(network, self.X))
        if self.sample_weight is None:
            return X, self.y, None
        weight = np.asarray(to_numpy(self.sample_weight), np.float64)
        if weight.any() or weight.shape != (len(X),):  # one process may have none above 0
            as_weight(network, self.sample_weight, len(X))
        return X, self.y, weight


def targets_of(network: Network, y: Any, count: int, labels: bool) -> tuple[np.ndarray | None, np.ndarray | None]:
    """y as labels where it may be, or as the target; of no rows, what those of other processes are."""
    given, rows = (y, count) if count else (np.zeros((1, *np.shape(y)[1:]), np.int64), 1)
    known = as_labels(network, given, rows) if labels else None
    if known is not None:
        return to_numpy(known)[:count].astype(np.int64), None
    return None, to_numpy(as_target(network, given, rows))[:count]


class ShardSource:
    """The examples of a :class:`Shard`: one part, of the rows of all processes."""

    def __init__(self, examples: Examples, together: bool) -> None:
        self.examples = examples
        self.first, self.count = 0, examples.count
        if together:
            counts = cluster.gather(examples.count)
            self.count, self.first = sum(counts), sum(counts[: cluster.index()])
            owner = np.repeat(np.arange(len(counts), dtype=np.int16), counts)
            self.examples = Examples(examples.X, examples.target, examples.labels, examples.weight, owner)
        self.together = together
        if self.count == 0:
            raise InputError("X has no rows in any process, expected at least one example.")

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        order = rng.permutation(self.count)
        yield Part(self.count, lambda: (self.examples, order))

    def fingerprint(self) -> str:
        """The same for any number of processes."""
        examples, texts = self.examples, []
        for array in (examples.X, examples.target, examples.labels, examples.weight):
            if array is None:
                texts.append("-")
                continue
            own = _sum_of_rows(array, self.first)
            every = sum(cluster.gather(own)) % 2**64 if self.together else own
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
