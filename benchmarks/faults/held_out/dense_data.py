"""Networks of backtalk whose fault lies in the data, or in what the outputs are compared with."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..program import Program, Recipe
from . import data


def _without_order(rows: data.Rows) -> data.Rows:
    """The training labels in another order than the training rows."""
    X, y, X_test, y_test = rows
    return X, np.random.default_rng(5).permutation(y), X_test, y_test


def _misaligned() -> data.Rows:
    return _without_order(data.groups(2400, 12, 3, seed=4))


def _square_root() -> data.Rows:
    """Numbers between 0 and 10 and their squares, which lie between 0 and 100, over 10."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 10, (400, 1))
    return data.split(x / 10, x[:, 0] ** 2 / 10, 3)


PIXELS = Program(
    "pixels up to 255, plain gradient descent",
    "deepmufl 55328966 (DeepFD 8, defect4ML 100)",
    "Digits whose pixels go up to 255 are given to a network of 50 ReLU units as they are, as in the public program.",
    ("inputs_not_scaled",),
    ("scale", "standard", "divide", "255", "normaliz"),
    Recipe(
        partial(data.digits, 255.0),
        (64, 50, 10),
        {"activation": "relu", "loss": "cross_entropy", "rng": 1},
        {"epochs": 40, "batch_size": 32, "optimizer": "sgd(learning_rate=0.02)", "rng": 1},
    ),
    Recipe(
        data.digits,
        (64, 50, 10),
        {"activation": "relu", "loss": "cross_entropy", "rng": 1},
        {"epochs": 40, "batch_size": 32, "optimizer": "sgd(learning_rate=0.02)", "rng": 1},
    ),
)

HOUSES = Program(
    "house prices as they are",
    "DeepFD 46 (StackOverflow 47932589)",
    "Prices in dollars are told from areas, ages and distances in their own units, without scaling either.",
    ("targets_not_scaled", "inputs_not_scaled"),
    ("scale", "standard", "normaliz"),
    Recipe(
        partial(data.houses, 4000),
        (5, 32, 16, 1),
        {"activation": "relu", "loss": "squared_error", "rng": 2},
        {"epochs": 40, "batch_size": 32, "optimizer": "adam(learning_rate=0.001)", "rng": 2},
    ),
    Recipe(
        partial(data.houses, 4000, scaled=True),
        (5, 32, 16, 1),
        {"activation": "relu", "loss": "squared_error", "rng": 2},
        {"epochs": 40, "batch_size": 32, "optimizer": "adam(learning_rate=0.001)", "rng": 2},
    ),
)

SIGMOID_FOR_NUMBERS = Program(
    "sigmoid output for numbers up to 10",
    "DeepFD 20 (StackOverflow 48221692)",
    "A network of one input and 5 sigmoid units gives a number between 0 and 1, where numbers up to 10 are asked for.",
    ("wrong_output", "targets_not_scaled"),
    ("identity", "linear", "scale"),
    Recipe(
        _square_root,
        (1, 5, 1),
        {"activation": "sigmoid", "loss": "squared_error", "output": "sigmoid", "rng": 3},
        {"epochs": 200, "batch_size": 32, "optimizer": "sgd(learning_rate=0.05)", "rng": 3},
    ),
    Recipe(
        _square_root,
        (1, 5, 1),
        {"activation": "sigmoid", "loss": "squared_error", "rng": 3},
        {"epochs": 200, "batch_size": 32, "optimizer": "sgd(learning_rate=0.05)", "rng": 3},
    ),
)

RELU_FOR_NUMBERS = Program(
    "ReLU output for numbers of both signs",
    "deepmufl 59758722",
    "Two layers of 30 ReLU units and one ReLU output, which cannot be negative, for targets of which half are.",
    ("wrong_output",),
    ("identity", "linear"),
    Recipe(
        partial(data.plane, 5000, 4, seed=5),
        (4, 30, 30, 1),
        {"activation": "relu", "loss": "squared_error", "output": "relu", "rng": 5},
        {"epochs": 30, "batch_size": 128, "optimizer": "rmsprop(learning_rate=0.001)", "rng": 5},
    ),
    Recipe(
        partial(data.plane, 5000, 4, seed=5),
        (4, 30, 30, 1),
        {"activation": "relu", "loss": "squared_error", "rng": 5},
        {"epochs": 30, "batch_size": 128, "optimizer": "rmsprop(learning_rate=0.001)", "rng": 5},
    ),
)

