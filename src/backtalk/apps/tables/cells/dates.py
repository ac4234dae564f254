"""Cells as dates and times."""

from __future__ import annotations

import polars as pl

from .numbers import PLAIN

# The first that reads every cell is taken
_TIME = ["T%H:%M:%S%.f%Z", "T%H:%M:%S%.f", "T%H:%M", " %H:%M:%S%.f", " %H:%M", ""]
DATES = [day + time for day in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y") for time in _TIME]
YEAR_FIRST = [form for form in DATES if form.startswith("%Y")]  # which cannot be mistaken for another


def as_dates(values: pl.Series, form: str) -> pl.Series:
    """Datetime; null for what is none of this form, nor of one with the year first: files write them differently."""
    if values.dtype == pl.String:
        dates = pl.Series(values.name, [None] * len(values), dtype=pl.Datetime("us"))
        for each in YEAR_FIRST if form == PLAIN else [form, *YEAR_FIRST]:
            if (dates.is_null() & values.is_not_null()).any():
                dates = dates.fill_null(dates_in(values, each))
        return dates
    if isinstance(values.dtype, pl.Datetime):
        values = values.dt.replace_time_zone(None)
    elif values.dtype != pl.Date:
        values = pl.Series(values.name, [None] * len(values))
    return values.cast(pl.Datetime("us"))


def dates_in(words: pl.Series, form: str) -> pl.Series:
    if form.endswith("%Z"):
        words = words.str.replace(r"(Z|[+-]00:?00)$", "")
        form = form.removesuffix("%Z")
    if "%H" not in form:
        return words.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    return words.str.to_datetime(form, strict=False, time_unit="us")
