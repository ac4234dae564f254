"""Who notes, while a run is made, what it takes to take its steps again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core.network import Network
from ..data.sources import InMemory, Source
from ..engines.steps import Steps, StepSettings, StepState
from ..errors import InputError
from .recording import RecordedEpoch, Recording


class Recorder:
    """Notes the epochs of a run."""

    source: InMemory
    start: Network
    state: StepState | None
    epochs: list[RecordedEpoch]

    def __init__(self, source: Source, network: Network, state: StepState | None) -> None:
        if not isinstance(source, InMemory):
            raise InputError(
                "record is given, but X is read as a Stream: a run can be recorded of arrays in memory alone."
            )
        self.source, self.start, self.state = source, network, state
        self.epochs = []

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
