"""``python -m benchmarks.many``: several networks trained at once, in times of one network trained on one thread.

16 networks 'tiny' with seeds of their own, and 5 folds of 'small', by ``fit_many`` on all cores, beside one ``fit`` of
one of them on one thread. In turns, in one process, medians. On T cores, k networks take k/T single times at the best.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from backtalk import Network, fit, fit_many

from .work import WORKS

CORES = len(os.sched_getaffinity(0))
SECONDS = 0.5  # that a single time takes, about
GOALS = {"16 networks tiny": 8.5, "5 folds small": 2.7}  # single times, on 2 cores


def works_of(name: str, count: int, folds: bool) -> tuple[Callable[[], object], Callable[[], object]]:
    """Training of one network, and of ``count`` at once."""
    work = WORKS[name]
    X, y = work.data(work.steps // 4)
    networks = [Network.create(list(work.sizes), "relu", rng=seed, dtype="float32") for seed in range(count)]
    rows = [np.delete(np.arange(len(X)), np.s_[first::count]) if folds else np.arange(len(X)) for first in range(count)]
    each = [{"rng": seed, **({"rows": own} if folds else {})} for seed, own in enumerate(rows)]
    one = X[rows[0]], y[rows[0]]

    def seconds(epochs: int) -> float:
        began = time.perf_counter()
        fit(networks[0], *one, epochs=epochs, batch_size=work.batch, rng=0)
        return time.perf_counter() - began

    with threadpool_limits(1, user_api="openmp"):
        seconds(2)
        epochs = max(2, round(SECONDS / min(seconds(2) / 2 for _ in range(3))))
    return (
        lambda: seconds(epochs),
        lambda: fit_many(networks, X, y, epochs=epochs, batch_size=work.batch, each=each),
    )


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns that each gets")
    arguments = parser.parse_args()
    print(f"{CORES} cores, {arguments.rounds} rounds; in times of one network on one thread")
    for name, count, folds in (("tiny", 16, False), ("small", 5, True)):
        one, many = works_of(name, count, folds)
        seconds: dict[str, list[float]] = {"one": [], "many": []}
        for _ in range(arguments.rounds):
            for kind, work, threads in (("one", one, 1), ("many", many, CORES), ("one", one, 1)):
                with threadpool_limits(threads, user_api="openmp"):
                    began = time.perf_counter()
                    work()
                    seconds[kind].append(time.perf_counter() - began)
        single = statistics.median(seconds["one"])
        times = statistics.median(seconds["many"]) / single
        what = f"{count} {'folds' if folds else 'networks'} {name}"
        goal = f", goal {GOALS[what]}, {'met' if times <= GOALS[what] else 'missed'}" if CORES == 2 else ""
        print(f"{what:18} {times:.2f} ({single:.3f} s alone; at the best {count / CORES:g}{goal})", flush=True)


if __name__ == "__main__":
    main()
