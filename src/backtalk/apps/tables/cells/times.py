"""Cells as times of the day, alone or beside a day."""

from __future__ import annotations

import polars as pl

_HOURS = r"(?P<h>[0-9]{1,2})"
_CLOCK = rf"{_HOURS}:(?P<m>[0-9]{{2}})(?::(?P<s>[0-9]{{2}})(?:[.,](?P<f>[0-9]{{1,9}}))?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
_OFFSET = r"(?P<zone>[Zz]|(?:UTC|GMT)?\s?(?P<sign>[-+])(?P<oh>[0-9]{1,2}):?(?P<om>[0-9]{2})?|UTC|GMT)"
_BESIDE_A_DAY = rf"^(?P<day>.*?)(?:(?:[T,\s]|\sat\s)\s*{_CLOCK}\s*{_OFFSET}?)?$"
_WHOLE_HOURS = r"(^|[^0-9:.,])([0-9]{1,2})\s*([AaPp]\.?[Mm]\.?)$"  # 2 PM
_DAY = 24 * 60 * 60 * 10**6  # microseconds


def as_times(values: pl.Series) -> pl.Series:
    """Datetime on the first of January 1970; null for what is no time of the day alone, such as 14:32 or 2:32 PM."""
    if values.dtype == pl.Time:
        return (values.cast(pl.Int64) // 1000).cast(pl.Datetime("us"))
    if values.dtype != pl.String:
        return pl.Series(values.name, [None] * len(values), dtype=pl.Datetime("us"))
    parts = values.str.replace(_WHOLE_HOURS, "${1}${2}:00 $3").str.extract_groups(f"^{_CLOCK}$").struct.unnest()
    return parts.select(_microseconds().cast(pl.Datetime("us")).alias(values.name)).to_series()


def parted(words: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The day of each cell, as text; and as a duration its time less the offset from UTC, null if there is no such."""
    has_times = words.str.contains(r":|[0-9]T[0-9]{6}|[0-9]\s*[AaPp]\.?[Mm]\.?$").fill_null(False)
    if not has_times.any():
        return words, pl.Series([0]).cast(pl.Duration("us")).new_from_index(0, len(words))
    words = words.str.replace(r"([0-9])T([0-9]{2})([0-9]{2})([0-9]{2})(Z?)$", "$1 $2:$3:$4$5")
    words = words.str.replace(_WHOLE_HOURS, "${1}${2}:00 $3")
    parts = words.str.extract_groups(_BESIDE_A_DAY).struct.unnest()
    minutes = 60 * pl.col("oh").cast(pl.Int64) + pl.col("om").cast(pl.Int64).fill_null(0)
    sign = pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    offset = pl.when(pl.col("oh").is_null()).then(0).otherwise(sign * minutes * 60 * 10**6)
    clock = pl.when(pl.col("h").is_null()).then(0).otherwise(_microseconds() - offset)
    found = parts.select("day", clock.cast(pl.Duration("us")).alias("clock"))
    return found["day"], found["clock"]


def lacks_offset(words: pl.Series) -> pl.Series:
    """Of each cell, whether its time has no offset from UTC."""
    parts = words.str.extract_groups(_BESIDE_A_DAY).struct.unnest()
    return parts["h"].is_not_null() & parts["zone"].is_null()


def _microseconds() -> pl.Expr:
    """Since midnight; null for what no clock shows."""
    hours, minutes = pl.col("h").cast(pl.Int64), pl.col("m").cast(pl.Int64)
    seconds = pl.col("s").cast(pl.Int64).fill_null(0)
    fraction = pl.col("f").str.pad_end(6, "0").str.head(6).cast(pl.Int64).fill_null(0)
    half = pl.col("half").str.head(1).str.to_lowercase()
    within = pl.when(half == "p").then(pl.when(hours < 12).then(hours + 12).otherwise(hours))
    within = within.when(half == "a").then(pl.when(hours <= 12).then(hours % 12)).otherwise(hours)
    total = ((within * 60 + minutes) * 60 + seconds) * 10**6 + fraction
    return pl.when((minutes < 60) & (seconds < 60) & (total <= _DAY)).then(total)
