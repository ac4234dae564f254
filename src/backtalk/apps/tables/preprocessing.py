"""The columns as inputs of the network: filled, scaled or one for each value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...core.checked import as_kind
from ...errors import FileFormatError, InputError, cut, quoted
from .columns import Column, Unknown, learn
from .scaling import normal_ranks

MOST_NAMES = 20  # of columns, in a message


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The columns that were learned, in the order of the table."""

    columns: list[Column]

    @classmethod
    def learn(cls, frame: pl.DataFrame, training: np.ndarray) -> Preprocessing:
        """From a table without its target: what a column is, from all rows; what it holds, from the training rows.

        A number: missing values become the median, and an input of their own says where; then mean 0 and standard
        deviation 1, or, if some are far out, their ranks under a normal distribution. A category: one input for
        each value. A date: its days, and waves over the year, the week and the day. Left out is what has one value
        or none, text of which most values are distinct, and identifiers.
        """
        return cls.of([learn(frame[name], training) for name in frame.columns])

    @classmethod
    def of(cls, columns: list[Column]) -> Preprocessing:
        """Columns that were learned; refuses a table without one that is used."""
        if not any(column.used for column in columns):
            reasons = "; ".join(f"{cut(column.name)}: {column.remark}" for column in columns[:5])
            raise InputError(f"the table has no column to learn from ({reasons}), expected at least one.")
        return cls(columns)

    @property
    def _numeric(self) -> list[Column]:
        return [column for column in self.columns if column.used and not column.categories]

    @property
    def _categorical(self) -> list[Column]:
        return [column for column in self.columns if column.categories]

    @property
    def inputs(self) -> list[str]:
        """The names of the network's inputs."""
        numbers = [name for column in self._numeric for name in column.numbers]
        missing = [f"{column.name} is missing" for column in self._numeric if column.has_missing]
        words = [f"{column.name} = {word}" for column in self._categorical for word in column.categories]
        return numbers + missing + words

    @property
    def used(self) -> list[str]:
        """The names of the columns that the network is given anything of."""
        return [column.name for column in self.columns if column.used]

    def transform(self, frame: pl.DataFrame) -> tuple[np.ndarray, list[str]]:
        """X (rows, inputs), float32, and the messages about the table, such as categories never seen."""
        messages = self._compare(frame)
        X, unknown = self.inputs_of(frame)
        return X, messages + self.remarks(unknown)

    def inputs_of(self, frame: pl.DataFrame, before: int = 0) -> tuple[np.ndarray, list[Unknown]]:
        """X of rows that stand after so many others, and of each column of categories what is unknown in them."""
        X, first = np.zeros((frame.height, len(self.inputs)), np.float32), 0
        if frame.height == 0:  # the share of a process, if there are more processes than rows
            return X, [Unknown(0) for _ in self._categorical]
        numbers = [column.values(frame[column.name]) for column in self._numeric]
        if numbers:
            A = np.hstack(numbers)
            first = A.shape[1]
            with np.errstate(over="ignore"):
                X[:, :first] = np.hstack([_scaled(*each) for each in zip(self._numeric, numbers, strict=True)])
            self._require_finite(X[:, :first], A, before)
        for column, values in zip(self._numeric, numbers, strict=True):
            if column.has_missing:
                X[:, first] = np.isnan(values[:, 0])
                first += 1
        found = []
        for column in self._categorical:
            words, unknown = column.words(frame[column.name])
            found.append(unknown)
            places = {word: first + k for k, word in enumerate(column.categories)}
            chosen = np.array([places.get(word, -1) for word in words])
            rows = np.flatnonzero(chosen >= 0)
            X[rows, chosen[rows]] = 1
            first += len(places)
        return X, found

    def remarks(self, unknown: list[Unknown]) -> list[str]:
        """The messages about what is unknown in each column of categories."""
        messages = [column.say_of(found) for column, found in zip(self._categorical, unknown, strict=True)]
        return [message for message in messages if message is not None]

    def _require_finite(self, X: np.ndarray, A: np.ndarray, before: int) -> None:
        """Refuse numbers that float32 does not hold when they are scaled."""
        wrong = ~np.isfinite(X)
        if wrong.any():
            row, place = np.argwhere(wrong)[0].tolist()
            owners = [column.name for column in self._numeric for _ in column.numbers]
            raise InputError(
                f"column {quoted(owners[place])} holds {A[row, place]:g} in row {before + row + 1}, too far from the "
                "numbers of the training to be scaled: correct or empty the cell."
            )

    def _compare(self, frame: pl.DataFrame) -> list[str]:
        """Refuse a table that lacks a column; the message about columns that are not known."""
        there = set(frame.columns)
        missing = [column.name for column in self.columns if column.used and column.name not in there]
        if missing:
            names = ", ".join(map(quoted, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise InputError(
                f"the table lacks {'columns' if len(missing) > 1 else 'the column'} {names} of the training."
            )
        known = {column.name for column in self.columns}
        extra = [name for name in frame.columns if name not in known]
        more = f" and {len(extra) - MOST_NAMES} more" if len(extra) > MOST_NAMES else ""
        names = ", ".join(map(cut, extra[:MOST_NAMES])) + more
        return [f"not used, since the model does not know them: {names}."] if extra else []

    def to_json(self) -> list[dict[str, Any]]:
        """The columns as plain values."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, columns: Any, path: Path | str) -> Preprocessing:
        """From what :meth:`to_json` gave, as it stands in a file; an error names the column that is wrong."""
        found = as_kind(columns, list[Column], path, "columns")
        for number, column in enumerate(found):
            if fault := column.fault:
                raise FileFormatError(f"{path}: 'columns[{number}]' ({quoted(column.name)}) {fault}.")
        if len({column.name for column in found}) < len(found) or not any(column.used for column in found):
            raise FileFormatError(f"{path}: 'columns' has a name twice, or no column that is used.")
        return cls(found)


def _scaled(column: Column, A: np.ndarray) -> np.ndarray:
    """The numbers of a column, filled and scaled, or taken by ranks."""
    filled = np.where(np.isnan(A), column.median, A)
    if not column.quantiles:
        return (filled - column.mean) / column.scale
    return normal_ranks(filled[:, 0], np.array(column.quantiles))[:, None]
