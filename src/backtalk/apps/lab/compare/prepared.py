"""Comparisons that are worth a lesson, with what to look at. The tests run each, and hold it to its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..settings import PLAIN
from .pair import NAMES

USUAL: dict[str, Any] = {
    "noise": 0.1, "batch": 32, "seed": 0, "loss": "auto", "output": "auto", "initialization": "auto",
    "schedule": "constant", "epochs": 100, "l2_penalty": 0.0, "dropout": 0.0,
}  # fmt: skip


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

    def sides(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All settings of the left and of the right side.

        >>> left, right = PREPARED[0].sides()
        >>> sorted(name for name in left if left[name] != right[name])
        ['activation']
        """
        shared = USUAL | self.both
        return shared | self.left, shared | self.right


PREPARED = (
    Comparison(
        "vanishing",
        "Vanishing gradients",
        "Six hidden layers, of sigmoid on the left and of tanh on the right. Look at the gradient flow before the "
        "first step. Each sigmoid layer multiplies the gradient by a slope of at most ¼ on its way back, so less than "
        "a thousandth of it reaches layer 1. Then run: the left side does not learn, the right side does.",
        ("flow", "surface"),
        {"data": "moons", "layers": [8] * 6, "optimizer": PLAIN, "rate": 0.3},
        {"activation": "sigmoid"},
        {"activation": "tanh"},
        speed=5,
    ),
    Comparison(
        "dead",
        "Dead ReLUs",
        "The same ReLU network, with a learning rate ten times as large on the right. Steps that are too long throw "
        "units so far that they say 0 for every row. Then no gradient goes through them, so they never come back. "
        "Look at the units that turn empty on the right, and at the gradient of layer 1, which falls to 0.",
        ("units", "flow"),
        {"data": "moons", "layers": [16, 16], "activation": "relu", "optimizer": PLAIN},
        {"rate": 0.3},
        {"rate": 3.0},
    ),
    Comparison(
        "symmetry",
        "Zero weights",
        "All weights 0 on the left, drawn at random on the right. Look at the pictures of the units. On the left all "
        "eight stay the same for ever, since each gets the same gradient: together they do the work of one unit, "
        "which can draw no more than a straight border.",
        ("units", "surface"),
        {"data": "circles", "layers": [8], "activation": "sigmoid", "optimizer": "adam", "rate": 0.03},
        {"initialization": "zeros"},
        {},
        speed=5,
    ),
    Comparison(
        "exploding",
        "Exploding rate",
        "A learning rate on the left, and twenty times that rate on the right. Each step on the right leaps over the "
        "valley and lands higher than it began, so the next gradient is larger still. Look at the loss, on its "
        "logarithmic scale: within 150 steps it leaves the numbers that a computer has, and training ends.",
        ("loss", "surface"),
        {"data": "sine", "layers": [16], "activation": "tanh", "optimizer": PLAIN},
        {"rate": 0.1},
        {"rate": 2.0},
    ),
    Comparison(
        "bias-correction",
        "Adam's first steps",
        "Adam on both sides, without bias correction on the right. The means of the gradient and of its square begin "
        "at 0, and that of the square fills up more slowly. So the first step is 3.16 times as long on the right, and "
        "the next ones are too long as well. Look at the loss of the first 40 steps.",
        ("loss", "score"),
        {"data": "digits", "layers": [32], "activation": "tanh", "rate": 0.1},
        {"optimizer": "adam"},
        {"optimizer": "adam_uncorrected"},
    ),
    Comparison(
        "cross-entropy",
        "Cross-entropy or squares",
        "Softmax on both sides, with cross-entropy on the left and squared error on the right. The gradient of "
        "cross-entropy is ŷ − e(y), large wherever the network is wrong. With squares it is multiplied by the slope "
        "of softmax, which is nearly 0 where the network is sure. Look at the accuracy: the right side needs several "
        "times as many steps.",
        ("score", "flow"),
        {"data": "digits", "layers": [32], "activation": "tanh", "optimizer": PLAIN, "rate": 0.3, "output": "softmax"},
        {"loss": "cross_entropy"},
        {"loss": "squared_error"},
        speed=5,
    ),
    Comparison(
        "optimizer",
        "Which optimizer?",
        "Momentum on the left, Adam on the right, on spirals, at the same learning rate. Adam divides each gradient by "
        "its usual size, so small gradients move a weight as well. It gets to a loss of 0.1 in less than half the "
        "steps. That is no verdict: with the rate of momentum at 0.1, momentum needs less than half of its steps too.",
        ("loss", "surface"),
        {"data": "spirals", "layers": [16, 16], "activation": "tanh", "rate": 0.03},
        {"optimizer": "momentum"},
        {"optimizer": "adam"},
        speed=5,
    ),
    Comparison(
        "momentum",
        "Momentum",
        "Plain gradient descent on the left, with momentum on the right. A step with momentum keeps nine tenths of "
        "the one before, so steps in the same direction add up to ten. Look at the loss, and at the paths in the loss "
        "plane: the right side goes farther in as many steps.",
        ("loss", "plane"),
        {"data": "moons", "layers": [8, 8], "activation": "tanh", "rate": 0.03},
        {"optimizer": PLAIN},
        {"optimizer": "momentum"},
        speed=5,
    ),
    Comparison(
        "valley",
        "Two parameters",
        "A single unit, softplus of one weight and one bias, learns from all rows in each step. So the loss plane is "
        "all there is, and leaves nothing out. Look at the paths: plain gradient descent goes straight downhill, and "
        "crawls where the ground is flat; momentum rolls past the floor of the valley, and turns back.",
        ("plane", "loss"),
        {
            "data": "sine",
            "layers": [],
            "activation": "tanh",
            "output": "softplus",
            "loss": "squared_error",
            "initialization": "constant(value=-2.0)",
            "batch": 4096,
            "rate": 0.03,
        },
        {"optimizer": PLAIN},
        {"optimizer": "momentum"},
    ),
    Comparison(
        "l2",
        "L2 penalty",
        "A large network on few noisy points, without a penalty on the left and with one on the right. Look at the "
        "loss on held-out rows. On the left it rises again while that of the mini-batches falls: the network learns "
        "the noise by heart. The penalty keeps the weights small, and so the border smooth.",
        ("loss", "surface"),
        {"data": "moons", "noise": 0.35, "layers": [32, 32], "activation": "tanh", "optimizer": "adam", "rate": 0.01},
        {},
        {"l2_penalty": 0.003},
        speed=20,
    ),
)


def prepared_message() -> list[dict[str, Any]]:
    """The comparisons, for the page."""
    told = ("name", "title", "said", "look", "speed")
    return [
        {name: getattr(each, name) for name in told} | dict(zip(NAMES, each.sides(), strict=True)) for each in PREPARED
    ]
