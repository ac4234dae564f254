"""``python -m benchmarks.influence``: what influence costs beside two backward passes, and how true it is.

``--truth`` prints, for five runs on 300 digits, how far each method agrees with actual retraining (minutes).
``--cost`` prints what the derivative through these runs and through a larger one costs, in trainings, and what it costs
to train without each of 1,437 digits; OMP_NUM_THREADS=1 for one thread. Both count the seconds of the processor, of
all threads together. Without them: influence of 10,000 training examples on 1,000 test examples, k = 10, network
[784, 256, 128, 10], float32; and ``backtalk.gradients`` of both sets, twice. In turns, in one process, medians; on all
cores.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from backtalk import Network, Training, fit, gradients, hypergradients, retrain
from backtalk.analysis.influence import influence, score_influence, self_influence
from backtalk.analysis.influence.methods import METHODS
from backtalk.analysis.per_example import gram

TRAIN, TEST, SIZES = 10_000, 1_000, [784, 256, 128, 10]
GOAL = 20  # times two backward passes
RUNS = [  # activation, optimizer, epochs: the first three are smooth
    ("tanh", "sgd(learning_rate=0.1, momentum=0)", 10),
    ("tanh", "sgd(learning_rate=0.1, momentum=0)", 30),
    ("tanh", "adam(learning_rate=0.003)", 10),
    ("tanh", "adam(learning_rate=0.01)", 30),
    ("relu", "adam(learning_rate=0.01)", 30),
]
ROWS, QUERIES, SETS = 300, 100, 60


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.influence", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns that each gets")
    parser.add_argument("--truth", action="store_true", help="how far each method agrees with retraining")
    parser.add_argument("--cost", action="store_true", help="what the derivative through a run costs, in trainings")
    arguments = parser.parse_args()
    if arguments.cost:
        measure_cost()
        return
    if arguments.truth:
        compare_with_retraining()
        return
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


def digits() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """300 digits to train on and 100 to ask about, always the same."""
    X, y = all_digits()
    order = np.random.default_rng(0).permutation(len(X))
    rows = order[:ROWS], order[ROWS : ROWS + QUERIES]
    train, test = ((X[each], y[each]) for each in rows)
    return train, test


def all_digits() -> tuple[np.ndarray, np.ndarray]:
    """The 1,797 digits of scikit-learn, between 0 and 1."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return np.asarray(X) / 16, np.asarray(y)


def recorded(
    train: tuple[np.ndarray, np.ndarray], activation: str, optimizer: str, epochs: int, rng: int = 0
) -> Training:
    """One of the runs."""
    network = Network.create([64, 16, 10], activation, rng=rng)
    return fit(network, *train, epochs=epochs, batch_size=32, optimizer=optimizer, rng=rng, record=True)


def timed(work: Callable[[], Any], rounds: int = 1) -> tuple[Any, float]:
    """What it gives, and the seconds of the processor that it takes: the least of some rounds."""
    found, least = None, float("inf")
    for _ in range(rounds):
        began = time.process_time()
        found = work()
        least = min(least, time.process_time() - began)
    return found, least


def measure_cost() -> None:
    """Print what queries cost, in trainings; and how long it takes to leave each of 1,437 digits out."""
    train, test = digits()
    for run in RUNS:
        training, cost = timed(lambda run=run: recorded(train, *run), rounds=9)
        print(f"{', '.join(map(str, run))} epochs: a training {1e3 * cost:.1f} ms; {_queries(training, cost, test, 5)}")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5000, 784)), rng.integers(10, size=5000)
    for dtype in ("float64", "float32"):
        network, train = Network.create([784, 128, 64, 10], "tanh", rng=0, dtype=dtype), (X.astype(dtype), y)
        training, cost = timed(
            lambda network=network, train=train: fit(network, *train, epochs=3, batch_size=32, rng=0, record=True), 5
        )
        asked = train[0][:QUERIES], y[:QUERIES]
        print(f"[784, 128, 64, 10], {dtype}: a training {1e3 * cost:.0f} ms; {_queries(training, cost, asked, 1)}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"the process took {peak:.0f} MiB at most, with memory_limit of 2 GiB")
    X, y = all_digits()
    network = Network.create([64, 32, 10], "tanh", rng=0)
    training = fit(network, X[:1437], y[:1437], epochs=30, batch_size=32, rng=0, record=True)
    began = time.perf_counter()
    _, cost = timed(lambda: retrain(training, range(1437)))
    print(f"1437 trainings without a row: {time.perf_counter() - began:.1f} s, {cost:.1f} s of the processor")


def _queries(training: Training, cost: float, test: tuple[np.ndarray, np.ndarray], rounds: int) -> str:
    of_one, of_all = (
        timed(lambda rows=rows: hypergradients(training, (test[0][rows], test[1][rows]), memory_limit=2**31), rounds)[1]
        for rows in (slice(0, 1), slice(None))
    )
    further = (of_all - of_one) / (QUERIES - 1) / cost
    return f"one query {of_one / cost:.1f} trainings, {further:.2f} for each further one, {QUERIES}: {of_all:.2f} s"


def compare_with_retraining() -> None:
    """Print LDS with half, a tenth and 2 % of the rows left out, and the leave-one-out correlation, by run and method.

    And what one training costs, and each method for one query and for all of them together.
    """
    train, test = digits()
    for run in RUNS:
        activation, optimizer, epochs = run
        training, cost = timed(lambda run=run: recorded(train, *run))
        _, alone = timed(lambda training=training: retrain(training, range(ROWS)))
        print(
            f"\n{activation}, {optimizer}, {epochs} epochs; a training {cost:.3f} s, {ROWS} without a row {alone:.2f} s"
        )
        print("method    half   10 %    2 %  leave one out  one query  100 queries")
        matrices, seconds = {}, {}
        for method in METHODS:
            seconds[method] = []
            for rows in (slice(0, 1), slice(None)):
                asked = test[0][rows], test[1][rows]
                found, taken = timed(
                    lambda training=training, asked=asked, method=method: influence(
                        training, train, asked, method=method, matrix=True, agreement=0
                    )
                )
                seconds[method].append(taken)
            matrices[method] = found.matrix
        scores = [
            score_influence(training, train, test, matrices, sets=SETS, share=share, leave_one_out=count)
            for share, count in ((0.5, ROWS), (0.1, 0), (0.02, 0))
        ]
        for method in METHODS:
            lds = "  ".join(f"{each[method].lds:5.3f}" for each in scores)
            few, many = seconds[method]
            print(f"{method:8} {lds}  {scores[0][method].leave_one_out:13.3f}  {few:7.3f} s  {many:9.2f} s", flush=True)


if __name__ == "__main__":
    main()
