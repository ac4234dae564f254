"""Numbers of a later table that are written otherwise than in training: read, if they cannot be mistaken."""

from __future__ import annotations

import polars as pl

from .numbers import COMMA, CURRENCY, SEPARATED, as_numbers, mark_and_ending

_PERCENT = "[%‰]"


def written_otherwise(words: pl.Series, form: str) -> pl.Series | None:
    """Float64 of all cells, if some are not of the form of the training; None if all are.

    A cell such as 720.38, which can be read in one way alone, shows which mark is the decimal one. If the cells show
    another one than in training, and only that one, it holds for all of them: 3.391 is 3391 beside 720,38. What can be
    read both ways beside cells of both kinds is null, and so is a percent sign that the training did not have.
    """
    if words.dtype != pl.String:
        return None
    found = as_numbers(words, form)
    odd = words.is_not_null() & found.is_null()
    if not odd.any():
        return None
    mark, ending = mark_and_ending(form)
    by_point, by_comma = _read(words, SEPARATED, ending), _read(words, COMMA, ending)
    points = by_point.is_not_null() & by_comma.is_null()
    commas = by_comma.is_not_null() & by_point.is_null()
    usual, other, shown, against = (
        (by_comma, by_point, points, commas) if mark == COMMA else (by_point, by_comma, commas, points)
    )
    either = (by_point != by_comma).fill_null(False)
    if against.any() or shown.sum() < max(1, either.sum()):
        certain = usual.zip_with(~shown, other)
        decided = against.any() and not shown.any()
        other = found.zip_with(~odd, certain if decided else certain.set(either, None))
    return other.set(odd & words.str.contains(_PERCENT).fill_null(False), None)


def said_of_signs(words: pl.Series, examples: list[str], remark: str) -> list[str]:
    """What there is to say if cells have another currency, or no percent sign, and the ``examples`` of training had."""
    if not examples:
        return []
    trained = pl.Series(examples, dtype=pl.String)
    cells = words.cast(pl.String).drop_nulls()
    said = []
    if trained.str.contains(_PERCENT).all() and len(cells) and not cells.str.contains(_PERCENT).any():
        said.append(f"holds {cells[0]} without a percent sign, and {trained[0]} in training: taken as it is")
    sign = f"({CURRENCY})"
    known = {*trained.str.extract(sign).drop_nulls()}
    found = cells.str.extract(sign)
    strange = found.is_not_null() & ~found.is_in([*known])
    if known and strange.any() and (first := cells.filter(strange)[0]) and str(found.filter(strange)[0]) not in remark:
        said.append(f"holds {first}, and {trained[0]} in training, another currency: taken as it is")
    return said


def _read(words: pl.Series, mark: str, ending: str) -> pl.Series:
    """As numbers of this form, with the unit of the training or without."""
    found = as_numbers(words, mark + ending)
    return found.fill_null(as_numbers(words, mark)) if ending else found
