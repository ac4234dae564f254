"""Curves, matrices, points and bars as SVG or HTML, in the colours of the page around them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from .axes import (
    COLOURS,
    LARGEST,
    LEFT,
    RIGHT,
    UNDRAWN,
    WIDTH,
    Scale,
    colour_of,
    dot,
    grid,
    legend,
    mark_at,
    short,
    svg,
    x_of,
    y_of,
)

MOST_POINTS = 800  # of a curve
MOST_DOTS = 1500
BARS = 31


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
    scale = Scale(low, high, logarithmic=logarithmic)
    longest = max(map(len, series.values()))
    across = Scale(first, first + max(1, longest - 1), whole=True)
    parts = [grid(scale, across, label, over)]
    if mark:
        parts.append(mark_at(x_of(across, mark)))
    for k, line in enumerate(found):
        shown = [*line[:: math.ceil(len(line) / MOST_POINTS) or 1], *line[-1:]]
        path = " ".join(f"{x_of(across, n):.1f},{y_of(scale, value):.1f}" for n, value in shown)
        parts.append(f"<polyline points='{path}' stroke='{colour_of(k)}'/>")
        if len(line) == 1 or over != "epoch":
            parts += [dot(x_of(across, n), y_of(scale, value), colour_of(k)) for n, value in dict.fromkeys(shown)]
    return legend(series) + svg("".join(parts), label)


def points(x: Sequence[float], y: Sequence[float], *, x_label: str, y_label: str) -> str:
    """Points with the diagonal on which they would be equal; of very many, some, at even distances."""
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if abs(a) < LARGEST and abs(b) < LARGEST]
    if not pairs:
        return UNDRAWN
    x, y = zip(*pairs, strict=True)
    scale = Scale(min(min(x), min(y)), max(max(x), max(y)))
    step = math.ceil(len(x) / MOST_DOTS)
    dots = "".join(dot(x_of(scale, a), y_of(scale, b)) for a, b in zip(x[::step], y[::step], strict=True))
    diagonal = " ".join(f"{x_of(scale, value):.1f},{y_of(scale, value):.1f}" for value in (scale.low, scale.high))
    line = f"<polyline class='mark' points='{diagonal}'/>"
    group = f"<g fill='{COLOURS[0]}' opacity='{0.6 if len(x) < 300 else 0.3}'>{dots}</g>"
    return svg(grid(scale, scale, y_label, x_label) + line + group, f"{y_label} against {x_label}")


def bars(values: Sequence[float], *, label: str, logarithmic: bool = False) -> str:
    """How often values fall into equal parts of their range; 0 is marked.

    ``logarithmic``: parts of equal factors, if the range is wide; all values are above 0.
    """
    values = [value for value in values if abs(value) < LARGEST]
    if not values:
        return UNDRAWN
    low, high = min(values), max(values)
    across = Scale(low, high, logarithmic=logarithmic)
    start, end = across.share(low), across.share(high)
    if not (end - start) / BARS > 0:  # all are one number, as far as the axis can tell
        start, end = 0.0, 1.0
    width = (end - start) / BARS
    counts = [0] * BARS
    for value in values:
        counts[min(BARS - 1, int((across.share(value) - start) / width))] += 1
    up = Scale(0, max(counts), floor=True)
    parts = [grid(up, across, "rows", label)]
    for k, count in enumerate(counts):
        left, right = (LEFT + (start + n * width) * (WIDTH - LEFT - RIGHT) for n in (k, k + 1))
        top = y_of(up, count)
        size = f"width='{max(right - left - 1, 0.5):.1f}' height='{y_of(up, 0) - top:.1f}'"
        parts.append(f"<rect x='{left:.1f}' y='{top:.1f}' {size} fill='{COLOURS[0]}' opacity='.75'/>")
    if low < 0 < high:
        parts.append(mark_at(x_of(across, 0)))
    return svg("".join(parts), label)


def meters(
    names: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    texts: Sequence[str],
    *,
    full: float,
    keys: bool = True,
) -> str:
    """One bar for each name, of parts that lie end to end; ``full`` fills it. A text stands behind each.

    ``keys``: whether the names of the parts are told.
    """
    rows = []
    for n, (name, text) in enumerate(zip(names, texts, strict=True)):
        shares = [values[n] / full if full else 0.0 for values in parts.values()]
        lengths = [min(1.0, max(0.0, share)) if math.isfinite(share) else 0.0 for share in shares]
        pieces = "".join(
            f"<i style='width:{100 * length:.2f}%;background:{colour_of(k)}'></i>" for k, length in enumerate(lengths)
        )
        rows.append(
            f"<span class='name'>{html.escape(name)}</span><span class='track'>{pieces}</span>"
            f"<span class='text'>{html.escape(text)}</span>"
        )
    return f"{legend(parts) * keys}<div class='meters'>{''.join(rows)}</div>"


def matrix(counts: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """A confusion matrix: rows are the truth, columns what was predicted; stronger is a larger share of the row."""
    size = max(24, min(72, 400 // len(names)))
    left, top = 14 + 7 * min(18, max(map(len, names))), 26
    parts = []
    for i, row in enumerate(counts):
        total, y = sum(row) or 1, top + i * size
        middle = f"y='{y + size / 2 + 3:.0f}'"
        parts.append(f"<text class='name' x='{left - 8}' {middle} text-anchor='end'>{short(names[i], 18)}</text>")
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
        parts.append(f"<text class='name' {place} text-anchor='middle'>{short(name, max(3, size // 7))}</text>")
    width, height = left + size * len(names) + 8, top + size * len(names) + 4
    view = f"viewBox='0 0 {width} {height}' style='max-width:{width}px'"
    return f"<svg {view} role='img' aria-label='confusion matrix'>{''.join(parts)}</svg>"
