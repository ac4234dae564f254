"""The columns as inputs of the network: filled, scaled or one for each value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...core.checked import as_kind
from ...errors import FileFormatError, InputError, cut, quoted
from .columns import Column
from .learning import bounded, learn
from .slopes import slopes_of
from .unknown import INFINITE, UNREADABLE, Unknown, say_of

DESCRIBED = ["name", "kind", "form", "examples", "remark"]  # of a column, for those who want to see how it was read
MOST_NAMES = 20  # of columns, in a message


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The columns that were learned, in the order of the table."""

    columns: list[Column]

    @classmethod
    def learn(cls, frame: pl.DataFrame, training: np.ndarray, *, decimal_comma: bool = False) -> Preprocessing:
        """From a table without its target: what a column is, from all rows; what it holds, from the training rows.

        A number: missing values become the median, and an input of their own says where; then mean 0 and standard
        deviation 1, or, if some are far out, their ranks under a normal distribution; beside it inputs that say in
        which of some pieces between quantiles it lies, and one for each of few whole numbers. A category: one input for
        each value. A date: its days, and waves over the year, the week and the day. Left out is what has one value
        or none, text of which most values are distinct, and identifiers.
        """
        columns = [learn(frame[name], training, decimal_comma=decimal_comma) for name in frame.columns]
        return cls.of(columns, frame.height)

    @classmethod
    def of(cls, columns: list[Column], rows: int) -> Preprocessing:
        """Columns that were learned of a table of so many rows; refuses one without a column that is used.

        Numbers have fewer pieces if there are many columns or rows, so that X does not grow without bounds.
        """
        if not any(column.used for column in columns):
            reasons = "; ".join(f"{cut(column.name)}: {column.remark}" for column in columns[:5])
            raise InputError(f"the table has no column to learn from ({reasons}), expected at least one.")
        return cls(bounded(columns, rows))

    @property
    def plain(self) -> Preprocessing:
        """The same without pieces and levels: each number is one input."""
        return replace(self, columns=[replace(column, edges=[], levels=[]) for column in self.columns])

    @property
    def _numeric(self) -> list[Column]:
        return [column for column in self.columns if column.used and not column.categories]

    @property
    def _categorical(self) -> list[Column]:
        return [column for column in self.columns if column.categories]

    @property
    def _named(self) -> list[tuple[str, str]]:
        """Of each input, in their order, the column that it is of, and its own name."""
        numbers = [(column.name, name) for column in self._numeric for name in column.numbers]
        missing = [(column.name, f"{column.name} is missing") for column in self._numeric if column.has_missing]
        words = [(column.name, f"{column.name} = {word}") for column in self._categorical for word in column.categories]
        refined = [(column.name, name) for column in self._numeric for name in column.refined]
        return numbers + missing + words + refined

    @property
    def _starts(self) -> tuple[int, int, int]:
        """The places of the first input that says what is missing, the first category, and the first piece or level."""
        missing = sum(len(column.numbers) for column in self._numeric)
        words = missing + sum(column.has_missing for column in self._numeric)
        return missing, words, words + sum(len(column.categories) for column in self._categorical)

    @property
    def plain_count(self) -> int:
        """How many inputs it would have without pieces and levels."""
        return self._starts[-1]

    @property
    def count(self) -> int:
        """How many inputs the network has: as many as :attr:`inputs` names."""
        return self._starts[-1] + sum(column.refined_count for column in self._numeric)

    @property
    def inputs(self) -> list[str]:
        """The names of the network's inputs."""
        return [name for _, name in self._named]

    @property
    def groups(self) -> dict[str, list[int]]:
        """The places of the inputs of each column that is used, counted from 0, by the column's name.

        Every input is of one column: together the lists are 0 … n_0 − 1.
        """
        found: dict[str, list[int]] = {name: [] for name in self.used}
        for place, (name, _) in enumerate(self._named):
            found[name].append(place)
        return found

    @property
    def used(self) -> list[str]:
        """The names of the columns that the network is given anything of."""
        return [column.name for column in self.columns if column.used]

    def transform(
        self, frame: pl.DataFrame, rows: np.ndarray | None = None, strict: bool = False
    ) -> tuple[np.ndarray, list[str]]:
        """X (rows, inputs), float32, and the messages about the table, such as categories never seen.

        A cell that cannot be what its column was in training counts as missing, and the message names it. With
        ``strict`` it is refused, and so is always a column in which there is nothing else. ``rows``: of the table,
        counted from 0, if these are not all.
        """
        messages = self.compare(frame.columns)
        X, unknown = self.inputs_of(frame, np.arange(frame.height) if rows is None else rows)
        return X, messages + self.remarks(unknown, strict)

    def inputs_of(
        self, frame: pl.DataFrame, rows: np.ndarray, dtype: type[np.floating] = np.float32
    ) -> tuple[np.ndarray, list[Unknown]]:
        """X of these rows of the table, counted from 0, and what is unknown in each column that is used."""
        X = np.zeros((frame.height, self.count), dtype)
        if frame.height == 0:  # the share of a process, if there are more processes than rows
            return X, [Unknown(0) for _ in self._numeric + self._categorical]
        found, first, (gap, word, more) = [], 0, self._starts
        for column in self._numeric:
            A, missing, unknown = column.numbers_in(frame[column.name], rows)
            found.append(unknown)
            X[:, first : first + A.shape[1]] = column.scaled(A)
            if column.has_missing:
                X[:, gap] = missing
            column.put_refined(A, X[:, more : more + column.refined_count])
            first, gap, more = first + A.shape[1], gap + column.has_missing, more + column.refined_count
        for column in self._categorical:
            places, unknown = column.places(frame[column.name], rows)
            found.append(unknown)
            known = np.flatnonzero(places >= 0)
            X[known, word + places[known]] = 1
            word += len(column.categories)
        return X, found

    def to_columns(self, grad_X: np.ndarray, frame: pl.DataFrame, rows: np.ndarray | None = None) -> pl.DataFrame:
        """From derivatives by the inputs to derivatives by the columns, in the unit of each: rows × columns.

        Σ_j g_nj · ∂x_nj/∂v_n, with g = ``grad_X`` (rows, inputs), such as ∇_X ℒ, over the inputs x_j that are made of
        the column's value v: its scaled number, its pieces, its cycles. The unit is that of the cells; a day, of dates
        and times; the step from no to yes. Missing cells have 0. Categories have no derivative, and are not there.
        ``frame``, ``rows``: as for :meth:`transform`.
        """
        X_shape = (frame.height, self.count)
        if grad_X.shape != X_shape:
            raise InputError(f"grad_X has the shape {grad_X.shape}, expected {X_shape}: as X of this table.")
        rows, groups, found = np.arange(frame.height) if rows is None else rows, self.groups, {}
        for column in self._numeric:
            A, missing, _ = column.numbers_in(frame[column.name], rows)
            found[column.name] = (grad_X[:, groups[column.name]] * slopes_of(column, A, missing)).sum(axis=1)
        return pl.DataFrame(found)

    def remarks(self, unknown: list[Unknown], strict: bool = False) -> list[str]:
        """The messages about what is unknown in each column."""
        columns = self._numeric + self._categorical
        return [said for column, found in zip(columns, unknown, strict=True) for said in say_of(column, found, strict)]

    def remarks_on_training(self, unknown: list[Unknown]) -> list[str]:
        """The same for rows of the table that was learned: what is odd about its numbers is told with their column."""
        told = [replace(each, outliers=0, said=()) for each in unknown]
        told = [replace(each, strange=0) if each.why in (UNREADABLE, INFINITE) else each for each in told]
        return self.remarks(told)

    def compare(self, names: Sequence[str]) -> list[str]:
        """Refuse a table that lacks a column; the message about columns that are not known."""
        there = set(names)
        missing = [column.name for column in self.columns if column.used and column.name not in there]
        if missing:
            names = ", ".join(map(quoted, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise InputError(
                f"the table lacks {'columns' if len(missing) > 1 else 'the column'} {names} of the training."
            )
        known = {column.name for column in self.columns}
        extra = [name for name in names if name not in known]
        more = f" and {len(extra) - MOST_NAMES} more" if len(extra) > MOST_NAMES else ""
        names = ", ".join(map(cut, extra[:MOST_NAMES])) + more
        return [f"not used, since the model does not know them: {names}."] if extra else []

    def described(self) -> list[dict[str, Any]]:
        """Of each column how it was read: its kind and form, some of its cells, and what became of what is odd."""
        return [{name: getattr(column, name) for name in DESCRIBED} for column in self.columns]

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
