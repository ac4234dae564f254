"""What epochs told, as numbers: no network of a run is kept but the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...core.arrays import to_numpy
from ...core.network import Network
from ...core.norms import euclidean_norm
from ...errors import InputTypeError
from ...train import Epoch, LayerMeasures
from .copies import copies_in


@dataclass(frozen=True, slots=True)
class Start:
    """A network before its first step: ‖W_i‖, and of each hidden layer the groups of units that are copies."""

    sizes: tuple[float, ...] = ()
    copies: tuple[tuple[tuple[int, ...], ...], ...] = ()

    @classmethod
    def of(cls, network: Network) -> Start:
        """Its numbers."""
        network = network if isinstance(network.W[1], np.ndarray) else network.to(np)
        copies = (tuple(map(tuple, copies_in(network, i))) for i in range(1, network.depth))
        return cls(sizes_of(network), tuple(copies))


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A run of training, one entry for each epoch.

    ``losses``; ``validation_losses`` and ``learning_rates``, None if the epoch had none; ``measures``: a tuple of
    :class:`~backtalk.LayerMeasures`, empty if nothing was measured. ``moved``: ‖W_i − W_i before the epoch‖ /
    ‖W_i‖ for each layer, empty for the first epoch. ``sizes``: ‖W_i‖ after the epoch. ``settings``: of the run, if
    it told them. ``first``: the number of the first of these epochs. ``start``:
    what the network was before the first step, if the run told it.
    """

    losses: tuple[float, ...] = ()
    validation_losses: tuple[float | None, ...] = ()
    learning_rates: tuple[float | None, ...] = ()
    measures: tuple[tuple[LayerMeasures, ...], ...] = ()
    moved: tuple[tuple[float, ...], ...] = ()
    sizes: tuple[tuple[float, ...], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    first: int = 1
    start: Start = Start()

    @property
    def epochs(self) -> int:
        """How many were told."""
        return len(self.losses)

    @property
    def batch_size(self) -> int | None:
        """Of the run's settings, if it told one."""
        size = self.settings.get("batch_size")
        return int(size) if isinstance(size, int | np.integer) and not isinstance(size, bool) else None

    def measured(self) -> list[tuple[LayerMeasures, ...]]:
        """The measures of those epochs that have some."""
        return [each for each in self.measures if each]

    def growth(self, network: Network | None = None) -> float:
        """How many times as large the weights of a layer have become at most, as far as it was told; ``network``: as it
        is now, if no epoch has ended."""
        first = self.measured()[0] if self.measured() else ()
        known = [tuple(row.W for row in first), *self.sizes[:1]]
        starts = [self.start.sizes] if self.start.sizes else known
        now = self.sizes[-1] if self.sizes else () if network is None else sizes_of(network)
        ratios = [last / start for sizes in starts for start, last in zip(sizes, now, strict=False) if start > 0]
        return max(ratios, default=1.0)


class Recorder:
    """Takes epochs one by one and keeps their numbers, and the last network to see how far the next one moved."""

    settings: Mapping[str, Any]
    last: Network | None
    numbers: list[int]
    start: Start

    def __init__(self) -> None:
        self.settings = {}
        self.last = None
        self.numbers = []
        self.start = Start()
        self._rows: list[tuple[Any, ...]] = []

    def note(self, epoch: Any) -> None:
        """One more epoch."""
        if not isinstance(epoch, Epoch):
            raise InputTypeError(f"history holds {epoch!r}, expected backtalk.Epoch objects, as callbacks get them.")
        self.numbers.append(int(epoch.number))
        row = (
            float(epoch.loss),
            None if epoch.validation_loss is None else float(epoch.validation_loss),
            None if epoch.learning_rate is None else float(epoch.learning_rate),
            tuple(epoch.measures),
            () if self.last is None else _moved(self.last, epoch.network),
            sizes_of(epoch.network),
        )
        self._rows.append(row)
        self.last = epoch.network

    @property
    def telemetry(self) -> Telemetry:
        """All of it, frozen."""
        if not self._rows:
            return Telemetry(settings=self.settings, start=self.start)
        return Telemetry(
            *zip(*self._rows, strict=True), settings=self.settings, first=self.numbers[0], start=self.start
        )


def sizes_of(network: Network) -> tuple[float, ...]:
    """‖W_i‖ of each layer."""
    return tuple(euclidean_norm(W) for W in network.W.values())


def _moved(before: Network, after: Network) -> tuple[float, ...]:
    if before.sizes != after.sizes:
        return ()
    ways = []
    for i in range(1, after.depth + 1):
        W, earlier = (to_numpy(network.W[i]).astype(np.float64) for network in (after, before))
        size, way = euclidean_norm(W), euclidean_norm(W - earlier)
        ways.append(way / size if size else (0.0 if way == 0 else np.inf))
    return tuple(ways)
