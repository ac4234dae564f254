"""An equation over several lines: where it is broken, and how much of its matrices is shown to fit a width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .expressions import Braced, Derivative, Elementwise, Expression, Grid, Number, Partial, Symbol
from .notation import Writer, by_letter, is_scalar
from .text import TextWriter


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what stands left of =, and what right of it; without = it goes on with the line above."""

    left: str
    equals: bool
    right: str


class Ruler(TextWriter):
    """Writes text as long as the formula is wide: of a matrix, its widest row."""

    dots: ClassVar[tuple[str, str, str]] = ("⋯", "⋯", "⋯")
    gap: ClassVar[str] = "  "

    def array(self, part: Number | Grid) -> str:
        cells, cut = self.entries(part)
        widths = (max(map(len, column)) for column in zip(*cells, strict=True))
        return f"[ {self.gap.join('0' * width for width in widths)} ]{self.size(part) if cut else ''}"

    def atom(self, part: Expression) -> str:
        match part:
            case Braced(of, notes):
                said = (note if isinstance(note, str) else self.write(note) for note in notes)
                return "0" * max(map(len, (self.write(of), *(line for note in said for line in note.splitlines()))))
        return super().atom(part)


class FractionRuler(Ruler):
    """The same for a formula with fractions and small indices."""

    fractions = True
    dots: ClassVar[tuple[str, str, str]] = ("⋯⋯", "⋯⋯", "⋯⋯")
    gap: ClassVar[str] = "   "

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
    ruler, inside = kind(writer.view), room
    for view in writer.view.narrower():
        writer.view = view
        ruler = kind(view)
        inside = room - len(ruler.write(left)) - 3
        if max((len(piece) for right in rights for piece in ruler.pieces(right)), default=0) <= inside:
            break
    if not rights:
        return [Line(writer.write(left), False, "")]
    found: list[Line] = []
    for k, right in enumerate(rights):
        parts = _broken(writer.pieces(right), [len(piece) + 1 for piece in ruler.pieces(right)], inside)
        found.append(Line(writer.write(left) if k == 0 else "", True, writer.between.join(parts[0])))
        found += [Line("", False, writer.between.join(part)) for part in parts[1:]]
    return found


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
