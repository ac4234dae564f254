"""The examples that the lab can show: built in, generated, or the user's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ...core.losses import BinaryCrossEntropy, CrossEntropy, Loss, as_loss
from ...core.network import Network
from ...data.built_in import load_data
from ...errors import unknown_name

ROWS = 400  # of a generated set
HELD_OUT = 5  # one row of so many is held out
LEAST_TO_HOLD_OUT = 10  # rows, below which all are trained on
MOST_POINTS = 500  # in a picture of two inputs
LONGEST_NAME = 200  # letters of a class or a column that the page is sent, which cuts them further where room is short
CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True, slots=True, eq=False)
class LabData:
    """X (N, n_0) and y as the loss takes it, with the names that people read.

    ``classes``: names of labels 0, 1, …; empty in a regression. ``mean``, ``scale``: of the numbers of a table, whose
    y holds (number − mean)/scale. ``image``: height and width where an input is a picture. ``network``: the one that
    was given with the data. ``held_out``: rows that nothing is learned from.
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
    said: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        return CLASSIFICATION if isinstance(self.loss, CrossEntropy | BinaryCrossEntropy) else REGRESSION

    @property
    def training(self) -> np.ndarray:
        """The rows to learn from, in their order."""
        kept = np.ones(len(self.X), bool)
        kept[self.held_out] = False
        return np.flatnonzero(kept)

    def label(self, row: int) -> str:
        """y of a row, as people write it."""
        return self.said_of(self.y[row])

    def prediction(self, yhat: np.ndarray) -> str:
        """ŷ (k,), as people write it: the class, or the number."""
        if isinstance(self.loss, BinaryCrossEntropy):
            return ", ".join(f"{share:.3g}" for share in yhat)
        return self.said_of(np.int64(yhat.argmax()) if self.task == CLASSIFICATION else yhat)

    def said_of(self, value: Any) -> str:
        """A label, or numbers."""
        if self.task == CLASSIFICATION and np.ndim(value) == 0 and isinstance(self.loss, CrossEntropy):
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


def _moons(noise: float) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_moons

    X, y = make_moons(ROWS, noise=noise, random_state=0)
    return np.asarray(X), np.asarray(y)


def _circles(noise: float) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_circles

    X, y = make_circles(ROWS, noise=noise, factor=0.5, random_state=0)
    return np.asarray(X), np.asarray(y)


def _spirals(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of one and a half turns, the radius growing with the angle."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 2
    angle = np.sqrt(rng.uniform(0.01, 1, ROWS)) * 3 * np.pi
    radius = angle / (3 * np.pi)
    arm = angle + np.pi * y
    X = radius[:, None] * np.column_stack([np.cos(arm), np.sin(arm)])
    return X + noise * 0.4 * rng.normal(size=X.shape), y


GENERATED: dict[str, tuple[str, Callable[[float], tuple[np.ndarray, np.ndarray]]]] = {
    "moons": ("Two moons", _moons),
    "circles": ("Two circles", _circles),
    "spirals": ("Two spirals", _spirals),
}
TITLES = {
    "moons": "Two moons",
    "circles": "Two circles",
    "spirals": "Two spirals",
    "digits": "Handwritten digits",
    "wine": "Wine, by its chemistry",
}
CLASSES = {
    "digits": tuple(map(str, range(10))),
    "wine": ("grower 0", "grower 1", "grower 2"),
    **dict.fromkeys(GENERATED, ("0", "1")),
}
INPUTS = {"digits": 64, "wine": 13, **dict.fromkeys(GENERATED, 2)}


@lru_cache(maxsize=8)
def named_data(name: str, noise: float = 0.0) -> LabData:
    """A set of the lab by its name; ``noise``, from 0 to 1, of a generated one.

    >>> moons = named_data("moons", 0.1)
    >>> moons.X.shape, len(moons.held_out), moons.classes
    ((400, 2), 80, ('0', '1'))
    """
    if name not in TITLES:
        raise unknown_name("data", name, TITLES)
    if name in GENERATED:
        X, y = GENERATED[name][1](noise)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        columns: tuple[str, ...] = ("x_1", "x_2")
    else:
        data = load_data(name)
        X, y, columns = data.X, data.y, data.columns
    return LabData(
        title=TITLES[name],
        X=np.ascontiguousarray(X, np.float64),
        y=np.asarray(y, np.int64),
        columns=columns,
        classes=CLASSES[name],
        loss=as_loss("cross_entropy"),
        outputs=len(CLASSES[name]),
        held_out=hold_out(len(X)),
        image=(8, 8) if name == "digits" else None,
    )


def listed(given: LabData | None) -> list[dict[str, Any]]:
    """What there is to choose from, for the page."""
    rows = [
        {
            "name": name,
            "title": title,
            "inputs": INPUTS[name],
            "classes": list(CLASSES[name]),
            "noise": name in GENERATED,
        }
        for name, title in TITLES.items()
    ]
    if given is not None:
        inputs, classes = given.X.shape[1], list(given.classes)
        rows.insert(0, {"name": "given", "title": given.title, "inputs": inputs, "classes": classes, "noise": False})
    return rows
