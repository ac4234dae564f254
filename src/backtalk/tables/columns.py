"""What each column of a table is, and how it becomes inputs of the network: scikit-learn's transformers.

Everything that was learned from the training rows is a number or a word. It is kept as JSON, and the transformers are
made again from it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ..errors import InputError

MOST_CATEGORIES = 30  # of one column; rarer ones become one, "(other)"
LEAST_ROWS = 2  # of a category, in the training rows
SHARE_OF_DISTINCT = 0.5  # above it, texts are identifiers or free text
IDENTIFIER = re.compile(r"(^|[\W_])(id|index|key|nr|no|row|rowid|uid|uuid)$", re.IGNORECASE)
OTHER, MISSING = "(other)", "(missing)"
NUMBER, YES_NO, DATE, CATEGORY, LEFT_OUT = "number", "yes/no", "date", "category", "left out"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its name, what it is, and in words what is done with it.

    ``median``, ``mean``, ``scale`` of a number, ``has_missing`` where a missing value is an input of its own;
    ``categories`` of a category.
    """

    name: str
    kind: str
    remark: str = ""
    median: float = 0.0
    mean: float = 0.0
    scale: float = 1.0
    has_missing: bool = False
    categories: list[str] = field(default_factory=list)

    @property
    def is_number(self) -> bool:
        """Whether it becomes one number."""
        return self.kind in (NUMBER, YES_NO, DATE)

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs that it becomes."""
        if self.is_number:
            return [self.name, *([f"{self.name} is missing"] if self.has_missing else [])]
        return [f"{self.name} = {category}" for category in self.categories]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The columns that were learned, in the order of the table."""

    columns: list[Column]

    @classmethod
    def learn(cls, frame: pl.DataFrame) -> Preprocessing:
        """From the training rows, without the target.

        A number: missing values become the median, and an input of their own says where; then mean 0 and standard
        deviation 1. A category: one input for each value. A date is its number of days. Left out is what has one value
        or none, and text of which most values are distinct.
        """
        columns = [_learn(frame[name]) for name in frame.columns]
        if all(column.kind == LEFT_OUT for column in columns):
            reasons = "; ".join(f"{column.name}: {column.remark}" for column in columns[:5])
            raise InputError(f"the table has no column to learn from ({reasons}), expected at least one.")
        return cls(columns)

    @property
    def inputs(self) -> list[str]:
        """The names of the network's inputs."""
        used = [column for column in self.columns if column.kind != LEFT_OUT]
        numbers = [column for column in used if column.is_number]
        missing = [f"{column.name} is missing" for column in numbers if column.has_missing]
        categories = [name for column in used if not column.is_number for name in column.inputs]
        return [*(column.name for column in numbers), *missing, *categories]

    def transform(self, frame: pl.DataFrame) -> tuple[np.ndarray, list[str]]:
        """X (rows, inputs), float32, and what there is to say about the table, such as categories never seen."""
        used = [column for column in self.columns if column.kind != LEFT_OUT]
        for column in used:
            if column.name not in frame.columns:
                raise InputError(f"the table has no column {column.name!r}, which the model was trained on.")
        numbers = [column for column in used if column.is_number]
        categories = [column for column in used if not column.is_number]
        blocks, said = [], []
        known = {column.name for column in self.columns}
        extra = [name for name in frame.columns if name not in known]
        if extra:
            said.append(f"not used, since the model does not know them: {', '.join(extra)}.")
        if numbers:
            A = np.column_stack([_as_numbers(frame[column.name], column) for column in numbers])
            imputer, scaler = _numeric_transformers(numbers)
            blocks.append(scaler.transform(imputer.transform(A)))
            marked = [i for i, column in enumerate(numbers) if column.has_missing]
            blocks.append(np.isnan(A[:, marked]))
        if categories:
            words = [_as_words(frame[column.name], column, said) for column in categories]
            blocks.append(_encoder(categories).transform(np.column_stack(words)))
        with np.errstate(over="ignore"):
            X = np.concatenate([block.astype(np.float32) for block in blocks], axis=1)
        return X, said

    def to_json(self) -> list[dict[str, Any]]:
        """The columns as plain values."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, columns: list[dict[str, Any]]) -> Preprocessing:
        """From what :meth:`to_json` gave."""
        return cls([Column(**column) for column in columns])


def _learn(values: pl.Series) -> Column:
    name, present = values.name, values.drop_nulls()
    if values.dtype.is_float():
        present = present.filter(present.is_finite())
    if len(present) == 0:
        return Column(name, LEFT_OUT, "every value is missing")
    if present.n_unique() == 1:
        return Column(name, LEFT_OUT, f"one value only: {present[0]}")
    if values.dtype == pl.Boolean:
        return _learn_number(values, Column(name, YES_NO))
    if values.dtype.is_integer() and present.n_unique() == len(values) and IDENTIFIER.search(name):
        return Column(name, LEFT_OUT, "a number of its own in every row: an identifier")
    if values.dtype.is_numeric():
        return _learn_number(values, Column(name, NUMBER))
    if values.dtype.is_temporal():
        return _learn_number(values, Column(name, DATE, "as its number of days"))
    read = _numbers_in_text(values)
    if read is not None:
        return _learn_number(read, Column(name, NUMBER, f"read from text such as {present[0]!r}"))
    return _learn_categories(values.cast(pl.String))


def _learn_number(values: pl.Series, column: Column) -> Column:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    A = _as_numbers(values, column)[:, None]
    imputer: Any = SimpleImputer(strategy="median").fit(A)
    scaler: Any = StandardScaler().fit(imputer.transform(A))
    missing = int(np.isnan(A).sum())
    remarks = [column.remark, f"{missing} missing" if missing else ""]
    return Column(
        column.name,
        column.kind,
        ", ".join(filter(None, remarks)),
        median=float(imputer.statistics_[0]),
        mean=float(scaler.mean_[0]),
        scale=float(scaler.scale_[0]),
        has_missing=missing > 0,
    )


def _learn_categories(values: pl.Series) -> Column:
    present = values.drop_nulls()
    counts = Counter(present.to_list())
    if len(counts) > max(MOST_CATEGORIES, SHARE_OF_DISTINCT * len(present)):
        return Column(
            values.name, LEFT_OUT, f"{len(counts)} different texts in {len(present)} rows: a name or free text"
        )
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    kept = sorted(word for word in ordered[:MOST_CATEGORIES] if counts[word] >= LEAST_ROWS) or ordered[:MOST_CATEGORIES]
    rare = len(counts) - len(kept)
    missing = values.null_count()
    categories = [*kept, *([OTHER] if rare else []), *([MISSING] if missing else [])]
    remarks = [f"{rare} rare values taken together" if rare else "", f"{missing} missing" if missing else ""]
    return Column(values.name, CATEGORY, ", ".join(filter(None, remarks)), categories=categories)


def _numbers_in_text(values: pl.Series) -> pl.Series | None:
    """The numbers in texts such as '1,234', '$5' or '12 %'; None where one of them is no such number."""
    if values.dtype != pl.String:
        return None
    plain = values.str.strip_chars().str.replace_all(r"^[$€£]\s*|\s*[%$€£]$", "")
    plain = plain.str.replace_all(r"[,_'\s](\d{3})\b", "$1")  # between thousands
    read = plain.cast(pl.Float64, strict=False)
    return read if read.null_count() == values.null_count() else None


def _as_numbers(values: pl.Series, column: Column) -> np.ndarray:
    """float64, NaN where a value is missing; refuses what is no number."""
    if values.dtype == pl.String:
        read = _numbers_in_text(values)
        if read is None:
            wrong = values.filter(values.is_not_null() & values.cast(pl.Float64, strict=False).is_null())
            raise InputError(f"column {column.name!r} holds {wrong[0]!r}, but was {column.kind} in training.")
        values = read
    if values.dtype.is_temporal():
        days = values.cast(pl.Datetime("us")) if values.dtype != pl.Time else None
        values = values.cast(pl.Int64) / 8.64e13 if days is None else days.cast(pl.Int64) / 8.64e10
    elif column.kind == DATE and values.null_count() < len(values):
        raise InputError(f"column {column.name!r} holds {values.drop_nulls()[0]!r}, but was a date in training.")
    A = values.cast(pl.Float64).to_numpy().astype(np.float64)
    infinite = np.isinf(A)
    if infinite.any():
        raise InputError(
            f"column {column.name!r} holds {A[infinite][0]} in row {infinite.argmax() + 1}, expected finite numbers."
        )
    return A


def _as_words(values: pl.Series, column: Column, said: list[str]) -> np.ndarray:
    """The categories as learned: rare ones, and those never seen, are '(other)' where there is one."""
    if values.dtype == pl.Boolean or values.dtype.is_temporal():
        raise InputError(f"column {column.name!r} holds {values.dtype}, but was a category in training.")
    if values.dtype.is_numeric() and values.null_count() < len(values):
        raise InputError(f"column {column.name!r} holds the number {values.drop_nulls()[0]}, but was text in training.")
    words = np.array(values.cast(pl.String).fill_null(MISSING).to_list(), dtype=object)
    unknown = ~np.isin(words, column.categories)
    if unknown.any() and OTHER not in column.categories:
        said.append(
            f"column {column.name!r} holds {words[unknown][0]!r}, never seen in training: it counts for nothing."
        )
    words[unknown] = OTHER
    return words


def _numeric_transformers(columns: list[Column]) -> tuple[Any, Any]:
    """The imputer and the scaler, as they were when they had been fitted."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(strategy="median").fit(np.array([[column.median for column in columns]]))
    scaler = StandardScaler().fit(np.zeros((1, len(columns))))
    scaler.mean_ = np.array([column.mean for column in columns])
    scaler.scale_ = np.array([column.scale for column in columns])
    return imputer, scaler


def _encoder(columns: list[Column]) -> Any:
    from sklearn.preprocessing import OneHotEncoder as Encoder

    categories = [np.array(column.categories, dtype=object) for column in columns]
    make: Any = Encoder
    encoder = make(categories=categories, handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return encoder.fit(np.array([[each[0] for each in categories]], dtype=object))
