"""Formulas in running text: ∇_{W_2}ℒ and h_i, which the site shows with subscripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

CODE_OR_MATH = r"^```.*?^```|^ {4}.*?$|(?P<ticks>`+).+?(?P=ticks)|\$\$.+?\$\$|\$[^$\n]+\$"
SUBSCRIPT = re.compile(
    r"(?<![A-Za-z0-9_])([^\W\d_]|∇)_"  # after one letter, not after a word: sample_weight has none
    r"(?:\{((?:[^{}]|\{[^{}]*\})+)\}|([^\W_])(?![A-Za-z0-9_]))"
)


def keep_underscores(page: str) -> str:
    """Markdown in which the underscores of formulas begin no emphasis, as two in one paragraph otherwise would.

    >>> print(keep_underscores("`∇_{a}` and ∇_{W_2}ℒ, ∇_ŷℒ"))
    `∇_{a}` and ∇\\_{W_2}ℒ, ∇\\_ŷℒ
    """
    either = re.compile(rf"(?P<kept>{CODE_OR_MATH})|_(?={{)|(?<=∇)_", re.DOTALL | re.MULTILINE)
    return either.sub(lambda found: found["kept"] or r"\_", page)


def parts(text: str) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with the subscript that follows it.

    >>> list(parts("∇_{a_{i+1}}ℒ of sample_weight"))
    [('∇', 'a_{i+1}'), ('ℒ of sample_weight', '')]
    """
    end = 0
    for found in SUBSCRIPT.finditer(text):
        yield text[end : found.end(1)], found[2] or found[3]
        end = found.end()
    if end < len(text):
        yield text[end:], ""
