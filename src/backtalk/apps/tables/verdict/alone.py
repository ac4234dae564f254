"""One-column models: columns that give the target away, alone.

A column is taken for such a one by its errors beside those of the constant, on rows that the one-column model did not
see. Each half of a sample of the rows is predicted from the other half: by the most frequent class of each of the
column's values, or of bins of rows that lie side by side; a number by its rank, on lines between the means of the bins.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ....errors import quoted
from ..parts import Inputs
from ..preprocessing import Preprocessing
from ..target import Target
from .chance import ranks
from .remark import Remark, named

# of the constant's errors (or variance) that one column leaves. Honest tables: 0.06 (iris, petal width), 0.2 (breast
# cancer), 0.03 (mushrooms, odour)
NEARLY_NONE = 0.02
# the same for one column that the next best is far behind, as the lifeboat in the lists of the Titanic: 0.07
FEW = 0.1
# how many times as many errors the next best column must leave then; iris: 1.3
BEHIND = 4.0
LEAST_ERRORS = 20  # of the constant, for a share of them to say anything
LEAST_ROWS = 50  # for numbers
MOST_ROWS = 20_000  # of a sample, for the best few columns
SCREENED_ROWS = 1_000  # of a sample, for all columns
CONSIDERED_ROWS = 200_000  # from which they are drawn, as many of each class
SCREENED = 8  # columns that are looked at again
ROWS_OF_A_BIN = 8
FEW_ROWS = 2_000  # are divided into halves in so many ways:
TURNS = 4
MOST_VALUES = 256  # of a number, up to which each value is a bin


@dataclass(frozen=True, slots=True)
class Alone:
    """A column, the share ``left`` of the constant's errors that it leaves, and how good it is: accuracy, or R²."""

    column: str
    left: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some rows of the table: their inputs X, and y, labels or ranks between 0 and 1; and of how many rows."""

    X: np.ndarray
    y: np.ndarray
    of: int
    classifies: bool


def find_giveaways(
    target: Target, preprocessing: Preprocessing, parts: Mapping[str, tuple[Inputs, np.ndarray]]
) -> list[Remark]:
    """Columns that alone are nearly always right, or one that is far ahead of all others."""
    places = places_of(preprocessing)
    if len(places) < 2:  # the network is a one-column model itself
        return []
    plain = preprocessing.plain_count  # the pieces behind it are not looked at
    in_memory = {name: (X[:, :plain], y) for name, (X, y) in parts.items() if isinstance(X, np.ndarray)}
    parts = in_memory if len(in_memory) == len(parts) else parts
    rough = draw(target, parts, SCREENED_ROWS, evenly=True)
    tried = sorted((left_by(rough, own, turns=1)[0], k, name) for k, (name, own) in enumerate(places.items()))
    sample = draw(target, parts, MOST_ROWS)
    if not says_anything(sample):
        return []
    again = [(name, *left_by(sample, places[name])) for _, _, name in tried[:SCREENED]]
    best = sorted((Alone(*each) for each in again), key=lambda each: (each.left, each.column))
    return _said(target, best, sample)


@dataclass(frozen=True, slots=True)
class Places:
    """Which inputs are a column's own: those of its ``categories``, or its ``number`` and whether it is ``missing``."""

    number: int | None = None
    missing: int | None = None
    categories: tuple[int, int] = (0, 0)  # from, and up to

    def key(self, X: np.ndarray) -> np.ndarray:
        """One number for each row: the category, or the number, and −∞ if it is missing."""
        if self.number is None:
            words = X[:, slice(*self.categories)]
            return np.where(words.any(axis=1), words.argmax(axis=1), -1)
        numbers = X[:, self.number]
        return numbers if self.missing is None else np.where(X[:, self.missing] > 0, -np.inf, numbers)


def places_of(preprocessing: Preprocessing) -> dict[str, Places]:
    """Those of each column that is used; of a number the scaled one, which says all that its pieces say."""
    groups = preprocessing.groups
    found = {}
    for column in preprocessing.columns:
        if column.used:
            own = groups[column.name]
            if column.categories:
                found[column.name] = Places(categories=(own[0], own[-1] + 1))
            else:
                found[column.name] = Places(own[0], own[len(column.numbers)] if column.has_missing else None)
    return found


def draw(target: Target, parts: Mapping[str, tuple[Inputs, np.ndarray]], most: int, evenly: bool = False) -> Sample:
    """At most so many rows of all parts, in a random order; ``evenly``: as many of each class as it has."""
    rng = np.random.default_rng(0)
    sizes = [len(y) for _, y in parts.values()]
    y = np.concatenate([y if target.classifies else y[:, 0] for _, y in parts.values()])
    evenly = evenly and target.classifies
    rows = rng.choice(len(y), min(len(y), CONSIDERED_ROWS if evenly else most), replace=False)
    if evenly:
        rows = rows[np.argsort(_place_in_class(y[rows]), kind="stable")][:most]
    rows.sort()  # as they lie in a file, if that is where X is
    if not target.classifies:
        rows = rows[np.isfinite(y[rows])]
    ends = np.cumsum(sizes)
    X = np.empty((len(rows), next(iter(parts.values()))[0].shape[1]), np.float32)
    for (inputs, _), end, size in zip(parts.values(), ends, sizes, strict=True):
        own = np.flatnonzero((rows >= end - size) & (rows < end))
        if len(own):
            X[own] = inputs[rows[own] - (end - size)]
    chosen = y[rows]
    if not target.classifies:
        chosen = ranks(chosen) / max(1, len(chosen))
    order = rng.permutation(len(rows))
    return Sample(X[order], chosen[order], len(y), target.classifies)


