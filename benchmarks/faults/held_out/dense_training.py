"""Networks of backtalk whose fault lies in the network, or in how it is trained."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..program import Program, Recipe
from . import data


def _recipe(rows: Any, sizes: tuple[int, ...], network: dict[str, Any], seed: int, **training: Any) -> Recipe:
    return Recipe(rows, sizes, network | {"rng": seed}, {"batch_size": 32, "rng": seed} | training)


CLASSES = {"activation": "relu", "loss": "cross_entropy"}
NUMBERS = {"activation": "relu", "loss": "squared_error"}
YES_OR_NO = {"activation": "relu", "loss": "binary_cross_entropy"}

HIGH_RATE = Program(
    "a regression with a rate of 0.1",
    "DeepFD 13 (StackOverflow 48934338)",
    "A regression is trained by stochastic gradient descent with a rate of 0.1; the public fix is a much smaller one.",
    ("learning_rate_too_high", "exploding_gradient", "non_finite"),
    ("learning rate", "learning_rate"),
    _recipe(partial(data.plane, 3000, 30, scale=3.0, seed=11), (30, 64, 64, 1), NUMBERS, 11, epochs=20,
            optimizer="sgd(learning_rate=0.1)"),
    _recipe(partial(data.plane, 3000, 30, scale=3.0, seed=11), (30, 64, 64, 1), NUMBERS, 11, epochs=20,
            optimizer="sgd(learning_rate=0.003)"),
)  # fmt: skip

LOW_RATE = Program(
    "a rate that is too low",
    "DeepFD 45 (StackOverflow 51181393)",
    "A regression by RMSprop with a rate a hundred times too small for the epochs that it is given.",
    ("learning_rate_too_low", "training_too_short"),
    ("learning rate", "learning_rate", "epochs"),
    _recipe(partial(data.curve, 4000, seed=12), (6, 40, 40, 1), NUMBERS, 12, epochs=30,
            optimizer="rmsprop(learning_rate=0.00001)"),
    _recipe(partial(data.curve, 4000, seed=12), (6, 40, 40, 1), NUMBERS, 12, epochs=30,
            optimizer="rmsprop(learning_rate=0.001)"),
)  # fmt: skip

TWO_EPOCHS = Program(
    "two epochs",
    "DeepFD 47 (StackOverflow 37213388)",
    "Training ends after 2 epochs, while the loss still falls fast.",
    ("training_too_short", "learning_rate_too_low"),
    ("epochs", "longer", "learning rate", "learning_rate"),
    _recipe(partial(data.groups, 3000, 16, 4, informative=8, seed=13), (16, 64, 64, 4), CLASSES, 13, epochs=2,
            optimizer="adam(learning_rate=0.0003)"),
    _recipe(partial(data.groups, 3000, 16, 4, informative=8, seed=13), (16, 64, 64, 4), CLASSES, 13, epochs=40,
            optimizer="adam(learning_rate=0.0003)"),
)  # fmt: skip

DEEP_SIGMOID = Program(
    "five sigmoid layers",
    "deepmufl 65777704",
    "Digits through sigmoid layers of 8, 16, 32, 64 and 128 units: the gradient hardly comes through.",
    ("vanishing_gradient",),
    ("relu", "tanh", "activation", "glorot", "initializ"),
    _recipe(data.digits, (64, 8, 16, 32, 64, 128, 10), {"activation": "sigmoid", "loss": "cross_entropy"}, 14,
            epochs=20, optimizer="adam"),
    _recipe(data.digits, (64, 8, 16, 32, 64, 128, 10), CLASSES, 14, epochs=20, optimizer="adam"),
)  # fmt: skip

NO_ACTIVATION = Program(
    "layers without activation",
    "deepmufl 56888491",
    "Three hidden layers of 15 units without an activation between them, for two classes of which one lies around "
    "the other.",
    ("linear_layers", "underfitting"),
    ("activation", "relu", "tanh"),
    _recipe(partial(data.rings, 3000, seed=15), (2, 15, 15, 15, 2), {"activation": "identity", "loss": "cross_entropy"},
            15, epochs=40, batch_size=20, optimizer="adam"),
    _recipe(partial(data.rings, 3000, seed=15), (2, 15, 15, 15, 2), CLASSES, 15, epochs=40, batch_size=20,
            optimizer="adam"),
)  # fmt: skip

CONSTANT = Program(
    "constant weights",
    "TheDeepChecker wrong_init (regrNN_constant)",
    "All weights of a regression start at the same number, so that all units of a layer stay alike.",
    ("symmetry",),
    ("initializ", "random", "glorot", "he_normal"),
    _recipe(partial(data.curve, 4000, seed=16), (6, 32, 32, 1), NUMBERS | {"initialization": "constant(value=0.1)"}, 16,
            epochs=60, optimizer="adam(learning_rate=0.003)"),
    _recipe(partial(data.curve, 4000, seed=16), (6, 32, 32, 1), NUMBERS, 16, epochs=60,
            optimizer="adam(learning_rate=0.003)"),
)  # fmt: skip

WIDE = Program(
    "initial weights far too large",
    "TheDeepChecker wrong_init (regrNN_random), DeepFD 1 (StackOverflow 48385830)",
    "Weights are drawn with a standard deviation of 1 whatever the number of inputs, so that tanh units are saturated.",
    ("saturated_units", "exploding_gradient"),
    ("initializ", "glorot", "smaller"),
    _recipe(data.digits, (64, 100, 100, 100, 10),
            {"activation": "tanh", "loss": "cross_entropy", "initialization": "normal(std=1.0)"}, 17, epochs=15,
            optimizer="sgd(learning_rate=0.05)"),
    _recipe(data.digits, (64, 100, 100, 100, 10), {"activation": "tanh", "loss": "cross_entropy"}, 17, epochs=15,
            optimizer="sgd(learning_rate=0.05)"),
)  # fmt: skip

PENALTY = Program(
    "a penalty of 0.1 and more",
    "TheDeepChecker over_regularization",
    "The penalty on the weights is as large as the loss, and pulls all weights to 0.",
    ("penalty_too_strong",),
    ("l2_penalty", "penalty", "weight decay"),
    _recipe(data.digits, (64, 64, 10), CLASSES, 18, epochs=20, optimizer="adam", l2_penalty=0.3),
    _recipe(data.digits, (64, 64, 10), CLASSES, 18, epochs=20, optimizer="adam", l2_penalty=0.0001),
)  # fmt: skip

DROPPED = Program(
    "dropout of 0.9",
    "UMLAUT, HighDropoutError",
    "Two layers of 24 units of which dropout leaves one in ten.",
    ("dropout_too_strong",),
    ("dropout",),
    _recipe(partial(data.groups, 3000, 20, 4, informative=8, seed=19), (20, 24, 24, 4), CLASSES, 19, epochs=25,
            optimizer="adam", dropout=0.9),
    _recipe(partial(data.groups, 3000, 20, 4, informative=8, seed=19), (20, 24, 24, 4), CLASSES, 19, epochs=25,
            optimizer="adam", dropout=0.1),
)  # fmt: skip

PROGRAMS = (
    HIGH_RATE, LOW_RATE, TWO_EPOCHS, DEEP_SIGMOID, NO_ACTIVATION, CONSTANT, WIDE, PENALTY, DROPPED,
)  # fmt: skip
