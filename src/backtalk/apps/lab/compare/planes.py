"""The loss over a plane, with the paths of both sides on it, and along the last step of each: as a message."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....analysis.diagnose.measure import finite_or_none
from ....analysis.landscape import loss_line, loss_plane
from ....core.network import Network
from ....errors import InputError
from ..settings import shown

PATH, RANDOM = "path", "random"  # directions
LEAST_STEPS = 3  # in which a path has directions
EARLY = f"The paths have no directions yet: take {LEAST_STEPS} steps, or choose random directions."
POINTS = 7, 31  # of the plane in each direction, at least and at most
ALONG = 13, 61  # of a line
FARTHEST = 3.0  # along a line, in steps
ROWS = 50, 400  # that ℒ is the mean over
MOST_WORK = 10_000_000_000  # of a plane, in parameters times rows times points: some seconds


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A side as it stands: its ``path``, which ends with the network now, and the network ``before`` the last step.

    ``X``, ``y``: the rows that are trained on; ``batch``: those of the last step among them.
    """

    name: str
    path: tuple[Network, ...]
    before: Network
    X: np.ndarray
    y: np.ndarray
    batch: np.ndarray
    l2_penalty: float

    @property
    def is_large(self) -> bool:
        """Whether its parameters are more than the two that a plane has room for."""
        return self.before.parameter_count > 2

    def same_loss(self, other: View) -> bool:
        """Whether ℒ is the same function of the same parameters: then both have a place on one plane."""
        one, two = self.path[0], other.path[0]
        return one.sizes == two.sizes and one.activations == two.activations and one.head == two.head


def plane_message(views: list[View], directions: Any = PATH) -> dict[str, Any]:
    """One plane for both sides, or one for each if ℒ is not the same function of the same parameters; and their steps.

    ``directions``: 'path', those in which the paths go, of two parameters these themselves; or 'random', normalized
    filter by filter. ℒ is without penalty and dropout, over at most 400 of the rows that are trained on; along a step
    it is over its mini-batch, with the penalty. Of a large network there are fewer rows and points, so that it takes
    seconds.
    """
    if not isinstance(directions, str) or directions not in (PATH, RANDOM):
        raise InputError(f"directions is {shown(directions)}, expected 'path' or 'random'.")
    groups = [views] if views[0].same_loss(views[1]) else [[view] for view in views]
    early = directions == PATH and any(len(view.path) <= LEAST_STEPS and view.is_large for view in views)
    with np.errstate(all="ignore"):
        rows, points = _fineness(max(view.before.parameter_count for view in views), len(views[0].X))
        planes = [] if early else [_plane(group, directions, rows, points) for group in groups]
        lines = [_line(view) for view in views]
    facts = {"type": "plane", "rows": rows, "planes": planes, "lines": lines}
    return finite_or_none(facts | {"said": EARLY if early else ""})


def _fineness(parameters: int, rows: int) -> tuple[int, int]:
    """Over how many rows ℒ is, and at how many points in each direction: first of the rows there are fewer."""
    least, most = (min(each, rows) for each in ROWS)
    rows = min(max(MOST_WORK // (parameters * POINTS[1] ** 2), least), most)
    return rows, min(max(math.isqrt(MOST_WORK // (parameters * rows)), POINTS[0]), POINTS[1])


def _plane(views: list[View], directions: str, count: int, points: int) -> dict[str, Any]:
    X, y = views[0].X, views[0].y
    now = views[-1].path[-1]
    rows = np.linspace(0, len(X) - 1, count).round().astype(np.int64)
    paths = {view.name: view.path for view in views}
    plane = loss_plane(
        now, X[rows], y[rows], paths=paths, directions=RANDOM if directions == RANDOM else None, points=points
    )
    return {"sides": [view.name for view in views]} | plane.to_dict()


def _line(view: View) -> dict[str, Any] | None:
    """ℒ from the network before the last step on, in steps: at 1 is the network now. None if no step was taken."""
    now = view.path[-1]
    moves = {
        family: [getattr(now, family)[i] - getattr(view.before, family)[i] for i in getattr(now, family)]
        for family in ("W", "b")
    }
    if not any(np.any(move) for family in moves.values() for move in family):
        return None
    X, y = view.X[view.batch], view.y[view.batch]
    points = min(max(MOST_WORK // (10 * now.parameter_count * len(X)), ALONG[0]), ALONG[1])
    points -= (points - 1) % 3  # so that the step itself is one of them
    line = loss_line(
        view.before, X, y, (moves["W"], moves["b"]), span=(0.0, FARTHEST), points=points, l2_penalty=view.l2_penalty
    )
    taken = int(np.abs(line.steps - 1).argmin())
    return line.to_dict() | {"tried": [{"step": 1.0, "loss": line.losses[taken]}]}
