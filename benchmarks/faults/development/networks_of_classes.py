"""Networks of backtalk that classify: faulty, and repaired."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from backtalk import Network

from .. import data
from ..program import Program, Recipe


def _bits() -> data.Data:
    """128 bits that are mostly all 1 or all 0; the class says which."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    return data.split(np.where(rng.random((600, 128)) < 0.25, 1 - y[:, None], y[:, None]), y)


def _three_classes() -> data.Data:
    """A table with clear clusters."""
    return data.table(1200, 10, classes=3, informative=6, class_sep=2.0, n_clusters_per_class=1)


def _shifted_rows() -> data.Data:
    """The labels of other rows: X was shuffled, y was not."""
    X, y, *held_out = _three_classes()
    return X[np.random.default_rng(1).permutation(len(X))], y, *held_out


def _few_rows() -> data.Data:
    """200 rows to learn from and 600 held out, of 12 columns of which 4 say something; one class in seven is wrong."""
    X, y, X_test, y_test = data.table(800, 12, informative=4, flip_y=0.3, class_sep=1.5, n_clusters_per_class=1)
    return X[:200], y[:200], np.concatenate([X[200:], X_test]), np.concatenate([y[200:], y_test])


def _negative_weights(network: Network) -> Network:
    """As if drawn between −limit and 0 in the hidden layers: with inputs from 0 to 1, ReLU is silent."""
    W = [-np.abs(network.W[i]) if i < network.depth else network.W[i] for i in network.W]
    return Network(W, list(network.b.values()), network.activations, network.loss, output=network.output)


one_unit = Recipe(
    _bits, (128, 50, 1), {"loss": "binary_cross_entropy", "output": "softmax"},
    {"epochs": 8, "optimizer": "rmsprop(learning_rate=0.001)", "batch_size": 24, "dropout": 0.2},
)  # fmt: skip
raw_pixels = Recipe(
    partial(data.digits, high=255.0), (64, 64, 50, 10), {"output": "sigmoid"},
    {"epochs": 10, "optimizer": "sgd(learning_rate=0.0001)"},
)  # fmt: skip
deep_sigmoids = Recipe(
    partial(data.table, 1000, 28, class_sep=1.5), (28, 28, 100, 150, 150, 75, 1),
    {"activation": "sigmoid", "loss": "binary_cross_entropy", "initialization": "normal(std=0.05)"},
    {"epochs": 20, "optimizer": "sgd(learning_rate=0.05)"},
)  # fmt: skip
linear = Recipe(
    data.circles,
    (2, 15, 15, 15, 2),
    {"activation": "identity"},
    {"epochs": 60, "optimizer": "adam(learning_rate=0.01)"},
)
too_much_penalty = Recipe(
    data.digits, (64, 64, 32, 10), {}, {"epochs": 20, "optimizer": "adam(learning_rate=0.003)", "l2_penalty": 1.0}
)
silent = Recipe(
    data.digits, (64, 48, 32, 10), {}, {"epochs": 20, "optimizer": "sgd(learning_rate=0.1)"}, change=_negative_weights
)
two_epochs = Recipe(
    data.digits, (64, 64, 10), {"activation": "relu"},
    {"epochs": 2, "optimizer": "sgd(learning_rate=0.01)", "batch_size": 64},
)  # fmt: skip
other_rows = Recipe(
    _shifted_rows, (10, 32, 16, 3), {}, {"epochs": 30, "optimizer": "adam(learning_rate=0.003)", "l2_penalty": 1e-4}
)
by_heart = Recipe(_few_rows, (12, 256, 256, 2), {}, {"epochs": 120, "optimizer": "adam(learning_rate=0.001)"})

PROGRAMS = (
    Program(
        "softmax of one unit",
        "deepmufl and DeepFD 31880720",
        "128 bits, 50 ReLU units and one output of softmax, which is 1 whatever the weights are, with binary "
        "cross-entropy.",
        ("nothing_arrives", "wrong_output", "wrong_loss"),
        ("sigmoid", "2 outputs", "two outputs"),
        one_unit,
        replace(one_unit, network={"loss": "binary_cross_entropy"}),
    ),
    Program(
        "pixels from 0 to 255",
        "DeepFD 55328966",
        "Images as they are stored, sigmoid outputs with cross-entropy, and SGD with a rate of 0.0001.",
        ("inputs_not_scaled", "wrong_output"),
        ("scale", "divide", "standardize", "softmax"),
        raw_pixels,
        Recipe(data.digits, (64, 64, 50, 10), {}, {"epochs": 20, "optimizer": "adam(learning_rate=0.003)"}),
    ),
    Program(
        "five layers of sigmoids",
        "deepmufl 57407973",
        "Sigmoids in five hidden layers whose weights begin with a standard deviation of 0.05.",
        ("vanishing_gradient",),
        ("relu", "tanh", "initialization"),
        deep_sigmoids,
        Recipe(
            deep_sigmoids.data, (28, 100, 75, 1), {"activation": "relu", "loss": "binary_cross_entropy"},
            {"epochs": 15, "optimizer": "adam(learning_rate=0.001)", "l2_penalty": 1e-3, "patience": 3},
        ),
    ),
    Program(
        "linear layers only",
        "deepmufl 56888491",
        "Four layers without an activation, for a circle within a circle.",
        ("linear_layers",),
        ("relu", "tanh", "activation"),
        linear,
        replace(linear, network={"activation": "relu"}),
    ),
    Program(
        "far too strong a penalty",
        "TheDeepChecker, over-regularization (baseCNN_over_reg)",
        "Digits with λ = 1 of the squared weights.",
        ("penalty_too_strong",),
        ("l2_penalty", "penalty", "λ"),
        too_much_penalty,
        replace(too_much_penalty, training={**too_much_penalty.training, "l2_penalty": 1e-4}),
    ),
    Program(
        "weights below 0 for pixels above 0",
        "AutoTrainer, dying ReLU; UMLAUT, initial weights",
        "ReLU units whose initial weights are all negative, and inputs from 0 to 1: no unit is ever active.",
        ("dead_units", "nothing_arrives"),
        ("initial", "leaky"),
        silent,
        replace(silent, change=None),
    ),
    Program(
        "two epochs of small steps",
        "DeepFD 37213388",
        "Digits for two epochs of SGD with a rate of 0.01, while the loss still falls.",
        ("training_too_short", "learning_rate_too_low"),
        ("epochs", "longer", "ten times", "higher learning rate"),
        two_epochs,
        replace(two_epochs, training={**two_epochs.training, "epochs": 40, "optimizer": "sgd(learning_rate=0.1)"}),
    ),
    Program(
        "labels of other rows",
        "TheDeepChecker, wrong labels (baseCNN_wrong_lbl)",
        "The rows of X were shuffled, and those of y were not.",
        ("uninformative_features",),
        ("row", "order", "shuffle", "label", "column"),
        other_rows,
        replace(other_rows, data=_three_classes),
    ),
    Program(
        "learned by heart",
        "DeepFD and DeepLocalize, MovieReviews_Keras; UMLAUT, overfitting",
        "200 rows, a seventh of them with a wrong class, two layers of 256 units, and 120 epochs without a penalty.",
        ("overfitting",),
        ("dropout", "penalty", "patience", "fewer", "more examples"),
        by_heart,
        replace(by_heart, training={
            **by_heart.training, "epochs": 60, "l2_penalty": 0.003, "patience": 5, "dropout": 0.5,
        }),
    ),
)  # fmt: skip
