"""What a column is, from all its cells."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from ....errors import cut
from . import dates, numbers, truth
from .dates import as_dates, in_other_order, tell_form
from .ids import are_codes, are_compact_dates, are_phone_numbers, are_too_long, name_of_codes, name_of_ids, padded_in
from .numbers import COMMA, PLAIN, are_bounds, are_infinite, as_numbers, forms_of, has_thousands_with_points
from .sentinels import sentinels_in
from .times import as_times
from .truth import NO, YES, as_truth

NUMBER, YES_NO, DATE, TIME, CATEGORY = "number", "yes/no", "date", "time", "category"
TOLERATED = 0.05  # the share of cells that may be no numbers in a column of numbers; they count as missing
LEAST_SHARE = 0.2  # of numbers or dates, if all others are words that repeat
MOST_WORDS = 5  # that stand for what is missing among numbers
MANY_NUMBERS, SOME_NUMBERS = 10, 3  # different ones, among which several words, or one, may stand for what is missing
MAY_BE_NUMBER = r"^[^0-9A-Za-z]*(?:[A-Za-z.]{1,3}|[a-z.]+ (?:[a-z]+ )?)?[^0-9A-Za-z]*[0-9]"  # told by its beginning
SAMPLE = 300  # cells
LONGEST = 80  # bytes of what is no free text
TWO = 2  # numbers, such as 0 and 1, are no codes


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of a column are read: as which ``kind``, in which ``form``.

    How many are ``unreadable``, and so many of them ``infinite``. ``missing``: the words that stand for what is missing
    in this column, besides those that always do. ``remarks``: what is odd about the cells.
    """

    kind: str
    form: str = PLAIN
    unreadable: int = 0
    infinite: int = 0
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=(), compare=False)


def tell(values: pl.Series, *, learns_words: bool = False, decimal_comma: bool = False) -> Reading:
    """What the cells of a column are, from all that have a value.

    ``learns_words``: a word that repeats among numbers or dates stands for what is missing. ``decimal_comma``: where
    cells can be read both ways, a comma is the decimal point, as in files whose columns are separated by semicolons.
    """
    present = values.drop_nulls()
    if len(present) == 0:
        return Reading(CATEGORY)
    if form := truth.one_or_none(values, present):
        return Reading(YES_NO, form, remarks=tuple(truth.oddities(values, form)))
    if values.dtype.is_temporal():
        return Reading(TIME) if values.dtype == pl.Time else Reading(DATE, remarks=tuple(dates.said_of_early(present)))
    if values.dtype.is_numeric():
        infinite = int(are_infinite(present).sum())
        return _of_plain_numbers(present, as_numbers(present, PLAIN), infinite)
    if values.dtype == pl.Boolean:
        return Reading(YES_NO)
    words = present.cast(pl.String)
    plain = as_numbers(words, PLAIN)
    if plain.null_count() == 0 and not (decimal_comma and has_thousands_with_points(words)):
        return _of_plain_numbers(words, plain, 0)
    if (words.head(SAMPLE).str.len_bytes() > LONGEST).to_numpy().mean() > 1 / 2:
        return Reading(CATEGORY)
    if truth.is_pair(words):
        return Reading(YES_NO, remarks=tuple(truth.oddities(words, PLAIN)))
    return (
        _tell_numbers(words, learns_words, decimal_comma)
        or _tell_dates(words, learns_words)
        or _tell_times(words, learns_words)
        or Reading(CATEGORY, remarks=_said_of_text(words, plain))
    )


def read(values: pl.Series, kind: str, form: str) -> pl.Series:
    """Cells of this kind and form as Float64, or as Datetime; null for what is missing or none of it."""
    if kind == DATE:
        return as_dates(values, form)
    if kind == TIME:
        return as_times(values)
    return as_truth(values, form) if kind == YES_NO else as_numbers(values, form)


