"""Is an activation of your own any good? It is checked, and then trained beside others on digits.

``python examples/own_activation.py`` adds squareplus, g(a) = ½ (a + √(a² + 4)), a softplus without exponentials (Barron
2021). It measures whether g′ is the derivative of g. Then a network with each activation learns until its loss on rows
held out is below a goal: after how many epochs, how many of those rows it tells right, and how much of the gradient
reached the first hidden layer of the network before training, as ‖∇_{a_1}ℒ‖/‖∇_{a_{L−1}}ℒ‖.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from backtalk import Callback, Epoch, Gradients, Network, check, fit, gradients, register_activation
from backtalk.data import load_data

Floats: TypeAlias = NDArray[np.float64]

SIZES = (64, 32, 32, 32, 10)
HELD_OUT = 360  # rows
MOST_EPOCHS = 60


def g(a: Floats) -> Floats:
    return (a + np.sqrt(a * a + 4)) / 2


def g_prime(a: Floats) -> Floats:
    return (1 + a / np.sqrt(a * a + 4)) / 2


class UntilGood(Callback):
    """Ends training once the loss on the rows held out is below ``goal``; ``epochs``: after how many, None if never."""

    def __init__(self, goal: float) -> None:
        self.goal = goal
        self.epochs: int | None = None

    def on_epoch(self, epoch: Epoch) -> bool:
        if epoch.validation_loss is not None and epoch.validation_loss < self.goal:
            self.epochs = epoch.number
        return self.epochs is not None


@dataclass(frozen=True)
class Result:
    """What training with one activation brought."""

    activation: str
    epochs: int | None
    accuracy: float
    flow: float


def flow_of(grads: Gradients) -> float:
    """How much of the gradient reaches the first hidden layer: 1 if as much as there is at the last one."""
    last = len(grads.a) - 1
    return float(np.linalg.norm(grads.a[1]) / np.linalg.norm(grads.a[last]))


def compare(activations: list[str], goal: float, seed: int) -> list[Result]:
    """Train a network with each, from the same seed, on the same rows."""
    digits = load_data("digits")
    rows = np.random.default_rng(seed).permutation(len(digits.X))
    X, y = digits.X[rows[HELD_OUT:]], digits.y[rows[HELD_OUT:]]
    X_test, y_test = digits.X[rows[:HELD_OUT]], digits.y[rows[:HELD_OUT]]
    results: list[Result] = []
    for name in activations:
        network = Network.create(SIZES, name, rng=seed)
        until_good = UntilGood(goal)
        training = fit(
            network,
            X,
            y,
            epochs=MOST_EPOCHS,
            batch_size=64,
            validation=(X_test, y_test),
            callbacks=until_good,
            rng=seed,
        )
        right = training.network.predictor(HELD_OUT)(X_test).argmax(axis=1) == y_test
        accuracy = int(right.sum()) / HELD_OUT
        results.append(Result(name, until_good.epochs, accuracy, flow_of(gradients(network, X, y))))
    return results


def main(arguments: list[str] | None = None) -> list[Result]:
    """Parse, check, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goal", type=float, default=0.2, help="loss on the rows held out (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    own = register_activation("squareplus", g, g_prime)
    report = check(own)
    print(report)
    if not report.passed:
        raise SystemExit("g_prime is not the derivative of g: training with it would follow no gradient.")
    results = compare(["relu", "tanh", "softplus", own.name], given.goal, given.seed)
    print(f"\n{'activation':12} {'epochs':>6} {'accuracy':>9} {'flow':>6}")
    for each in results:
        print(f"{each.activation:12} {each.epochs or '-':>6} {each.accuracy:>9.1%} {each.flow:>6.3f}")
    return results


if __name__ == "__main__":
    main()
