"""Cells as yes or no: two words of a pair, or one value or none."""

from __future__ import annotations

import polars as pl

from ....errors import cut
from .numbers import PLAIN
from .words import as_words

# Words of a kind, those for yes and those for no; a column has some of both sides of one pair
PAIRS = [
    (["yes", "y"], ["no", "n"]), (["true", "t", "1"], ["false", "f", "0"]), (["on"], ["off"]), (["✓"], ["✗"]),
    (["✔"], ["✘"]), (["☑"], ["☐"]), (["[x]"], ["[ ]"]), (["[x]"], ["[]"]), (["checked"], ["unchecked"]),
]  # fmt: skip
YES = [*dict.fromkeys(word for yes, _ in PAIRS for word in yes)]
NO = [*dict.fromkeys(word for _, no in PAIRS for word in no)]
OR_EMPTY = " or empty"
MOST_SPELLINGS, SAMPLE = 20, 300


def tell_truth(values: pl.Series) -> str | None:
    """The form of cells that are yes or no: one value or none, or words of a pair; None for any others."""
    present = values.drop_nulls()
    if form := one_or_none(values, present):
        return form
    return PLAIN if values.dtype == pl.Boolean or (values.dtype == pl.String and is_pair(present)) else None


def one_or_none(values: pl.Series, present: pl.Series) -> str | None:
    """The form of cells of which all that are ``present`` hold one value; None if they do not, or if none is empty."""
    if not values.null_count() or present.head(SAMPLE).n_unique() > MOST_SPELLINGS:
        return None
    found = as_words(present.unique())
    return f"{found.sort()[0]}{OR_EMPTY}" if found.str.to_lowercase().n_unique() == 1 else None


def is_pair(words: pl.Series) -> bool:
    """Whether cells are words of a pair, some for yes and some for no."""
    if words.head(SAMPLE).n_unique() > MOST_SPELLINGS:
        return False
    found = {word.lower() for word in words.unique()}
    return any(found <= {*yes, *no} and found & {*yes} and found & {*no} for yes, no in PAIRS)


def is_truth_form(form: str) -> bool:
    """Whether it is a form of yes or no."""
    return form == PLAIN or form.endswith(OR_EMPTY)


def as_truth(values: pl.Series, form: str = PLAIN) -> pl.Series:
    """1.0 for yes, 0.0 for no, null for anything else."""
    words = as_words(values).str.to_lowercase()
    if form == PLAIN:
        truth = words.is_in([*YES, "1"]).cast(pl.Float64)
        return truth.set(~words.is_in([*YES, *NO]).fill_null(False), None)
    value = form.removesuffix(OR_EMPTY).lower()
    number = pl.Series([value]).cast(pl.Float64, strict=False)
    same = (words == value) | words.cast(pl.Float64, strict=False).is_in(number.drop_nulls().to_list()).fill_null(False)
    truth = same.cast(pl.Float64).fill_null(0.0)
    return truth.set((truth == 0) & values.is_not_null(), None)


def oddities(values: pl.Series, form: str) -> list[str]:
    """What there is to say of cells that are yes or no of this form."""
    if form != PLAIN:
        return [f"one value, {cut(form.removesuffix(OR_EMPTY))}, or empty: yes or no"]
    if values.dtype != pl.String:
        return []
    found = sorted(values.drop_nulls().unique())
    return [f"two values, written {', '.join(found)}"] if len(found) > 2 else []
