"""Cells as numbers, however people write them."""

from __future__ import annotations

import polars as pl

from ....errors import cut

# How numbers are written as text: as in a program, with separators or signs around them, with a decimal comma; the
# last two also with a unit, which is the same in all cells, or with letters for thousands and millions
PLAIN, SEPARATED, COMMA = FORMS = "plain", "with separators", "with a decimal comma"
UNIT, MAGNITUDES = " and the unit ", " and words for powers of ten"
_FACTORS = {
    **dict.fromkeys(["k", "K", "thousand", "Thousand"], 1e3),
    **dict.fromkeys(["Lakh", "lakh", "Lac", "lac", "L"], 1e5),
    **dict.fromkeys(["M", "mn", "Mn", "mio", "Mio", "million", "Million"], 1e6),
    **dict.fromkeys(["Cr", "cr", "Crore", "crore"], 1e7),
    **dict.fromkeys(["B", "bn", "Bn", "billion", "Billion"], 1e9),
}
_CODES = "USD EUR GBP JPY CHF INR CNY RMB AUD CAD NZD SEK NOK DKK PLN CZK HUF RUB TRY BRL MXN ZAR KRW SGD HKD AED SAR"
CURRENCY = rf"(?:[A-Z]{{1,3}}\$|\p{{Sc}}|(?:{_CODES.replace(' ', '|')})\b|Rs\.?|kr\.?|zł|Kč|Ft|руб\.?)"
_BOUND = r"[<>≤≥~≈]=?|(?i:ca\.?|approx\.?|about|over|under|above|below|more than|less than|at least|at most|up to)\s"
_BOUND_AFTER = r"\+|(?i:or more|and more|or over|and over|and above|or older|and older|plus)"
_NUMBER = {
    SEPARATED: r"(?:[1-9][0-9]{0,2}(?:[,\s_'’][0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}|[0-9]+)(?:\.[0-9]*)?"
    r"|\.[0-9]+",
    COMMA: r"(?:[1-9][0-9]{0,2}(?:[.\s'’][0-9]{3})+|[0-9]+)(?:,[0-9]*)?|,[0-9]+",
}
_SEPARATORS = {SEPARATED: r"[,\s_'’]", COMMA: r"[.\s'’]"}
_SIGN = rf"^(?:%|‰|{CURRENCY})$"
_MINUS = "[−‐‑‒–﹣－]"  # what is printed instead of the hyphen of a keyboard
_AFTER = r"%|‰|[\p{L}\p{Sc}°µ\"′″][\p{L}\p{Sc}°µ\"′″²³/*^.%23\s]{0,15}?"


def as_numbers(values: pl.Series, form: str) -> pl.Series:
    """Float64; null for what is no finite number of this form."""
    if values.dtype == pl.Time:  # which earlier versions read as hours
        values = values.cast(pl.Int64) / 3.6e12
    if values.dtype == pl.String:
        values = values.cast(pl.Float64, strict=False) if form == PLAIN else _read(values, form)
    elif not values.dtype.is_numeric() and values.dtype not in (pl.Boolean, pl.Null):
        return pl.Series(values.name, [None] * len(values), dtype=pl.Float64)
    numbers = values.cast(pl.Float64)
    finite = numbers.is_finite()
    return numbers if finite.all() else numbers.set(~finite.fill_null(False), None)


def has_thousands_with_points(words: pl.Series) -> bool:
    """Whether points in plain numbers can stand between thousands: as in 1.870, and 850, but not 1850, 0.5 or 1.5."""
    pointed = words.filter(words.str.contains(".", literal=True))
    fits = pointed.str.contains(r"^[-+]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+$").all()
    return len(pointed) > 0 and fits and not words.str.contains("^[-+]?[0-9]{4,}$").any()


def are_infinite(values: pl.Series) -> pl.Series:
    """Of each cell, whether it is a number that float64 does not hold, such as inf or 1e400."""
    if values.dtype != pl.String and not values.dtype.is_numeric():
        return pl.Series(values.name, [False] * len(values), dtype=pl.Boolean)
    return values.cast(pl.Float64, strict=False).is_infinite().fill_null(False)


def is_number_form(form: str) -> bool:
    """Whether it is a form of numbers."""
    mark, ending = mark_and_ending(form)
    return form == PLAIN or (mark in _NUMBER and (ending in ("", MAGNITUDES) or ending.startswith(UNIT)))


def forms_of(words: pl.Series) -> list[str]:
    """The forms that cells may have, with the unit, if these ``words`` have one throughout."""
    found = [PLAIN]
    for mark in _NUMBER:
        endings = _parts(words, mark)["after"].drop_nulls()
        units = sorted(endings.filter(~endings.str.contains(_SIGN)).unique())
        found.append(mark)
        if units and set(units) <= set(_FACTORS) and (len(units) > 1 or len(endings) < len(words)):
            found.append(mark + MAGNITUDES)
        elif units:
            found.append(mark + UNIT + endings.filter(endings.is_in(units)).mode().sort()[0])
    return found


