"""The target column: classes or numbers, and the way to the network's targets and back."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...core.checked import as_kind
from ...core.losses import GaussianNLL
from ...core.network import Network
from ...errors import FileFormatError, InputError, quoted, unknown_name
from .cells.kinds import DATE, NUMBER, TIME, tell
from .cells.numbers import FORMS, PLAIN, are_infinite, as_numbers, is_number_form
from .cells.otherwise import written_otherwise
from .cells.truth import as_truth
from .cells.words import MISSING_WORDS, as_words, without_missing, without_words
from .judging.intervals import Interval
from .judging.threshold import decide
from .labels import PAIRS, Label, Labels, in_order, name_of
from .task import CLASSIFICATION, MOST_CLASSES, REGRESSION, TASKS, numbers_text, tell_task

TRUTH = "yes/no"  # the form of truth values, if they are asked for as numbers: 1 and 0
MOST_SHOWN = 5  # words
LEAST_SCALE = 1e-140  # of numbers whose squares float64 holds
MOST_CLASSES_OF_FEW_ROWS = 100  # more than these must have two rows each on average


@dataclass(frozen=True, slots=True)
class Target:
    """The column's name, what is done with it, and why; the classes as text, or mean and scale of the numbers.

    ``form`` is how its numbers are written, None if it holds text. Words among numbers that are classes are classes,
    too. If the numbers are to be predicted, words for what is missing are just that.
    ``examples``: some cells, as they stand in the table.

    What a run makes of the output besides: ``threshold``, from which share on a row is of the second of two classes;
    ``point``, the place of the output that is the number predicted, if there are several quantiles; ``interval``, how
    far from there a number may be.
    """

    name: str
    task: str
    reason: str
    form: str | None = None
    classes: list[str] = field(default_factory=list)
    mean: float = 0.0
    scale: float = 1.0
    examples: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    threshold: float | None = None
    point: int = 0
    interval: Interval | None = None

    @classmethod
    def learn(cls, cells: pl.Series, task: str, missing: Sequence[str] = (), *, decimal_comma: bool = False) -> Target:
        """From a column; empty cells say nothing, nor do these words for what is ``missing``.

        ``decimal_comma``: as for :func:`~.cells.kinds.tell`.
        """
        if task not in TASKS:
            raise unknown_name("task", task, TASKS)
        cells, name = without_words(cells, missing).drop_nulls(), cells.name
        reading = tell(without_missing(cells), decimal_comma=decimal_comma)
        if reading.kind == DATE and task != CLASSIFICATION:
            raise InputError(
                f"target {quoted(name)} holds dates, such as {cells[0]}: expected classes or numbers; give --task "
                "classification if each date is a class."
            )
        form = reading.form if reading.kind == NUMBER else None
        if form is not None and task != CLASSIFICATION:
            different = as_numbers(cells, form).drop_nulls().unique()
            if len(different) > MOST_CLASSES:  # certainly no classes: labels of millions would take a minute
                whole = bool((different == different.round()).all())
                reason = numbers_text(len(different), whole) if task == "auto" else "as asked for"
                reason = "; ".join([reason, *reading.remarks])
                return cls(name, REGRESSION, reason, form, missing=[*missing])._proven(cells)
        rows = _rows_of_labels(cells, form)
        counts = {label: spellings.total() for label, spellings in rows.items()}
        if len(counts) == 1:
            raise InputError(f"target {quoted(name)} is {quoted(cells[0])} in every row: there is nothing to learn.")
        if form is None:
            found, reason = CLASSIFICATION, f"{len(counts)} different {_kind_of(cells, counts)}"
        else:
            found, reason = tell_task(name, {label: n for label, n in counts.items() if isinstance(label, Decimal)})
        if task != "auto":
            found, reason = task, "as asked for"
        if found == REGRESSION:
            reason = "; ".join([reason, *reading.remarks])
            numbers = cls(name, found, reason, form or _form_of_numbers(cells), missing=[*missing])
            return numbers._proven(cells)
        _require_classes(name, counts, reading.kind)
        classes = [name_of(label, rows[label]) for label in sorted(counts, key=in_order)]
        ways = sum(map(len, rows.values()))
        if ways > len(counts):
            reason += f", written in {ways} ways"
        words = sorted(str(label) for label in counts if isinstance(label, str))
        if form is not None and words:
            reason += f", and {', '.join(map(quoted, words[:MOST_SHOWN]))}"
        if doubtful := [word for word in words if form is not None or word.lower() in MISSING_WORDS]:
            which, them = ("is a class", "it stands") if len(doubtful) == 1 else ("are classes", "they stand")
            reason += (
                f"; {', '.join(map(quoted, doubtful[:MOST_SHOWN]))} {which}: if {them} for what is missing, give "
                f"--missing {shlex.quote(','.join(doubtful[:MOST_SHOWN]))}"
            )
        return cls(name, found, reason, form, classes, missing=[*missing])

    def _proven(self, cells: pl.Series) -> Target:
        """The same, of numbers; refuses cells that are none, and numbers that are all the same."""
        present = cells.filter(self.present(cells))
        self.encode(present)
        if self._read(present).n_unique() == 1:
            held = quoted(present[0])
            raise InputError(f"target {quoted(self.name)} is {held} in every row: there is nothing to learn.")
        return self

    def present(self, cells: pl.Series) -> pl.Series:
        """Of each row, whether it has a target: a cell that is not empty, nor, among numbers, a word for missing."""
        cells = without_words(cells, self.missing)
        return (cells if self.classifies else without_missing(cells)).is_not_null()

    def known(self, cells: pl.Series) -> pl.Series:
        """Of each row, whether the target is a class that was learned, or a number."""
        return (self._places(cells) if self.classifies else self._read(cells)).is_not_null()

    def read_again(self, cells: pl.Series) -> pl.Series:
        """The same; numbers to predict that a later table writes otherwise than the training, as numbers."""
        if self.classifies or self.form == TRUTH:
            return cells
        found = written_otherwise(without_missing(without_words(cells, self.missing)), self.form or PLAIN)
        return cells if found is None or found.null_count() > cells.null_count() else found.alias(cells.name)

    def scaled_by(self, y: np.ndarray, centre: bool = True) -> Target:
        """The same, with the standard deviation of these numbers, and their mean unless ``centre`` is False."""
        if np.abs(y).max(initial=0.0) > np.finfo(np.float32).max:
            raise InputError(
                f"target {quoted(self.name)} holds numbers beyond 3.4e38, the largest of float32: divide them first."
            )
        mean, scale = float(y.mean()), float(y.std()) if len(y) and np.ptp(y) > 0 else 1.0
        if scale < LEAST_SCALE:
            raise InputError(
                f"target {quoted(self.name)} holds numbers that differ by no more than {np.ptp(y):.3g}: multiply them."
            )
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
            with np.errstate(over="ignore"):  # what float32 does not hold is infinite
                return ((self.numbers(cells) - self.mean) / self.scale).astype(np.float32)[:, None]
        places = self._places(cells)
        if places.null_count():
            unknown = cells.filter(places.is_null())[0]
            raise InputError(f"target {quoted(self.name)} holds {quoted(unknown)}, which is no class of the training.")
        return places.to_numpy().astype(np.int64)

    def numbers(self, cells: pl.Series) -> np.ndarray:
        """The numbers (rows,), float64, of a column without missing values."""
        numbers = self._read(cells)
        if numbers.null_count():
            wrong = cells.filter(numbers.is_null())[0]
            raise InputError(
                f"target {quoted(self.name)} holds {quoted(wrong)}, expected finite numbers: correct or empty the cell."
            )
        return numbers.to_numpy().astype(np.float64)

    def _places(self, cells: pl.Series) -> pl.Series:
        """The place of each cell among the classes; null for another class."""
        learned = Labels.of(self.classes, None if self.form is None else PLAIN).read(pl.Series(self.classes))
        places = {label: place for place, label in enumerate(learned.values())}
        labels = Labels.of(self.classes, self.form).read(cells)
        found = {word: places[label] for word, label in labels.items() if label in places}
        return as_words(cells).replace_strict(found, default=None, return_dtype=pl.Int64)

    def _read(self, cells: pl.Series) -> pl.Series:
        """The numbers, null for what is none."""
        return as_truth(cells) if self.form == TRUTH else as_numbers(without_missing(cells), self.form or PLAIN)

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Classes or numbers from the network's output; one column is the numbers."""
        if self.classifies:
            return np.array(self.classes, dtype=object)[self.labels_of(output)]
        point = self.point if output.shape[1] > 1 else 0
        return output[:, point].astype(np.float64) * self.scale + self.mean

    def labels_of(self, output: np.ndarray) -> np.ndarray:
        """The place of each row's class among the classes: the largest output, or by the threshold."""
        return decide(output, self.threshold)

    def quantiles(self, output: np.ndarray) -> np.ndarray:
        """The numbers of every column (rows, columns), in the units of the table."""
        return np.stack([self.decode(output[:, [k]]) for k in range(output.shape[1])], axis=1)

    def deviation(self, network: Network, output: np.ndarray) -> np.ndarray | None:
        """The standard deviation that the network gives each number, in its units; None if it learned none."""
        if not isinstance(network.loss, GaussianNLL):
            return None
        return network.loss.deviation(output.astype(np.float64))[:, 0] * self.scale

    def described(self) -> dict[str, Any]:
        """How it was read, as of the other columns."""
        return {
            "name": self.name,
            "kind": f"target, {self.task}",
            "form": self.form or PLAIN,
            "examples": self.examples,
            "remark": self.reason,
        }

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
        if self.form not in (None, TRUTH) and not is_number_form(self.form):
            return f"has the form {self.form!r}, expected a form of numbers, {TRUTH}, or null"
        if self.classifies and (len(self.classes) < 2 or len(set(self.classes)) < len(self.classes)):
            return "has classes that are fewer than two, or not distinct"
        if not self.classifies and self.classes:
            return "has classes, expected none for a regression"
        if not (math.isfinite(self.mean) and 0 < self.scale < math.inf):
            return f"has the mean {self.mean} and the scale {self.scale}, expected finite numbers, and a scale above 0"
        if self.threshold is not None and not (0 < self.threshold < 1 and len(self.classes) == 2):
            return f"has the threshold {self.threshold}, expected one between 0 and 1, of two classes"
        if self.point < 0:
            return f"has the point {self.point}, expected 0 or more"
        if self.interval is not None and not (0 < self.interval.level < 1 and math.isfinite(self.interval.reach)):
            return f"has the interval {self.interval}, expected a level between 0 and 1, and a finite reach"
        return ""


