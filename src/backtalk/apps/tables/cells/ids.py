"""Numbers that are no amounts: codes, ids of things, days written without marks."""

from __future__ import annotations

import re

import polars as pl

from .dates import COMPACT, as_dates

LEAST_SHARE = 0.05  # of cells with a zero before them, in a column of codes
LEAST_LENGTH = 5  # digits, the same number in all cells: then one zero before them makes codes
SPAN = (1800_01_01, 2199_12_31)
LEAST_DAYS = 3  # different ones
CODES = re.compile(
    r"(^|[\W_])((zip|postal|post|area|dialling|fips|country|state|county|region|product|store|branch).?codes?|zip|plz|postcode|"
    r"zipcode|fips|phone|telephone|ssn)$",
    re.IGNORECASE,
)
IDS = re.compile(r"(^|[\W_])(ids?|uid|key|code)$", re.IGNORECASE)
CAMEL = re.compile(r"[a-z](I[dD]|Code)$")  # as in storeID


def are_codes(words: pl.Series) -> bool:
    """Whether whole numbers with zeros before them are codes, such as 00501, instead of numbers with a slip."""
    padded = padded_in(words)
    if len(padded) == 0 or words.str.starts_with("-").any():
        return False
    decimals = words.str.extract(r"^[0-9]+(?:[.,]([0-9]+))?$", 1).str.len_bytes()
    if decimals.null_count() < len(decimals):  # 01, 01.1 and 01.11 are codes, 05.25 and 12.50 are numbers
        return len(padded) >= LEAST_SHARE * len(words) and decimals.n_unique() > 1
    whole = words.filter(words.str.contains("^[0-9]+$"))
    lengths = whole.str.len_bytes()
    return len(padded) >= LEAST_SHARE * len(whole) or (lengths.n_unique() == 1 and lengths[0] >= LEAST_LENGTH)


def are_too_long(numbers: pl.Series) -> bool:
    """Whether whole numbers have so many digits that float64 takes different ones for the same."""
    words = numbers.cast(pl.String) if numbers.dtype.is_integer() else numbers
    if words.dtype != pl.String:
        return False
    long = words.filter(words.str.contains("^[0-9]{16,}$"))
    return len(long) > 0 and long.cast(pl.Float64).n_unique() < long.n_unique()


def are_phone_numbers(words: pl.Series) -> bool:
    """Whether all cells are as +49 619 507 123, with a country's code and groups of digits."""
    return words.str.contains(r"^\+[0-9]{1,3}[\s-][0-9\s-]{5,}$").all()


def padded_in(words: pl.Series) -> pl.Series:
    """The whole numbers with zeros before them."""
    if words.dtype != pl.String:
        return words.clear()
    words = words.filter(words.str.starts_with("0"))
    return words.filter(words.str.contains(r"^0[0-9]+([.,][0-9]+)?$"))


def are_compact_dates(numbers: pl.Series) -> bool:
    """Whether whole numbers are days such as 20241231, all of them."""
    if len(numbers) == 0 or numbers.min() < SPAN[0] or numbers.max() > SPAN[1]:  # pyright: ignore
        return False
    found = numbers.unique()
    return len(found) >= LEAST_DAYS and as_dates(found, COMPACT).null_count() == 0


def name_of_codes(name: str) -> bool:
    """Whether a column of this name holds codes, which no sum or mean is made of."""
    return CODES.search(name) is not None


def name_of_ids(name: str) -> bool:
    """Whether a column of this name holds the ids of things."""
    return IDS.search(name) is not None or CAMEL.search(name) is not None
