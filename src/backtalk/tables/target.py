"""The target column: classes or numbers, and the way to the network's targets and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ..errors import InputError, unknown_name

CLASSIFICATION, REGRESSION = "classification", "regression"
TASKS = ["auto", CLASSIFICATION, REGRESSION]
MOST_CLASSES = 20  # up to which whole numbers are taken for classes
ROWS_OF_A_CLASS = 2  # at the least


@dataclass(frozen=True, slots=True)
class Target:
    """The column's name, what is done, and why; the classes as text, or mean and scale of the numbers.

    ``plain``: numbers stand as they are, for losses whose output is not any number (Poisson).
    """

    name: str
    task: str
    reason: str
    classes: list[str] = field(default_factory=list)
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def learn(cls, values: pl.Series, task: str, plain: bool) -> Target:
        """From a column without missing values."""
        if task not in TASKS:
            raise unknown_name("task", task, TASKS)
        name, distinct = values.name, values.n_unique()
        if distinct == 1:
            raise InputError(
                f"target {name!r} has the one value {values[0]!r} in every row: there is nothing to learn."
            )
        found, reason = _tell(values, distinct) if task == "auto" else (task, "as asked for")
        if found == CLASSIFICATION:
            return cls(name, found, reason, classes=_classes(values))
        if not values.dtype.is_numeric():
            raise InputError(f"target {name!r} holds {values[0]!r}, expected numbers for a regression.")
        numbers = values.cast(pl.Float64).to_numpy()
        if not np.isfinite(numbers).all():
            raise InputError(f"target {name!r} holds a number that is not finite, expected finite numbers.")
        if plain:
            return cls(name, found, reason)
        return cls(name, found, reason, mean=float(numbers.mean()), scale=float(numbers.std()))

    @property
    def classifies(self) -> bool:
        """Whether it has classes."""
        return self.task == CLASSIFICATION

    @property
    def outputs(self) -> int:
        """Output units of the network."""
        return len(self.classes) if self.classifies else 1

    def encode(self, values: pl.Series) -> np.ndarray:
        """Labels (rows,), int64, or scaled numbers (rows, 1), float32."""
        if not self.classifies:
            if not values.dtype.is_numeric():
                raise InputError(f"target {self.name!r} holds {values[0]!r}, but was a number in training.")
            return ((values.cast(pl.Float64).to_numpy() - self.mean) / self.scale).astype(np.float32)[:, None]
        words = _words(values)
        place = {word: label for label, word in enumerate(self.classes)}
        unknown = next((word for word in words if word not in place), None)
        if unknown is not None:
            raise InputError(
                f"target {self.name!r} holds {unknown!r}, which is no class that the model was trained on."
            )
        return np.array([place[word] for word in words], dtype=np.int64)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Classes or numbers from the network's output."""
        if self.classifies:
            return np.array(self.classes, dtype=object)[output.argmax(axis=1)]
        return output[:, 0].astype(np.float64) * self.scale + self.mean

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def _tell(values: pl.Series, distinct: int) -> tuple[str, str]:
    if values.dtype in (pl.String, pl.Boolean, pl.Categorical):
        return CLASSIFICATION, f"{distinct} different {'texts' if values.dtype != pl.Boolean else 'truth values'}"
    if not values.dtype.is_numeric():
        raise InputError(f"target {values.name!r} holds {values.dtype}, expected classes or numbers.")
    whole = bool((values == values.round()).all()) if values.dtype.is_float() else True
    if whole and distinct <= MOST_CLASSES and distinct < len(values) / 2:
        return CLASSIFICATION, f"{distinct} different whole numbers"
    return REGRESSION, f"{distinct} different numbers"


def _words(values: pl.Series) -> list[str]:
    if values.dtype.is_float():
        numbers = values.to_list()
        return [str(int(number)) if float(number).is_integer() else str(number) for number in numbers]
    return values.cast(pl.String).to_list()


def _classes(values: pl.Series) -> list[str]:
    words, counts = np.unique(np.array(_words(values), dtype=object), return_counts=True)
    if len(words) > max(100, len(values) / 2):
        raise InputError(f"target {values.name!r} has {len(words)} classes in {len(values)} rows: is it a name?")
    rare = [str(word) for word in words[counts < ROWS_OF_A_CLASS]]
    if rare:
        raise InputError(
            f"target {values.name!r} has the class {rare[0]!r} in one row only, expected {ROWS_OF_A_CLASS} or more "
            "of each class: remove the row, or merge the class with another."
        )
    numbers = values.dtype.is_numeric()
    return sorted(map(str, words), key=(lambda word: float(word)) if numbers else None)
