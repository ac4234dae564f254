"""Networks of backtalk that predict numbers: faulty, and repaired."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from .. import data
from ..program import Program, Recipe


def _line() -> data.Data:
    """y = x / 2 and a little noise, from −1 to 13."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 26, (300, 1))
    X, y, X_test, y_test = data.split(x, x[:, 0] / 2 + rng.normal(scale=0.2, size=300))
    return X / 26, y, X_test / 26, y_test


def _two_columns() -> data.Data:
    """A smooth function of two columns, on both sides of 0."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (500, 2))
    return data.split(X, np.sin(X[:, 0]) * X[:, 1] - 0.3 + rng.normal(scale=0.05, size=500))


def _square(rows: int = 400) -> data.Data:
    """x² for x from 0 to 1000: both as they are."""
    x = np.random.default_rng(0).uniform(0, 1000, (rows, 1))
    return data.split(x, x[:, 0] ** 2 / 100)


def _one_hot_digits() -> data.Data:
    """Digits, with a column for each class."""
    X, y, X_test, y_test = data.digits()
    return X, np.eye(10)[y], X_test, np.eye(10)[y_test]


def _one_at_a_time() -> data.Data:
    """A plane with much noise."""
    return data.plane(800, 12, noise=1.0)


sigmoid_output = Recipe(
    _line, (1, 5, 1), {"activation": "sigmoid", "loss": "squared_error", "output": "sigmoid"},
    {"epochs": 150, "optimizer": "sgd(learning_rate=0.05)", "batch_size": 32},
)  # fmt: skip
relu_output = Recipe(
    _two_columns, (2, 16, 1), {"loss": "squared_error", "output": "relu"},
    {"epochs": 100, "optimizer": "sgd(learning_rate=0.02)", "batch_size": 10},
)  # fmt: skip
unscaled = Recipe(
    _square, (1, 50, 50, 1), {"loss": "squared_error"}, {"epochs": 30, "optimizer": "adam(learning_rate=0.001)"}
)
high_rate = Recipe(
    data.friedman, (10, 64, 64, 1), {"loss": "squared_error"}, {"epochs": 30, "optimizer": "sgd(learning_rate=0.3)"}
)
constant = Recipe(
    data.friedman, (10, 32, 16, 1),
    {"loss": "squared_error", "activation": "tanh", "initialization": "constant(value=0.1)"},
    {"epochs": 60, "optimizer": "adam(learning_rate=0.005)"},
)  # fmt: skip
low_rate = Recipe(
    data.friedman, (10, 32, 16, 1), {"loss": "squared_error"}, {"epochs": 30, "optimizer": "adam(learning_rate=1e-6)"}
)
shallow_numbers = Recipe(
    _one_hot_digits, (64, 30, 10),
    {"activation": "identity", "loss": "squared_error", "initialization": "normal(std=1.0)"},
    {"epochs": 30, "optimizer": "sgd(learning_rate=3.0)", "batch_size": 10},
)  # fmt: skip
single_rows = Recipe(
    _one_at_a_time, (12, 16, 1), {"loss": "squared_error"},
    {"epochs": 15, "optimizer": "rmsprop(learning_rate=0.05)", "batch_size": 1},
)  # fmt: skip
small_targets = Recipe(
    partial(data.plane, 600, 8), (8, 32, 1), {"loss": "squared_error"},
    {"epochs": 40, "optimizer": "adam(learning_rate=0.005)"},
)  # fmt: skip


def _divided_targets() -> data.Data:
    """Targets that were divided by 255 twice, as if they were pixels."""
    X, y, X_test, y_test = data.plane(600, 8)
    return X, y / 255**2, X_test, y_test / 255**2


PROGRAMS = (
    Program(
        "sigmoid output for targets to 13",
        "deepmufl and DeepFD 48221692",
        "One input, five sigmoids and a sigmoid output, for numbers that go far beyond 1.",
        ("wrong_output",),
        ("identity", "linear"),
        sigmoid_output,
        replace(
            sigmoid_output,
            network={"activation": "tanh", "loss": "squared_error"},
            data=lambda: data.scaled_targets(data.standardized(_line())),
        ),
    ),
    Program(
        "ReLU output for negative targets",
        "deepmufl and DeepFD 48251943",
        "Two inputs and a ReLU output, for numbers of which most are below 0.",
        ("wrong_output", "nothing_arrives", "dead_units"),
        ("identity", "linear"),
        relu_output,
        replace(relu_output, network={"loss": "squared_error"}),
    ),
    Program(
        "inputs to 1000 and targets to 10000",
        "DeepFD 52800582 and 47932589",
        "A parabola, with x and y as they are.",
        ("inputs_not_scaled", "targets_not_scaled"),
        ("scale", "standardize", "divide"),
        unscaled,
        replace(
            unscaled,
            data=lambda: data.scaled_targets(data.standardized(_square())),
            training={"epochs": 60, "optimizer": "adam(learning_rate=0.005)"},
        ),
    ),
    Program(
        "rate of 0.3 for a regression",
        "DeepFD 48934338; TheDeepChecker, high learning rate (regrNN_high_lr)",
        "SGD with a rate that suits a classifier: the loss jumps, or is thrown far out.",
        ("learning_rate_too_high",),
        ("a tenth", "smaller", "lower"),
        high_rate,
        replace(high_rate, training={**high_rate.training, "optimizer": "sgd(learning_rate=0.02)"}),
    ),
    Program(
        "all weights 0.1",
        "TheDeepChecker, wrong initialization (regrNN_constant)",
        "Every weight begins at 0.1, so the hidden units stay copies of one another.",
        ("symmetry",),
        ("initial", "random"),
        constant,
        replace(constant, network={"loss": "squared_error", "activation": "tanh"}),
    ),
    Program(
        "rate of a millionth",
        "DeepFD 44998910; TheDeepChecker, low learning rate (regrNN_low_lr)",
        "Adam with a rate of 0.000001: after 30 epochs the loss is nearly where it was.",
        ("learning_rate_too_low",),
        ("ten times", "larger", "higher"),
        low_rate,
        replace(low_rate, training={**low_rate.training, "optimizer": "adam(learning_rate=0.003)"}),
    ),
    Program(
        "linear units from N(0, 1) at a rate of 3",
        "DeepFD and deepmufl 48385830",
        "Digits with 30 units that have no activation, squared error, weights from N(0, 1) and SGD with a rate of 3.",
        ("learning_rate_too_high", "linear_layers", "wrong_loss"),
        ("a tenth", "smaller", "activation", "cross_entropy"),
        shallow_numbers,
        Recipe(data.digits, (64, 30, 10), {"activation": "sigmoid"}, {
            "epochs": 30, "optimizer": "sgd(learning_rate=0.5)", "batch_size": 10,
        }),
    ),
    Program(
        "one example a step",
        "DeepFD 41600519 and keras_catsdogs (batch size)",
        "Noisy targets, one example a step at a rate of 0.05: the loss stays where the noise puts it.",
        ("batch_too_small", "learning_rate_too_high"),
        ("larger mini-batches", "larger batch", "a tenth", "falls"),
        single_rows,
        replace(single_rows, training={"epochs": 30, "optimizer": "rmsprop(learning_rate=0.003)", "batch_size": 64}),
    ),
    Program(
        "targets divided like pixels",
        "DeepFD 59325381",
        "The targets were divided by 255, and again: what is left is 0.00002, below the noise of the first outputs.",
        ("targets_too_small",),
        ("scale", "standardize", "divide"),
        replace(small_targets, data=_divided_targets),
        small_targets,
    ),
)  # fmt: skip
