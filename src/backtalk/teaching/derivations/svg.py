"""The picture of a network as SVG, for pages and notebooks."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass

from .expressions import Expression, Symbol
from .picture import NOW, WAY, Picture

APART, ROW, MARGIN, RADIUS = 86, 30, 22, 8
LETTERS = {"yhat": "ŷ", "loss": "ℒ"}
KINDS = {NOW: "now", WAY: "way", 0: "off"}
STYLE = """
.network { max-width: 520px; width: 100%; height: auto; display: block }
.network line { stroke-width: 1; stroke: var(--line, #8884) }
.network line.way { stroke: #7aa2dd; stroke-width: 1.3; stroke-dasharray: 3 3 }
.network line.now { stroke: #1f5fbf; stroke-width: 2.2 }
.network circle { fill: var(--card, #fff); stroke: #98a1b0; stroke-width: 1.3 }
.network circle.way { stroke: #1f5fbf } .network circle.now { fill: #1f5fbf; stroke: #1f5fbf }
.network .dots { fill: #98a1b0; stroke: none }
svg.network text { font: italic 14px "Latin Modern Math", "STIX Two Text", Cambria, serif; text-anchor: middle;
  fill: var(--quiet, currentColor) }
svg.network text.unit { fill: var(--ink, currentColor); font-weight: 600 } svg.network text.inside { fill: #fff }
.network tspan { font-size: 11px }
@media (prefers-color-scheme: dark) { .network line.now { stroke: #6ea3f2 } .network circle.way { stroke: #6ea3f2 }
  .network circle.now { fill: #3d7fe0; stroke: #6ea3f2 } .network line.way { stroke: #52749f } }
"""


@dataclass(frozen=True, slots=True)
class Drawing:
    """SVG elements, and their size."""

    parts: str
    width: float
    height: float


def draw_svg(picture: Picture) -> str:
    """An <svg> element in the colours of the page, with the picture in words for those who do not see it."""
    drawn, said = draw_parts(picture), html.escape(picture.said)
    return (
        f"<svg class='network' viewBox='0 0 {drawn.width:g} {drawn.height:g}' style='max-width: {drawn.width:g}px' "
        f"role='img' aria-label='{said}'>{drawn.parts}</svg>"
    )


def by_class(_: str, kind: str) -> str:
    """How a page paints an element: by its style sheet."""
    return f"class='{kind}'"


def draw_parts(picture: Picture, paint: Callable[[str, str], str] = by_class) -> Drawing:
    """What is in it. ``paint``: the attributes of an element of some kind, such as a line that is lit now."""
    columns = picture.columns
    general = columns[0].name is None  # a rule about any functions: its names stand inside the circles
    radius, row = (15, 38) if general else (RADIUS, ROW)
    width = 2 * MARGIN + APART * (len(columns) - 1)
    height = 2 * MARGIN + row * (picture.tallest - 1) + (0 if general else 20)

    def at(c: int, place: int) -> tuple[float, float]:
        return MARGIN + APART * c, MARGIN + row * picture.row(c, place)

    parts = []
    for c, k, m, light in picture.drawn_edges:
        (x0, y0), (x1, y1) = at(c, k), at(c + 1, m)
        parts.append(f"<line {paint('line', KINDS[light])} x1='{x0}' y1='{y0:g}' x2='{x1}' y2='{y1:g}'/>")
    for c, column in enumerate(columns):
        for place, node in enumerate(column.nodes):
            x, y = at(c, place)
            if node.dots:
                parts += [
                    f"<circle {paint('circle', 'dots')} cx='{x}' cy='{y + shift:g}' r='1.6'/>" for shift in (-6, 0, 6)
                ]
                continue
            parts.append(f"<circle {paint('circle', KINDS[node.light])} cx='{x}' cy='{y:g}' r='{radius}'/>")
            if node.label:
                kind, shift = ("inside", 5) if general else ("unit", -radius - 4)
                parts.append(_text(node.label, x, y + shift, paint("text", kind)))
        if column.name:
            parts.append(_text(column.name, MARGIN + APART * c, height - 6, paint("text", "")))
    return Drawing("".join(parts), width, height)


def _text(name: Expression, x: float, y: float, painted: str) -> str:
    assert isinstance(name, Symbol)
    index = ",".join(map(str, name.numbers))
    small = f"<tspan dy='4' font-size='11'>{index}</tspan>" if index else ""
    letter = LETTERS.get(name.letter, name.letter)
    return f"<text {painted} x='{x}' y='{y:g}'>{letter}{small}</text>"
