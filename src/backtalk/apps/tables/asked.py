"""Columns that are not what they look like: read as what was asked for."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ...errors import InputError, cut, quoted
from .cells import dates, numbers
from .cells.dates import DAYS, Cells, tell_form, with_century
from .cells.kinds import CATEGORY, DATE, NUMBER, YES_NO, Reading, read
from .cells.numbers import PLAIN, are_infinite, as_numbers, forms_of
from .cells.truth import one_or_none
from .cells.words import as_words, without_missing
from .options import kind_and_form

MOST_UNREADABLE = 0.5  # the share of cells that may be none of what was asked for; they count as missing
AS_ASKED = "as asked for"
SAMPLE = 1000  # cells by which a form is chosen


def read_as(cells: pl.Series, asked: str, missing: Sequence[str] = ()) -> Reading:
    """How the cells are read as a kind, such as ``number`` or ``date(%d/%m/%y)``; refuses it if most cannot be.

    ``missing``: words that stand for what is missing.
    """
    kind, form = kind_and_form(asked)
    cells = without_missing(cells, missing)
    present = cells.drop_nulls()
    if kind == CATEGORY or len(present) == 0:
        return Reading(kind, remarks=(AS_ASKED,))
    form = _form_of(cells, kind, form)
    unreadable = read(cells, kind, form).is_null() & cells.is_not_null()
    count = int(unreadable.sum())
    if count > MOST_UNREADABLE * len(present):
        row = int(unreadable.arg_max() or 0)
        raise InputError(
            f"column {quoted(cells.name)} is to be read as {asked}, but {count:,} of {len(present):,} cells are none, "
            f"the first {quoted(cells[row])} in row {row + 1}: give another type, or --ignore the column."
        )
    infinite = int((are_infinite(cells) & unreadable).sum()) if kind == NUMBER else 0
    return Reading(kind, form, count, infinite, remarks=tuple(_said_of(cells, unreadable, kind, form)))


def _form_of(cells: pl.Series, kind: str, form: str | None) -> str:
    """The form that was asked for, or the one that most cells have."""
    is_text = cells.dtype == pl.String
    if kind == YES_NO:
        return one_or_none(cells, cells.drop_nulls()) or PLAIN
    if kind == DATE and (is_text or form is not None):
        words = as_words(cells.drop_nulls())
        form = form or tell_form(words) or max(DAYS, key=lambda each: Cells(words.head(SAMPLE)).days(each).count())
        return with_century(form, words)
    if kind != NUMBER or not is_text:
        return PLAIN
    some = cells.drop_nulls().head(SAMPLE)
    return max(forms_of(some), key=lambda each: as_numbers(some, each).count())


def _said_of(cells: pl.Series, unreadable: pl.Series, kind: str, form: str) -> list[str]:
    """What there is to say of cells that were read as what was asked for."""
    said = [AS_ASKED]
    if cells.dtype == pl.String and kind in (NUMBER, DATE):
        read_ones = cells.filter(~unreadable).drop_nulls()
        said += numbers.oddities(read_ones, form) if kind == NUMBER else dates.oddities(read_ones, form)
    wrong = cells.filter(unreadable)
    if len(wrong):
        what = "is none and counts" if len(wrong) == 1 else "are none and count"
        said.append(f"{len(wrong):,} cell{'s' * (len(wrong) > 1)} {what} as missing: {cut(str(wrong[0]))}")
    return said
