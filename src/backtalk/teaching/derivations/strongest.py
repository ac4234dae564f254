"""A gradient as the sum over all paths to the loss: the strongest of them, exactly, and the flow through each unit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import islice, pairwise
from typing import Any

import numpy as np

from ...core.inputs import require_network
from ...core.layers import Layers
from ...core.network import Network
from ...errors import InputError, InputTypeError
from .expressions import Derivative
from .quantity import Quantity, as_quantity, symbol_of
from .routes import Path, Paths
from .values import ExampleValues

MOST = 10_000  # paths that one call lists


def paths(network: Network, x: Any, y: Any, quantity: str | Quantity, k: int = 10) -> Paths:
    """The k paths from a quantity to the loss that contribute most to its gradient, exactly, without listing all.

    A gradient is a sum over paths: from the quantity, through one unit of each layer above it, to the loss. The
    contribution of a path is the product of its factors: the weights along it, g′ at each hidden unit, ∂ℒ/∂a_{Lm} at
    the output unit m where it ends, and, for a weight W_{ijk}, h_{i-1,k}. The strongest way from each unit to the loss
    is found from the output layer down; each further path leaves one that was found at one unit, for the next best way
    up. The cost grows with the number of weights and with k, not with the number of paths.

    ``x``, ``y`` and ``quantity``: as for :func:`~backtalk.explain`; the quantity is one number. The outputs
    ŷ = h[L] have one path. ``k``: from 1 to 10,000; fewer paths are given if fewer contribute anything.

    Raises :class:`~backtalk.errors.InputError` for a whole vector or matrix, and as ``explain`` does.
    Source: the chain rule; the k best paths of a graph, each as a deviation from a better one (Lawler 1972).

    >>> net = Network.create([4, 100, 100, 100, 100, 100, 100, 3], "tanh", rng=0)
    >>> found = paths(net, [1.0, -1.0, 0.5, 2.0], 2, "x[1]", k=3)
    >>> found.count, len(found.strongest), found.share < 0.001
    (3000000000000, 3, True)
    """
    require_network(network)
    asked = as_quantity(network, quantity)
    if not asked.is_scalar:
        raise InputError(
            f"quantity is {str(asked)!r}, a whole {'matrix' if asked.family == 'W' else 'vector'}, expected one "
            "number of it, such as W[1,1,1] or h[1,2]: only a number is a sum over paths."
        )
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise InputTypeError(f"k is {k!r}, expected a whole number of paths.")
    if not 1 <= k <= MOST:
        raise InputError(f"k is {k}, expected 1 to {MOST} paths.")
    values = ExampleValues(network, x, y)
    values.require_clear(asked)
    with np.errstate(all="ignore"):
        found = _Search(values, asked).search(int(k))
    if not np.isfinite(found.absolute):
        raise InputError("the contributions of the paths are not finite for this example: scale x or the weights.")
    return found


class _Search:
    """One search: the factors between two layers, and what enters and leaves."""

    def __init__(self, values: ExampleValues, asked: Quantity) -> None:
        self.values, self.asked, self.network = values, asked, values.network
        self.depth = self.network.depth
        self.first = asked.layer  # of the units on the paths
        self.start = asked.indices[0] - 1
        at_output = asked.family == "h" and asked.layer == self.depth
        self.end = (values.grads.h if at_output else values.grads.a)[self.depth][0]
        self.entry = float(values.trace.h[asked.layer - 1][0, asked.indices[1] - 1]) if asked.family == "W" else 1.0
        self.slopes = {i: self._slope(i) for i in range(self.first, self.depth)}
        self.ranked: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self.largest = {self.depth: np.abs(self.end)}  # |product| of the strongest path from each unit to the loss
        self.absolute = {self.depth: np.abs(self.end)}  # Σ |product| over all of them
        for i in range(self.depth - 1, self.first - 1, -1):
            factors = np.abs(self.network.W[i + 1] * self.slopes[i])
            self.largest[i] = (factors * self.largest[i + 1][:, None]).max(axis=0)
            self.absolute[i] = self.absolute[i + 1] @ factors

    def _slope(self, i: int) -> np.ndarray:
        """∂h/∂a of the units of layer i, or 1 if the path begins at h itself."""
        if i == 0 or (i == self.first and self.asked.family == "h"):
            return np.ones(self.network.sizes[i])
        a = self.values.trace.a[i]
        return np.broadcast_to(self.network.activations[i - 1].g_prime(a), a.shape)[0]

    def search(self, k: int) -> Paths:
        absolute = float(self.absolute[self.first][self.start]) * abs(self.entry)
        found = (self._path(route, absolute) for route in islice(self._routes(), k))
        strongest = tuple(sorted(found, key=lambda path: -abs(path.contribution)))
        count = math.prod(self.network.sizes[self.first + 1 :])
        value = self.values[Derivative(symbol_of(self.network, self.asked))]
        share = min(1.0, math.fsum(path.share for path in strongest))
        return Paths(self.asked, value, count, absolute, share, strongest, self._flow())

    def _flow(self) -> Layers:
        """The part of the absolute flow through each unit: what reaches it times what leads from it to the loss."""
        reach = np.zeros(self.network.sizes[self.first])
        reach[self.start] = abs(self.entry)
        parts = []
        for i in range(self.first, self.depth + 1):
            through = reach * self.absolute[i]
            parts.append(through / through.sum() if through.sum() > 0 else through)
            if i < self.depth:
                reach = np.abs(self.network.W[i + 1]) @ (np.abs(self.slopes[i]) * reach)
        return Layers(parts, first=self.first)

    def _routes(self) -> Iterator[tuple[int, ...]]:
        """The units of every path with a contribution, the strongest path first.

        A path that was given leads to others: at one of its units it takes the next best way up, and from there on the
        best. A heap holds those that come next, with their |product|; each path is reached in one way only.
        """
        strongest = float(self.largest[self.first][self.start]) * abs(self.entry)
        if self.first == self.depth:
            if strongest:
                yield (self.start,)
            return
        # −|product| of the path, its units so far, the rank of the next among the ways up, |product| so far
        heap: list[tuple[float, tuple[int, ...], int, float]] = [(-strongest, (self.start,), 0, 1.0)]
        while heap and heap[0][0]:
            _, units, rank, product = heappop(heap)
            turn = len(units)
            while len(units) <= self.depth - self.first:
                i, unit = self.first + len(units) - 1, units[-1]
                order, sizes = self._ways_up(i, unit)
                taken = rank if len(units) == turn else 0
                if taken + 1 < len(order):
                    heappush(heap, (-product * float(sizes[taken + 1]), units, taken + 1, product))
                above = int(order[taken])
                product *= abs(float(self.network.W[i + 1][above, unit] * self.slopes[i][unit]))
                units = (*units, above)
            yield units

    def _ways_up(self, i: int, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """The units above, those of the strongest paths first, and the |product| of the best path by each."""
        if (i, unit) not in self.ranked:
            sizes = np.abs(self.network.W[i + 1][:, unit] * self.slopes[i][unit]) * self.largest[i + 1]
            order = np.argsort(-sizes, kind="stable")
            self.ranked[i, unit] = order, sizes[order]
        return self.ranked[i, unit]

    def _path(self, route: tuple[int, ...], absolute: float) -> Path:
        factors = [self.entry] if self.asked.family == "W" else []
        for i, (own, above) in enumerate(pairwise(route), start=self.first):
            if i > 0 and not (i == self.first and self.asked.family == "h"):
                factors.append(float(self.slopes[i][own]))
            factors.append(float(self.network.W[i + 1][above, own]))
        factors.append(float(self.end[route[-1]]))
        units = tuple((i, unit + 1) for i, unit in enumerate(route, start=self.first))
        contribution = math.prod(factors)
        return Path(units, tuple(factors), contribution, abs(contribution) / absolute if absolute else 0.0)
