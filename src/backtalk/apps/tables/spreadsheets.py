"""Predictions for a spreadsheet, which takes text with certain first letters for a formula and computes it."""

from __future__ import annotations

import polars as pl

from ...core.decimals import DECIMAL

FORMULA = r"^(\p{Cf}*[=+\-@＝＋－＠]|[\t\r])"  # Cf: what has no width, such as a byte order mark, which is dropped
NUMBER = f"^{DECIMAL.pattern}$"


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """The same with an apostrophe before text that begins with = + - @, a tab or a carriage return; numbers stay.

    So it is for = + - @ in full width, and behind characters that have no width.

    >>> without_formulas(pl.DataFrame({"prediction": ["=1+1", "-1", "yes"]}))["prediction"].to_list()
    ["'=1+1", '-1', 'yes']
    """
    text = pl.col(pl.String)
    is_formula = text.str.contains(FORMULA) & ~text.str.contains(NUMBER)
    return frame.with_columns(pl.when(is_formula).then("'" + text).otherwise(text).name.keep())
