"""The rows of the benchmark: a network, a batch, data drawn for it, and the operations of one training step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EPOCHS = 4


@dataclass(frozen=True)
class Work:
    """One row. A step is forward, backward and Adam on one batch: ReLU, softmax with cross-entropy."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    dtype: str = "float32"

    @property
    def operations(self) -> float:
        """Of the matrix products in one step: forward, weights, and hidden for every layer but the first."""
        pairs = [m * n for m, n in zip(self.sizes, self.sizes[1:], strict=False)]
        return 2.0 * self.batch * (3 * sum(pairs) - pairs[0])

    @property
    def operations_with_input(self) -> float:
        """The same with the product for the gradient of the input."""
        return self.operations + 2.0 * self.batch * self.sizes[0] * self.sizes[1]

    @property
    def steps(self) -> int:
        """Steps of one timed run, EPOCHS over the data: long enough to time, short enough to alternate."""
        return EPOCHS * max(3, min(500, int(1.6e10 / self.operations / EPOCHS)))

    def data(self, batches: int) -> tuple[np.ndarray, np.ndarray]:
        """X (examples, n_0) and labels, for so many batches."""
        rng = np.random.default_rng(0)
        count = batches * self.batch
        X = rng.normal(size=(count, self.sizes[0])).astype(self.dtype)
        return X, rng.integers(self.sizes[-1], size=count)


WORKS = {
    work.name: work
    for work in (
        Work("tiny", (64, 32, 10), 32),
        Work("small", (64, 128, 128, 10), 128),
        Work("mnist", (784, 256, 128, 10), 128),
        Work("mnist256", (784, 512, 256, 10), 256),
        Work("deep", (*[256] * 9, 10), 256),
        Work("wide", (1024, 1024, 1024, 100), 1024),
        Work("odd", (100, 77, 33, 3), 50),
    )
}
