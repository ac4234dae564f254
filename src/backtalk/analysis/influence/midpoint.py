"""The derivative through a recorded run halfway between an example's being there and not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...core.batch import Batch
from ...data.sources import InMemory
from ...train.recording import Recording
from .own_gradients import ALL
from .through_training import Unrolled, bytes_per_query

GROUPS = 10  # of examples, each of which has half its weight in one run


class Midpoint:
    """ℓ(0) − ℓ(1) ≈ −dℓ/dw at w = ½, for the weight w of each example: the midpoint rule for ∫ dℓ/dw.

    The derivative at w = 1 says what a little less of an example does. If the network has fitted the example, that is
    far less than a share of what leaving it out does. So the run is made again for each of ten groups of the examples,
    with half their weight, and its exact derivative gives the influence of that group.
    """

    recording: Recording
    runs: list[tuple[np.ndarray, Unrolled]]

    def __init__(self, recording: Recording, memory_limit: int) -> None:
        self.recording = recording
        count = recording.examples.count
        group = np.random.default_rng(0).permutation(np.arange(count) % GROUPS)
        members = [np.flatnonzero(group == number) for number in range(min(GROUPS, count))]
        self.runs = [(rows, Unrolled(at_half_weight(recording, rows), memory_limit)) for rows in members]

    def of(self, queries: Batch, columns: slice = ALL) -> np.ndarray:
        """(M, n): by how much the loss of each query would rise without each of the examples ``columns``."""
        found = np.zeros((queries.count, self.recording.examples.count))
        for rows, unrolled in self.runs:
            # the derivative is by a factor 1 + ε on the weight, which is half of what it was
            found[:, rows] = 2 * unrolled.of(queries)[:, rows]
        return found[:, columns]

    def bytes_per_query(self) -> int:
        """What one more query takes."""
        return bytes_per_query(self.recording)


def at_half_weight(recording: Recording, rows: np.ndarray) -> Recording:
    """The run as it would have been if these examples had half their weight."""
    examples = recording.examples
    weight = np.ones(examples.count, examples.X.dtype) if examples.weight is None else np.array(examples.weight)
    weight[rows] /= 2
    examples = replace(examples, weight=weight)
    end = recording.network_of(examples)
    return replace(recording, examples=examples, fingerprint=InMemory(examples).fingerprint(), end=end)
