"""The picture of a network as characters: units as circles, and the weights that are lit as lines of Braille dots."""

from __future__ import annotations

from collections.abc import Callable

from .picture import NOW, WAY, Node, Picture
from .text import write_text

UNITS = {NOW: "●", WAY: "◎", 0: "○"}
BRAILLE = 0x2800
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of one letter: two columns of four
APART = 13  # letters between two columns
MARGIN = 5


def as_it_is(text: str) -> str:
    """How most terminals show a text."""
    return text


def draw_characters(picture: Picture, room: float, spell: Callable[[str], str] = as_it_is) -> list[str]:
    """Lines of text: ● is what the step speaks of, ◎ the way from there to the loss, ○ the rest.

    Lines join the units between which the weight is lit: solid for the step, dotted for the way.
    """
    gaps = len(picture.columns) - 1
    apart = int(max(5, min(APART, (room - 2 * MARGIN) // gaps)))
    tall = 2 if picture.tallest <= 4 else 1
    width, height = 2 * MARGIN + gaps * apart, tall * (picture.tallest - 1) + 1
    dots: dict[tuple[int, int], int] = {}

    def at(c: int, place: int) -> tuple[int, int]:
        return MARGIN + c * apart, int(tall * picture.row(c, place))

    for c, k, m, light in picture.drawn_edges:
        if light:
            (x0, y0), (x1, y1) = at(c, k), at(c + 1, m)
            begin, end = (_half(picture.columns[side].nodes[place]) for side, place in ((c, k), (c + 1, m)))
            _line(dots, 2 * (x0 + begin), 4 * y0 + 1, 2 * (x1 - end), 4 * y1 + 1, 1 if light == NOW else 4)
    grid = [[chr(BRAILLE + dots[x, y]) if (x, y) in dots else " " for x in range(width)] for y in range(height)]
    for c, column in enumerate(picture.columns):
        for place, node in enumerate(column.nodes):
            x, y = at(c, place)
            written = _written(node)
            begin = x - (len(written) - 1) // 2
            grid[y][begin : begin + len(written)] = written
    rows = [spell("".join(row)).rstrip() for row in grid]
    names = [" "] * width
    for c, column in enumerate(picture.columns):
        written = spell(write_text(column.name)) if column.name else ""
        begin = MARGIN + c * apart - (len(written) - 1) // 2
        names[begin : begin + len(written)] = written
    return [*rows, *filter(None, ["".join(names).rstrip()])]


def _written(node: Node) -> str:
    if node.dots:
        return "⋮"
    return write_text(node.label) if node.label else UNITS[node.light]


def _half(node: Node) -> int:
    """How many letters right and left of its middle a line begins."""
    return len(_written(node)) // 2 + 1


def _line(dots: dict[tuple[int, int], int], x0: int, y0: int, x1: int, y1: int, every: int) -> None:
    """Set every so many dots on a line, in units of Braille dots."""
    count = max(abs(x1 - x0), abs(y1 - y0), 1)
    for step in range(0, count + 1, every):
        x, y = round(x0 + (x1 - x0) * step / count), round(y0 + (y1 - y0) * step / count)
        place = x // 2, y // 4
        dots[place] = dots.get(place, 0) | DOTS[x % 2][y % 4]
