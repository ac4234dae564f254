"""What a column is, from all its cells."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from .dates import DATES, dates_in
from .numbers import FORMS, PLAIN, are_infinite, as_numbers
from .words import NO, YES

NUMBER, YES_NO, DATE, CATEGORY = "number", "yes/no", "date", "category"
TOLERATED = 0.05  # the share of cells that may be no numbers in a column of numbers; they count as missing


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of a column are read: as which ``kind``, in which ``form``.

    How many are ``unreadable``, and so many of them ``infinite``.
    """

    kind: str
    form: str = PLAIN
    unreadable: int = 0
    infinite: int = 0


def tell(values: pl.Series) -> Reading:
    """What the cells of a column are, from all that have a value."""
    present = values.drop_nulls()
    if values.dtype == pl.Boolean:
        return Reading(YES_NO)
    if values.dtype.is_numeric():
        return Reading(NUMBER, PLAIN, as_numbers(present, PLAIN).null_count(), int(are_infinite(present).sum()))
    if values.dtype.is_temporal():
        return Reading(DATE)
    words = present.cast(pl.String)
    if len(words) == 0 or words.str.contains("^0[0-9]+$").any():  # codes, such as 00501, are no numbers
        return Reading(CATEGORY)
    if words.str.to_lowercase().is_in([*YES, *NO]).all():
        return Reading(YES_NO)
    infinite = int(are_infinite(words).sum())
    for form in FORMS:
        unreadable = as_numbers(words, form).null_count()
        if unreadable - infinite <= TOLERATED * len(words) and infinite < len(words):
            return Reading(NUMBER, form, unreadable, infinite)
    some = words.head(100)
    for form in DATES:
        if dates_in(some, form).null_count() == 0 and dates_in(words, form).null_count() == 0:
            return Reading(DATE, form)
    return Reading(CATEGORY)