def require_finite(cells: pl.Series) -> None:
    """Refuse a target of numbers, some of which are infinite; with all rows of the table, so that they are counted."""
    infinite = are_infinite(cells)
    if infinite.any() and tell(without_missing(cells)).kind == NUMBER:
        row = int(infinite.arg_max() or 0)
        raise InputError(
            f"target {quoted(cells.name)} holds {quoted(cells[row])} in row {row + 1}, which is no number to learn: "
            "remove the row."
        )


def _rows_of_labels(cells: pl.Series, form: str | None) -> dict[Label, Counter[str]]:
    """Of each label, how many rows have each of its spellings."""
    words = as_words(cells).alias("word").value_counts(name="rows").sort("word")
    spelled = dict(zip(words["word"], words["rows"], strict=True))
    rows: dict[Label, Counter[str]] = {}
    for word, label in Labels.of(list(spelled), form).read(cells).items():
        rows.setdefault(label, Counter())[word] = spelled[word]
    return rows


def say_of_classes(target: Target, y: np.ndarray) -> list[str]:
    """The message about classes with one row."""
    alone = np.flatnonzero(np.bincount(y, minlength=target.outputs) == 1) if target.classifies else []
    if not len(alone):
        return []
    names = ", ".join(quoted(target.classes[place]) for place in alone[:MOST_SHOWN])
    more = f" and {len(alone) - MOST_SHOWN} more" if len(alone) > MOST_SHOWN else ""
    each = "its row is" if len(alone) == 1 else "their rows are"
    which = "the class" if len(alone) == 1 else f"the {len(alone)} classes"
    return [f"{quoted(target.name)} has {which} {names}{more} in one row only: {each} trained on, and not scored."]


