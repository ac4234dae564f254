"""Comparisons that are worth a lesson: what differs, and what to look at. The tests run each and hold it to its words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ..settings import PLAIN


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two networks that differ in one thing.

    ``said``: two or three sentences, what to look at and why. ``look``: the parts of the page that show it. ``both``:
    the settings of both sides; what is said nowhere is as usual. ``speed``: steps between two frames.
    """

    name: str
    title: str
    said: str
    look: tuple[str, ...]
    both: dict[str, Any]
    left: dict[str, Any]
    right: dict[str, Any]
    speed: int = 1
    usual: dict[str, Any] = field(
        default_factory=lambda: {
            "noise": 0.1, "batch": 32, "seed": 0, "loss": "auto", "output": "auto", "initialization": "auto",
            "schedule": "constant", "epochs": 100, "l2_penalty": 0.0, "dropout": 0.0,
        }
    )  # fmt: skip

    def sides(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All settings of the left and of the right side.

        >>> left, right = PREPARED[0].sides()
        >>> sorted(name for name in left if left[name] != right[name])
        ['activation']
        """
        shared = self.usual | self.both
        return shared | self.left, shared | self.right


PREPARED = (
    Comparison(
        "vanishing",
        "Vanishing gradients",
        "Six hidden layers, of sigmoid on the left and of tanh on the right. Look at the gradient flow before the first "
        "step: on its way back through each sigmoid layer the gradient is multiplied by a slope of at most ¼, so that "
        "less than a thousandth of it reaches layer 1. Run: the left side does not learn, the right side does.",
        ("flow", "surface"),
        {"data": "moons", "layers": [8] * 6, "optimizer": PLAIN, "rate": 0.3},
        {"activation": "sigmoid"},
        {"activation": "tanh"},
        speed=5,
    ),
    Comparison(
        "dead",
        "Dead ReLUs",
        "The same ReLU network with a learning rate ten times as large on the right. A step that is too long throws units "
        "so far that they say 0 for every row; no gradient goes through them any more, so they never come back. Look "
        "at the units that turn empty on the right, and at the gradient of layer 1, which becomes 0.",
        ("units", "flow"),
        {"data": "moons", "layers": [16, 16], "activation": "relu", "optimizer": PLAIN},
        {"rate": 0.3},
        {"rate": 3.0},
        speed=1,
    ),
    Comparison(
        "symmetry",
        "Why weights are drawn",
        "All weights 0 on the left, drawn at random on the right. Look at the pictures of the units: on the left all "
        "eight stay the same for ever, since each gets the same gradient, so they do the work of one unit. One unit "
        "can draw no more than a straight border.",
        ("units", "surface"),
        {"data": "circles", "layers": [8], "activation": "sigmoid", "optimizer": "adam", "rate": 0.03},
        {"initialization": "zeros"},
        {},
        speed=5,
    ),
    Comparison(
        "exploding",
        "A rate that explodes",
        "One learning rate, and twenty times that rate on the right. Each step on the right leaps over the valley and "
        "lands higher than it began, so that the next gradient is larger still. Look at the loss, whose scale is "
        "logarithmic: within some hundred steps it leaves the numbers that a computer has, and training ends.",
        ("loss", "surface"),
        {"data": "sine", "layers": [16], "activation": "tanh", "optimizer": PLAIN},
        {"rate": 0.1},
        {"rate": 2.0},
        speed=1,
    ),
    Comparison(
        "bias-correction",
        "Adam's first steps",
        "Adam on both sides, without bias correction on the right. Take one step: on the left every weight moves by about "
        "the learning rate, on the right by 3.16 times as much, since the mean of the squares, which begins at 0, fills "
        "up more slowly than the mean of the gradients. Look at the loss of the first 20 steps.",
        ("loss", "plane"),
        {"data": "moons", "layers": [8, 8], "activation": "tanh", "rate": 0.1},
        {"optimizer": "adam"},
        {"optimizer": "adam_uncorrected"},
        speed=1,
    ),
    Comparison(
        "cross-entropy",
        "Cross-entropy or squares",
        "Softmax on both sides, with cross-entropy on the left and squared error on the right. The gradient of "
        "cross-entropy is ŷ − e(y), large where the network is wrong; with squares it is multiplied by the slope of "
        "softmax, which is nearly 0 where the network is sure. Look at the accuracy: the right side needs several times as many steps.",
        ("score", "flow"),
        {"data": "digits", "layers": [32], "activation": "tanh", "optimizer": PLAIN, "rate": 0.3, "output": "softmax"},
        {"loss": "cross_entropy"},
        {"loss": "squared_error"},
        speed=5,
    ),
    Comparison(
        "momentum",
        "Momentum",
        "Plain gradient descent on the left, with momentum on the right. A step with momentum keeps nine tenths of the one before, so "
        "that steps in the same direction add up to ten. Look at the loss, and at the paths in the loss plane: the right side goes "
        "farther in as many steps.",
        ("loss", "plane"),
        {"data": "moons", "layers": [8, 8], "activation": "tanh", "rate": 0.03},
        {"optimizer": PLAIN},
        {"optimizer": "momentum"},
        speed=5,
    ),
    Comparison(
        "l2",
        "L2 penalty",
        "A large network on few noisy points, without a penalty on the left and with one on the right. Look at the loss on held-out "
        "rows: on the left it rises again while that of the mini-batches falls, since the network learns the noise by heart. "
        "The penalty keeps the weights small, and the border smooth.",
        ("loss", "surface"),
        {"data": "moons", "noise": 0.35, "layers": [32, 32], "activation": "tanh", "optimizer": "adam", "rate": 0.01},
        {},
        {"l2_penalty": 0.003},
        speed=20,
    ),
)


def prepared_message() -> list[dict[str, Any]]:
    """The comparisons, for the page."""
    found = []
    for each in PREPARED:
        left, right = each.sides()
        kept = {
            name: value for name, value in asdict(each).items() if name in ("name", "title", "said", "look", "speed")
        }
        found.append(kept | {"left": left, "right": right})
    return found
