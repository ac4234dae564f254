"""Cells as numbers, however people write them."""

from __future__ import annotations

import polars as pl

# How numbers are written as text: as in a program, with separators or signs around them, with a decimal comma
PLAIN, SEPARATED, COMMA = FORMS = "plain", "with separators", "with a decimal comma"
_SIGNS = r"^[$€£¥]\s*|\s*[%$€£¥]$"
_SEPARATED = r"^[-+]?([1-9][0-9]{0,2}([,\s_'’][0-9]{3})+|[0-9]+)(\.[0-9]+)?$"
_COMMA = r"^[-+]?([0-9]{1,3}([.\s'’][0-9]{3})+|[0-9]+)(,[0-9]+)?$"


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
