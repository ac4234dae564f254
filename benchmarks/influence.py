"""``python -m benchmarks.influence``: what influence costs beside two backward passes over the same examples.

Influence of 10,000 training examples on 1,000 test examples, k = 10, network [784, 256, 128, 10], float32; and
``backtalk.gradients`` of both sets, twice. In turns, in one process, medians; on all cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np

from backtalk import Network, gradients
from backtalk.analysis.influence import influence, self_influence
from backtalk.analysis.per_example import gram

TRAIN, TEST, SIZES = 10_000, 1_000, [784, 256, 128, 10]
GOAL = 20  # times two backward passes


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.influence", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns that each gets")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    network = Network.create(SIZES, rng=0, dtype="float32")
    train, test = (
        (rng.normal(size=(count, SIZES[0])).astype(np.float32), rng.integers(SIZES[-1], size=count))
        for count in (TRAIN, TEST)
    )
    sorted_by_label = (train[0][np.argsort(train[1])], np.sort(train[1]))
    works: dict[str, Callable[[], object]] = {
        "two backward passes": lambda: [gradients(network, *each) for each in (train, test) for _ in range(2)],
        "influence, k = 10": lambda: influence(network, train, test),
        "influence, k = 100": lambda: influence(network, train, test, k=100),
        "influence, train sorted by label": lambda: influence(network, sorted_by_label, test),
        "influence, 4 networks": lambda: influence([network] * 4, train, test),
        "influence, memory_limit of 4 MiB": lambda: influence(network, train, test, memory_limit=2**22),
        "the whole matrix, per_example.gram": lambda: gram(network, *test, train),
        "self-influence of train": lambda: self_influence(network, *train),
    }
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(arguments.rounds + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if turn:  # the first one packs the network, and makes BLAS start its threads
                seconds[name].append(time.perf_counter() - began)
    base = statistics.median(seconds["two backward passes"])
    print(f"{len(os.sched_getaffinity(0))} cores, {TRAIN} on {TEST} examples, network {SIZES}, float32")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:36} {median:.3f} s ({min(times):.3f} to {max(times):.3f}), {median / base:.2f} times")
    ratio = statistics.median(seconds["influence, k = 10"]) / base
    print(f"goal: at most {GOAL} times; {'met' if ratio <= GOAL else 'missed'} with {ratio:.2f}")


if __name__ == "__main__":
    main()
