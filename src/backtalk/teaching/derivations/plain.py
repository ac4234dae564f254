"""A derivation as lines of text, each matrix over several of them, for terminals and for print."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unicodedata import combining

from .characters import as_it_is, draw_characters
from .document import Document, Equation, Section
from .expressions import Braced, Expression, Grid, Number
from .layout import lines
from .text import TextWriter
from .view import View

FIRST = 0xE000  # of the letters that stand for matrices until the lines are set
BRACKETS = {"[": "[⎡⎢⎣", "]": "]⎤⎥⎦", "(": "(⎛⎜⎝", ")": ")⎞⎟⎠"}  # of one line; upper end, middle and lower end
INDENT = "  "
MOST_LETTERS = 100  # of a line of words, however wide the terminal


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line, and its ``kind``: talk, title, reason, formula or picture."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand for one letter of a formula; line ``middle`` of them is the formula's own."""

    rows: list[str]
    middle: int


class GridWriter(TextWriter):
    """Formulas as text, with one letter for each block of several lines, which :meth:`set_lines` puts in its place.

    ``spell``: what the terminal shows for a text.
    """

    def __init__(self, view: View, spell: Callable[[str], str] = as_it_is) -> None:
        super().__init__(view)
        self.spell = spell
        self.blocks: list[Block] = []

    def array(self, part: Number | Grid) -> str:
        written, cut = self.entries(part)
        cells = [[self.spell(cell) for cell in row] for row in written]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        justify = str.ljust if isinstance(part, Grid) else str.rjust
        filled = ["  ".join(justify(cell, width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        left_ends, right_ends = (_stretched(letter, len(filled)) for letter in "[]")
        table = [f"{left} {row} {right}" for left, row, right in zip(left_ends, filled, right_ends, strict=True)]
        if cut:
            size = self.size(part)
            table = [row.ljust(len(row) + len(size)) for row in table[:-1]] + [table[-1] + size]
        return self._letter(Block([self.spell(row) for row in table], (len(table) - 1) // 2))

    def atom(self, part: Expression) -> str:
        if not isinstance(part, Braced):
            return super().atom(part)
        inside = self._set(self.write(part.of))
        notes: list[str] = []
        for note in part.notes:
            if isinstance(note, str):
                notes += map(self.spell, note.splitlines())
            else:
                notes += self._set(self.write(note)).rows
        width = max(len(inside.rows[0]), 3, *map(len, notes))
        brace = self.spell("╰" + "─" * ((width - 3) // 2) + "┬" + "─" * (width - 3 - (width - 3) // 2) + "╯")
        rows = [*(row.center(width) for row in inside.rows), brace, *(note.center(width) for note in notes)]
        return self._letter(Block(rows, inside.middle))

    def _letter(self, block: Block) -> str:
        self.blocks.append(block)
        return chr(FIRST + len(self.blocks) - 1)

    def set_lines(self, text: str) -> list[str]:
        """The lines of a formula, with its blocks, and brackets as tall as what is in them."""
        return [row.rstrip() for row in self._set(text).rows]

    def _set(self, text: str) -> Block:
        found = [self._block(letter) for letter in text]
        blocks: list[Block] = []
        for (letter, block), (above, below) in zip(found, self._spans(found), strict=True):
            tall = above + below + 1
            if letter == "ᵀ" and blocks and len(blocks[-1].rows) > 1:
                blocks[-1] = self._raise(blocks[-1], letter)
            elif tall > 1 and letter in "()":
                blocks.append(Block([self.spell(part) for part in _stretched(letter, tall)], above))
            else:
                blocks.append(block)
        over = max((block.middle for block in blocks), default=0)
        under = max((len(block.rows) - block.middle - 1 for block in blocks), default=0)
        rows = [""] * (over + 1 + under)
        for block in blocks:
            empty = " " * len(block.rows[0])
            before = over - block.middle
            column = [empty] * before + block.rows + [empty] * (len(rows) - before - len(block.rows))
            rows = [row + part for row, part in zip(rows, column, strict=True)]
        return Block(rows, over)

    def _block(self, letter: str) -> tuple[str, Block]:
        k = ord(letter) - FIRST
        return letter, self.blocks[k] if 0 <= k < len(self.blocks) else Block([self.spell(letter)], 0)

    def _spans(self, found: list[tuple[str, Block]]) -> list[tuple[int, int]]:
        """How many lines each letter of a formula has above and below the formula's own."""
        spans = [(block.middle, len(block.rows) - block.middle - 1) for _, block in found]
        opened: list[int] = []
        for k, (letter, _) in enumerate(found):
            if letter == "(":
                opened.append(k)
            elif letter == ")" and opened:  # else it was opened in another line
                first = opened.pop()
                above, below = (max(span[side] for span in spans[first : k + 1]) for side in (0, 1))
                spans[first] = spans[k] = above, below
        return spans

    def _raise(self, block: Block, letter: str) -> Block:
        """A block with a letter beside its upper end; its size may stand beside its lower end."""
        first = block.rows[0].rstrip() + self.spell(letter)
        width = max(map(len, (first, *block.rows)))
        return Block([first.ljust(width), *(row.ljust(width) for row in block.rows[1:])], block.middle)


def tell(
    document: Document, *, room: float = MOST_LETTERS, spell: Callable[[str], str] = as_it_is
) -> Iterator[TextLine]:
    """The lines of a document, at most ``room`` letters wide if that is possible."""

    def words(kind: str, text: str, indent: str = "") -> Iterator[TextLine]:
        width = int(min(room, MOST_LETTERS)) - len(indent)
        for line in textwrap.wrap(spell(text), max(20, width)):
            yield TextLine(kind, indent + line)

    def formula(equation: Equation) -> Iterator[TextLine]:
        grid = GridWriter(document.view, spell)
        set_off, tall = 0, False
        for line in lines(equation.left, equation.rights, grid, room - len(INDENT)):
            begin = f"{line.left} = " if line.left and line.equals else line.left or ("= " if line.equals else "  ")
            set_off = set_off or _width(spell(line.left)) + 1
            shift = "" if line.left else " " * set_off
            rows = grid.set_lines(begin + line.right)
            if tall and len(rows) > 1:  # the brackets of two matrices would run into one another
                yield TextLine("formula", "")
            tall = len(rows) > 1
            for row in rows:
                yield TextLine("formula", f"{INDENT}{shift}{row}".rstrip())

    drawn: list[str] = []
    yield from formula(document.result)
    yield from words("reason", document.note)
    for section in document.sections:
        yield TextLine("talk", spell(section.title))
        yield from words("reason", _where(document, section))
        yield from words("reason", section.summary)
        for passage in section.passages:
            if passage.number:
                yield from words("title", f"{passage.number}. {passage.title}: {passage.reason}")
                yield from formula(passage.equation)
                continue
            yield from words("title", passage.title)
            beside = document.beside(passage)
            picture = draw_characters(beside, room - len(INDENT), spell) if beside else drawn
            if picture != drawn:
                drawn = picture
                for row in ["", *picture, ""]:
                    yield TextLine("picture", f"{INDENT}{row}".rstrip())
            for statement in passage.statements:
                yield from words("reason", statement.reason, INDENT)
                yield from formula(statement.equation)


def _where(document: Document, section: Section) -> str:
    """Where on the roadmap a section is."""
    if not section.stop:
        return ""
    stops = (f"[{stop}]" if k == section.stop else stop for k, stop in enumerate(document.roadmap, 1))
    return f"We are here: {' → '.join(stops)}"


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
