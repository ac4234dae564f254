"""Lines over numbers, and values with their intervals, as SVG or HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from .axes import (
    LARGEST,
    TOP,
    UNDRAWN,
    WIDTH,
    Scale,
    colour_of,
    dot,
    grid,
    legend,
    short,
    svg,
    x_of,
    y_of,
)

Pairs = Sequence[tuple[float, float]]


def lines(
    series: Mapping[str, Pairs],
    *,
    x_label: str,
    y_label: str,
    shares: bool = False,
    diagonal: bool = False,
    dots: bool = False,
    marks: Mapping[str, tuple[float, float]] | None = None,
    band: Sequence[tuple[float, float, float]] = (),
    names: Mapping[float, str] | None = None,
    keys: bool = True,
    label: str = "",
) -> str:
    """Lines through points (x, y) in the order in which they are given.

    ``shares``: both axes go from 0 to 1; ``diagonal``: the line on which both are equal, dashed; ``dots``: one for
    each point; ``marks``: single points with a name; ``band``: from where to where, as (x, low, high), in the colour of
    the first line; ``names``: what is written on the axis across, by its places, instead of numbers; ``keys``: whether
    the names of several lines are told; ``label``: what is shown, if not what stands on the axes.
    """
    found = [[(x, y) for x, y in pairs if abs(x) < LARGEST and abs(y) < LARGEST] for pairs in series.values()]
    marked = {name: at for name, at in (marks or {}).items() if abs(at[0]) < LARGEST and abs(at[1]) < LARGEST}
    spread = [each for each in band if all(abs(value) < LARGEST for value in each)]
    every = [pair for pairs in found for pair in pairs] + list(marked.values())
    every += [(x, y) for x, *ends in spread for y in ends]
    if not every:
        return UNDRAWN
    across, up = (Scale(0, 1) if shares else Scale(min(values), max(values)) for values in zip(*every, strict=True))
    if names is not None:
        across.ticks = list(names)
    parts = [grid(up, across, y_label, x_label, names)]
    if diagonal:
        ends = " ".join(f"{x_of(across, value):.1f},{y_of(up, value):.1f}" for value in (0, 1))
        parts.append(f"<polyline class='mark' points='{ends}'/>")
    if spread:
        around = [(x, low) for x, low, _ in spread] + [(x, high) for x, _, high in reversed(spread)]
        path = " ".join(f"{x_of(across, x):.1f},{y_of(up, y):.1f}" for x, y in around)
        parts.append(f"<polygon points='{path}' fill='{colour_of(0)}' opacity='.14'/>")
    for k, pairs in enumerate(found):
        path = " ".join(f"{x_of(across, x):.1f},{y_of(up, y):.1f}" for x, y in pairs)
        parts.append(f"<polyline points='{path}' stroke='{colour_of(k)}'/>")
        if dots or len(pairs) == 1:
            parts += [dot(x_of(across, x), y_of(up, y), colour_of(k)) for x, y in pairs]
    for name, (x, y) in marked.items():
        left, top = x_of(across, x), y_of(up, y)
        side = "end" if left > WIDTH / 2 else "start"
        place = f"x='{left + (-8 if side == 'end' else 8):.1f}' y='{max(top, TOP + 4) + 14:.1f}' text-anchor='{side}'"
        parts.append(f"<circle class='spot' cx='{left:.1f}' cy='{top:.1f}' r='4'/>")
        parts.append(f"<text class='name' {place}>{short(name, 40)}</text>")
    return legend(series) * keys + svg("".join(parts), label or f"{y_label} against {x_label}")


def ranges(
    names: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[tuple[float, float] | None],
    texts: Sequence[str],
) -> str:
    """A bar from 0 for each value, with a line for the interval around it; negative ones go to the left."""
    ends = [abs(x) < LARGEST for x in values]
    spans = [pair if pair is not None and all(abs(x) < LARGEST for x in pair) else None for pair in intervals]
    every = [0.0, *(x for x, usable in zip(values, ends, strict=True) if usable)]
    every += [x for pair in spans if pair is not None for x in pair]
    low, high = min(every), max(every)
    width = high - low or 1.0

    def place(value: float) -> float:
        return 100 * (min(max(value, low), high) - low) / width

    rows = []
    for name, value, span, text in zip(names, values, spans, texts, strict=True):
        value = value if abs(value) < LARGEST else math.copysign(0.0, 1)
        left, right = sorted((place(0), place(value)))
        inside = f"<i class='bar' style='left:{left:.2f}%;width:{right - left:.2f}%'></i>"
        if span is not None:
            start, end = place(span[0]), place(span[1])
            inside += f"<i class='span' style='left:{start:.2f}%;width:{max(end - start, 0):.2f}%'></i>"
        inside += f"<i class='zero' style='left:{place(0):.2f}%'></i>"
        rows.append(
            f"<span class='name' title='{html.escape(name, quote=True)}'>{html.escape(name)}</span>"
            f"<span class='range'>{inside}</span><span class='text'>{html.escape(text)}</span>"
        )
    return f"<div class='meters ranges'>{''.join(rows)}</div>"
