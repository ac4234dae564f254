"""A derivation as lines of text, each matrix over several of them, for terminals and for print."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unicodedata import combining

from .document import Document, Equation
from .layout import lines
from .notation import Marked
from .text import TextWriter

MOST = 4  # entries of a row or column: a page of a terminal is short
FIRST = 0xE000  # of the letters that stand for matrices until the lines are set
BRACKETS = {"[": "[⎡⎢⎣", "]": "]⎤⎥⎦", "(": "(⎛⎜⎝", ")": ")⎞⎟⎠"}  # of one line; upper end, middle and lower end
INDENT = "  "
MOST_LETTERS = 100  # of a line of words, however wide the terminal


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line, and its ``kind``: talk, title, reason or formula."""

    kind: str
    text: str


def as_it_is(text: str) -> str:
    """How most terminals show a text."""
    return text


class GridWriter(TextWriter):
    """Formulas as text, with one letter for each matrix, which :meth:`set_lines` puts in its place.

    ``spell``: what the terminal shows for a text.
    """

    def __init__(self, marked: Marked, spell: Callable[[str], str] = as_it_is) -> None:
        super().__init__(MOST, marked)
        self.spell = spell
        self.tables: list[list[str]] = []

    def array(self, value: Any) -> str:
        shown, across, cut = self.shown(value.shape)
        cells = [[self.spell(self.entry(value, i, k)) for k in across] for i in shown]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        filled = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        left_ends, right_ends = (_stretched(letter, len(filled)) for letter in "[]")
        table = [f"{left} {row} {right}" for left, row, right in zip(left_ends, filled, right_ends, strict=True)]
        if cut:
            size = f"{value.shape[0]}×{value.shape[1]}"
            table = [row.ljust(len(row) + len(size)) for row in table[:-1]] + [table[-1] + size]
        self.tables.append([self.spell(row) for row in table])
        return chr(FIRST + len(self.tables) - 1)

    def set_lines(self, text: str) -> list[str]:
        """The lines of a formula, with its matrices, and brackets as tall as what is in them."""
        heights = self._heights(text)
        height = max(heights, default=1)
        rows = [""] * height
        for before, letter, tall in zip(" " + text, text, heights, strict=False):
            table = self._table(letter)
            if letter == "ᵀ" and self._table(before):
                rows = self._raise(rows, letter, len(self._table(before)))
                continue
            if table:
                block = table
            elif tall > 1:
                block = [self.spell(part) for part in _stretched(letter, tall)]
            else:
                block = [self.spell(letter)]
            rows = [row + part for row, part in zip(rows, _centred(block, height), strict=True)]
        return [row.rstrip() for row in rows]

    def _table(self, letter: str) -> list[str]:
        k = ord(letter) - FIRST
        return self.tables[k] if 0 <= k < len(self.tables) else []

    def _heights(self, text: str) -> list[int]:
        """How many lines each letter of a formula takes."""
        heights = [len(self._table(letter)) or 1 for letter in text]
        opened: list[int] = []
        for k, letter in enumerate(text):
            if letter == "(":
                opened.append(k)
            elif letter == ")" and opened:  # else it was opened in another line
                first = opened.pop()
                heights[first] = heights[k] = max(heights[first : k + 1])
        return heights

    def _raise(self, rows: list[str], letter: str, tall: int) -> list[str]:
        """Write a letter beside the upper end of the matrix before, whose size may stand beside its lower end."""
        at = (len(rows) - 1) // 2 - (tall - 1) // 2
        kept = rows[at].rstrip()
        raised = kept + self.spell(letter)
        width = max(len(raised), *map(len, rows))
        return [(raised if k == at else row).ljust(width) for k, row in enumerate(rows)]


def tell(
    document: Document, *, room: float = MOST_LETTERS, spell: Callable[[str], str] = as_it_is
) -> Iterator[TextLine]:
    """The lines of a document, at most ``room`` letters wide if that is possible."""

    def words(kind: str, text: str, indent: str = "") -> Iterator[TextLine]:
        width = int(min(room, MOST_LETTERS)) - len(indent)
        for line in textwrap.wrap(spell(text), max(20, width)):
            yield TextLine(kind, indent + line)

    def formula(equation: Equation) -> Iterator[TextLine]:
        grid = GridWriter(document.marked, spell)
        set_off, tall = 0, False
        for line in lines(equation.left, equation.rights, grid, room - len(INDENT)):
            begin = f"{line.left} = " if line.left else "= " if line.equals else "  "
            set_off = set_off or _width(spell(line.left)) + 1
            shift = "" if line.left else " " * set_off
            rows = grid.set_lines(begin + line.right)
            if tall and len(rows) > 1:  # the brackets of two matrices would run into one another
                yield TextLine("formula", "")
            tall = len(rows) > 1
            for row in rows:
                yield TextLine("formula", f"{INDENT}{shift}{row}".rstrip())

    yield from formula(document.result)
    for section in document.sections:
        yield TextLine("talk", spell(section.title))
        yield from words("reason", section.summary)
        for passage in section.passages:
            if passage.number:
                yield from words("title", f"{passage.number}. {passage.title}: {passage.reason}")
            else:
                yield from words("title", passage.title)
                yield from words("reason", passage.reason, INDENT)
            yield from formula(passage.equation)


def write_plain(document: Document) -> str:
    """The whole as text."""
    found: list[str] = []
    for line in tell(document):
        if line.kind in ("talk", "title"):
            found.append("")
        found.append(line.text)
        if line.kind == "talk":
            found.append("-" * len(line.text))
    return "\n".join(found)


def _width(text: str) -> int:
    """In letters: the hat of m̂ stands above its letter."""
    return sum(not combining(letter) for letter in text)


def _stretched(bracket: str, count: int) -> list[str]:
    """A bracket of so many lines."""
    one, upper, between, lower = BRACKETS[bracket]
    return [one] if count == 1 else [upper, *[between] * (count - 2), lower]


def _centred(block: list[str], height: int) -> list[str]:
    """A block with empty lines above and below it, its middle on the middle line."""
    above = (height - 1) // 2 - (len(block) - 1) // 2
    empty = " " * len(block[0])
    return [empty] * above + block + [empty] * (height - len(block) - above)
