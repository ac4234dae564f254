"""Each step as a picture in SVG that needs nothing else: the network, the sentence, and the formula as text.

Formulas are text of one width, a matrix over several lines, as in a terminal: office programs and drawing programs know
neither MathML nor style sheets. So every element has its own colours and fonts.
"""

from __future__ import annotations

import html
from dataclasses import replace

from ...errors import unknown_name
from .document import Document, Passage, Section
from .palette import PALETTES, Palette
from .plain import INDENT, TextLine, tell
from .svg import draw_parts

ROOM = 80  # letters of a line
MARGIN, LETTER, LINE = 24, 8.43, 21  # pixels; the width of a letter, and the height of a line
FONT = {
    "title": "font-family='Helvetica, Arial, sans-serif' font-size='18' font-weight='bold'",
    "reason": "font-family='Helvetica, Arial, sans-serif' font-size='14.5'",
    "formula": "font-family='DejaVu Sans Mono, Menlo, Consolas, monospace' font-size='14'",
}
INK = {"title": "accent", "reason": "quiet", "formula": "ink"}
NAME = "font-family='Cambria, Georgia, serif' font-style='italic' font-size='14' text-anchor='middle'"


def write_steps(document: Document, theme: str = "light") -> tuple[str, ...]:
    """A picture for each step, in the colours for white paper or for a dark background; with the digits of slides."""
    if theme not in PALETTES:
        raise unknown_name("theme", theme, PALETTES)
    document = replace(document, view=replace(document.view, digits=document.view.on_slides))
    passages = (passage for section in document.talks for passage in section.passages)
    return tuple(_drawn(document, passage, PALETTES[theme]) for passage in passages)


def _drawn(document: Document, passage: Passage, palette: Palette) -> str:
    """The title, the first sentence, the network, and then each formula with its sentence, from top to bottom."""
    texts = _lines(document, passage)
    first = next((k for k, line in enumerate(texts) if line.kind == "formula"), len(texts))
    parts, y = [], float(MARGIN)
    for k, line in enumerate(texts):
        if k == first and passage.picture is not None:
            drawing = draw_parts(passage.picture, lambda element, kind: _painted(element, kind, palette))
            parts.append(f"<g transform='translate({MARGIN},{y + 10:g})'>{drawing.parts}</g>")
            y += drawing.height + 14
        y += LINE if k == 0 or line.kind == texts[k - 1].kind else 1.35 * LINE
        written = html.escape(line.text)
        if line.kind == "formula":
            written = written.replace(" ", "\N{NO-BREAK SPACE}")  # of several spaces SVG shows one
        parts.append(
            f"<text x='{MARGIN}' y='{y:g}' {FONT[line.kind]} {_fill(INK[line.kind], palette)}>{written}</text>"
        )
    width, height = 2 * MARGIN + LETTER * max(ROOM, *(len(line.text) for line in texts)), y + MARGIN
    said = html.escape(f"{passage.title}. {passage.picture.said}" if passage.picture else passage.title)
    size = f"width='{width:.0f}' height='{height:.0f}' viewBox='0 0 {width:.0f} {height:.0f}'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size} role='img' aria-label='{said}'>{''.join(parts)}</svg>\n"


def _lines(document: Document, passage: Passage) -> list[TextLine]:
    """Those of the one passage, as a terminal has them."""
    alone = replace(document, talks=(Section("", (passage,)),), paths=None, note="", roadmap=(), illustrated=False)
    told = list(tell(alone, room=ROOM))
    begin = next(k for k, line in enumerate(told) if line.kind == "talk") + 1
    return [TextLine(line.kind, line.text.removeprefix(INDENT)) for line in told[begin:]]


def _fill(name: str, palette: Palette) -> str:
    return f"fill='#{palette[name]}'"


def _painted(element: str, kind: str, palette: Palette) -> str:
    """The attributes of an element of the drawing."""
    accent, quiet, faint, paper = (f"#{palette[name]}" for name in ("accent", "quiet", "faint", "paper"))
    match element, kind:
        case "line", "now":
            return f"stroke='{accent}' stroke-width='2.2'"
        case "line", "way":
            return f"stroke='{accent}' stroke-width='1.3' stroke-dasharray='3 3' stroke-opacity='0.6'"
        case "line", _:
            return f"stroke='{faint}' stroke-width='1'"
        case "circle", "dots":
            return f"fill='{quiet}'"
        case "circle", "now":
            return f"fill='{accent}' stroke='{accent}' stroke-width='1.3'"
        case "circle", _:
            return f"fill='{paper}' stroke='{accent if kind == 'way' else quiet}' stroke-width='1.3'"
    return f"{NAME} {_fill({'unit': 'ink', 'inside': 'paper'}.get(kind, 'quiet'), palette)}"
