"""Seconds of training until a test accuracy is reached, by each library: a kind of work of ``python -m benchmarks``.

Every library trains the same network from the same kind of initial weights with Adam, in float32, on shuffled
mini-batches; after each epoch the accuracy on the test set is taken, and its time left out. One process for each
library, with one thread and with all, of which the faster counts; in turns, medians over seeds.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .results import Row
from .turns import PAUSE, THREADS, Key, Session, by_library, slower_counts

MOST_EPOCHS = 100
SEEDS = 3
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Epochs = tuple[Callable[[], None], Callable[[np.ndarray], np.ndarray]]  # one epoch; classes for some rows


@dataclass(frozen=True)
class Goal:
    """A data set, a network for it, and the accuracy that counts."""

    hidden: tuple[int, ...]
    batch: int
    rate: float
    accuracy: float


GOALS = {"digits": Goal((128,), 64, 1e-3, 0.97), "generated": Goal((256, 128), 128, 1e-3, 0.96)}


@cache
def data(name: str) -> Arrays:
    """X, y to train on and X, y to test on, X in float32."""
    from sklearn.model_selection import train_test_split

    if name == "digits":
        from sklearn.datasets import load_digits

        X, y = load_digits(return_X_y=True)
        X = (X / 16).astype(np.float32)
        count = 450
    else:
        # 10 classes of 50 clouds each in 16 dimensions, seen through 784 noisy pixels
        rng = np.random.default_rng(0)
        count, total = 10_000, 70_000
        centres = rng.normal(size=(500, 16))
        cloud = rng.integers(500, size=total)
        latent = centres[cloud] + 0.35 * rng.normal(size=(total, 16))
        X = np.maximum(latent @ rng.normal(size=(16, 784)) / 4 + 0.7 * rng.normal(size=(total, 784)), 0)
        X, y = X.astype(np.float32), cloud % 10
    X, X_test, y, y_test = train_test_split(X, y.astype(np.int64), test_size=count, random_state=0, stratify=y)
    return X, y, X_test, y_test


def by_backtalk(goal: Goal, X: np.ndarray, y: np.ndarray, seed: int) -> Epochs:
    import backtalk

    network = backtalk.Network.create([X.shape[1], *goal.hidden, 10], rng=seed, dtype="float32")
    now: list[Any] = [network, None]
    rng = np.random.default_rng(seed)

    def epoch() -> None:
        trained = backtalk.fit(
            now[0], X, y, epochs=1, batch_size=goal.batch, optimizer=f"adam(learning_rate={goal.rate})", rng=rng,
            state=now[1],
        )  # fmt: skip
        now[:] = trained.network, trained.state

    return epoch, lambda rows: backtalk.forward(now[0], rows).output.argmax(axis=1)


def by_estimator(goal: Goal, X: np.ndarray, y: np.ndarray, seed: int, kind: Any) -> Epochs:
    model = kind(
        goal.hidden, batch_size=goal.batch, learning_rate_init=goal.rate, alpha=0.0, random_state=seed
    )  # fmt: skip
    return lambda: model.partial_fit(X, y, classes=np.arange(10)), model.predict


def by_sklearn(goal: Goal, X: np.ndarray, y: np.ndarray, seed: int) -> Epochs:
    from sklearn.neural_network import MLPClassifier

    return by_estimator(goal, X, y, seed, MLPClassifier)


def by_backtalk_estimator(goal: Goal, X: np.ndarray, y: np.ndarray, seed: int) -> Epochs:
    from backtalk import MLPClassifier

    return by_estimator(goal, X, y, seed, MLPClassifier)


def by_torch(goal: Goal, X: np.ndarray, y: np.ndarray, seed: int) -> Epochs:
    """The plain loop: shuffled indices, a fused Adam, no loader in between."""
    import torch

    torch.manual_seed(seed)
    widths = [X.shape[1], *goal.hidden, 10]
    layers: list[Any] = []
    for m, n in itertools.pairwise(widths):
        layers += [torch.nn.Linear(m, n), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=goal.rate, fused=True)
    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)

    def epoch() -> None:
        for rows in torch.randperm(len(inputs)).split(goal.batch):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(inputs[rows]), labels[rows]).backward()
            optimizer.step()

    def classes(rows: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(rows)).argmax(1).numpy()

    return epoch, classes


@cache
def jax_epoch(name: str) -> Any:
    """A jitted epoch: one scan over the shuffled mini-batches; the rest of an epoch that fills none is left out."""
    import jax
    import jax.numpy as jnp

    goal = GOALS[name]

    def logits(parameters: Any, h: Any) -> Any:
        for i, (W, b) in enumerate(parameters):
            a = h @ W + b
            h = jax.nn.relu(a) if i < len(parameters) - 1 else a
        return h

    def loss(parameters: Any, X: Any, y: Any) -> Any:
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits(parameters, X)), y[:, None], axis=1))

    def epoch(carry: Any, X: Any, y: Any, order: Any) -> Any:
        def step(carry: Any, rows: Any) -> Any:
            parameters, first, second, t = carry
            grads = jax.grad(loss)(parameters, X[rows], y[rows])
            t = t + 1
            first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
            second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
            rate, root = goal.rate / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
            parameters = jax.tree.map(
                lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-8), parameters, first, second
            )
            return (parameters, first, second, t), None

        return jax.lax.scan(step, carry, order)[0]

    return jax.jit(epoch, donate_argnums=0), jax.jit(lambda parameters, X: logits(parameters, X).argmax(1))


def by_jax(goal: Goal, X: np.ndarray, y: np.ndarray, seed: int) -> Epochs:
    import jax
    import jax.numpy as jnp

    epoch_of, classes_of = jax_epoch(next(name for name, each in GOALS.items() if each is goal))
    rng = np.random.default_rng(seed)
    widths = [X.shape[1], *goal.hidden, 10]
    parameters = [
        (jnp.asarray(rng.normal(size=(m, n)).astype(np.float32) * np.sqrt(2 / m)), jnp.zeros(n, jnp.float32))
        for m, n in itertools.pairwise(widths)
    ]
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    carry = [(parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.float32(0))]
    inputs, labels = jnp.asarray(X), jnp.asarray(y)
    whole = len(X) // goal.batch * goal.batch

    def epoch() -> None:
        order = jnp.asarray(rng.permutation(len(X))[:whole].reshape(-1, goal.batch))
        carry[0] = jax.block_until_ready(epoch_of(carry[0], inputs, labels, order))

    return epoch, lambda rows: np.asarray(classes_of(carry[0][0], jnp.asarray(rows)))


PEERS: dict[str, Callable[[Goal, np.ndarray, np.ndarray, int], Epochs]] = {
    "backtalk": by_backtalk,
    "backtalk.MLPClassifier": by_backtalk_estimator,
    "scikit-learn": by_sklearn,
    "torch": by_torch,
    "jax": by_jax,
}


def seconds_to_goal(peer: str, name: str, seed: int) -> tuple[float, int]:
    """Seconds of training, and epochs, until the accuracy is reached."""
    goal, (X, y, X_test, y_test) = GOALS[name], data(name)
    epoch, classes = PEERS[peer](goal, X, y, seed)
    spent = 0.0
    for number in range(1, MOST_EPOCHS + 1):
        begun = time.perf_counter()
        epoch()
        spent += time.perf_counter() - begun
        if (classes(X_test) == y_test).mean() >= goal.accuracy:
            return spent, number
    return float("inf"), MOST_EPOCHS


def serve(peer: str) -> None:
    """Answer each line 'goal seed' with seconds and epochs."""
    warnings.simplefilter("ignore")
    if peer == "torch":
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    warm: set[str] = set()
    for line in sys.stdin:
        name, seed = line.split()
        if name not in warm:
            goal, (X, y, X_test, _) = GOALS[name], data(name)
            epoch, classes = PEERS[peer](goal, X, y, 0)
            epoch()
            classes(X_test)
            warm.add(name)
        print(*seconds_to_goal(peer, name, int(seed)), flush=True)


def measure(session: Session) -> Iterator[Row]:
    """A row for each goal; the median over seeds, which the counts of threads that are clearly slower leave out."""
    for name, goal in GOALS.items():
        peers = {(peer, n): session.peer(peer, n, "benchmarks.target") for peer in PEERS for n in THREADS}
        seconds: dict[Key, list[float]] = {key: [] for key in peers}
        epochs: dict[str, list[int]] = {peer: [] for peer in PEERS}
        slower: set[Key] = set()
        rates = [session.peak.measure()]
        for seed in range(1, SEEDS + 1):
            for key in peers.keys() - slower:
                time.sleep(PAUSE)
                spent, count = peers[key].ask(f"{name} {seed}").split()
                seconds[key].append(float(spent))
                epochs[key[0]].append(int(count))
            slower = slower_counts(seconds)
            rates.append(session.peak.measure())
        print(f"{name}, epochs:", {peer: statistics.median(counts) for peer, counts in epochs.items()})
        medians = {key: statistics.median(each) for key, each in seconds.items()}
        missing = session.peak.missing(rates)
        row = f"{name}_to_{goal.accuracy:.0%}"
        yield Row("target", row, "float32", by_library(medians), missing=missing)


def main() -> None:
    """Answer the lines of the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.target", description=__doc__)
    parser.add_argument("--serve", required=True, choices=list(PEERS))
    serve(parser.parse_args().serve)


if __name__ == "__main__":
    main()
