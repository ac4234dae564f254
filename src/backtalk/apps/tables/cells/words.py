"""Cells as text and as truth values, and the words for what is missing."""

from __future__ import annotations

import polars as pl

MISSING_WORDS = ["", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "#N/A"]
YES, NO = ["true", "yes", "t", "y"], ["false", "no", "f", "n"]


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
