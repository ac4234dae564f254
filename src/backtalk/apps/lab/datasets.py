"""The examples that the lab can show: built in, generated, or the user's own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...core.head import Head
from ...core.losses import BinaryCrossEntropy, Loss, as_loss
from ...core.network import Network
from ...data.built_in import load_data
from ...errors import unknown_name

ROWS = 400  # of a generated set
HELD_OUT = 5  # one row of so many is held out
LEAST_TO_HOLD_OUT = 10  # rows, below which all are trained on
MOST_POINTS = 500  # in a picture of two inputs
LONGEST_NAME = 200  # letters of a class or a column that the page is sent, which cuts them further if room is short
CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True, slots=True, eq=False)
class LabData:
    """X (N, n_0) and y as the loss takes it, with the names that people read.

    ``classes``: names of labels 0, 1, …; empty in a regression. ``outputs``: how many numbers are predicted of a row.
    ``mean``, ``scale``: of the numbers of a table, whose y holds (number − mean)/scale. ``image``: height and width, if
    an input is a picture. ``network``: the one that was given with the data. ``held_out``: rows that nothing is learned
    from.
    """

    title: str
    X: np.ndarray
    y: np.ndarray
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    loss: Loss
    outputs: int
    held_out: np.ndarray
    image: tuple[int, int] | None = None
    mean: float = 0.0
    scale: float = 1.0
    network: Network | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        return CLASSIFICATION if self.classes or isinstance(self.loss, BinaryCrossEntropy) else REGRESSION

    def suited_to(self, head: Head) -> LabData:
        """The same examples for an output function and a loss: y as labels, as 0 and 1 for each class, or as numbers.

        Numbers are as in the table if the loss takes no others than counts or shares.
        """
        y, mean, scale = self.y, self.mean, self.scale
        if self.classes and y.ndim == 1 and not head.takes_labels:
            y = (y[:, None] == np.arange(self.outputs)).astype(np.float64)
        elif not self.classes and np.isfinite(head.loss.domain).any():
            y, mean, scale = y * scale + mean, 0.0, 1.0
        return replace(self, y=y, loss=head.loss, mean=mean, scale=scale)

    @property
    def training(self) -> np.ndarray:
        """The rows to learn from, in their order."""
        kept = np.ones(len(self.X), bool)
        kept[self.held_out] = False
        return np.flatnonzero(kept)

    def label(self, row: int) -> str:
        """y of a row, as people write it."""
        return self.text_of(self.y[row])

    def prediction(self, yhat: np.ndarray) -> str:
        """ŷ (k,), as people write it: the class, or the number."""
        said = self.loss.prediction(yhat)
        if self.classes:
            return self.text_of(np.int64(said.argmax()))
        return ", ".join(f"{share:.3g}" for share in said) if self.task == CLASSIFICATION else self.text_of(said)

    def text_of(self, value: Any) -> str:
        """A label, 0 and 1 for each class, or numbers."""
        if self.classes and np.ndim(value) == 1 and np.max(value) == np.sum(value) == 1:
            value = np.int64(np.argmax(value))
        if self.classes and np.ndim(value) == 0:
            label = int(value)
            return self.classes[label] if label < len(self.classes) else str(label)
        numbers = np.ravel(value).astype(np.float64) * self.scale + self.mean
        if np.asarray(value).dtype == np.float32:  # then what is far below the scale was rounded away
            numbers = numbers.round(6 - math.ceil(math.log10(self.scale)))
        return ", ".join(f"{each:.6g}" for each in numbers)


def short_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names, the long ones cut in the middle, since those of one table often begin alike.

    >>> oak, elm = short_names(["oak", "e" * 1000 + "lm"])
    >>> oak, len(elm), elm[-3:]
    ('oak', 200, 'elm')
    """
    half = LONGEST_NAME // 2
    return tuple(name if len(name) <= LONGEST_NAME else f"{name[:half]}…{name[1 - half :]}" for name in names)


