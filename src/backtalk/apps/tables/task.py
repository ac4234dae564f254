"""Whether the numbers of a target are classes, or amounts to be predicted."""

from __future__ import annotations

import re
from decimal import Decimal

CLASSIFICATION, REGRESSION = "classification", "regression"
TASKS = ["auto", CLASSIFICATION, REGRESSION]
MOST_CLASSES = 20  # up to which whole numbers are taken for classes
ROWS_OF_WHOLE_NUMBERS = 5  # of each on average, at the least, for them to be classes
YEARS = 1800, 2100
LEAST_SHARE = 0.02  # of the rarest number, if there are gaps between the numbers, for them to be classes
FEW_WITH_GAPS = 10  # numbers
DECAYED = 0.05  # the rarest of counts is this rare, beside the most frequent one
LEAST_COUNTS = 5  # different ones, for their frequencies to be told from those of classes
NAMES_OF_CLASSES = {
    "class", "classes", "type", "kind", "label", "labels", "category", "cat", "group", "species", "cluster", "target",
    "grade", "rating", "quality", "stage", "digit", "status", "code", "segment", "severity", "stars", "outcome",
    "diagnosis", "result", "level",
}  # fmt: skip
NAMES_OF_AMOUNTS = {
    "age", "ages", "year", "years", "yr", "month", "months", "day", "days", "hour", "hours", "minute", "minutes",
    "second", "seconds", "duration", "count", "counts", "cnt", "quantity", "qty", "amount", "price", "cost", "income",
    "salary", "total", "sum", "children", "kids", "visits", "rooms", "bedrooms", "bathrooms", "goals", "points",
    "killed", "injured", "persons", "people", "deaths", "cases", "accidents", "claims", "rings", "length", "width",
    "height", "weight", "distance", "temperature", "population", "sales", "frequency", "freq",
}  # fmt: skip
BEFORE_AMOUNTS = {"number", "num", "nr", "no", "n"}  # as in number_of_doors


def tell_task(name: str, counts: dict[Decimal, int]) -> tuple[str, str]:
    """The task and the reason for it, from the rows of each different number.

    Whole numbers are classes if they are few, of some rows each, and neither their name nor their frequencies are those
    of counts, ages or years.
    """
    distinct, rows, numbers = len(counts), sum(counts.values()), sorted(counts)
    whole = all(number == number.to_integral_value() for number in numbers)
    what = numbers_text(distinct, whole)
    if not whole or distinct > MOST_CLASSES or distinct * ROWS_OF_WHOLE_NUMBERS > rows:
        return REGRESSION, what
    if distinct == 2:
        return CLASSIFICATION, what
    if _are_classes(name, counts, rows):
        return CLASSIFICATION, f"{what}; if they are amounts, --task regression"
    return REGRESSION, f"{what}, taken for amounts; if they are classes, --task classification"


def numbers_text(distinct: int, whole: bool) -> str:
    """So many different numbers, in words."""
    return f"{distinct} different {'whole ' if whole else ''}numbers"


def _are_classes(name: str, counts: dict[Decimal, int], rows: int) -> bool:
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    numbers, least = sorted(counts), min(counts.values())
    if least == 1:
        return False
    if NAMES_OF_CLASSES & set(parts):
        return True
    if YEARS[0] <= numbers[0] and numbers[-1] <= YEARS[1]:
        return False
    if NAMES_OF_AMOUNTS & set(parts) or (len(parts) > 1 and BEFORE_AMOUNTS & set(parts)):
        return False
    if numbers[0] in (-1, 0, 1) and numbers[-1] - numbers[0] == len(numbers) - 1:
        return not _fade([counts[number] for number in numbers])
    return len(counts) <= FEW_WITH_GAPS and least >= max(ROWS_OF_WHOLE_NUMBERS, LEAST_SHARE * rows)


def _fade(rows: list[int]) -> bool:
    """Whether there are fewer and fewer rows from the most frequent number on, as of counts of rare events."""
    most = max(rows)
    tail = rows[rows.index(most) :]
    return len(rows) >= LEAST_COUNTS and tail == sorted(tail, reverse=True) and tail[-1] <= DECAYED * most
