"""Curves, matrices, points and bars as SVG or HTML, in the colours of the page around them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 560, 264
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 24, 36
COLOURS = ["#3f6fd8", "#d9622b", "#2a9d6f", "#9a5fc4", "#c9a227", "#c2436b", "#4a9fb5", "#7a7f87"]
MOST_POINTS = 800  # of a curve
MOST_DOTS = 1500
BARS = 31
LARGEST, SMALLEST = 1e307, 1e-300  # larger numbers are not drawn; an axis is not shorter than the second
UNDRAWN = "<p class='quiet'>no number that can be drawn</p>"


def curves(
    series: Mapping[str, Sequence[float | None]],
    *,
    label: str,
    logarithmic: bool = False,
    share: bool = False,
    mark: int | None = None,
    over: str = "epoch",
    first: int = 1,
) -> str:
    """Lines over the epochs 1, 2, …; ``share``: from 0 to 1; ``mark``: an epoch with a vertical line.

    ``over``: what they go over, if not epochs, from the number ``first``; then every value has a dot.
    """
    least = 0 if logarithmic else -LARGEST
    found = [
        [(n, value) for n, value in enumerate(line, start=first) if value is not None and least < value < LARGEST]
        for line in series.values()
    ]
    values = [value for line in found for _, value in line]
    if not values:
        return "<p class='quiet'>nothing was measured</p>"
    low, high = (0, 1) if share else (min(values), max(values))
    scale = _Scale(low, high, logarithmic=logarithmic)
    longest = max(map(len, series.values()))
    across = _Scale(first, first + max(1, longest - 1), whole=True)
    parts = [_grid(scale, across, label, over)]
    if mark:
        parts.append(_mark(_x(across, mark)))
    for k, line in enumerate(found):
        shown = [*line[:: math.ceil(len(line) / MOST_POINTS) or 1], *line[-1:]]
        path = " ".join(f"{_x(across, n):.1f},{_y(scale, value):.1f}" for n, value in shown)
        parts.append(f"<polyline points='{path}' stroke='{_colour(k)}'/>")
        if len(line) == 1 or over != "epoch":
            parts += [_dot(_x(across, n), _y(scale, value), _colour(k)) for n, value in dict.fromkeys(shown)]
    return _legend(series) + _svg("".join(parts), label)


def points(x: Sequence[float], y: Sequence[float], *, x_label: str, y_label: str) -> str:
    """Points with the diagonal on which they would be equal; of very many, some, at even distances."""
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if abs(a) < LARGEST and abs(b) < LARGEST]
    if not pairs:
        return UNDRAWN
    x, y = zip(*pairs, strict=True)
    scale = _Scale(min(min(x), min(y)), max(max(x), max(y)))
    step = math.ceil(len(x) / MOST_DOTS)
    dots = "".join(_dot(_x(scale, a), _y(scale, b)) for a, b in zip(x[::step], y[::step], strict=True))
    diagonal = " ".join(f"{_x(scale, value):.1f},{_y(scale, value):.1f}" for value in (scale.low, scale.high))
    line = f"<polyline class='mark' points='{diagonal}'/>"
    group = f"<g fill='{COLOURS[0]}' opacity='{0.6 if len(x) < 300 else 0.3}'>{dots}</g>"
    return _svg(_grid(scale, scale, y_label, x_label) + line + group, f"{y_label} against {x_label}")


def bars(values: Sequence[float], *, label: str, logarithmic: bool = False) -> str:
    """How often values fall into equal parts of their range; 0 is marked.

    ``logarithmic``: parts of equal factors, if the range is wide; all values are above 0.
    """
    values = [value for value in values if abs(value) < LARGEST]
    if not values:
        return UNDRAWN
    low, high = min(values), max(values)
    across = _Scale(low, high, logarithmic=logarithmic)
    start, end = across.share(low), across.share(high)
    if not (end - start) / BARS > 0:  # all are one number, as far as the axis can tell
        start, end = 0.0, 1.0
    width = (end - start) / BARS
    counts = [0] * BARS
    for value in values:
        counts[min(BARS - 1, int((across.share(value) - start) / width))] += 1
    up = _Scale(0, max(counts), floor=True)
    parts = [_grid(up, across, "rows", label)]
    for k, count in enumerate(counts):
        left, right = (LEFT + (start + n * width) * (WIDTH - LEFT - RIGHT) for n in (k, k + 1))
        top = _y(up, count)
        size = f"width='{max(right - left - 1, 0.5):.1f}' height='{_y(up, 0) - top:.1f}'"
        parts.append(f"<rect x='{left:.1f}' y='{top:.1f}' {size} fill='{COLOURS[0]}' opacity='.75'/>")
    if low < 0 < high:
        parts.append(_mark(_x(across, 0)))
    return _svg("".join(parts), label)


def meters(names: Sequence[str], parts: Mapping[str, Sequence[float]], texts: Sequence[str], *, full: float) -> str:
    """One bar for each name, of parts that lie end to end; ``full`` fills it. A text stands behind each."""
    rows = []
    for n, (name, text) in enumerate(zip(names, texts, strict=True)):
        shares = [values[n] / full if full else 0.0 for values in parts.values()]
        lengths = [min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0 for share in shares]
        pieces = "".join(
            f"<i style='width:{100 * length:.2f}%;background:{_colour(k)}'></i>" for k, length in enumerate(lengths)
        )
        rows.append(
            f"<span class='name'>{html.escape(name)}</span><span class='track'>{pieces}</span>"
            f"<span class='text'>{html.escape(text)}</span>"
        )
    return f"{_legend(parts)}<div class='meters'>{''.join(rows)}</div>"


def matrix(counts: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """A confusion matrix: rows are the truth, columns what was predicted; stronger is a larger share of the row."""
    size = max(24, min(72, 400 // len(names)))
    left, top = 14 + 7 * min(18, max(map(len, names))), 26
    parts = []
    for i, row in enumerate(counts):
        total, y = sum(row) or 1, top + i * size
        middle = f"y='{y + size / 2 + 3:.0f}'"
        parts.append(f"<text class='name' x='{left - 8}' {middle} text-anchor='end'>{_short(names[i], 18)}</text>")
        for j, count in enumerate(row):
            share, x = count / total, left + j * size
            square = f"x='{x}' y='{y}' width='{size - 2}' height='{size - 2}' rx='3'"
            colour = COLOURS[0] if i == j else COLOURS[1]
            parts.append(f"<rect {square} fill='{colour}' opacity='{0.06 + 0.86 * share:.2f}'/>")
            if count:
                kind = "on" if share > 0.5 else "name"
                parts.append(
                    f"<text class='{kind}' x='{x + size / 2 - 1:.0f}' {middle} text-anchor='middle'>{count}</text>"
                )
    for j, name in enumerate(names):
        place = f"x='{left + j * size + size / 2 - 1:.0f}' y='{top - 8}'"
        parts.append(f"<text class='name' {place} text-anchor='middle'>{_short(name, max(3, size // 7))}</text>")
    width, height = left + size * len(names) + 8, top + size * len(names) + 4
    view = f"viewBox='0 0 {width} {height}' style='max-width:{width}px'"
    return f"<svg {view} role='img' aria-label='confusion matrix'>{''.join(parts)}</svg>"


class _Scale:
    """From the numbers of an axis to shares of its length; ``ticks``: the numbers that are written beside it.

    ``logarithmic``: if the range is wide; ``whole``: from the first to the last whole number; ``floor``: from exactly
    ``low``.
    """

    def __init__(
        self, low: float, high: float, *, logarithmic: bool = False, whole: bool = False, floor: bool = False
    ) -> None:
        self.measure = math.log10 if logarithmic and high > 4 * low else float
        if self.measure is float:
            spread = max(high - low or abs(high) or 1.0, SMALLEST)
            self.low = low if whole or floor else low - 0.04 * spread
            self.high = high if whole else high + 0.04 * spread
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
        return (self.measure(value) - self.low) / (self.high - self.low)


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]


def _x(scale: _Scale, value: float) -> float:
    return LEFT + scale.share(value) * (WIDTH - LEFT - RIGHT)


def _y(scale: _Scale, value: float) -> float:
    return HEIGHT - BOTTOM - scale.share(value) * (HEIGHT - TOP - BOTTOM)


def _dot(x: float, y: float, colour: str = "") -> str:
    fill = f" fill='{colour}'" if colour else ""
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.4'{fill}/>"


def _grid(up: _Scale, across: _Scale, y_label: str, x_label: str) -> str:
    parts = []
    for tick in up.ticks:
        y = _y(up, tick)
        parts.append(f"<line class='grid' x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}'/>")
        parts.append(f"<text x='{LEFT - 7}' y='{y + 4:.1f}' text-anchor='end'>{tick:.4g}</text>")
    for tick in across.ticks:
        place = f"x='{_x(across, tick):.1f}' y='{HEIGHT - BOTTOM + 16}'"
        parts.append(f"<text {place} text-anchor='middle'>{tick:.4g}</text>")
    end = f"x='{WIDTH - RIGHT}' y='{HEIGHT - 4}'"
    parts.append(f"<text class='name' {end} text-anchor='end'>{_short(x_label, 60)}</text>")
    parts.append(f"<text class='name' x='2' y='{TOP - 12}'>{_short(y_label, 60)}</text>")
    return "".join(parts)


def _mark(x: float) -> str:
    return f"<line class='mark' x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{HEIGHT - BOTTOM}'/>"


def _legend(lines: Mapping[str, object]) -> str:
    """The names of several lines, with their colours."""
    keys = [f"<span><i style='background:{_colour(k)}'></i>{html.escape(name)}</span>" for k, name in enumerate(lines)]
    return f"<div class='legend'>{''.join(keys)}</div>" if len(keys) > 1 else ""


def _svg(inside: str, label: str) -> str:
    name = html.escape(label, quote=True)
    return f"<svg class='plot' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{name}'>{inside}</svg>"


def _short(name: str, most: int) -> str:
    return html.escape(name if len(name) <= most else name[: most - 1] + "…")