def says_anything(sample: Sample) -> bool:
    """Whether the constant has errors enough to be compared with."""
    if not sample.classifies:
        return len(sample.y) >= LEAST_ROWS and bool(sample.y.var() > 0)
    return len(sample.y) - int(np.bincount(sample.y).max(initial=0)) >= LEAST_ERRORS


def left_by(sample: Sample, own: Places, turns: int | None = None) -> tuple[float, float]:
    """The share of the constant's errors that a column leaves, and its accuracy or R².

    The rows are divided into halves in so many ways, by default in several if they are few, of which the mean counts.
    """
    key, y = own.key(sample.X), sample.y
    if len(y) < 4:
        return 1.0, 0.0
    turns = turns or (TURNS if len(y) < FEW_ROWS else 1)
    apart = [len(y) * turn // (2 * turns) for turn in range(turns)]
    left = float(np.mean([_left_in_halves(np.roll(key, by), np.roll(y, by), sample.classifies) for by in apart]))
    if not sample.classifies:
        return left, 1 - left
    errors = len(y) - int(np.bincount(y).max())
    return left, 1 - left * errors / len(y)


def _left_in_halves(key: np.ndarray, y: np.ndarray, classifies: bool) -> float:
    half = len(y) // 2
    halves = (slice(None, half), slice(half, None))
    ways = (halves, halves[::-1])
    if classifies:
        wrong = sum(int((y[b] != _labels_by(key[a], y[a], key[b])).sum()) for a, b in ways)
        return wrong / max(1, len(y) - int(np.bincount(y).max()))
    squares = sum(float(((y[b] - _numbers_by(key[a], y[a], key[b])) ** 2).sum()) for a, b in ways)
    total = float(((y - y.mean()) ** 2).sum())
    return squares / total if total > 0 else 1.0


def _bins(key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row its bin, and where bins 1, 2, … begin: each value, or rows that lie side by side."""
    values = np.unique(key)
    if len(values) > MOST_VALUES:
        ordered = np.sort(key)
        values = np.unique(ordered[::ROWS_OF_A_BIN])
    starts = values[1:]
    return np.searchsorted(starts, key, side="right"), starts


def _labels_by(key: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The most frequent class of the bin, as the other rows have it."""
    own, starts = _bins(key)
    k = int(y.max()) + 1
    counts = np.bincount(own * k + y, minlength=(len(starts) + 1) * k).reshape(-1, k)
    return counts.argmax(axis=1)[np.searchsorted(starts, asked, side="right")]


def _numbers_by(key: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The mean of the bin; of many bins, on lines between their means."""
    own, starts = _bins(key)
    counts = np.bincount(own)  # each bin has a row: it begins with one
    means = np.bincount(own, weights=y) / counts
    if len(counts) <= MOST_VALUES // 2:
        return means[np.searchsorted(starts, asked, side="right")]
    ordered = np.sort(key)  # of these the ranks are the places, so that no number is far out
    places = np.bincount(own, weights=np.searchsorted(ordered, key)) / counts
    return np.interp(np.searchsorted(ordered, asked), places, means)


def _place_in_class(labels: np.ndarray) -> np.ndarray:
    """How many rows of the same class stand before each."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    before = np.empty(len(labels), np.int64)
    before[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return before


def _said(target: Target, best: Sequence[Alone], sample: Sample) -> list[Remark]:
    name, rows = quoted(target.name), f"{len(sample.y):,} rows"
    if len(sample.y) < sample.of:
        rows = f"{rows} drawn from {sample.of:,}"
    sure = [each for each in best if each.left <= NEARLY_NONE]
    if sure:
        columns = [each.column for each in sure]
        those = f"{named(columns)} alone gives" if len(sure) == 1 else f"each of {named(columns)} alone gives"
        sentence = f"too good to be true: {those} {name} {_how(target, sure[-1], rows)}"
        return [Remark("too_good_to_be_true", sentence, _advice(target, columns), columns)]
    first, second = best[0], best[1]
    if first.left > FEW or second.left < BEHIND * first.left:
        return []
    sentence = (
        f"one column decides: {quoted(first.column)} alone gives {name} {_how(target, first, rows)}; the next best, "
        f"{quoted(second.column)}, has {_share(second.score)}"
    )
    return [Remark("one_column_decides", sentence, _advice(target, [first.column]), [first.column])]


def _how(target: Target, last: Alone, rows: str) -> str:
    """How good a column is, or the last of several."""
    if target.classifies:
        return f"right for all {rows}" if last.left == 0 else f"right for {_percent(last.score)} of {rows}"
    return f"with an R² of {_share(last.score)}, by the ranks of {rows}"


def _share(score: float) -> str:
    """A share with three decimals, not rounded up to 1."""
    return f"{np.floor(score * 1000) / 1000:.3f}"


def _percent(score: float) -> str:
    """The same in percent."""
    return f"{np.floor(score * 1000) / 10:.1f} %"


def _advice(target: Target, columns: Sequence[str]) -> str:
    one = len(columns) == 1
    known = f"check whether {'this column is' if one else 'these columns are'} known before {quoted(target.name)} is"
    if not one and any("," in name for name in columns):  # --ignore has commas between names
        return f"{known}; if not, train without them"
    return f"{known}; if not, train with --ignore {shlex.quote(','.join(columns))}"
