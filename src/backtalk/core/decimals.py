"""Numbers as text: those that every program reads alike, and nothing else.

Python's ``float`` and ``int`` also read ``1_000`` and the digits of other scripts, which most programs refuse.
"""

from __future__ import annotations

import re

from ..errors import quoted

WHOLE = re.compile(r"[+-]?[0-9]+")
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
MOST_DIGITS = 4000  # of a whole number; Python reads up to 4300


def is_decimal(text: str) -> bool:
    """Whether it is a decimal number in ASCII, such as 12, -0.5, .5 or 1e-3, or nan or inf; spaces may stand around it.

    >>> [is_decimal(text) for text in ("12", " -1e3 ", "1_000", "१०", "")]
    [True, True, False, False, False]
    """
    written = text.strip()
    return bool(DECIMAL.fullmatch(written) or NOT_FINITE.fullmatch(written))


def read_decimal(text: str) -> float:
    """The same as a number. Raises ``ValueError`` for anything else.

    >>> read_decimal(" -1.5e3 ")
    -1500.0
    """
    if not is_decimal(text):
        raise ValueError(f"{quoted(text)} is no decimal number")
    return float(text)


def read_whole(text: str) -> int:
    """A whole number in ASCII digits; spaces may stand around it. Raises ``ValueError`` for anything else.

    >>> read_whole(" 64")
    64
    """
    written = text.strip()
    if WHOLE.fullmatch(written) and len(written) <= MOST_DIGITS:
        return int(written)
    raise ValueError(f"{quoted(written)} is no whole number")
