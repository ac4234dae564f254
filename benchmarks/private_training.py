"""``python -m benchmarks.private_training``: what a private step of ``fit`` costs beside a plain one, by the kernels.

[784, 256, 128, 10] with 256 examples in float32. Plain steps, steps that only clip, and private ones, in turns within
one process; the processor's time, of all threads, medians of the turns and of their ratios. The goal is 1.2.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from backtalk import Network
from backtalk.core.batch import Batch
from backtalk.core.clipping import CLIPPINGS
from backtalk.core.optimizers import SGD, Adam
from backtalk.data.sources import Samples
from backtalk.engines.native.steps import NativeSteps
from backtalk.engines.private import PrivateSettings
from backtalk.engines.steps import StepSettings, Taken

SIZES, BATCH, STEPS = [784, 256, 128, 10], 256, 16  # in a turn
GOAL = 1.2
OPTIMIZERS = {"sgd": SGD(), "adam": Adam()}


def turns_of(optimizer: str) -> dict[str, Callable[[], Taken]]:
    """A turn of each kind of steps, on the same mini-batches."""
    rng = np.random.default_rng(0)
    rows = BATCH * STEPS
    network = Network.create(SIZES, "relu", rng=0, dtype="float32")
    batch = Batch.of(network, rng.normal(size=(rows, SIZES[0])).astype(np.float32), rng.integers(SIZES[-1], size=rows))
    order, rates = rng.permutation(rows), np.full(STEPS, 1e-3)
    samples = Samples(order, np.arange(BATCH, rows + 1, BATCH))

    def steps(private: PrivateSettings | None) -> NativeSteps:
        taken = NativeSteps(network, StepSettings(OPTIMIZERS[optimizer], private=private))
        taken.use(batch)
        return taken

    def private(clipping: str, noise: float) -> Callable[[], Taken]:
        taken = steps(PrivateSettings(clipping, 1.0, noise / BATCH, BATCH, bytes(32)))
        return lambda: taken.take(samples, 0, 1, rates)

    plain = steps(None)
    kinds: dict[str, Callable[[], Taken]] = {"plain": lambda: plain.take(order, 0, BATCH, rates)}
    kinds["clipped, without noise"] = private("flat", 0.0)
    return kinds | {f"private, {clipping}": private(clipping, 1.0) for clipping in CLIPPINGS}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.private_training", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="turns that each gets")
    arguments = parser.parse_args()
    print(f"{SIZES} at {BATCH}, float32, {arguments.rounds} rounds; milliseconds of a step, and times of a plain one")
    for optimizer in OPTIMIZERS:
        turns = turns_of(optimizer)
        seconds: dict[str, list[float]] = {name: [] for name in turns}
        for _ in range(arguments.rounds):
            for name, turn in turns.items():
                began = time.process_time()
                steps = turn().steps  # fewer on a busy machine, since a call ends after some time
                seconds[name].append((time.process_time() - began) / steps)
        for name, own in seconds.items():
            ratio = statistics.median(one / plain for one, plain in zip(own, seconds["plain"], strict=True))
            goal = f" (goal {GOAL})" if name.startswith("private") else ""
            print(f"{optimizer:5}{name:24}{1e3 * statistics.median(own):8.3f}{ratio:8.2f}{goal}")


if __name__ == "__main__":
    main()
