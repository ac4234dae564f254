"""What every plot has: the measure of its axes, its grid, its colours and its frame, as SVG."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping

WIDTH, HEIGHT = 560, 264
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 24, 36
COLOURS = ["#3f6fd8", "#d9622b", "#2a9d6f", "#9a5fc4", "#c9a227", "#c2436b", "#4a9fb5", "#7a7f87"]
LARGEST, SMALLEST = 1e307, 1e-300  # larger numbers are not drawn; an axis is not shorter than the second
UNDRAWN = "<p class='quiet'>no number that can be drawn</p>"


class Scale:
    """From the numbers of an axis to shares of its length; ``ticks``: the numbers that are written beside it.

    ``logarithmic``: if the range is wide; ``whole``: from the first to the last whole number; ``floor``: from exactly
    ``low``; ``ceiling``: to exactly ``high``.
    """

    measure: Callable[[float], float]
    low: float
    high: float
    ticks: list[float]

    def __init__(
        self,
        low: float,
        high: float,
        *,
        logarithmic: bool = False,
        whole: bool = False,
        floor: bool = False,
        ceiling: bool = False,
    ) -> None:
        self.measure = math.log10 if logarithmic and high > 4 * low else float
        if self.measure is float:
            spread = max(high - low or abs(high) or 1.0, SMALLEST)
            self.low = low if whole or floor else low - 0.04 * spread
            self.high = high if whole or ceiling else high + 0.04 * spread
            size = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
            step = next(size * m for m in (1, 2, 5, 10, 20) if (self.high - self.low) / (size * m) <= 6)
            step = max(step, 1) if whole else step
            first, last = math.ceil(self.low / step), math.floor(self.high / step)
            self.ticks = [k * step for k in range(first, last + 1)]
        else:
            self.low, self.high = math.log10(low) - 0.05, math.log10(high) + 0.05
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            factors = (1, 1.5, 2, 3, 5, 7) if len(powers) <= 2 else (1, 2, 5) if len(powers) <= 4 else (1,)
            ticks = [10.0**power * m for power in powers for m in factors]
            shown = [tick for tick in ticks if tick > 0 and 0 <= self.share(tick) <= 1]
            self.ticks = shown[:: math.ceil(len(shown) / 8) or 1]

    def share(self, value: float) -> float:
        """How far along the axis a value lies, from 0 to 1."""
        return (self.measure(value) - self.low) / (self.high - self.low)


def colour_of(k: int) -> str:
    """Of the line number k, from 0; after eight the colours begin again."""
    return COLOURS[k % len(COLOURS)]


def x_of(scale: Scale, value: float) -> float:
    """Where a value lies across the picture."""
    return LEFT + scale.share(value) * (WIDTH - LEFT - RIGHT)


def y_of(scale: Scale, value: float) -> float:
    """Where a value lies on the way down the picture."""
    return HEIGHT - BOTTOM - scale.share(value) * (HEIGHT - TOP - BOTTOM)


def dot(x: float, y: float, colour: str = "") -> str:
    """A point, in the colour of what is around it if none is given."""
    fill = f" fill='{colour}'" if colour else ""
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.4'{fill}/>"


def grid(up: Scale, across: Scale, y_label: str, x_label: str, names: Mapping[float, str] | None = None) -> str:
    """The lines of the ticks, and what is written beside both axes; ``names``: of ticks, instead of their numbers."""
    parts = []
    for tick in up.ticks:
        y = y_of(up, tick)
        parts.append(f"<line class='grid' x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}'/>")
        parts.append(f"<text x='{LEFT - 7}' y='{y + 4:.1f}' text-anchor='end'>{tick_text(tick)}</text>")
    for tick in across.ticks:
        x = x_of(across, tick)
        anchor = "end" if names is not None and x > WIDTH - 60 else "middle"  # a name is longer than a number
        place = f"x='{x:.1f}' y='{HEIGHT - BOTTOM + 16}' text-anchor='{anchor}'"
        parts.append(f"<text {place}>{tick_text(tick) if names is None else short(names[tick], 24)}</text>")
    end = f"x='{WIDTH - RIGHT}' y='{HEIGHT - 4}'"
    parts.append(f"<text class='name' {end} text-anchor='end'>{short(x_label, 60)}</text>")
    parts.append(f"<text class='name' x='2' y='{TOP - 12}'>{short(y_label, 60)}</text>")
    return "".join(parts)


def tick_text(value: float) -> str:
    """A number beside an axis, in few letters.

    >>> tick_text(0.25), tick_text(4e7), tick_text(-2e-5), tick_text(1e300)
    ('0.25', '4e7', '-2e-5', '1e300')
    """
    digits, _, power = f"{value:.4g}".partition("e")
    return f"{digits}e{int(power)}" if power else digits


def mark_at(x: float) -> str:
    """A dashed line from the top to the bottom."""
    return f"<line class='mark' x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{HEIGHT - BOTTOM}'/>"


def legend(lines: Mapping[str, object]) -> str:
    """The names of several lines, with their colours."""
    keys = [
        f"<span><i style='background:{colour_of(k)}'></i>{html.escape(name)}</span>" for k, name in enumerate(lines)
    ]
    return f"<div class='legend'>{''.join(keys)}</div>" if len(keys) > 1 else ""


def svg(inside: str, label: str) -> str:
    """The picture around its parts; ``label``: what it shows, for those who do not see it."""
    name = html.escape(label, quote=True)
    return f"<svg class='plot' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{name}'>{inside}</svg>"


def short(name: str, most: int) -> str:
    """A name as HTML, cut behind so many letters."""
    return html.escape(name if len(name) <= most else name[: most - 1] + "…")