def _of_plain_numbers(present: pl.Series, found: pl.Series, infinite: int) -> Reading:
    """Numbers, unless they are codes, or days such as 20241231."""
    name, whole = present.name, found.drop_nulls()
    if are_codes(present):
        return Reading(CATEGORY)
    if are_too_long(present):
        return Reading(CATEGORY, remarks=("whole numbers with too many digits to be told apart as numbers",))
    if are_compact_dates(whole):
        return Reading(DATE, dates.COMPACT)
    remarks = [*_said_of_infinite(infinite), *sentinels_in(whole)]
    if len(padded := padded_in(present)):
        count = "1 cell" if len(padded) == 1 else f"{len(padded)} cells"
        remarks.append(f"zeros before {count}, such as {padded[0]}: read as numbers")
    if (name_of_codes(name) or name_of_ids(name)) and (whole == whole.round()).all() and whole.n_unique() > TWO:
        if name_of_codes(name):
            return Reading(CATEGORY, remarks=("numbers that are codes, by its name",))
        remarks.append(f"its name says that its numbers are ids: if so, give --types {shlex.quote(f'{name}=category')}")
    return Reading(NUMBER, PLAIN, found.null_count(), infinite, remarks=tuple(remarks))


def _tell_numbers(words: pl.Series, learns_words: bool, decimal_comma: bool) -> Reading | None:
    """Numbers, in the form that reads most cells; None if too many others are no numbers."""
    form, found, infinite = _best_of_numbers(words, decimal_comma)
    others = words.filter(found.is_null() & ~infinite)
    missing = _words_for_missing(others, found.drop_nulls()) if learns_words else ()
    unreadable = len(others) - int(others.str.to_lowercase().is_in(missing).sum())
    if found.count() == 0 or unreadable > TOLERATED * (len(words) - len(others) + unreadable):
        return None
    if are_bounds(words, form) or are_codes(words):
        return Reading(CATEGORY)
    if are_phone_numbers(words):
        return Reading(CATEGORY, remarks=("phone numbers, by their form",))
    beyond = int(infinite.sum())
    said = [
        *_said_of_infinite(beyond),
        *numbers.oddities(words, form),
        *_said_of_thousands(words, form),
        *_said_of(others, missing, "number"),
        *sentinels_in(found.drop_nulls()),
    ]
    return Reading(NUMBER, form, unreadable + beyond, beyond, missing, tuple(said))


