"""Cells as text and as truth values, and the words for what is missing."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

# For what is missing, in any case; what spreadsheets, statistics programs, databases and people write
MISSING_WORDS = [
    "", "?", "??", ".", "..", "...", "-", "--", "---", "–", "—", "\\n", "na", "n/a", "n.a.", "n.a", "n.d.", "#n/a",
    "#na", "#n/a n/a", "<na>", "(na)", "nan", "-nan", "#nan", "nat", "<nat>", "null", "(null)", "<null>", "[null]",
    "#null!", "none", "<none>", "nil", "undefined", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#spill!",
    "#calc!", "#error!", "#missing", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "unknown", "(unknown)", "<unknown>",
    "unk", "missing", "(missing)", "<missing>", "(blank)", "(empty)", "<empty>", "no data", "nodata", "not available",
    "not applicable", "not reported", "not recorded", "not known", "not specified", "unspecified",
    "0000-00-00", "0000-00-00 00:00:00",
]  # fmt: skip
YES, NO = ["true", "yes", "t", "y"], ["false", "no", "f", "n"]


def without_missing(cells: pl.Series, words: Sequence[str] = ()) -> pl.Series:
    """The same, null for the words of what is missing, and for these ``words`` too; in any case, blanks around them."""
    if cells.dtype in (pl.Categorical, pl.Enum):
        cells = cells.cast(pl.String)
    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    if cells.dtype == pl.String:
        cells = cells.str.strip_chars()
        numbers = cells.cast(pl.Float64, strict=False)  # nearly all words are none, which is told faster
        others = numbers.is_null() | numbers.is_nan()
        found = cells.filter(others).unique().drop_nulls()
        wanted = {*MISSING_WORDS, *(word.lower() for word in words)}
        missing = [word for word in found if word.lower() in wanted]
        if missing:
            cells = cells.set(cells.is_in(missing), None)
    if words:
        cells = _without_numbers(cells, words)
    return cells


def _without_numbers(cells: pl.Series, words: Sequence[str]) -> pl.Series:
    """Null for what is one of the numbers among these words, however it is written."""
    numbers = pl.Series(words).cast(pl.Float64, strict=False).drop_nulls()
    if len(numbers) == 0 or not (cells.dtype == pl.String or cells.dtype.is_numeric()):
        return cells
    return cells.set(cells.cast(pl.Float64, strict=False).is_in(numbers).fill_null(False), None)


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
