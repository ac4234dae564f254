"""Cells as dates, with times or without."""

from __future__ import annotations

import re

import polars as pl

from .numbers import PLAIN
from .times import lacks_offset, parted

COMPACT = "%Y%m%d"
# Forms of a day, and what a cell of that form looks like; if several read as many cells, the first is taken.
# %Y has four digits, %y two: their hundred years are part of the form, as in '%d.%m.%y of 1950-2049'
_YEAR, _SHORT, _NUMBER, _NAME = "[1-9][0-9]{3}", "[0-9]{2}", "[0-9]{1,2}", r"[A-Za-z]{3,9}\.?"
_FIELDS = {"%Y": _YEAR, "%y": _SHORT, "%m": _NUMBER, "%d": _NUMBER, "%b": _NAME}
UNMISTAKABLE = [
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", COMPACT),
    *("%d-%b-%Y", "%d %b %Y", "%d/%b/%Y", "%b %d %Y", "%b-%d-%Y", "%Y-%b-%d", "%Y %b %d", "%d%b%Y"),
]
# With each its other order, in which the same cell may be another day; of two that read as much the first is taken
OTHER_ORDER = {
    f"{first}{mark}{second}{mark}{year}": f"{second}{mark}{first}{mark}{year}"
    for year in ("%Y", "%y")
    for mark, orders in {"/": ["%m%d", "%d%m"], "-": ["%d%m", "%m%d"], ".": ["%d%m", "%m%d"]}.items()
    for first, second in [(order[:2], order[2:]) for order in orders]
}
MONTHS = ["%b-%Y", "%b %Y", "%Y-%b", "%Y %b", "%Y-%m", "%m/%Y", "%b-%y"]  # the first day of each
DAYS = [*UNMISTAKABLE, *OTHER_ORDER, "%d-%b-%y", "%d %b %y", "%d%b%y", "%b %d %y", "%y-%m-%d", "%y/%m/%d", *MONTHS]
CENTURY = " of "
_HUNDRED, _FIRST, _LATEST = 100, 1950, 2049  # years
_EARLIEST = 1000  # year, before which typed dates are pointed at
_LEAST_GAP = 20  # years, of which the column has none
_LATE_DAY, _LAST_DAY = 12, 31  # a day after it is no month, a year after it no day
_LEAST_LATE = 0.1  # the share of days after the 12th, which in dates is six in ten
_LONGEST = 30  # letters of a day, and more
_SAMPLE, _LEAST_SHARE = 300, 0.2  # cells, and the share of them that are dates in a column of dates
_PLAIN_TIMES = {
    "": "",
    " %H:%M:%S": " [0-9]{2}:[0-9]{2}:[0-9]{2}",
    "T%H:%M:%S": "T[0-9]{2}:[0-9]{2}:[0-9]{2}",
    " %H:%M": " [0-9]{1,2}:[0-9]{2}",
    "T%H:%M": "T[0-9]{2}:[0-9]{2}",
    " %H:%M:%S%.f": r" [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,6}",
    "T%H:%M:%S%.f": r"T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{1,6}",
}
_WEEKDAY = r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+"
_ORDINAL = r"(?i)\b([0-9]{1,2})(?:st|nd|rd|th|\.)([\s,])"
_HAS_OFFSET = r":.*(?:[Zz]|UTC|GMT|[-+][0-9]{2}:?[0-9]{0,2})"
_COLON_BEHIND_DAY = "^([0-9]{1,2}/?[A-Za-z]{3}/?[0-9]{4}):"  # of SAS, and of web servers
_ZONE_TWICE = r"([-+][0-9]{2}:?[0-9]{2})\s+(?:UTC|[A-Z]{3,4}|\(.*\))$"  # of Go, and of JavaScript
_YEAR_LAST = r"^(.*[A-Za-z]{3} +[0-9]{1,2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}(?: ?[-+0-9UTCGMZ]+)?) ([0-9]{4})$"  # of C


def as_dates(values: pl.Series, form: str) -> pl.Series:
    """Datetime in UTC; null for what is none of this form, nor of one that cannot be mistaken for another.

    Files write dates differently: a table to predict may have another form with the year first or the month as a word,
    and years of two digits instead of four.
    """
    if values.dtype == pl.String:
        found = _direct(values, form)
        others = (found.is_null() & values.is_not_null()).arg_true()
        return found.scatter(others, _any_of(values.gather(others), form)) if len(others) else found
    if values.dtype.is_numeric() and form != PLAIN:
        return as_dates(values.cast(pl.Int64, strict=False).cast(pl.String), form)
    if isinstance(values.dtype, pl.Datetime):
        if values.dtype.time_zone:
            values = values.dt.convert_time_zone("UTC")
        values = values.dt.replace_time_zone(None)
    elif values.dtype != pl.Date:
        values = pl.Series(values.name, [None] * len(values))
    return values.cast(pl.Datetime("us"))