def oddities(words: pl.Series, form: str) -> list[str]:
    """What there is to say of cells of this form: how many are written in an unusual way, with an example."""
    if form == PLAIN:
        return []
    parts, odd = _parts_of_odd(words, form)
    percent = words.str.contains("%", literal=True)
    said = []
    for cells, what in [
        (odd.filter(parts["bound"].fill_null(parts["bound_after"]).is_not_null()), "bounds in {}: read as the number"),
        (odd.filter(parts["open"].is_not_null()), "parentheses around {}: negative"),
        (odd.filter((parts["last"] == "-").fill_null(False)), "the sign at the end of {}: negative"),
        (
            words.filter(percent) if not percent.all() else words.clear(),
            "% in {}, and not in the others: read as the numbers",
        ),
    ]:
        if len(cells):
            count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            said.append(what.format(f"{count}, such as {cut(cells[0])}"))
    kinds = words.str.extract(f"({CURRENCY})").drop_nulls().unique().sort()
    if len(kinds) > 1:
        said.append(f"several currencies ({', '.join(kinds[:5])}), taken as they are")
    return said


def are_bounds(words: pl.Series, form: str) -> bool:
    """Whether cells are classes such as <=50K and >50K, or grades such as 2+ and 2-, instead of numbers."""
    if form == PLAIN:
        return False
    parts, _ = _parts_of_odd(words, form)
    bounds = parts["bound"].fill_null(parts["bound_after"])
    if (bounds == "+").any() and (parts["last"] == "-").any():
        return True
    return bounds.count() > len(words) / 2 and bounds.drop_nulls().n_unique() > 1


def _read(words: pl.Series, form: str) -> pl.Series:
    """Float64; what is a number as in a program is read as that, unless a point stands between thousands."""
    mark, ending = mark_and_ending(form)
    if ending:
        return _converted(words, mark, ending)
    found = _simple(words, mark)
    others = (found.is_null() & words.is_not_null()).arg_true()
    return found.scatter(others, _converted(words.gather(others), mark, ending)) if len(others) else found


def _simple(words: pl.Series, mark: str) -> pl.Series:
    """Float64 of cells with separators and a sign or a currency at most, which are told faster; null for others."""
    plain = words.cast(pl.Float64, strict=False) if mark == SEPARATED else None
    bare = words.str.replace(r"^([-+]?)\p{Sc}\s*|\s*[%\p{Sc}]$", "$1")
    fits = bare.str.contains(rf"^[-+]?(?:{_NUMBER[mark]})$")
    bare = bare.set(~fits.fill_null(False), None).str.replace_all(_SEPARATORS[mark], "")
    found = bare.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    return found if plain is None else plain.fill_null(found)


def _parts_of_odd(words: pl.Series, form: str) -> tuple[pl.DataFrame, pl.Series]:
    """The parts of the cells that are not told at once, and these cells."""
    mark, _ = mark_and_ending(form)
    odd = words.filter(_simple(words, mark).is_null())
    parts = _parts(odd, mark)
    is_number = parts["number"].is_not_null()
    return parts.filter(is_number), odd.filter(is_number)


def _converted(words: pl.Series, mark: str, ending: str) -> pl.Series:
    text = pl.col("number").str.replace_all(_SEPARATORS[mark], "").str.replace(",", ".", literal=True)
    number, after = text.cast(pl.Float64, strict=False), pl.col("after")
    is_sign = after.is_null() | after.str.contains(_SIGN)
    if ending == MAGNITUDES:
        number *= after.replace_strict(_FACTORS, default=1.0, return_dtype=pl.Float64)
        known = is_sign | after.is_in([*_FACTORS])
    else:
        known = after.is_in(_spellings(ending.removeprefix(UNIT))) if ending else is_sign
    minus = sum((pl.col(name).fill_null("") == "-").cast(pl.Int8) for name in ("first", "second", "last"))
    minus -= (pl.col("number").str.contains("[.,]$") & (pl.col("last") == "-")).fill_null(False)  # a price, as 5.-
    minus += pl.col("open").is_not_null().cast(pl.Int8)
    whole = pl.col("open").is_null() == pl.col("close").is_null()
    value = pl.when(known & whole & (minus < 2)).then(pl.when(minus == 1).then(-number).otherwise(number))
    return _parts(words, mark).select(value.alias(words.name)).to_series()


def _parts(words: pl.Series, mark: str) -> pl.DataFrame:
    """The parts of each cell; null in all if it is no number with what people write around it."""
    pattern = (
        rf"^(?P<open>\()?\s*(?P<bound>{_BOUND})?\s*(?P<first>[-+])?\s*(?P<before>{CURRENCY})?\s*(?P<second>[-+])?\s*"
        rf"(?P<number>(?:{_NUMBER[mark]})(?:[eE][-+]?[0-9]+)?)\s*(?P<after>{_AFTER})??\s*(?P<last>-)?"
        rf"(?P<bound_after>{_BOUND_AFTER})?\s*(?P<close>\))?$"
    )
    return words.str.replace_all(_MINUS, "-").str.extract_groups(pattern).struct.unnest()


def _spellings(unit: str) -> list[str]:
    """A unit in the singular and in the plural."""
    return [unit, f"{unit}s", unit.removesuffix("s") or unit]


def mark_and_ending(form: str) -> tuple[str, str]:
    """The form without its unit or magnitudes, and the rest."""
    mark = next((mark for mark in _NUMBER if form.startswith(mark)), form)
    return mark, form.removeprefix(mark)
