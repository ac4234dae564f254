"""What a student writes, as numbers: 3/4, log 3 - 1/2, 25%, 1.5 and, with a comma for the point, 1,5."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import InputError, InputTypeError

NUMBER = "[0-9][0-9/.,]*"
TERM = re.compile(
    rf"\s*(?P<sign>[-−+]?)\s*(?:(?P<factor>{NUMBER})?\s*[·*]?\s*(?:log|ln)\s*\(?\s*(?P<of>{NUMBER})\s*\)?"
    rf"|(?P<number>{NUMBER}(?:e-?[0-9]+)?)\s*(?P<percent>%)?)\s*"
)
THOUSANDS = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")  # 1,234 may be meant as 1234
LONGEST = 40  # characters of a number


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """An answer: its ``value`` as an array, and ``remarks`` on what could be understood in two ways."""

    value: np.ndarray
    remarks: tuple[str, ...]


def is_blank(answer: Any) -> bool:
    """Whether nothing was written: None, '', or a list of nothing else.

    >>> is_blank([None, " "]), is_blank([None, 1])
    (True, False)
    """
    if isinstance(answer, list | tuple):
        return all(is_blank(part) for part in answer)
    return answer is None or (isinstance(answer, str) and not answer.strip())


def read_answer(name: str, answer: Any) -> Written:
    """An answer as an array: numbers, or text such as '3/4' and 'log 3'.

    >>> read_answer("loss", "1,5").value.item(), read_answer("a[1]", ["1/4", "−1,250"]).remarks
    (1.5, ("'−1,250' was read with a decimal comma, as −1.250",))
    """
    remarks: list[str] = []

    def number(part: Any) -> Any:
        if isinstance(part, np.ndarray):
            part = part.tolist()
        if isinstance(part, list | tuple):
            return [number(each) for each in part]
        if isinstance(part, str):
            if THOUSANDS.search(part):
                remarks.append(f"{part!r} was read with a decimal comma, as {part.strip().replace(',', '.')}")
            return _number_of(name, part)
        if isinstance(part, bool) or not isinstance(part, int | float | np.number | Fraction):
            raise InputTypeError(f"the answer {name!r} holds {part!r}, expected numbers, or text such as '3/4'.")
        return float(part)

    numbers = number(answer)
    try:
        array = np.array(numbers, dtype=np.float64)
    except ValueError:
        raise InputError(f"the answer {name!r} has rows of different lengths, expected a list of equal rows.") from None
    if not np.isfinite(array).all():
        raise InputError(f"the answer {name!r} holds a number that is not finite, expected finite ones.")
    return Written(array, tuple(remarks))


def _number_of(name: str, text: str) -> float:
    """A sum of fractions and of multiples of logarithms."""
    total, place, written = 0.0, 0, text.strip()
    try:
        while place < len(written) or place == 0:
            term = TERM.match(written, place)
            if term is None or (place and not term["sign"]):
                raise ValueError(text)
            size = float(_fraction(term["factor"] or term["number"] or "1"))
            if term["of"]:
                size *= math.log(_fraction(term["of"]))
            if term["percent"]:
                size /= 100
            total += size if term["sign"] in ("", "+") else -size
            place = term.end()
    except (ValueError, ZeroDivisionError):
        unclear = text.count(",") > 1 or ("," in text and "." in text)
        hint = " Several commas, or a comma and a point, can mean several things: write a point." if unclear else ""
        raise InputError(
            f"the answer {name!r} holds {text!r}, expected a number, or text such as '3/4' or 'log 3 - 1/2'.{hint}"
        ) from None
    return total


def _fraction(written: str) -> Fraction:
    """3/4, 0.75 or 0,75: a comma stands for the point if it is the only mark of a number."""
    exponent = re.search(r"[eE]([+-]?[0-9]+)", written)
    if re.search(r"[.,][0-9]*[.,]", written) or len(written) > LONGEST or (exponent and abs(int(exponent[1])) > 300):
        raise ValueError(written)
    return Fraction(written.replace(",", "."))
