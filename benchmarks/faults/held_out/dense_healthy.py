"""Networks of backtalk without a fault: usual ones, and some that look unusual."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..program import Healthy, Recipe
from . import data


def _recipe(rows: Any, sizes: tuple[int, ...], network: dict[str, Any], seed: int, **training: Any) -> Recipe:
    return Recipe(rows, sizes, network | {"rng": seed}, {"rng": seed} | training)


def _pictures() -> data.Rows:
    """Digits, to be given back."""
    X, _, X_test, _ = data.digits()
    return X, X, X_test, X_test


def _wrong_labels() -> data.Rows:
    """Two moons, of which every tenth training label is wrong."""
    X, y, X_test, y_test = data.moons(1200, 0.15, seed=31)
    wrong = np.random.default_rng(31).random(len(y)) < 0.1
    return X, np.where(wrong, 1 - y, y), X_test, y_test


def _several_answers() -> data.Rows:
    """Four questions of yes or no to each row."""
    rng = np.random.default_rng(32)
    X = rng.normal(size=(1000, 10))
    y = (X @ rng.normal(size=(10, 4)) + X[:, :1] * X[:, 1:5] > 0).astype(float)
    return data.split(X, y, 32)


HEALTHY = (
    Healthy("digits", "Digits through one layer of 64 ReLU units, by Adam.",
            _recipe(data.digits, (64, 64, 10), {}, 21, epochs=25, optimizer="adam")),
    Healthy("cancer", "Breast cancer, standardized, through 16 tanh units to one sigmoid output.",
            _recipe(data.cancer, (30, 16, 1), {"activation": "tanh", "loss": "binary_cross_entropy"}, 22, epochs=40,
                    optimizer="sgd(learning_rate=0.05)")),
    Healthy("diabetes", "A regression that no model tells better than by half, with a penalty, for 40 epochs.",
            _recipe(partial(data.progression, 1), (10, 16, 1), {"activation": "tanh", "loss": "squared_error"}, 23,
                    epochs=40, optimizer="adam(learning_rate=0.003)", l2_penalty=0.05)),
    Healthy("moons that overlap", "Two moons with so much noise that one row in twelve lies among the others.",
            _recipe(partial(data.moons, 1200, 0.3, seed=24), (2, 32, 32, 2), {}, 24, epochs=40, optimizer="adam")),
    Healthy("deep tanh", "Eight layers of 32 tanh units with the initialization that goes with them.",
            _recipe(data.digits, (64, *(32,) * 8, 10), {"activation": "tanh"}, 25, epochs=40,
                    optimizer="adam(learning_rate=0.001)")),
    Healthy("wine by L-BFGS", "Three classes of wine by a search over all rows.",
            _recipe(data.wines, (13, 10, 3), {"activation": "tanh"}, 26, epochs=60, optimizer="lbfgs",
                    l2_penalty=0.01)),
    Healthy("rare, and weighted", "A class of 8 % whose rows weigh as much together as those of the other.",
            _recipe(partial(data.rare, 2500, 12, 0.08, 1.5, seed=27), (12, 32, 1), {"loss": "binary_cross_entropy"},
                    27, epochs=40, optimizer="adam", class_weight="balanced")),
    Healthy("logistic regression", "No hidden layer, and no need of one.",
            _recipe(data.cancer, (30, 1), {"loss": "binary_cross_entropy"}, 28, epochs=60,
                    optimizer="sgd(learning_rate=0.1)", l2_penalty=0.001)),
    Healthy("counts", "Counts by the deviance of Poisson.",
            _recipe(partial(data.counts, seed=29), (6, 32, 1), {"activation": "tanh", "loss": "poisson_deviance"}, 29,
                    epochs=40, optimizer="adam(learning_rate=0.003)")),
    Healthy("an autoencoder", "Digits through 16 units and back to pixels between 0 and 1.",
            _recipe(_pictures, (64, 48, 16, 48, 64), {"loss": "squared_error", "output": "sigmoid"}, 30, epochs=40,
                    optimizer="adam(learning_rate=0.002)")),
    Healthy("every tenth label wrong", "Moons with wrong labels, which a small network does not learn by heart.",
            _recipe(_wrong_labels, (2, 24, 2), {}, 31, epochs=50, optimizer="momentum(learning_rate=0.02)",
                    l2_penalty=0.001, schedule="cosine")),
    Healthy("several answers", "Four sigmoid outputs, dropout of a fifth, by AdamW with one cycle of the rate.",
            _recipe(_several_answers, (10, 64, 64, 4), {"loss": "binary_cross_entropy"}, 32, epochs=40,
                    optimizer="adamw(learning_rate=0.003)", schedule="one_cycle", dropout=0.2)),
)  # fmt: skip
