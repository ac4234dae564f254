"""Mini-batches of private steps: each step takes each example with the same probability, independently."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from ...data.sources import InMemory, Part, Samples
from .noise import NoiseSource


class PoissonSamples:
    """The examples of a source, sampled for each of ``count`` steps of an epoch with probability ``rate``.

    What is drawn follows from the ``key`` and from a number that the generator gives for each epoch.
    """

    source: InMemory
    rate: float
    count: int
    key: bytes

    def __init__(self, source: InMemory, rate: float, count: int, key: bytes) -> None:
        self.source, self.rate, self.count, self.key = source, rate, count, key

    def parts(self, rng: np.random.Generator, batch_size: int) -> Iterator[Part]:
        """One part, whose order has a place for each step."""
        del batch_size  # a step is one place
        number = int(rng.integers(2**63))
        yield Part(self.count, lambda: (self.source.batch, self.samples(number)))

    def samples(self, number: int) -> Samples:
        """Those of an epoch: N trials for each step, one after the other."""
        seed = hashlib.sha256(self.key + b"rows" + number.to_bytes(8, "little")).digest()
        examples = self.source.count
        taken = NoiseSource(int.from_bytes(seed, "little")).sample(examples * self.count, self.rate)
        ends = np.searchsorted(taken, np.arange(1, self.count + 1) * examples)
        rows = taken % examples
        return Samples(rows if self.source.rows is None else self.source.rows[rows], ends)

    def fingerprint(self) -> str:
        return self.source.fingerprint()