def _best_of_numbers(words: pl.Series, decimal_comma: bool) -> tuple[str, pl.Series, pl.Series]:
    """The form that reads most cells, the numbers, and which cells are infinite; rare forms only if they may help."""
    plain, infinite = as_numbers(words, PLAIN), are_infinite(words)
    if not words.filter(plain.is_null() & ~infinite).str.contains("[0-9]").any():
        if decimal_comma and has_thousands_with_points(words.filter(plain.is_not_null())):
            return COMMA, as_numbers(words, COMMA), infinite
        return PLAIN, plain, infinite
    some = words.gather_every(max(1, len(words) // SAMPLE))
    if some.str.contains(MAY_BE_NUMBER).sum() < LEAST_SHARE * len(some):
        return PLAIN, plain, infinite
    forms = forms_of(some)
    if decimal_comma:
        forms.sort(key=lambda form: form != PLAIN and not form.startswith(COMMA))
    counts = {form: as_numbers(some, form).count() for form in forms}
    found = {form: as_numbers(words, form) for form in forms[1:] if 2 * counts[form] > max(counts.values())}
    form = max(
        [PLAIN, *found], key=lambda each: (found | {PLAIN: plain})[each].count()
    )  # the first of those that are best
    return form, found.get(form, plain), infinite


def _tell_dates(words: pl.Series, learns_words: bool) -> Reading | None:
    """Dates, if nearly all other cells are words that repeat."""
    form = tell_form(words)
    if form is None:
        return None
    found = as_dates(words, form)
    others = words.filter(found.is_null())
    swapped = in_other_order(others, form)
    if swapped.any():
        both = f"{words.filter(found.is_not_null())[0]} and {others.filter(swapped)[0]}"
        return Reading(
            CATEGORY, remarks=(f"dates of which some have the day first and some the month, such as {both}",)
        )
    return _of_dates(DATE, form, others, found, learns_words, tuple(dates.oddities(words, form)))


def _tell_times(words: pl.Series, learns_words: bool) -> Reading | None:
    """Times of the day, if nearly all other cells are words that repeat."""
    found = as_times(words)
    return _of_dates(TIME, PLAIN, words.filter(found.is_null()), found, learns_words, ())


def _of_dates(
    kind: str, form: str, others: pl.Series, found: pl.Series, learns_words: bool, said: tuple[str, ...]
) -> Reading | None:
    missing = _words_for_missing(others, found.drop_nulls()) if learns_words else ()
    unreadable = len(others) - int(others.str.to_lowercase().is_in(missing).sum())
    if unreadable > TOLERATED * (found.count() + unreadable) or found.count() == 0:
        return None
    return Reading(kind, form, unreadable, 0, missing, (*said, *_said_of(others, missing, kind)))


def _said_of_text(words: pl.Series, plain: pl.Series) -> tuple[str, ...]:
    """What there is to say of text if most cells are numbers, in too many forms or beside too many others."""
    if plain.count() <= len(words) / 2 or plain.drop_nulls().n_unique() < MANY_NUMBERS:
        return ()
    first = cut(words.filter(plain.is_null())[0])
    asked = shlex.quote(f"{words.name}=number")
    return (
        f"{plain.count()} of {len(words)} cells are numbers, and others are not, such as {first}: to read the column "
        f"as numbers, and these as missing, give --types {asked}",
    )


def _words_for_missing(others: pl.Series, found: pl.Series) -> tuple[str, ...]:
    """The words that repeat among cells that are otherwise numbers or dates; none if these are too few."""
    if len(others) == 0 or len(found) < LEAST_SHARE * (len(found) + len(others)):
        return ()
    counts = others.str.to_lowercase().alias("word").value_counts(name="cells").sort("word")
    words = counts.filter((counts["cells"] > 1) & ~counts["word"].str.contains("[0-9]"))["word"].to_list()
    needed = MANY_NUMBERS if len(words) > 1 else SOME_NUMBERS
    if len(words) > 1 and any(len(word) == 1 for word in words):  # A and B, or J, Q and K, are values of their own
        return ()
    if len(words) > MOST_WORDS or {*words} & {*YES, *NO} or found.head(10_000).n_unique() < needed:
        return ()
    return tuple(words)


def _said_of_thousands(words: pl.Series, form: str) -> list[str]:
    """What there is to say of points between thousands, if no cell has the decimal comma that would prove it."""
    if not form.startswith(COMMA) or words.str.contains(",", literal=True).any():
        return []
    pointed = words.filter(words.str.contains(r"[0-9]\.[0-9]{3}"))
    if len(pointed) == 0:
        return []
    return [
        f"points between thousands, as in {cut(pointed[0])}: if they are decimal points, separate columns by commas"
    ]


def _said_of_infinite(count: int) -> list[str]:
    if count == 0:
        return []
    return [f"{'1 cell is infinite and counts' if count == 1 else f'{count} cells are infinite and count'} as missing"]


def _said_of(others: pl.Series, missing: Sequence[str], kind: str) -> list[str]:
    """What there is to say of the cells that are no such thing."""
    known = others.str.to_lowercase().is_in(missing)
    said = []
    if known.any():
        words = ", ".join(cut(word) for word in others.filter(known).unique().sort())
        said.append(
            f"{'1 cell holds' if known.sum() == 1 else f'{known.sum()} cells hold'} {words}, which counts as missing"
        )
    if len(wrong := others.filter(~known)):
        cells = f"1 cell is no {kind} and counts" if len(wrong) == 1 else f"{len(wrong)} cells are no {kind}s and count"
        said.append(f"{cells} as missing: {cut(wrong[0])}")
    return said
