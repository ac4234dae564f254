"""The main job on real data: train on scikit-learn's digits, then look at every gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..analysis.check import CheckReport, check
from ..core.backward import Gradients
from ..core.network import Network
from ..data.built_in import load_data
from ..engines.passes import forward, gradients
from ..train import Epoch, fit

SIZES = [64, 64, 32, 10]
EPOCHS = 30
CHECKED = 16  # examples in the check's batch; every coordinate is measured


@dataclass(frozen=True, slots=True, eq=False)
class Demo:
    """What the demo found, on the test set."""

    network: Network
    grads: Gradients
    accuracy: float
    test_count: int
    report: CheckReport


def run_demo(seed: int, on_epoch: Callable[[Epoch, float], None]) -> Demo:
    """Train and look; ``on_epoch`` is called with each epoch and the accuracy on the training set after it."""
    from sklearn.model_selection import train_test_split

    digits = load_data("digits")
    rows = np.arange(len(digits.y))
    train, test = map(np.asarray, train_test_split(rows, test_size=0.25, stratify=digits.y, random_state=seed))
    X, y, X_test, y_test = digits.X[train], digits.y[train], digits.X[test], digits.y[test]
    network = Network.create(SIZES, activation="relu", loss="cross_entropy", rng=seed)

    def callback(epoch: Epoch) -> None:
        on_epoch(epoch, accuracy(epoch.network, X, y))

    trained = fit(network, X, y, epochs=EPOCHS, optimizer="adam", rng=seed, callbacks=callback).network
    return Demo(
        network=trained,
        grads=gradients(trained, X_test, y_test),
        accuracy=accuracy(trained, X_test, y_test),
        test_count=len(y_test),
        report=check(trained, X_test[:CHECKED], y_test[:CHECKED], coordinates="every"),
    )


def accuracy(network: Network, X: np.ndarray, y: np.ndarray) -> float:
    """The share of examples whose largest output is that of their label."""
    return float((forward(network, X).output.argmax(axis=1) == y).mean())