ONE_UNIT_SOFTMAX = Program(
    "softmax of one unit",
    "deepmufl 54738769 (also DeepFD 41, 42800203)",
    "A regression with 18 inputs and six hidden layers ends in a softmax of one unit, which is always 1.",
    ("nothing_arrives", "wrong_output", "softmax_over_wrong_dimension"),
    ("softmax", "identity", "sigmoid"),
    Recipe(
        partial(data.plane, 2000, 18, seed=6),
        (18, 36, 72, 32, 16, 1),
        {"activation": "relu", "loss": "squared_error", "output": "softmax", "rng": 6},
        {"epochs": 60, "batch_size": 35, "optimizer": "adam", "rng": 6},
    ),
    Recipe(
        partial(data.plane, 2000, 18, seed=6),
        (18, 36, 72, 32, 16, 1),
        {"activation": "relu", "loss": "squared_error", "rng": 6},
        {"epochs": 60, "batch_size": 35, "optimizer": "adam", "rng": 6},
    ),
)

ONE_UNIT_FOR_CLASSES = Program(
    "five classes through one sigmoid",
    "deepmufl 66602662 (also 62068109, 70650848)",
    "Layers of 32, 16 and 8 units and one sigmoid output, which is compared with the number of the class, 0 to 4.",
    ("wrong_output", "wrong_loss", "targets_not_scaled"),
    ("softmax", "cross_entropy", "cross-entropy", "classes", "one output for each"),
    Recipe(
        partial(data.groups, 2000, 8, 5, informative=6, seed=7),
        (8, 32, 16, 8, 1),
        {"activation": "relu", "loss": "squared_error", "output": "sigmoid", "rng": 7},
        {"epochs": 30, "batch_size": 24, "optimizer": "adam", "rng": 7},
    ),
    Recipe(
        partial(data.groups, 2000, 8, 5, informative=6, seed=7),
        (8, 32, 16, 8, 5),
        {"activation": "relu", "loss": "cross_entropy", "rng": 7},
        {"epochs": 30, "batch_size": 24, "optimizer": "adam", "rng": 7},
    ),
)

MISALIGNED = Program(
    "labels in another order than the rows",
    "TheDeepChecker wrong_labels",
    "The rows were shuffled, and the labels on their own, so that a label says nothing of its row.",
    ("uninformative_features", "mislabelled_examples"),
    ("shuffl", "order", "label"),
    Recipe(
        _misaligned,
        (12, 32, 32, 3),
        {"activation": "relu", "loss": "cross_entropy", "rng": 8},
        {"epochs": 30, "batch_size": 32, "optimizer": "adam", "rng": 8},
    ),
    Recipe(
        partial(data.groups, 2400, 12, 3, seed=4),
        (12, 32, 32, 3),
        {"activation": "relu", "loss": "cross_entropy", "rng": 8},
        {"epochs": 30, "batch_size": 32, "optimizer": "adam", "rng": 8},
    ),
)

RARE = Program(
    "three in a hundred of one class",
    "TheDeepChecker unbalanced_data",
    "One of two classes has 3 % of the rows, and a small network is trained as if they weighed the same.",
    ("class_imbalance",),
    ("class_weight", "weight", "balanced", "resampl"),
    Recipe(
        partial(data.rare, 6000, 10, 0.03, 0.8, seed=9),
        (10, 16, 1),
        {"activation": "relu", "loss": "binary_cross_entropy", "rng": 9},
        {"epochs": 25, "batch_size": 32, "optimizer": "adam", "rng": 9},
    ),
    Recipe(
        partial(data.rare, 6000, 10, 0.03, 0.8, seed=9),
        (10, 16, 1),
        {"activation": "relu", "loss": "binary_cross_entropy", "rng": 9},
        {"epochs": 25, "batch_size": 32, "optimizer": "adam", "class_weight": "balanced", "rng": 9},
    ),
)

PROGRAMS = (
    PIXELS, HOUSES, SIGMOID_FOR_NUMBERS, RELU_FOR_NUMBERS, ONE_UNIT_SOFTMAX, ONE_UNIT_FOR_CLASSES, MISALIGNED, RARE,
)  # fmt: skip
