"""Filled contours of a function on a grid, with a line at each level, as parts of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .axes import COLOURS, tick_text
from .picture import TOP, Picture

CELLS = 110  # of the fill, along each axis
LEAST, MOST = 0.04, 0.72  # opacity of the lowest and of the highest band
TENTHS = "transform='scale(.1)'"  # paths of many points are written in tenths of a pixel, as whole numbers
SEAM = 6  # tenths, by which rows of the fill overlap, so that no gap is seen between them
BAR = 16  # the width of the scale beside the plot


def draw_contours(picture: Picture, x: np.ndarray, y: np.ndarray, values: np.ndarray, levels: Sequence[float]) -> None:
    """Bands between the levels, the higher the stronger, their borders, and a scale; blank where nothing is finite.

    The bands follow the values between the points of the grid, interpolated on a logarithmic scale if all are above 0.
    """
    finite = np.isfinite(values)
    logarithmic = bool(finite.any() and values[finite].min() > 0)
    heights = np.where(finite, values, np.nan)
    heights = np.log(heights) if logarithmic else heights
    steps = np.log(levels) if logarithmic and len(levels) else np.array(levels)
    _fill(picture, x, y, heights, steps)
    for step in steps:
        segments = isoline(x, y, heights, float(step))
        places = [
            (*_tenths(picture.x(a), picture.y(b)), *_tenths(picture.x(c), picture.y(d))) for a, b, c, d in segments
        ]
        path = "".join(f"M{a} {b}l{c - a} {d - b}" for a, b, c, d in places)
        look = f"fill='none' stroke='{COLOURS[0]}' stroke-width='9' stroke-opacity='.75' stroke-linecap='round'"
        picture.parts.append(f"<path {TENTHS} d='{path}' {look}/>")
    _scale(picture, levels)


def isoline(x: np.ndarray, y: np.ndarray, heights: np.ndarray, level: float) -> np.ndarray:
    """The line of a level as pieces (x, y, x, y), (n, 4): each cell of the grid is cut into two triangles.

    A triangle has two sides that cross the level, or none, so there is nothing to choose. No piece lies in a triangle
    with a corner that is not finite.

    >>> isoline(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([[0.0, 1.0], [0.0, 1.0]]), 0.25)
    array([[0.25, 0.  , 0.25, 0.25],
           [0.25, 1.  , 0.25, 0.25]])
    """
    across, up = np.meshgrid(x, y)
    points = np.stack([across, up, heights], axis=-1)
    low_left, low_right, high_left, high_right = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    pieces = []
    for corners in ((low_left, low_right, high_right), (low_left, high_left, high_right)):
        triangle = np.stack(corners, axis=-2).reshape(-1, 3, 3)
        triangle = triangle[np.isfinite(triangle[:, :, 2]).all(axis=1)]
        above = triangle[:, :, 2] >= level
        crossing = above != np.roll(above, -1, axis=1)  # of the side from each corner to the next
        kept = crossing.any(axis=1)
        triangle, crossing = triangle[kept], crossing[kept]
        start, end = triangle, np.roll(triangle, -1, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):  # of sides that do not cross
            share = (level - start[:, :, 2]) / (end[:, :, 2] - start[:, :, 2])
            at = start[:, :, :2] + share[:, :, None] * (end[:, :, :2] - start[:, :, :2])
        pieces.append(at[crossing].reshape(-1, 4))
    return np.concatenate(pieces)


def _fill(picture: Picture, x: np.ndarray, y: np.ndarray, heights: np.ndarray, steps: np.ndarray) -> None:
    """Rows of rectangles, one for each stretch within one band; those of a band are one path."""
    fine = _finer(_finer(heights, CELLS).T, CELLS).T
    bands = np.where(np.isfinite(fine), np.searchsorted(steps, fine, side="right"), -1)
    paths: dict[int, list[str]] = {}
    left, top = picture.x(x[0]), picture.y(y[-1])
    wide, tall = (picture.x(x[-1]) - left) / CELLS, (picture.y(y[0]) - top) / CELLS
    for j, row in enumerate(bands[::-1]):  # the picture begins above
        seam = SEAM if j < CELLS - 1 else 0
        starts = np.flatnonzero(np.diff(row, prepend=-2))
        for start, end in zip(starts, [*starts[1:], CELLS], strict=True):
            (x0, y0), (x1, y1) = (_tenths(left + k * wide, top + n * tall) for k, n in ((start, j), (end, j + 1)))
            paths.setdefault(int(row[start]), []).append(f"M{x0} {y0}h{x1 - x0}v{y1 - y0 + seam}h{x0 - x1}")
    for band, pieces in sorted(paths.items()):
        if band >= 0:
            look = f"fill='{COLOURS[0]}' fill-opacity='{_opacity(band, len(steps)):.3f}' shape-rendering='crispEdges'"
            picture.parts.append(f"<path {TENTHS} d='{''.join(pieces)}' {look}/>")


def _finer(rows: np.ndarray, count: int) -> np.ndarray:
    """Each row at the middle of so many cells between its ends, interpolated; NaN beside NaN."""
    at = (np.arange(count) + 0.5) / count * (rows.shape[1] - 1)
    before = np.minimum(at.astype(int), rows.shape[1] - 2)
    share = at - before
    return rows[:, before] * (1 - share) + rows[:, before + 1] * share


def _tenths(x: float, y: float) -> tuple[int, int]:
    return round(10 * x), round(10 * y)


def _opacity(band: int, last: int) -> float:
    return LEAST + (MOST - LEAST) * band / max(last, 1)


def _scale(picture: Picture, levels: Sequence[float]) -> None:
    """The bands, one above the other, with the level at each border."""
    left, bottom = picture.end + 12, picture.bottom
    tall = (bottom - TOP) / (len(levels) + 1)
    for band in range(len(levels) + 1):
        place = f"x='{left}' y='{bottom - (band + 1) * tall:.1f}' width='{BAR}' height='{tall:.2f}'"
        fill = f"fill='{COLOURS[0]}' fill-opacity='{_opacity(band, len(levels)):.3f}' shape-rendering='crispEdges'"
        picture.parts.append(f"<rect {place} {fill}/>")
        if band < len(levels):
            picture.text(left + BAR + 5, bottom - (band + 1) * tall + 4, tick_text(levels[band]), "start", quiet=True)