def _direct(values: pl.Series, form: str) -> pl.Series:
    """The dates that are written as the first one, without an offset, which is told faster; null for others."""
    day, first = _parted(form)[0], values.drop_nulls().head(1)
    for time, pattern in _PLAIN_TIMES.items() if form != PLAIN and "%b" not in day and "%y" not in day else ():
        whole = f"{_pattern_of(day)}{pattern}$"
        if "%d" in day and first.str.contains(whole).any():
            fitting = values.set(~values.str.contains(whole).fill_null(False), None)
            if time:
                return fitting.str.to_datetime(day + time, strict=False, time_unit="us")
            return fitting.str.to_date(day, strict=False).cast(pl.Datetime("us"))
    return pl.Series(values.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(values))


def _any_of(words: pl.Series, form: str) -> pl.Series:
    """The dates of the form, and then of each other that is accepted in its place."""
    cells = Cells(words)
    found = pl.Series(words.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(words))
    for each in _accepted(form):
        if not (found.is_null() & words.is_not_null()).any():
            break
        found = found.fill_null(cells.dates(each))
    return found


def _pattern_of(day: str) -> str:
    pattern = day.replace(".", r"\.")
    if day == "%Y-%m":  # 2000-1 is a semester
        pattern = pattern.replace("%m", "(?P<m>[01][0-9])")
    for name, field in _FIELDS.items():
        pattern = pattern.replace(name, f"(?P<{name[1:]}>{field})")
    return f"^{pattern}"


def is_date_form(form: str) -> bool:
    """Whether it is a form of dates; those of earlier versions also name the time."""
    day, _ = _parted(form)
    return form == PLAIN or day in DAYS or is_own_form(day)


def is_own_form(day: str) -> bool:
    """Whether it is a form that a person may give: a year, a month and perhaps a day, and what stands between them."""
    fields = re.findall("%.", day)
    of_year, of_month = [sum(field in each for field in fields) for each in (["%Y", "%y"], ["%m", "%b"])]
    known = re.fullmatch(r"(?:%[Yymbd]|[-/. _])+", day) is not None
    return known and len(set(fields)) == len(fields) and of_year == of_month == 1


class Cells:
    """Cells of text, parted into days and times once, to be read in several forms."""

    days_of_text: pl.Series

    def __init__(self, words: pl.Series) -> None:
        if words.str.contains("[A-Za-z]{3}").any():
            words = words.str.replace(_COLON_BEHIND_DAY, "$1 ").str.replace(_ZONE_TWICE, "$1")
            words = words.str.replace(_WEEKDAY, "").str.replace(_YEAR_LAST, "$1 $3 $2").str.replace(_ORDINAL, "$1$2")
            words = words.str.replace(r"(?i)\bsept\b", "sep").str.replace_all(r"([A-Za-z0-9]),?\s+|,", "$1 ")
        if words.str.contains("Q[1-4]").any():
            for quarter, month in enumerate(("01", "04", "07", "10"), 1):
                words = words.str.replace(rf"^([12][0-9]{{3}})[\s-]?Q{quarter}$", f"$1-{month}")
                words = words.str.replace(rf"^Q{quarter}[\s/-]?([12][0-9]{{3}})$", f"$1-{month}")
        self.days_of_text, self._clock = parted(words)

    def days(self, form: str) -> pl.Series:
        """The days; null for what is none of this form."""
        day, first = _parted(form)
        found = self.days_of_text.str.extract_groups(f"{_pattern_of(day)}$").struct.unnest()
        if "%y" in day:
            years = found["y"].cast(pl.Int32)
            found = found.with_columns(Y=(first + (years - first) % _HUNDRED).cast(pl.String))
        month, kind = (pl.col("b").str.strip_chars("."), "%B") if "%b" in day else (pl.col("m"), "%m")
        number = pl.col("d") if "%d" in day else pl.lit("1")
        text = found.select(pl.concat_str(["Y", month, number], separator="-")).to_series()
        return text.str.to_date(f"%Y-{kind}-%d", strict=False)

    def dates(self, form: str) -> pl.Series:
        """The days, at the times that stand beside them, in UTC."""
        return self.days(form).cast(pl.Datetime("us")) + self._clock


