"""What the encoded inputs of a column say: its number, in the column's unit, its date, or its category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from scipy.special import ndtr

from ..cells.kinds import DATE, NUMBER, TIME, YES_NO
from ..cells.truth import OR_EMPTY
from ..columns import MISSING, Column
from ..preprocessing import Preprocessing

DIGITS = 6  # of a number that float32 holds
SECOND = 1 / 86_400  # in days
NO_DATE = 1e6  # days from 1970 beyond which a date has no year that is written with four digits


@dataclass(frozen=True, slots=True)
class Encoded:
    """A column, and where in X its inputs stand: all of them, and the one that says that its cell is missing."""

    column: Column
    places: list[int]
    missing: int | None

    def is_missing(self, X: np.ndarray) -> np.ndarray:
        """Of each row, whether the cell is missing."""
        if self.column.categories:
            words = self._category(X)
            return np.array([word == MISSING for word in words], dtype=bool)
        return np.zeros(len(X), dtype=bool) if self.missing is None else X[:, self.missing] > 0

    def order(self, X: np.ndarray) -> np.ndarray:
        """A number for each row that grows with the column's value; of a category, its place."""
        if not self.column.categories:
            return X[:, self.places[0]]
        words = X[:, self.places]
        return np.where(words.any(axis=1), words.argmax(axis=1), -1)

    def values(self, X: np.ndarray) -> list[Any]:
        """What stood in the column: a number, True or False as words, a date as text, a category; None if missing."""
        if self.column.categories:
            return [None if word == MISSING else word for word in self._category(X)]
        numbers = self._numbers(X[:, self.places[0]].astype(np.float64))
        write = {DATE: _date, TIME: _time, YES_NO: self._truth, NUMBER: _number}[self.column.kind]
        gone = self.is_missing(X)
        return [None if missing else write(number) for number, missing in zip(numbers.tolist(), gone, strict=True)]

    def _category(self, X: np.ndarray) -> list[str | None]:
        names = [*self.column.categories, None]  # the last for a cell that is none of them
        return [names[place] for place in self.order(X)]

    def _numbers(self, scaled: np.ndarray) -> np.ndarray:
        """The numbers, from the inputs that were scaled or are ranks under a normal distribution."""
        column = self.column
        if column.quantiles:
            return np.interp(ndtr(scaled), np.linspace(0, 1, len(column.quantiles)), column.quantiles)
        decimals = DIGITS - 1 - int(np.floor(np.log10(column.scale[0])))  # so that 0 comes back as 0
        return np.round(scaled * column.scale[0] + column.mean[0], decimals)

    def _truth(self, number: float) -> str:
        form = self.column.form
        if form.endswith(OR_EMPTY):
            return form.removesuffix(OR_EMPTY) if number > 0.5 else ""
        return "yes" if number > 0.5 else "no"


def encoded_columns(preprocessing: Preprocessing) -> dict[str, Encoded]:
    """Each column that is used, by its name, with the places of its inputs."""
    names = preprocessing.inputs
    columns = {column.name: column for column in preprocessing.columns}
    found = {}
    for name, places in preprocessing.groups.items():
        missing = [place for place in places if names[place] == f"{name} is missing"]
        has = columns[name].has_missing
        found[name] = Encoded(columns[name], list(places), missing[-1] if has else None)
    return found


def _number(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def _date(days: float) -> str | float:
    if abs(days) > NO_DATE:
        return _number(days)
    whole = round(days)
    near = whole if abs(days - whole) < 10 * SECOND else round(days * 1440) / 1440  # float32 holds some seconds
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=near)
    return moment.date().isoformat() if near == whole else moment.strftime("%Y-%m-%d %H:%M")


def _time(day: float) -> str:
    minutes = round(day * 1440) % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def text_of(value: Any) -> str:
    """A value as it is shown: a number with few digits, and what is missing as such.

    >>> text_of(1234567.0), text_of(0.5), text_of(None), text_of("red")
    ('1.23457e+06', '0.5', 'missing', 'red')
    """
    if value is None:
        return "missing"
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def distinct(values: Sequence[Any]) -> list[int]:
    """The first place of each value, in their order."""
    first: dict[Any, int] = {}
    for place, value in enumerate(values):
        first.setdefault(value, place)
    return list(first.values())