def _kind_of(cells: pl.Series, counts: dict[Label, int]) -> str:
    is_truth = cells.dtype == pl.Boolean or {str(label).lower() for label in counts} in PAIRS
    return "truth values" if is_truth else "texts"


def _form_of_numbers(cells: pl.Series) -> str:
    """How a target that does not look like numbers holds them, if they are asked for."""
    bare = without_missing(cells)
    forms = [form for form in FORMS if as_numbers(bare, form).null_count() == bare.null_count()]
    if cells.dtype == pl.Boolean or (not forms and as_truth(cells).null_count() == 0):
        return TRUTH
    if not forms:
        numbers = as_numbers(bare, PLAIN)
        wrong = bare.filter(numbers.is_null() & bare.is_not_null())[0]
        raise InputError(
            f"target {quoted(cells.name)} holds {quoted(wrong)}, expected numbers for a regression: correct the cells, "
            f"or give --missing {quoted(wrong)} if these rows are to be left out."
        )
    return forms[0]


def _require_classes(name: str, counts: dict[Label, int], kind: str) -> None:
    """Refuse what is no class: each label in so few rows that it is a name, or a number."""
    rows, alone = sum(counts.values()), sum(count == 1 for count in counts.values())
    if len(counts) > max(MOST_CLASSES_OF_FEW_ROWS, rows / 2) or 2 * alone > rows:
        hint = "if these are names, choose another target; if they are numbers, write them plainly, such as 1234.5"
        if kind == NUMBER:
            hint = "give --task regression if it is a number"
        elif kind == TIME:
            hint = "write times as numbers, such as hours"
        elif (word := _word_among_numbers(counts)) is not None:
            hint = f"if they are numbers, and {quoted(word)} means that there is none, give --missing {quoted(word)}"
        raise InputError(f"target {quoted(name)} has {len(counts)} classes in {rows} rows: {hint}.")


def _word_among_numbers(counts: dict[Label, int]) -> str | None:
    """The most frequent word, if nearly all labels are numbers."""
    labels = pl.Series([str(label) for label in counts], dtype=pl.String)
    words = labels.filter(as_numbers(labels, PLAIN).is_null())
    if not 0 < len(words) < len(labels) / 10:
        return None
    return max(words, key=lambda word: counts.get(word, 0))
