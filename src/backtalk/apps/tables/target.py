"""The target column: classes or numbers, and the way to the network's targets and back."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...core.checked import as_kind
from ...core.losses import GaussianNLL
from ...core.network import Network
from ...errors import FileFormatError, InputError, quoted, unknown_name
from .cells.kinds import DATE, NUMBER, tell
from .cells.numbers import FORMS, PLAIN, are_infinite, as_numbers
from .cells.words import as_words

CLASSIFICATION, REGRESSION = "classification", "regression"
TASKS = ["auto", CLASSIFICATION, REGRESSION]
MOST_CLASSES = 20  # up to which whole numbers are taken for classes
ROWS_OF_WHOLE_NUMBERS = 5  # of each on average, at the least, for them to be classes
ROWS_OF_A_CLASS = 2  # at the least


@dataclass(frozen=True, slots=True)
class Target:
    """The column's name, what is done with it, and why; the classes as text, or mean and scale of the numbers.

    ``form`` is how its numbers are written, None if it holds text.
    """

    name: str
    task: str
    reason: str
    form: str | None = None
    classes: list[str] = field(default_factory=list)
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def learn(cls, cells: pl.Series, task: str) -> Target:
        """From a column without missing values."""
        if task not in TASKS:
            raise unknown_name("task", task, TASKS)
        name, reading = cells.name, tell(cells)
        if cells.n_unique() == 1:
            raise InputError(f"target {quoted(name)} is {quoted(cells[0])} in every row: there is nothing to learn.")
        if reading.kind == DATE:
            raise InputError(f"target {quoted(name)} holds dates, such as {cells[0]}: expected classes or numbers.")
        form = reading.form if reading.kind == NUMBER else None
        unproven = cls(name, REGRESSION, "as asked for", form)
        if form is None and task == REGRESSION:
            raise InputError(f"target {quoted(name)} holds {quoted(cells[0])}, expected numbers for a regression.")
        if form is None:
            kinds = "truth values" if cells.dtype == pl.Boolean else "texts"
            found, reason = CLASSIFICATION, f"{cells.n_unique()} different {kinds}"
        else:
            found, reason = _tell(unproven._numbers(cells))
        if task != "auto":
            found, reason = task, "as asked for"
        classes = _classes(name, unproven._words(cells), form is not None) if found == CLASSIFICATION else []
        return cls(name, found, reason, form, classes)

    def scaled_by(self, y: np.ndarray, centre: bool = True) -> Target:
        """The same, with the standard deviation of these numbers, and their mean unless ``centre`` is False."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean, scale = float(y.mean()), float(y.std()) or 1.0
        if not (np.isfinite(mean) and np.isfinite(scale)):
            largest = np.abs(y).max()
            words = f"as large as {largest:.3g}" if np.isfinite(largest) else "beyond 3.4e38, the largest of float32"
            raise InputError(f"target {quoted(self.name)} holds numbers {words}: divide them first.")
        return replace(self, mean=mean if centre else 0.0, scale=scale)

    @property
    def classifies(self) -> bool:
        """Whether it has classes."""
        return self.task == CLASSIFICATION

    @property
    def outputs(self) -> int:
        """How many numbers are predicted of a row: a share for each class, or one."""
        return len(self.classes) if self.classifies else 1

    def encode(self, cells: pl.Series) -> np.ndarray:
        """Labels (rows,), int64, or scaled numbers (rows, 1), float32, of a column without missing values."""
        if not self.classifies:
            numbers = self._numbers(cells).to_numpy()
            with np.errstate(over="ignore"):  # what float32 does not hold is infinite
                return ((numbers - self.mean) / self.scale).astype(np.float32)[:, None]
        words = self._words(cells)
        labels = words.cast(pl.Enum(self.classes), strict=False)
        if labels.null_count():
            unknown = words.filter(labels.is_null())[0]
            raise InputError(f"target {quoted(self.name)} holds {quoted(unknown)}, which is no class of the training.")
        return labels.to_physical().to_numpy().astype(np.int64)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Classes or numbers from the network's output, whose first column holds the numbers."""
        if self.classifies:
            return np.array(self.classes, dtype=object)[output.argmax(axis=1)]
        return output[:, 0].astype(np.float64) * self.scale + self.mean

    def deviation(self, network: Network, output: np.ndarray) -> np.ndarray | None:
        """The standard deviation that the network gives each number, in its units; None if it learned none."""
        if not isinstance(network.loss, GaussianNLL):
            return None
        return network.loss.deviation(output.astype(np.float64))[:, 0] * self.scale

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Any, path: Path | str) -> Target:
        """From what :meth:`to_json` gave, as it stands in a file; an error names the field that is wrong."""
        target = as_kind(values, cls, path, "target")
        if fault := target._fault:
            raise FileFormatError(f"{path}: 'target' {fault}.")
        return target

    @property
    def _fault(self) -> str:
        """What is wrong with it, in words; '' if nothing is."""
        if self.task not in TASKS[1:]:
            return f"has the task {self.task!r}, expected {' or '.join(TASKS[1:])}"
        if self.form not in (None, *FORMS):
            return f"has the form {self.form!r}, expected one of {', '.join(FORMS)}, or null"
        if self.classifies and (len(self.classes) < 2 or len(set(self.classes)) < len(self.classes)):
            return "has classes that are fewer than two, or not distinct"
        if not self.classifies and self.classes:
            return "has classes, expected none for a regression"
        if not (math.isfinite(self.mean) and 0 < self.scale < math.inf):
            return f"has the mean {self.mean} and the scale {self.scale}, expected finite numbers, and a scale above 0"
        return ""

    def _numbers(self, cells: pl.Series) -> pl.Series:
        numbers = as_numbers(cells, self.form or PLAIN)
        if numbers.null_count():
            wrong = cells.filter(numbers.is_null())[0]
            raise InputError(
                f"target {quoted(self.name)} holds {quoted(wrong)}, expected finite numbers: correct or empty the cell."
            )
        return numbers

    def _words(self, cells: pl.Series) -> pl.Series:
        return as_words(cells if self.form is None else self._numbers(cells))


