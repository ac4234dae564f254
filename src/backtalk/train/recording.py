"""What is kept of a run so that every step of it can be taken again, to the bit, and differentiated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..core.batch import Batch
from ..core.network import Network
from ..data.sources import InMemory, Source
from ..engines.steps import Steps, StepSettings, StepState
from ..errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class RecordedEpoch:
    """The rows of X in the order of an epoch, (N,), and the learning rate of each of its steps."""

    order: np.ndarray
    rates: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A run that can be taken again: ``start``, the network before it, its ``steps``, and ``end``, what the run gave.

    ``examples``: those that it was given, not copied; ``fingerprint``: their check sum then. ``state``: the optimizer's
    at the start, None at the beginning. With ``patience``, ``steps`` counts those up to the best epoch.

    >>> from backtalk import fit
    >>> training = fit(Network.create([2, 2], rng=0), np.eye(2), [0, 1], epochs=3, batch_size=1, rng=0, record=True)
    >>> training.record
    a recording of 6 steps in 3 epochs by adam, 2 examples
    """

    start: Network
    state: StepState | None
    kind: type[Steps]
    settings: StepSettings
    batch_size: int
    examples: Batch
    fingerprint: str
    epochs: tuple[RecordedEpoch, ...]
    steps: int
    end: Network

    def begin(self, examples: Batch | None = None) -> Steps:
        """The steps before the first one, on its examples, or on these."""
        steps = self.kind(self.start, self.settings)
        if self.state is not None:
            steps.restore(self.start, self.state)
        steps.use(self.examples if examples is None else examples)
        return steps

    def mini_batches(self) -> Iterator[tuple[np.ndarray, float]]:
        """The rows of each step, and its learning rate."""
        left = self.steps
        for epoch in self.epochs:
            rates = iter(epoch.rates)
            for first in range(0, len(epoch.order), self.batch_size):
                rows = epoch.order[first : first + self.batch_size]
                if left and (self.examples.weight is None or self.examples.rows(rows).weights()[1] > 0):
                    yield rows, float(next(rates))
                    left -= 1

    def __repr__(self) -> str:
        return (
            f"a recording of {self.steps} steps in {len(self.epochs)} epochs by {self.settings.optimizer!r}, "
            f"{self.examples.count} examples"
        )


class Recorder:
    """Notes the epochs of a run."""

    def __init__(self, source: Source, network: Network, state: StepState | None) -> None:
        if not isinstance(source, InMemory):
            raise InputError(
                "record is True, but X is read as a Stream: a run can be recorded of arrays in memory alone."
            )
        self.source, self.start, self.state = source, network, state
        self.epochs: list[RecordedEpoch] = []

    def note(self, order: np.ndarray, rates: np.ndarray) -> None:
        """The next epoch begins."""
        self.epochs.append(RecordedEpoch(order.copy(), rates.copy()))

    def recording(self, steps: Steps, settings: StepSettings, batch_size: int, end: Network, taken: int) -> Recording:
        """All of it, up to the step after which the network was ``end``."""
        batch = self.source.batch
        return Recording(
            start=self.start,
            state=self.state,
            kind=type(steps),
            settings=replace(settings, measure_every=0),
            batch_size=batch_size,
            examples=batch,
            fingerprint=InMemory(batch).fingerprint(),
            epochs=tuple(self.epochs),
            steps=taken,
            end=end,
        )
