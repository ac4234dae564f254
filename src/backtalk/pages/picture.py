"""A plot that stands alone, to paste anywhere: every colour and font stands at its element, and no style is needed."""

from __future__ import annotations

import html
from collections.abc import Iterable

from ..errors import unknown_name
from .axes import Scale, tick_text

INKS = {"light": "#1d2430", "dark": "#e8eaee"}
OF_NOTEBOOK = "currentColor"  # the notebook's own, light or dark
LEFT, TOP, BOTTOM, SIZE = 52, 26, 40, 12
QUIET = 0.68  # opacity of what is less than the curves


def ink_of(theme: str) -> str:
    """The colour of text on white paper, or on dark."""
    if theme not in INKS:
        raise unknown_name("theme", theme, INKS)
    return INKS[theme]


class Picture:
    """A plot of two axes. ``ink``: the colour of its text; ``right``: the room beside it, ``below`` for keys."""

    across: Scale
    up: Scale
    ink: str
    width: int
    height: int
    end: int
    bottom: int
    parts: list[str]

    def __init__(
        self,
        across: Scale,
        up: Scale,
        ink: str,
        *,
        width: int = 560,
        height: int = 400,
        right: int = 14,
        below: int = 0,
    ) -> None:
        self.across, self.up, self.ink = across, up, ink
        self.width, self.height = width, height + below
        self.end, self.bottom = width - right, height - BOTTOM
        self.parts = []

    def x(self, value: float) -> float:
        """Where a value lies across."""
        return LEFT + self.across.share(value) * (self.end - LEFT)

    def y(self, value: float) -> float:
        """Where a value lies on the way down."""
        return self.bottom - self.up.share(value) * (self.bottom - TOP)

    def axes(self, x_label: str, y_label: str) -> None:
        """The frame, the ticks and the names of the axes."""
        frame = f"x='{LEFT}' y='{TOP}' width='{self.end - LEFT}' height='{self.bottom - TOP}'"
        self.parts.append(f"<rect {frame} fill='none' stroke='{self.ink}' stroke-opacity='.35'/>")
        for tick in self.across.ticks:
            self.text(self.x(tick), self.bottom + 16, tick_text(tick), "middle", quiet=True)
        for tick in self.up.ticks:
            self.text(LEFT - 7, self.y(tick) + 4, tick_text(tick), "end", quiet=True)
        self.text(self.end, self.bottom + 33, x_label, "end")
        self.text(4, TOP - 10, y_label, "start")

    def text(self, x: float, y: float, text: str, anchor: str, *, quiet: bool = False) -> None:
        """Text at a place of the picture."""
        look = f"fill='{self.ink}' fill-opacity='{QUIET if quiet else 1}' text-anchor='{anchor}'"
        font = f"font-family='system-ui, sans-serif' font-size='{SIZE}'"
        self.parts.append(f"<text x='{x:.1f}' y='{y:.1f}' {look} {font}>{html.escape(text)}</text>")

    def line(
        self,
        points: Iterable[tuple[float, float]],
        colour: str,
        *,
        width: float = 1.8,
        dash: str = "",
        opacity: float = 1,
    ) -> None:
        """A line through points of the plot."""
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        look = (
            f"fill='none' stroke='{colour}' stroke-width='{width}' stroke-opacity='{opacity}' stroke-linejoin='round'"
        )
        dashed = f" stroke-dasharray='{dash}'" if dash else ""
        self.parts.append(f"<polyline points='{path}' {look}{dashed}/>")

    def dot(self, x: float, y: float, colour: str, *, radius: float = 4, hollow: bool = False) -> None:
        """A point of the plot."""
        fill = "none" if hollow else colour
        place = f"cx='{self.x(x):.1f}' cy='{self.y(y):.1f}' r='{radius}'"
        self.parts.append(f"<circle {place} fill='{fill}' stroke='{colour}' stroke-width='1.8'/>")

    def key(self, row: int, text: str, colour: str, *, dash: str = "", opacity: float = 1) -> None:
        """What a line means, below the plot; ``row`` from 0."""
        y = self.bottom + 54 + 18 * row
        look = f"stroke='{colour}' stroke-width='2.4' stroke-opacity='{opacity}'"
        dashed = f" stroke-dasharray='{dash}'" if dash else ""
        self.parts.append(f"<line x1='{LEFT}' x2='{LEFT + 22}' y1='{y - 4}' y2='{y - 4}' {look}{dashed}/>")
        self.text(LEFT + 30, y, text, "start")

    def svg(self, label: str) -> str:
        """The whole; ``label``: what it shows, for those who do not see it."""
        size = f"viewBox='0 0 {self.width} {self.height}' width='{self.width}'"
        said = f"role='img' aria-label='{html.escape(label, quote=True)}'"
        alone = "" if self.ink == OF_NOTEBOOK else "xmlns='http://www.w3.org/2000/svg' "  # a page knows SVG without
        return f"<svg {alone}class='plot' {size} {said}>{''.join(self.parts)}</svg>"


def rows_below(count: int) -> int:
    """The room that so many rows of keys take."""
    return 18 * count + 10 if count else 0