def require_finite(cells: pl.Series) -> None:
    """Refuse a target of numbers, some of which are infinite; with all rows of the table, so that they are counted."""
    infinite = are_infinite(cells)
    if infinite.any() and tell(cells).kind == NUMBER:
        row = int(infinite.arg_max() or 0)
        raise InputError(
            f"target {quoted(cells.name)} holds {quoted(cells[row])} in row {row + 1}, which is no number to learn: "
            "remove the row."
        )


def _tell(numbers: pl.Series) -> tuple[str, str]:
    distinct = numbers.n_unique()
    whole = bool((numbers == numbers.round()).all())
    if whole and distinct <= MOST_CLASSES and distinct * ROWS_OF_WHOLE_NUMBERS <= len(numbers):
        return CLASSIFICATION, f"{distinct} different whole numbers"
    return REGRESSION, f"{distinct} different {'whole ' if whole else ''}numbers"


def _classes(name: str, words: pl.Series, numbers: bool) -> list[str]:
    counts = words.alias("word").value_counts(name="rows").sort("word")
    found = counts["word"].to_list()
    if len(found) > max(100, len(words) / 2):
        many = f"{len(found)} classes in {len(words)} rows"
        raise InputError(f"target {quoted(name)} has {many}: is it a name or a number?")
    rare = counts["word"].filter(counts["rows"] < ROWS_OF_A_CLASS)
    if len(rare):
        raise InputError(
            f"target {quoted(name)} has the class {quoted(rare[0])} in one row only, expected {ROWS_OF_A_CLASS} or "
            "more of each class: remove the row, or merge the class with another."
        )
    return sorted(found, key=(lambda word: float(word)) if numbers else None)