def hold_out(count: int) -> np.ndarray:
    """One row of five, always the same ones, in their order.

    >>> hold_out(10)
    array([4, 6])
    """
    if count < LEAST_TO_HOLD_OUT:
        return np.empty(0, np.int64)
    return np.sort(np.random.default_rng(0).permutation(count)[: count // HELD_OUT])


def _generate(name: str, noise: float) -> tuple[Any, Any]:
    """X and y.

    A spiral has two arms of one and a half turns, the radius growing with the angle. The blobs lie around the corners
    of a triangle, with a standard deviation of 4 · noise. The curve is y = sin x + noise.
    """
    if name == "blobs":
        rng = np.random.default_rng(0)
        y = np.arange(ROWS) % 3
        angle = np.pi * (1 / 2 + 2 / 3 * y)
        return np.column_stack([np.cos(angle), np.sin(angle)]) + 4 * noise * rng.normal(size=(ROWS, 2)), y
    if name == "sine":
        rng = np.random.default_rng(0)
        x = rng.uniform(-np.pi, np.pi, ROWS)
        return x[:, None], np.sin(x) + noise * rng.normal(size=ROWS)
    if name == "spirals":
        rng = np.random.default_rng(0)
        y = np.arange(ROWS) % 2
        angle = np.sqrt(rng.uniform(0.01, 1, ROWS)) * 3 * np.pi
        arm = angle + np.pi * y
        X = (angle / (3 * np.pi))[:, None] * np.column_stack([np.cos(arm), np.sin(arm)])
        return X + noise * 0.4 * rng.normal(size=X.shape), y
    from sklearn.datasets import make_circles, make_moons

    if name == "moons":
        return make_moons(ROWS, noise=noise, random_state=0)
    return make_circles(ROWS, noise=noise, factor=0.5, random_state=0)


class NamedSet(NamedTuple):
    """A set that the page offers.

    ``generated``: with noise of any strength. ``network``: one that comes with it.
    """

    title: str
    inputs: int
    classes: tuple[str, ...]
    generated: bool = False
    network: Network | None = None


# The network that docs/notation.md works by hand, for x = (1, 2) of class 0: σ(0) = 1/2, σ(ln 3) = 3/4
WORKED = Network(
    W=[[[2, -1], [-4, 2]], [[1, 2], [-2, 4]]],
    b=[[0, math.log(3)], [0, math.log(3)]],
    activation="sigmoid",
    loss="cross_entropy",
)
TABLES = {  # X and y of the smallest sets
    "xor": ([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]),
    "and": ([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]),
    "worked": ([[1, 2]], [0]),
}
TWO = ("0", "1")
SETS = {
    "xor": NamedSet("XOR: 1 if one input is 1 and the other is not; four rows", 2, TWO),
    "and": NamedSet("AND: 1 if both inputs are 1; four rows", 2, TWO),
    "worked": NamedSet("One example, in a network that is worked by hand", 2, TWO, network=WORKED),
    "moons": NamedSet("Two moons", 2, TWO, generated=True),
    "circles": NamedSet("Two circles", 2, TWO, generated=True),
    "spirals": NamedSet("Two spirals", 2, TWO, generated=True),
    "blobs": NamedSet("Three Gaussian blobs", 2, ("0", "1", "2"), generated=True),
    "sine": NamedSet("A sine curve: one input, and a number to predict", 1, (), generated=True),
    "digits": NamedSet("Handwritten digits", 64, tuple(map(str, range(10)))),
    "wine": NamedSet("Wine, by its chemistry", 13, ("grower 0", "grower 1", "grower 2")),
}


@lru_cache(maxsize=8)
def named_data(name: str, noise: float = 0.0) -> LabData:
    """A set of the lab by its name; ``noise``, from 0 to 1, of a generated one.

    >>> moons = named_data("moons", 0.1)
    >>> moons.X.shape, len(moons.held_out), moons.classes
    ((400, 2), 80, ('0', '1'))
    """
    if name not in SETS:
        raise unknown_name("data", name, SETS)
    title, inputs, classes, generated, network = SETS[name]
    columns: tuple[str, ...] = ("x_1", "x_2")[:inputs]
    if generated:
        X, y = _generate(name, noise)
        if inputs == 2:
            X = (X - X.mean(axis=0)) / X.std(axis=0)
    elif name in TABLES:
        X, y = TABLES[name]
    else:
        data = load_data(name)
        X, y, columns = data.X, data.y, data.columns
    return LabData(
        title=title,
        X=np.ascontiguousarray(X, np.float64),
        y=np.asarray(y, np.int64) if classes else np.asarray(y, np.float64)[:, None],
        columns=columns,
        classes=classes,
        loss=as_loss("cross_entropy" if classes else "squared_error"),
        outputs=len(classes) or 1,
        held_out=hold_out(len(X)),
        image=(8, 8) if name == "digits" else None,
        network=network,
    )


def listed(given: LabData | None) -> list[dict[str, Any]]:
    """What there is to choose from, for the page."""
    sets = dict(SETS)
    if given is not None:
        sets = {"given": NamedSet(given.title, given.X.shape[1], given.classes, network=given.network)} | sets
    return [
        {
            "name": name,
            "title": title,
            "inputs": inputs,
            "classes": list(classes),
            "noise": generated,
            "network": None if network is None else layers_of(network),
        }
        for name, (title, inputs, classes, generated, network) in sets.items()
    ]


def layers_of(network: Network) -> dict[str, Any]:
    """The settings with which a network that comes with its data is the one that is shown."""
    return {"layers": network.sizes[1:-1], "activation": tuple(map(repr, network.activations))}
