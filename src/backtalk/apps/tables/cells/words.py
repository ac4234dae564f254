"""Cells as text, and the words for what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

WHOLE = re.compile(r"^([0-9]+)\.0+$")

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


def without_missing(cells: pl.Series, words: Sequence[str] = (), known: Sequence[str] = ()) -> pl.Series:
    """The same, null for the words of what is missing, and for these ``words`` too; in any case, blanks around them.

    ``known``: words that stay.
    """
    if cells.dtype in (pl.Categorical, pl.Enum):
        cells = cells.cast(pl.String)
    if cells.dtype.is_float():
        cells = cells.fill_nan(None)
    if cells.dtype == pl.String:
        others = _no_numbers(cells)  # nearly all words are none, which is told faster
        if len(others) == 0:
            return without_words(cells, words)
        if others.str.contains(r"^\s|\s$").any():
            cells, others = cells.str.strip_chars(), others.str.strip_chars()
        wanted = {*MISSING_WORDS, *(word.lower() for word in words)}
        found = others.unique()
        missing = found.filter(found.str.to_lowercase().is_in([*wanted]) & ~found.is_in([*known]))
        if len(missing):
            cells = cells.set(cells.is_in(missing.implode()), None)
    return without_words(cells, words)


def _no_numbers(cells: pl.Series) -> pl.Series:
    numbers = cells.cast(pl.Float64, strict=False)
    return cells.filter(numbers.is_null() | numbers.is_nan()).drop_nulls()


def without_words(cells: pl.Series, words: Sequence[str]) -> pl.Series:
    """The same, null for these words alone, in any case; and for the numbers among them, however they are written."""
    if not words:
        return cells
    if cells.dtype == pl.String:
        cells = cells.set(cells.str.to_lowercase().is_in([word.lower() for word in words]).fill_null(False), None)
    numbers = pl.Series(words, dtype=pl.String).cast(pl.Float64, strict=False).drop_nulls()
    if len(numbers) and (cells.dtype == pl.String or cells.dtype.is_numeric()):
        cells = cells.set(cells.cast(pl.Float64, strict=False).is_in(numbers.to_list()).fill_null(False), None)
    return cells


def with_known_spelling(words: pl.Series, known: Sequence[str]) -> pl.Series:
    """The same; truth values and whole numbers, such as TRUE and 2.0, as they are written among the ``known`` words.

    A word that is known stays, and so does one that could be several of them.
    """
    others = words.filter(~words.is_in([*known])).drop_nulls().unique()
    if len(others) == 0:
        return words
    spellings: dict[str, list[str]] = {}
    for word in known:
        spellings.setdefault(bare(word), []).append(word)
    found = {word: spellings.get(bare(word), []) for word in others}
    only = {word: same[0] for word, same in found.items() if len(same) == 1}
    return words.replace(only) if only else words


def bare(word: str) -> str:
    lower = word.lower()
    return lower if lower in ("true", "false") else WHOLE.sub(r"\1", word)


def as_words(values: pl.Series) -> pl.Series:
    """Text; a whole number has no decimal point."""
    if values.dtype.is_float():
        words = values.cast(pl.String).str.replace(r"\.0$", "")
        return words.set(values.is_nan().fill_null(False), None)
    return values.cast(pl.String)
