"""Cells of a table, text as in CSV or typed as in Parquet, read as numbers, dates, truth values or words."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

NUMBER, YES_NO, DATE, CATEGORY = "number", "yes/no", "date", "category"
MISSING_WORDS = ["", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A"]
TOLERATED = 0.05  # the share of cells that may be no numbers in a column of numbers; they count as missing
YES, NO = ["true", "yes", "t", "y"], ["false", "no", "f", "n"]

# How numbers are written as text: as in a program, with separators or signs around them, with a decimal comma
PLAIN, SEPARATED, COMMA = FORMS = "plain", "with separators", "with a decimal comma"
_SIGNS = r"^[$€£¥]\s*|\s*[%$€£¥]$"
_SEPARATED = r"^[-+]?([1-9][0-9]{0,2}([,\s_'’][0-9]{3})+|[0-9]+)(\.[0-9]+)?$"
_COMMA = r"^[-+]?([0-9]{1,3}([.\s'’][0-9]{3})+|[0-9]+)(,[0-9]+)?$"

# The first that reads every cell is taken
_TIME = ["T%H:%M:%S%.f%Z", "T%H:%M:%S%.f", "T%H:%M", " %H:%M:%S%.f", " %H:%M", ""]
DATES = [day + time for day in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y") for time in _TIME]
YEAR_FIRST = [form for form in DATES if form.startswith("%Y")]  # which cannot be mistaken for another


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
        if _dates_in(some, form).null_count() == 0 and _dates_in(words, form).null_count() == 0:
            return Reading(DATE, form)
    return Reading(CATEGORY)


def as_numbers(values: pl.Series, form: str) -> pl.Series:
    """Float64; null for what is no finite number of this form."""
    if values.dtype == pl.String:
        words = values
        if form != PLAIN:
            words = words.str.replace_all(_SIGNS, "")
            words = words.set(~words.str.contains(_SEPARATED if form == SEPARATED else _COMMA).fill_null(False), None)
            words = words.str.replace_all(r"[,\s_'’]" if form == SEPARATED else r"[.\s'’]", "")
            words = words.str.replace(",", ".", literal=True)
        values = words.cast(pl.Float64, strict=False)
    elif not values.dtype.is_numeric() and values.dtype not in (pl.Boolean, pl.Null):
        return pl.Series(values.name, [None] * len(values), dtype=pl.Float64)
    numbers = values.cast(pl.Float64)
    return numbers.set(~numbers.is_finite().fill_null(False), None)


def are_infinite(values: pl.Series) -> pl.Series:
    """Of each cell, whether it is a number that float64 does not hold, such as inf or 1e400."""
    if values.dtype != pl.String and not values.dtype.is_numeric():
        return pl.Series(values.name, [False] * len(values), dtype=pl.Boolean)
    return values.cast(pl.Float64, strict=False).is_infinite().fill_null(False)


def as_dates(values: pl.Series, form: str) -> pl.Series:
    """Datetime; null for what is none of this form, nor of one with the year first: files write them differently."""
    if values.dtype == pl.String:
        dates = pl.Series(values.name, [None] * len(values), dtype=pl.Datetime("us"))
        for each in YEAR_FIRST if form == PLAIN else [form, *YEAR_FIRST]:
            if (dates.is_null() & values.is_not_null()).any():
                dates = dates.fill_null(_dates_in(values, each))
        return dates
    if isinstance(values.dtype, pl.Datetime):
        values = values.dt.replace_time_zone(None)
    elif values.dtype != pl.Date:
        values = pl.Series(values.name, [None] * len(values))
    return values.cast(pl.Datetime("us"))


def _dates_in(words: pl.Series, form: str) -> pl.Series:
    if form.endswith("%Z"):
        words = words.str.replace(r"(Z|[+-]00:?00)$", "")
        form = form.removesuffix("%Z")
    if "%H" not in form:
        return words.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    return words.str.to_datetime(form, strict=False, time_unit="us")


def as_truth(values: pl.Series) -> pl.Series:
    """1.0 for yes, 0.0 for no, null for anything else."""
    words = as_words(values).str.to_lowercase()
    truth = words.is_in([*YES, "1"]).cast(pl.Float64)
    return truth.set(~words.is_in([*YES, *NO, "1", "0"]).fill_null(False), None)


def as_words(values: pl.Series) -> pl.Series:
    """Text; a whole number has no decimal point."""
    if values.dtype.is_float():
        words = values.cast(pl.String).str.replace(r"\.0$", "")
        return words.set(values.is_nan().fill_null(False), None)
    return values.cast(pl.String)
