"""``python -m benchmarks.influence``: what influence costs beside two backward passes, and how true it is.

``--truth`` prints, for five runs on 300 digits, how far each method agrees with actual retraining (minutes). Without
it: influence of 10,000 training examples on 1,000 test examples, k = 10, network [784, 256, 128, 10], float32; and
``backtalk.gradients`` of both sets, twice. In turns, in one process, medians; on all cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np

from backtalk import Network, Training, fit, gradients, retrain
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
    arguments = parser.parse_args()
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
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    rows = order[:ROWS], order[ROWS : ROWS + QUERIES]
    train, test = ((X[each] / 16, y[each]) for each in rows)
    return train, test


def recorded(activation: str, optimizer: str, epochs: int, rng: int = 0) -> Training:
    """One of the runs."""
    network = Network.create([64, 16, 10], activation, rng=rng)
    return fit(network, *digits()[0], epochs=epochs, batch_size=32, optimizer=optimizer, rng=rng, record=True)


def compare_with_retraining() -> None:
    """Print LDS with half, a tenth and 2 % of the rows left out, and the leave-one-out correlation, by run and method.

    And what one training costs, and each method for one query and for all of them together.
    """
    train, test = digits()
    for run in RUNS:
        activation, optimizer, epochs = run
        began = time.perf_counter()
        training = recorded(*run)
        cost = time.perf_counter() - began
        began = time.perf_counter()
        retrain(training, range(ROWS))
        alone = time.perf_counter() - began
        print(
            f"\n{activation}, {optimizer}, {epochs} epochs; a training {cost:.3f} s, {ROWS} without a row {alone:.2f} s"
        )
        print("method    half   10 %    2 %  leave one out  one query  100 queries")
        matrices, seconds = {}, {}
        for method in METHODS:
            seconds[method] = []
            for rows in (slice(0, 1), slice(None)):
                began = time.perf_counter()
                asked = test[0][rows], test[1][rows]
                found = influence(training, train, asked, method=method, matrix=True, agreement=0)
                seconds[method].append(time.perf_counter() - began)
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