def tell_form(words: pl.Series) -> str | None:
    """The form of the dates that most of these cells are; None if they are none."""
    some = Cells(words.gather_every(max(1, len(words) // _SAMPLE)))
    letters = "".join(some.days_of_text.drop_nulls().str.head(_LONGEST).unique())
    counts = {form: some.days(form).count() for form in DAYS if _is_possible(form, letters)}
    most = max(counts.values(), default=0)
    if most < _LEAST_SHARE * len(some.days_of_text):
        return None
    fitting = [form for form, count in counts.items() if count > most / 2]
    if len(fitting) == 1 and "%y" not in fitting[0] and fitting[0] != "%Y-%m":
        return fitting[0]
    cells = Cells(words)
    found = {form: cells.days(form) for form in fitting}
    form = max(found, key=lambda each: found[each].count())  # the first of those that read as many
    days = found[form].drop_nulls()
    if form == "%Y-%m" and ((days.dt.year() + 1) % _HUNDRED == days.dt.month()).all():
        return None  # seasons, such as 2010-11
    if "%y" in form and "%b" not in form:  # 10-10-10 may be anything: a day must be no month, or a year no day
        telling = (days.dt.day() > _LATE_DAY) | (days.dt.year() % _HUNDRED > _LAST_DAY)
        if telling.sum() < max(1, _LEAST_LATE * len(days)):
            return None
    return with_century(form, words)


def with_century(form: str, words: pl.Series) -> str:
    """The form, which names the hundred years of these cells if it has two digits of the year."""
    if "%y" not in form or CENTURY in form:
        return form
    years = Cells(words).days(form).drop_nulls().dt.year()
    first = _first_year(years % _HUNDRED) if len(years) else _FIRST
    return f"{form}{CENTURY}{first}-{first + _HUNDRED - 1}"


def _is_possible(form: str, letters: str) -> bool:
    """Whether what stands between the fields of a form is among the letters of some cells; and letters, for months."""
    marks = {mark for mark in form if mark in "-/. "}
    has_digits = any(letter in "0123456789" for letter in letters)
    return has_digits and marks <= {*letters} and ("%b" not in form or any(map(str.isalpha, letters)))


def oddities(words: pl.Series, form: str) -> list[str]:
    """What there is to say of cells that are dates of this form."""
    day, said, found = _parted(form)[0], [], as_dates(words, form)
    if day in OTHER_ORDER and "." not in day and (found.dt.day().drop_nulls() <= _LATE_DAY).all():
        order, other = ("month", "day") if day.startswith("%m") else ("day", "month")
        said.append(f"every cell could also be read as {other} first: {order} first is a guess")
    if "%Y" in day and day in OTHER_ORDER:
        odd = words.filter(~words.str.contains(_YEAR))
        short = odd.filter(Cells(odd).days(day.replace("%Y", "%y")).is_not_null())
        if len(short):
            span = f"of {_FIRST} to {_LATEST}"
            said.append(f"{_count(len(short))} with two digits of the year, such as {short[0]}: {span}")
    if words.str.contains(_HAS_OFFSET).any():
        lacking = words.filter(lacks_offset(words) & found.is_not_null())
        if len(lacking):
            said.append(f"{_count(len(lacking))} without an offset from UTC, such as {lacking[0]}: in UTC")
    return said


def said_of_early(found: pl.Series) -> list[str]:
    """What there is to say of typed dates before the year 1000, which a program has read from two digits."""
    years = found.dt.year()
    early = found.filter(years < _EARLIEST)
    return (
        [f"{_count(len(early))} of a year before {_EARLIEST}, such as {early[0]}: taken as they are"]
        if len(early)
        else []
    )


def in_other_order(values: pl.Series, form: str) -> pl.Series:
    """Of each cell, whether it is a date in the other order of day and month, and none in that of this form."""
    other = OTHER_ORDER.get(_parted(form)[0])
    if other is None or values.dtype != pl.String:
        return pl.Series([False]).new_from_index(0, len(values))
    cells = Cells(values)
    swapped = [each for each in _accepted(other) if each not in UNMISTAKABLE]
    found = [cells.days(each).is_not_null() for each in swapped]
    return as_dates(values, form).is_null() & pl.select(pl.any_horizontal(found)).to_series()


def _accepted(form: str) -> list[str]:
    """The forms that a cell may have in a column of this one."""
    if form == PLAIN:
        return UNMISTAKABLE
    day, _ = _parted(form)
    length = day.replace("%Y", "%y") if "%Y" in day else day.replace("%y", "%Y")
    return [form, *([length] if length in DAYS else []), *(each for each in UNMISTAKABLE if each != day)]


def _parted(form: str) -> tuple[str, int]:
    """The form of the day, and the first of the hundred years that two digits are of."""
    day, _, years = form.partition(CENTURY)
    for time in ("T%H", " %H"):  # forms of earlier versions have it
        day = day.partition(time)[0]
    return day, int(years.partition("-")[0] or _FIRST)


def _first_year(years: pl.Series) -> int:
    """The first of the hundred years that two digits are of: 1950, unless the column has years close to both ends.

    Then they end within the widest gap between the years that are there, in 2025 to 2049, as late as that allows.
    """
    known = set(years.to_list())

    def gap(last: int) -> int:
        before = next(k for k in range(_HUNDRED) if (last - k) % _HUNDRED in known)
        return before + next(k for k in range(1, _HUNDRED + 1) if (last + k) % _HUNDRED in known)

    last = max(range(_LATEST - 24, _LATEST + 1), key=lambda each: (gap(each), each))
    if gap(_LATEST) >= _LEAST_GAP or gap(last) < _LEAST_GAP:
        return _FIRST
    return last - _HUNDRED + 1


def _count(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells} cells"
