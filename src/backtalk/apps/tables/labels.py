"""The cells of a target as labels: one label for what is one class, however it is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from .cells.numbers import PLAIN, as_numbers
from .cells.words import as_words

Label = Decimal | str  # a number is compared as a number, to its last digit
DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.0*)?")  # 01 is a code
PAIRS = [{"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"}]
EXACT = 2**53  # the largest whole number up to which float64 has them all
MOST_DIGITS = 40  # of a class that is written out


@dataclass(frozen=True, slots=True)
class Labels:
    """How the cells of a target become labels.

    ``form`` is how its numbers are written, None if it holds text; ``folds``: whether the case of letters says nothing,
    as in true, True and TRUE.
    """

    form: str | None
    folds: bool

    @classmethod
    def of(cls, words: Sequence[str], form: str | None) -> Labels:
        """Of a target that holds these words."""
        return cls(form, {word.lower() for word in words} in PAIRS)

    def read(self, cells: pl.Series) -> dict[str, Label]:
        """The label of each different word."""
        form = PLAIN if self.form is not None and cells.dtype.is_numeric() else self.form
        words = as_words(cells).drop_nulls().unique(maintain_order=True)
        if form is None:
            return {word: self._of_text(word) for word in words}
        numbers = as_numbers(words, form)
        return {word: _of_number(word, number) for word, number in zip(words, numbers, strict=True)}

    def _of_text(self, word: str) -> Label:
        if WHOLE.fullmatch(word):
            return Decimal(word)
        return word.lower() if self.folds else word


def _of_number(word: str, number: float | None) -> Label:
    if number is None:
        return word
    if DECIMAL.fullmatch(word) and float(word) == number:  # 1.870 may be 1870
        return Decimal(word)
    if abs(number) < EXACT:
        return Decimal(repr(number))
    digits = re.sub("[^0-9.eE+-]", "", word)  # separators and signs of a currency apart
    return Decimal(digits) if DECIMAL.fullmatch(digits) and float(digits) == number else word


def name_of(label: Label, spellings: Counter[str]) -> str:
    """A class in words: a number in full, or else as it is written most often."""
    most = max(spellings.values())
    usual = min(word for word, rows in spellings.items() if rows == most)
    if isinstance(label, str) or abs(label.adjusted()) >= MOST_DIGITS:
        return usual
    if label == label.to_integral_value():
        return str(int(label))
    return usual if DECIMAL.fullmatch(usual) else f"{label:f}"


def in_order(label: Label) -> tuple[bool, Decimal, str]:
    """By which labels are sorted: numbers first."""
    return (True, Decimal(0), label) if isinstance(label, str) else (False, label, "")
