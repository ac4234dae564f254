"""The columns as inputs of the network, by scikit-learn's transformers, which are made again from JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from ...errors import FileFormatError, InputError
from .columns import Column, Unknown, learn


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The columns that were learned, in the order of the table."""

    columns: list[Column]

    @classmethod
    def learn(cls, frame: pl.DataFrame, training: np.ndarray) -> Preprocessing:
        """From a table without its target: what a column is, from all rows; what it holds, from the training rows.

        A number: missing values become the median, and an input of their own says where; then mean 0 and standard
        deviation 1, or, where some are far out, their ranks under a normal distribution. A category: one input for
        each value. A date: its days, and waves over the year, the week and the day. Left out is what has one value
        or none, text of which most values are distinct, and identifiers.
        """
        return cls.of([learn(frame[name], training) for name in frame.columns])

    @classmethod
    def of(cls, columns: list[Column]) -> Preprocessing:
        """Columns that were learned; refuses a table without one that is used."""
        if not any(column.used for column in columns):
            reasons = "; ".join(f"{column.name}: {column.remark}" for column in columns[:5])
            raise InputError(f"the table has no column to learn from ({reasons}), expected at least one.")
        return cls(columns)

    @property
    def _numeric(self) -> list[Column]:
        return [column for column in self.columns if column.used and not column.categories]

    @property
    def _marked(self) -> list[Column]:
        return [column for column in self._numeric if column.has_missing]

    @property
    def _categorical(self) -> list[Column]:
        return [column for column in self.columns if column.categories]

    @property
    def inputs(self) -> list[str]:
        """The names of the network's inputs."""
        numbers = [name for column in self._numeric for name in column.numbers]
        missing = [f"{column.name} is missing" for column in self._marked]
        return (
            numbers
            + missing
            + [f"{column.name} = {word}" for column in self._categorical for word in column.categories]
        )

    @property
    def used(self) -> list[str]:
        """The names of the columns that the network is given anything of."""
        return [column.name for column in self.columns if column.used]

    def transform(self, frame: pl.DataFrame) -> tuple[np.ndarray, list[str]]:
        """X (rows, inputs), float32, and what there is to say about the table, such as categories never seen."""
        said = self._compare(frame)
        X, unknown = self.inputs_of(frame)
        return X, said + self.remarks(unknown)

    def inputs_of(self, frame: pl.DataFrame, before: int = 0) -> tuple[np.ndarray, list[Unknown]]:
        """X of rows that stand after so many others, and of each column of categories what is unknown in them."""
        X, first = np.empty((frame.height, len(self.inputs)), np.float32), 0
        if frame.height == 0:  # the share of a process, where there are more processes than rows
            return X, [Unknown(0) for _ in self._categorical]
        with np.errstate(over="ignore"):
            if self._numeric:
                parts = {column.name: column.values(frame[column.name]) for column in self._numeric}
                A = np.column_stack(list(parts.values()))
                first = A.shape[1]
                X[:, :first] = _as_inputs(self._numeric, A)
                self._require_finite(X[:, :first], A, before)
                for column in self._marked:
                    X[:, first] = np.isnan(parts[column.name][:, 0])
                    first += 1
        found = []
        for column in self._categorical:
            words, unknown = column.words(frame[column.name])
            found.append(unknown)
            last = first + len(column.categories)
            X[:, first:last] = _encoder(column).transform(words[:, None])
            first = last
        return X, found

    def remarks(self, unknown: list[Unknown]) -> list[str]:
        """What there is to say of what is unknown in each column of categories."""
        said = [column.say_of(found) for column, found in zip(self._categorical, unknown, strict=True)]
        return [sentence for sentence in said if sentence is not None]

    def _require_finite(self, X: np.ndarray, A: np.ndarray, before: int) -> None:
        """Refuse numbers that float32 does not hold when they are scaled."""
        wrong = ~np.isfinite(X)
        if not wrong.any():
            return
        row, place = (int(each) for each in np.argwhere(wrong)[0])
        owners = [column.name for column in self._numeric for _ in column.numbers]
        raise InputError(
            f"column {owners[place]!r} holds {A[row, place]:g} in row {before + row + 1}, too far from the numbers of "
            "the training to be scaled: correct or empty the cell."
        )

    def _compare(self, frame: pl.DataFrame) -> list[str]:
        """Refuse a table in which a column is missing; say which columns are not known."""
        missing = [column.name for column in self.columns if column.used and column.name not in frame.columns]
        if missing:
            names = ", ".join(map(repr, missing[:5])) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise InputError(
                f"the table lacks {'columns' if len(missing) > 1 else 'the column'} {names} of the training."
            )
        known = {column.name for column in self.columns}
        extra = [name for name in frame.columns if name not in known]
        return [f"not used, since the model does not know them: {', '.join(extra)}."] if extra else []

    def to_json(self) -> list[dict[str, Any]]:
        """The columns as plain values."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, columns: list[dict[str, Any]], path: Any) -> Preprocessing:
        """From what :meth:`to_json` gave."""
        try:
            return cls([Column(**column) for column in columns])
        except TypeError as error:
            raise FileFormatError(f"{path} describes a column in a way that cannot be read ({error}).") from None


def _as_inputs(columns: list[Column], A: np.ndarray) -> np.ndarray:
    """Filled and scaled, by transformers with the numbers that were learned in them."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    median, mean, scale = (np.array([v for column in columns for v in getattr(column, n)]) for n in _FITTED)
    imputer = SimpleImputer(strategy="median").fit(median[None, :])  # the median of one row is that row
    filled = np.asarray(imputer.transform(A))
    scaler: Any = StandardScaler().fit(mean[None, :])
    scaler.mean_, scaler.scale_ = mean, scale
    scaled = np.asarray(scaler.transform(filled))
    first = 0
    for column in columns:
        if column.quantiles:
            quantiles = np.array(column.quantiles)[:, None]
            ranks: Any = QuantileTransformer(n_quantiles=len(quantiles), output_distribution="normal")
            ranks.fit(quantiles)  # of as many numbers as there are quantiles, which are these numbers
            scaled[:, first] = ranks.transform(filled[:, first : first + 1])[:, 0]
        first += len(column.numbers)
    return scaled


_FITTED = ("median", "mean", "scale")


def _encoder(column: Column) -> Any:
    from sklearn.preprocessing import OneHotEncoder

    make: Any = OneHotEncoder
    categories = [np.array(column.categories, dtype=object)]
    encoder = make(categories=categories, handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    return encoder.fit([[column.categories[0]]])
