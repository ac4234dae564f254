"""Curves, matrices and points as SVG, in the colours of the page around them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 560, 260
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 14, 36
COLOURS = ["#3f6fd8", "#d9622b", "#2a9d6f", "#9a5fc4", "#c9a227", "#c2436b", "#4a9fb5", "#7a7f87"]


def curves(
    series: Mapping[str, Sequence[float | None]], *, label: str, logarithmic: bool = False, mark: int = 0
) -> str:
    """Lines over the epochs 1, 2, …; ``mark``: an epoch with a vertical line."""
    shown = {name: _places(line, logarithmic) for name, line in series.items()}
    values = [v for line in shown.values() for _, v in line]
    if not values:
        return "<p class='quiet'>no values</p>"
    low, high = min(values), max(values)
    scale = _Logarithmic(low, high) if logarithmic else _Linear(low, high)
    count = max(map(len, series.values()))
    place = _Linear(1, max(count, 2), exact=True)
    parts = [_grid(scale, place, label, "epoch")]
    if mark:
        x = _x(place, mark)
        parts.append(f"<line class='mark' x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{HEIGHT - BOTTOM}'/>")
    for k, points in enumerate(shown.values()):
        step = max(1, len(points) // 800)
        path = " ".join(f"{_x(place, n):.1f},{_y(scale, v):.1f}" for n, v in points[::step])
        parts.append(f"<polyline points='{path}' stroke='{COLOURS[k % len(COLOURS)]}'/>")
    return _legend(list(series)) + _svg("".join(parts), HEIGHT, label)


def points(x: Sequence[float], y: Sequence[float], *, x_label: str, y_label: str) -> str:
    """Points with the diagonal on which they would be equal."""
    low, high = min(*x, *y), max(*x, *y)
    across, up = _Linear(low, high), _Linear(low, high)
    step = max(1, len(x) // 1500)
    dots = "".join(
        f"<circle cx='{_x(across, a):.1f}' cy='{_y(up, b):.1f}' r='2.4'/>"
        for a, b in zip(x[::step], y[::step], strict=True)
    )
    ends = (across.low, across.high)
    diagonal = " ".join(f"{_x(across, v):.1f},{_y(up, v):.1f}" for v in ends)
    line = f"<polyline class='mark' points='{diagonal}'/>"
    return _svg(
        _grid(up, across, y_label, x_label) + line + f"<g fill='{COLOURS[0]}' opacity='.55'>{dots}</g>", HEIGHT, y_label
    )


def matrix(counts: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """A confusion matrix: rows are the truth, columns what was predicted."""
    size = max(22, min(54, 460 // len(names)))
    left, top = 12 + 7 * min(18, max(map(len, names))), 26
    cells = []
    for i, row in enumerate(counts):
        y, total = top + i * size, sum(row) or 1
        cells.append(_word(left - 8, y + size / 2 + 4, _short(names[i], 18), "end"))
        for j, count in enumerate(row):
            share, x = count / total, left + j * size
            colour, strength = COLOURS[0 if i == j else 1], 0.07 + 0.85 * share
            cells.append(f"<rect x='{x}' y='{y}' width='{size - 2}' height='{size - 2}' fill='{colour}' ")
            cells.append(f"opacity='{strength:.2f}'/>")
            if count:
                kind = "on" if share > 0.5 else "off"
                cells.append(_word(x + size / 2 - 1, y + size / 2 + 4, str(count), "middle", kind))
    for j, name in enumerate(names):
        cells.append(_word(left + j * size + size / 2, top - 8, _short(name, max(3, size // 7)), "middle"))
    width, height = left + size * len(names) + 8, top + size * len(names) + 4
    start = f"<svg viewBox='0 0 {width} {height}' style='max-width:{width}px' role='img' aria-label='confusion matrix'>"
    return start + "".join(cells) + "</svg>"


def _word(x: float, y: float, text: str, anchor: str, kind: str = "name") -> str:
    return f"<text class='{kind}' x='{x:.0f}' y='{y:.0f}' text-anchor='{anchor}'>{text}</text>"


class _Linear:
    def __init__(self, low: float, high: float, exact: bool = False) -> None:
        spread = high - low or abs(high) or 1.0
        self.low, self.high = (low, high) if exact else (low - 0.04 * spread, high + 0.04 * spread)
        if self.high == self.low:
            self.high = self.low + 1
        size = 10 ** math.floor(math.log10((self.high - self.low) / 4))
        step = next(size * m for m in (1, 2, 5, 10) if (self.high - self.low) / (size * m) <= 6)
        step = max(step, 1) if exact else step
        first = math.ceil(self.low / step)
        self.ticks = [k * step for k in range(first, math.floor(self.high / step) + 1)]

    def share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)


class _Logarithmic:
    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = math.log10(low) - 0.05, math.log10(high) + 0.05
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        fine = len(powers) <= 3
        ticks = [10.0**p * m for p in powers for m in ((1, 2, 3, 5, 7) if fine else (1,))]
        shown = [t for t in ticks if 0 <= self.share(t) <= 1]
        self.ticks = shown[:: max(1, math.ceil(len(shown) / 7))]

    def share(self, value: float) -> float:
        return (math.log10(value) - self.low) / (self.high - self.low)


def _places(line: Sequence[float | None], logarithmic: bool) -> list[tuple[int, float]]:
    """Epochs with their values, where there are some that can be drawn."""
    present = [(n, v) for n, v in enumerate(line, start=1) if v is not None and math.isfinite(v)]
    return [(n, v) for n, v in present if v > 0 or not logarithmic]


def _x(scale: _Linear, value: float) -> float:
    return LEFT + scale.share(value) * (WIDTH - LEFT - RIGHT)


def _y(scale: _Linear | _Logarithmic, value: float) -> float:
    return HEIGHT - BOTTOM - scale.share(value) * (HEIGHT - TOP - BOTTOM)


def _grid(up: _Linear | _Logarithmic, across: _Linear, y_label: str, x_label: str) -> str:
    lines = []
    for tick in up.ticks:
        y = _y(up, tick)
        lines.append(f"<line class='grid' x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}'/>")
        lines.append(f"<text x='{LEFT - 7}' y='{y + 4:.1f}' text-anchor='end'>{tick:.4g}</text>")
    for tick in across.ticks:
        lines.append(
            f"<text x='{_x(across, tick):.1f}' y='{HEIGHT - BOTTOM + 16}' text-anchor='middle'>{tick:.4g}</text>"
        )
    lines.append(
        f"<text class='name' x='{WIDTH - RIGHT}' y='{HEIGHT - 4}' text-anchor='end'>{html.escape(x_label)}</text>"
    )
    lines.append(f"<text class='name' x='2' y='{TOP - 3}'>{html.escape(y_label)}</text>")
    return "".join(lines)


def _legend(names: list[str]) -> str:
    keys = (
        f"<span><i style='background:{COLOURS[k % len(COLOURS)]}'></i>{html.escape(name)}</span>"
        for k, name in enumerate(names)
    )
    return f"<div class='legend'>{''.join(keys)}</div>"


def _svg(inside: str, height: int, label: str) -> str:
    return (
        f"<svg viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{html.escape(label, quote=True)}'>{inside}</svg>"
    )


def _short(name: str, most: int) -> str:
    return html.escape(name if len(name) <= most else name[: most - 1] + "…")
