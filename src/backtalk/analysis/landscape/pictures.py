"""Planes and lines as text, as SVG, and as a notebook shows them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...pages.axes import COLOURS, Scale
from ...pages.contours import draw_contours
from ...pages.picture import OF_NOTEBOOK, Picture, ink_of, rows_below
from ...pages.view import Cell, rows_table, sentence, view

if TYPE_CHECKING:
    from .line import LossLine
    from .plane import LossPlane

OF_PATHS = COLOURS[1:]  # the first is that of the contours
SAID = {
    "random": "two random directions, normalized filter by filter",
    "path": "the plane nearest to the paths",
    "exact": "the two parameters, the whole space",
    "own": "two directions that were given",
}


def plane_text(plane: LossPlane) -> str:
    """What the plane is, how ℒ goes on it, and a row for each path."""
    names = ["path", "points", "from", "to", "ℒ first", "ℒ last", "outside"]
    rows = [names, *_path_rows(plane)] if plane.paths else []
    widths = [max(len(row[k]) for row in rows) for k in range(len(names))] if rows else []
    table = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([f"ℒ over {SAID[plane.kind]}", *(f"  {said}" for said in _facts(plane)), *map(str.rstrip, table)])


def plane_view(plane: LossPlane) -> str:
    """The picture with the same."""
    names = ["path", "points", "from", "to", "ℒ first", "ℒ last", "outside the plane"]
    table = rows_table(names, _path_rows(plane)) if plane.paths else ""
    said = " ".join(f"{each}." for each in _facts(plane))
    return view(f"ℒ over {SAID[plane.kind]}", sentence(said), _draw_plane(plane, OF_NOTEBOOK), table)


def plane_svg(plane: LossPlane, theme: str) -> str:
    """The picture alone."""
    return _draw_plane(plane, ink_of(theme))


def _facts(plane: LossPlane) -> list[str]:
    x, y, loss = plane.lowest
    (first, second), count = plane.axes, plane.losses.size
    size = f"{len(plane.x)} × {len(plane.y)}"
    said = [
        f"{size} points: {first} from {plane.x[0]:.4g} to {plane.x[-1]:.4g}, "
        f"{second} from {plane.y[0]:.4g} to {plane.y[-1]:.4g}"
    ]
    if not math.isnan(loss):
        highest = plane.losses[plane.is_finite].max()
        said.append(f"ℒ from {loss:.4g}, at {first} = {x:.4g} and {second} = {y:.4g}, to {highest:.4g}")
    blank = count - int(plane.is_finite.sum())
    if blank:
        said.append(f"{blank} of {count} points have a loss that is not finite, and are left blank")
    if plane.explained is not None:
        along, beside = (f"{100 * share:.1f} %" for share in plane.explained)
        said.append(f"x explains {along} of the squared distances of the paths, and y {beside}")
    return said


def _path_rows(plane: LossPlane) -> list[list[str]]:
    def place(k: int, x: np.ndarray, y: np.ndarray) -> str:
        return f"({x[k]:.3g}, {y[k]:.3g})"

    return [
        [
            path.name, str(len(path.x)), place(0, path.x, path.y), place(-1, path.x, path.y),
            f"{path.losses[0]:.4g}", f"{path.losses[-1]:.4g}", f"{100 * path.share_outside:.1f} %",
        ]
        for path in plane.paths
    ]  # fmt: skip


def _draw_plane(plane: LossPlane, ink: str) -> str:
    across, up = (Scale(float(each[0]), float(each[-1]), floor=True, ceiling=True) for each in (plane.x, plane.y))
    picture = Picture(across, up, ink, right=84, below=rows_below(len(plane.paths)), height=440)
    draw_contours(picture, plane.x, plane.y, plane.losses, plane.levels)
    for k, path in enumerate(plane.paths):
        colour = OF_PATHS[k % len(OF_PATHS)]
        inside = np.isfinite(path.x) & np.isfinite(path.y)
        pairs = list(zip(path.x[inside].tolist(), path.y[inside].tolist(), strict=True))
        picture.line(pairs, colour, width=2.2)
        if pairs:
            picture.dot(*pairs[0], colour, hollow=True, radius=5)
            picture.dot(*pairs[-1], colour)
        picture.key(k, f"{path.name}: from ○ to ●, {100 * path.share_outside:.1f} % outside the plane", colour)
    picture.axes(*plane.axes)
    names = ", ".join(path.name for path in plane.paths)
    label = f"Contours of ℒ over {SAID[plane.kind]}{' with the paths of ' + names if names else ''}"
    return picture.svg(f"{label}. {'. '.join(_facts(plane))}")


def line_text(line: LossLine) -> str:
    """How ℒ goes along the line, what is accepted, and a row for each point that a search tried."""
    rows = _tried_rows(line)
    rows = [["tried", "step", "ℒ", "slope", ""], *rows] if rows else []
    widths = [max(len(row[k]) for row in rows) for k in range(5)] if rows else []
    table = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([_title(line), *(f"  {said}" for said in _said(line)), *map(str.rstrip, table)])


def line_view(line: LossLine) -> str:
    """The picture with the same."""
    rows: list[list[Cell]] = [list(row) for row in _tried_rows(line)]
    table = rows_table(["tried", "step", "ℒ", "slope", ""], rows) if rows else ""
    said = " ".join(f"{each}." for each in _said(line))
    return view(_title(line), sentence(said), _draw_line(line, OF_NOTEBOOK), table)


def line_svg(line: LossLine, theme: str) -> str:
    """The picture alone."""
    return _draw_line(line, ink_of(theme))


def _title(line: LossLine) -> str:
    return "ℒ along a line" if line.search is None else f"ℒ along the line on which {line.search} searched"


def _said(line: LossLine) -> list[str]:
    said = [
        f"{len(line.steps)} points: steps from {line.steps[0]:.4g} to {line.steps[-1]:.4g}",
        f"At 0: ℒ = {line.loss:.4g}, slope {line.slope:.4g}",
        f"Lowest at the step {line.best.step:.4g}: ℒ = {line.best.loss:.4g}, slope {line.best.slope:.2g}",
    ]
    if not line.slope < 0:
        said.append("The slope at 0 is not negative: no step of this direction is one down")
    else:
        said.append(f"Armijo's condition ({line.armijo:g}) holds {_in(line.falls_enough)}")
        said.append(f"The strong Wolfe conditions ({line.curvature:g}) hold {_in(line.accepted)}")
    blank = int((~np.isfinite(line.losses)).sum())
    if blank:
        said.append(f"{blank} of {len(line.losses)} points have a loss that is not finite, and are left out")
    if line.aside:
        said.append(f"{line.aside} points were tried on another line before, where the search failed")
    return said


def _in(intervals: tuple[tuple[float, float], ...]) -> str:
    if not intervals:
        return "nowhere on the line"
    return "from " + " and from ".join(f"{low:.4g} to {high:.4g}" for low, high in intervals)


def _tried_rows(line: LossLine) -> list[list[str]]:
    last = len(line.tried)
    return [
        [str(k), f"{point.step:.4g}", f"{point.loss:.4g}", f"{point.slope:.4g}", "taken" if k == last else ""]
        for k, point in enumerate(line.tried, start=1)
    ]


def _draw_line(line: LossLine, ink: str) -> str:
    points = [
        (t, loss) for t, loss in zip(line.steps.tolist(), line.losses.tolist(), strict=True) if math.isfinite(loss)
    ]
    shown = [loss for _, loss in points] + [each.loss for each in line.tried if math.isfinite(each.loss)]
    low, high = (min(shown), max(shown)) if shown else (0.0, 1.0)
    low -= 0.12 * (high - low or 1.0)  # room for the tangent
    across = Scale(float(line.steps[0]), float(line.steps[-1]), floor=True, ceiling=True)
    bounds = {"tangent at 0": (1.0, "5 4"), f"Armijo's bound, {line.armijo:g} of its slope": (line.armijo, "1.5 3")}
    bounds = bounds if line.slope < 0 else dict(list(bounds.items())[:1])
    rows = 1 + len(bounds) + bool(line.accepted) + bool(line.tried)
    picture = Picture(across, Scale(low, high), ink, below=rows_below(rows), height=320)
    for start, end in line.accepted:
        left, right = picture.x(start), picture.x(end)
        place = f"x='{left:.1f}' y='26' width='{right - left:.1f}' height='{picture.bottom - 26}'"
        picture.parts.append(f"<rect {place} fill='{COLOURS[2]}' fill-opacity='.14'/>")
    row = 0
    picture.line(points, COLOURS[0], width=2.2)
    picture.key(row, "ℒ along the line", COLOURS[0])
    for name, (share, dash) in bounds.items():
        row += 1
        end = float(line.steps[-1])
        if line.slope * share < 0:
            end = min(end, (low - line.loss) / (line.slope * share))
        elif line.slope > 0:
            end = min(end, (high - line.loss) / line.slope)
        picture.line([(0.0, line.loss), (end, line.loss + share * line.slope * end)], ink, width=1.3, dash=dash)
        picture.key(row, name, ink, dash=dash)
    if line.accepted:
        row += 1
        picture.key(row, "where the strong Wolfe conditions hold", COLOURS[2], opacity=0.5)
    if line.tried:
        picture.key(row + 1, "tried by the search, in this order; the filled one was taken", COLOURS[1])
    for k, point in enumerate(line.tried, start=1):
        if math.isfinite(point.loss):
            picture.dot(point.step, point.loss, COLOURS[1], hollow=k < len(line.tried))
            picture.text(picture.x(point.step), picture.y(point.loss) - 9, str(k), "middle")
    picture.axes("step", "ℒ")
    return picture.svg(f"{_title(line)}. {'. '.join(_said(line))}")
