"""Networks of backtalk without a fault: the doctor should have nothing to say above a note."""

from __future__ import annotations

from functools import partial

import numpy as np

from .. import data
from ..program import Healthy, Recipe


def _imbalanced() -> data.Data:
    """Two classes, one with five times the rows of the other."""
    return data.table(1200, 12, informative=6, class_sep=1.5, weights=[5 / 6], flip_y=0)


def _noisy_labels() -> data.Data:
    """Moons with a tenth of the training labels wrong."""
    X, y, X_test, y_test = data.moons(800, noise=0.2)
    wrong = np.random.default_rng(1).random(len(y)) < 0.1
    return X, np.where(wrong, 1 - y, y), X_test, y_test


def _pictures() -> data.Data:
    """Digits as targets of themselves."""
    X, _, X_test, _ = data.digits()
    return X, X, X_test, X_test


def _two_tasks() -> data.Data:
    """Two numbers to predict from the same columns."""
    return data.plane(700, 8, noise=0.2, targets=2)


def _counts() -> data.Data:
    """Counts whose logarithm is linear."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 5))
    return data.split(X, rng.poisson(np.exp(0.5 + X @ [0.4, -0.3, 0.2, 0.0, 0.1])).astype(float))


HEALTHY = (
    Healthy(
        "digits, ReLU and Adam", "The usual classifier of small images, for 15 epochs.",
        Recipe(data.digits, (64, 64, 10), {}, {"epochs": 15, "optimizer": "adam(learning_rate=0.003)"}),
    ),
    Healthy(
        "digits with dropout of a half", "Two hidden layers with dropout of 0.5, momentum and a schedule.",
        Recipe(data.digits, (64, 128, 64, 10), {}, {
            "epochs": 40, "optimizer": "momentum(learning_rate=0.05)", "dropout": 0.5, "schedule": "cosine(warm_up=40)",
        }),
    ),
    Healthy(
        "wine, tanh and L2", "A small table, a small network of tanh, and weights held by 0.01.",
        Recipe(data.wine, (13, 16, 3), {"activation": "tanh"}, {
            "epochs": 40, "optimizer": "adam(learning_rate=0.005)", "l2_penalty": 0.01,
        }),
    ),
    Healthy(
        "breast cancer with one sigmoid", "A binary classifier that stops at its best epoch.",
        Recipe(data.breast_cancer, (30, 16, 1), {"loss": "binary_cross_entropy"}, {
            "epochs": 60, "optimizer": "adam(learning_rate=0.003)", "patience": 5, "l2_penalty": 0.01,
        }),
    ),
    Healthy(
        "five times as many of one class", "A share of one sixth is no imbalance that hinders.",
        Recipe(_imbalanced, (12, 32, 2), {}, {
            "epochs": 25, "optimizer": "adam(learning_rate=0.003)", "l2_penalty": 1e-3,
        }),
    ),
    Healthy(
        "moons with wrong labels", "A tenth of the labels is wrong, and the network is too small to learn them.",
        Recipe(_noisy_labels, (2, 16, 2), {"activation": "tanh"}, {
            "epochs": 60, "optimizer": "adam(learning_rate=0.01)",
        }),
    ),
    Healthy(
        "overlapping blobs", "Clouds of which a fifth lies on the wrong side: no network does better.",
        Recipe(partial(data.blobs, 700, 3, 4.0), (2, 16, 3), {}, {
            "epochs": 30, "optimizer": "adam(learning_rate=0.005)",
        }),
    ),
    Healthy(
        "diabetes", "A regression in which half of the variance cannot be explained.",
        Recipe(data.diabetes, (10, 8, 1), {"loss": "squared_error", "activation": "tanh"}, {
            "epochs": 40, "optimizer": "adam(learning_rate=0.003)", "l2_penalty": 0.02,
        }),
    ),
    Healthy(
        "Friedman's function, clipped", "A regression with gradients clipped at 1, and a step schedule.",
        Recipe(data.friedman, (10, 48, 24, 1), {"loss": "squared_error"}, {
            "epochs": 50, "optimizer": "sgd(learning_rate=0.02)", "clip_norm": 1.0, "schedule": "cosine",
        }),
    ),
    Healthy(
        "an autoencoder of digits", "64 pixels through 16 units and back, with sigmoid outputs.",
        Recipe(_pictures, (64, 48, 16, 48, 64), {"loss": "squared_error", "output": "sigmoid"}, {
            "epochs": 40, "optimizer": "adam(learning_rate=0.003)",
        }),
    ),
    Healthy(
        "two numbers at once", "Two targets of one network.",
        Recipe(_two_tasks, (8, 32, 2), {"loss": "squared_error"}, {
            "epochs": 40, "optimizer": "adam(learning_rate=0.003)",
        }),
    ),
    Healthy(
        "counts", "Poisson deviance for counts, with the output that goes with it.",
        Recipe(_counts, (5, 16, 1), {"loss": "poisson_deviance", "activation": "tanh"}, {
            "epochs": 40, "optimizer": "adam(learning_rate=0.005)", "l2_penalty": 0.01,
        }),
    ),
)  # fmt: skip
