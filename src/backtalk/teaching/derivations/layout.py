"""An equation over several lines: where it is broken, and how much of its matrices is shown to fit a width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .expressions import Derivative, Elementwise, Expression, Partial, Symbol
from .notation import Marked, Writer, by_letter, is_scalar
from .text import TextWriter

LEAST = 3  # entries of a row or column that are shown, however narrow the page


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what stands left of =, and what right of it; without = it goes on with the line above."""

    left: str
    equals: bool
    right: str


class Ruler(TextWriter):
    """Writes text as long as the formula is wide: of a matrix, its widest row."""

    dots = ("⋯", "⋯", "⋯")
    gap: ClassVar[str] = "  "

    def array(self, value: Any) -> str:
        rows, columns, cut = self.shown(value.shape)
        cells = [[self.entry(value, i, k) for k in columns] for i in rows]
        widths = (max(map(len, column)) for column in zip(*cells, strict=True))
        size = f"{value.shape[0]}×{value.shape[1]}" if cut else ""
        return f"[ {self.gap.join('0' * width for width in widths)} ]{size}"


class FractionRuler(Ruler):
    """The same for a formula with fractions and small indices."""

    fractions = True
    dots, gap = ("⋯⋯", "⋯⋯", "⋯⋯"), "   "

    def atom(self, part: Expression) -> str:
        match part:
            case Symbol(_, _, indices):
                return "0" * (2 + len(indices) // 2)
            case Derivative(of):
                return "0" * (len(self.write(of)) + (1 if is_scalar(of) else 3))
            case Partial(above, below):
                return "0" * (max(len(self.write(above)), len(self.write(below))) + 3 * (by_letter(part) is not None))
            case Elementwise(left, right, True) if is_scalar(part):
                return "0" * max(len(self.write(left)), len(self.write(right)))
        return super().atom(part)


def lines(
    left: Expression, rights: Sequence[Expression], writer: Writer, room: float, kind: type[Ruler] = Ruler
) -> list[Line]:
    """left = rights[0] = rights[1] …, one = below the other, each broken if it is wider than ``room`` letters.

    If a matrix is too wide all the same, ``writer`` shows less of it.
    """
    ruler, inside = kind(), room
    for most, marked in _less_and_less(writer):
        writer.most, writer.marked = most, marked
        ruler = kind(most, marked)
        inside = room - len(ruler.write(left)) - 3
        if max(len(piece) for right in rights for piece in ruler.pieces(right)) <= inside:
            break
    found: list[Line] = []
    for k, right in enumerate(rights):
        parts = _broken(writer.pieces(right), [len(piece) + 1 for piece in ruler.pieces(right)], inside)
        found.append(Line(writer.write(left) if k == 0 else "", True, writer.between.join(parts[0])))
        found += [Line("", False, writer.between.join(part)) for part in parts[1:]]
    return found


def _less_and_less(writer: Writer) -> Iterator[tuple[int, Marked]]:
    """How many entries are shown, and which in any case: fewer each time."""
    for most in range(writer.most, LEAST - 1, -1):
        yield most, writer.marked
    yield LEAST, {}
    yield LEAST - 1, {}


def _broken(pieces: list[str], widths: list[int], room: float) -> list[list[str]]:
    """The pieces of each line."""
    parts: list[list[str]] = [[]]
    used = 0
    for piece, width in zip(pieces, widths, strict=True):
        if parts[-1] and used + width > room:
            parts.append([])
            used = 2
        parts[-1].append(piece)
        used += width
    return parts
