"""``loss_plane``: ℒ over a plane through the space of parameters, with the paths of trainings on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.initialization import as_generator
from ...core.network import Network
from ...core.sizes import row_norms
from ...train.objective import Objective
from ..diagnose.measure import finite_or_none
from .directions import Direction, as_container, as_vector
from .frame import Frame, frame_of, project, spans_of
from .function import loss_of, require_points
from .levels import contour_levels
from .paths import point_of, read_paths


@dataclass(frozen=True, slots=True, eq=False)
class PathOnPlane:
    """A path, projected onto the plane at right angles: ``x``, ``y`` (T,), the coordinates of its points.

    ``outside``: how far each point lies from the plane, (T,). ``share_outside``: of the squared distances of its points
    from the origin, the share that lies outside the plane, 0 … 1. ``losses``: ℒ of the points themselves, (T,), which
    differs from ℒ of the plane below them unless ``outside`` is 0.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    outside: np.ndarray
    share_outside: float
    losses: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers, lists and texts, with None for what is not finite."""
        names = ("name", "x", "y", "outside", "share_outside", "losses")
        return finite_or_none({name: getattr(self, name) for name in names})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossPlane:
    """ℒ over the plane θ(x, y) = θ_0 + x·v_1 + y·v_2 in the space of all weights and biases; made by ``loss_plane``.

    ``losses[j, k]`` is ℒ at (``x[k]``, ``y[j]``), inf or NaN where it is not finite; ``slopes[j, k]``, its derivatives
    along x and along y there, are ⟨∇ℒ, v_1⟩ and ⟨∇ℒ, v_2⟩. ``origin``: the network θ_0. ``directions``: v_1 and v_2,
    each with ``W`` and ``b`` as gradients have them. ``kind``: 'random', 'path', 'exact' or 'own'. ``paths``: a
    :class:`.PathOnPlane` for each. ``explained``: of 'path', the share of the squared distances of all points of the
    paths from the origin that lies along v_1, and along v_2; else None. ``axes``: what x and y are, in words.

    >>> from backtalk import Network, loss_plane
    >>> network = Network([[[2.0]]], [[1.0]], loss="squared_error")
    >>> plane = loss_plane(network, [[0.0], [1.0]], [1.0, 3.0], points=5, span=((1.0, 3.0), (0.0, 2.0)))
    >>> plane.axes, plane.losses[2]  # b = 1; of W = 2 the loss is 0
    (('W[1,1,1]', 'b[1,1]'), array([0.25  , 0.0625, 0.    , 0.0625, 0.25  ]))
    >>> plane.slopes[2, 3]
    array([0.25, 0.25])
    """

    kind: str
    origin: Network
    directions: tuple[Direction, Direction]
    x: np.ndarray
    y: np.ndarray
    losses: np.ndarray
    slopes: np.ndarray
    paths: tuple[PathOnPlane, ...]
    explained: tuple[float, float] | None
    axes: tuple[str, str]

    def network_at(self, x: float, y: float) -> Network:
        """The network θ_0 + x·v_1 + y·v_2 at a point of the plane."""
        first, second = self.directions
        families = (
            [part + x * one[i] + y * other[i] for i, part in own.items()]
            for own, one, other in (
                (self.origin.W, first.W, second.W),
                (self.origin.b, first.b, second.b),
            )
        )
        return self.origin.replace(*families)

    def project(self, network: Network) -> tuple[float, float, float]:
        """x and y of the point of the plane that is nearest to a network of the same sizes, and how far it is."""
        move = point_of(network, self.origin, "network") - as_vector(self.origin)
        xy, outside = project(move[None], np.stack([as_vector(each) for each in self.directions]))
        return float(xy[0, 0]), float(xy[0, 1]), float(outside[0])

    @property
    def lowest(self) -> tuple[float, float, float]:
        """x, y and ℒ of the lowest of the points; NaN if no loss is finite."""
        if not self.is_finite.any():
            return math.nan, math.nan, math.nan
        j, k = np.unravel_index(np.where(self.is_finite, self.losses, np.inf).argmin(), self.losses.shape)
        return float(self.x[k]), float(self.y[j]), float(self.losses[j, k])

    @property
    def is_finite(self) -> np.ndarray:
        """Where the losses are finite."""
        return np.isfinite(self.losses)

    @property
    def levels(self) -> tuple[float, ...]:
        """Round values of ℒ at which contours are drawn: by equal factors if its range is wide."""
        found = self.losses[self.is_finite]
        if not found.size:
            return ()
        return contour_levels(float(found.min()), float(found.max()))

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers, lists and texts, with None for what is not finite; without networks and directions."""
        names = ("kind", "axes", "x", "y", "losses", "levels", "explained")
        facts = {name: getattr(self, name) for name in names}
        return finite_or_none(facts | {"paths": [path.to_dict() for path in self.paths]})

    def to_svg(self, *, theme: str = "light") -> str:
        """The contours with the paths, as one picture in SVG. ``theme``: light, for white paper, or dark.

        It has no background. Raises :class:`~backtalk.errors.UnknownNameError` for another theme.
        """
        from .pictures import plane_svg

        return plane_svg(self, theme)

    def _repr_html_(self) -> str:
        """What a notebook shows: the picture, and a row for each path."""
        from .pictures import plane_view

        return plane_view(self)

    def __repr__(self) -> str:
        from .pictures import plane_text

        return plane_text(self)


def loss_plane(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    paths: Any = (),
    directions: Any = None,
    span: Any = None,
    points: int = 41,
    l2_penalty: float = 0.0,
    rng: np.random.Generator | int | None = 0,
) -> LossPlane:
    """ℒ over a plane through the space of parameters, with the paths of one or several trainings.

    θ(x, y) = θ_0 + x·v_1 + y·v_2, and ℒ is evaluated at ``points`` × ``points`` of them, without dropout.

    ``X``, ``y``, ``sample_weight``: as for :func:`~backtalk.gradients`. ``l2_penalty`` λ: ℒ + ½λ Σ_i ‖W_i‖² is shown.
    ``paths``: a list, or a mapping of names, of paths, each of which is a list of networks of the same layers and
    activations, or of the epochs that a callback was told of (``callbacks=epochs.append``), or ``training.record`` of
    ``fit(…, record=True)``: the network after every step (of more than 300, of equally many at a time).

    ``directions``, by default the first of these that can be had:

    - 'exact', for networks of two parameters: x is W_{1,1,1} and y is b_{1,1} themselves.
    - 'path', if there are paths: the directions of norm 1 such that the plane through ``network`` leaves the least
      of the squared distances of all points outside: the principal components of θ_t − θ_0. Give the network at the
      end of a path, and all paths at once: they then share the plane.
    - 'random': Gaussian ones, normalized filter by filter: a row of each V_i has the norm of that row of W_i. The
      biases stay as they are. ``rng``: a generator or a seed.
    - a pair of your own, each with W and b, such as two Gradients or networks, or pairs of lists.

    ``span``: ((x_low, x_high), (y_low, y_high)), or a number s for −s … s; by default what holds the paths, or −1 … 1.

    Raises :class:`~backtalk.errors.InputError` if the directions span no plane, for paths of other networks, and for
    what ``gradients`` refuses. Losses that are not finite raise nothing: they are in the result. Source: Li, Xu,
    Taylor, Studer and Goldstein 2018, "Visualizing the loss landscape of neural nets".

    >>> import numpy as np
    >>> from backtalk import Network, fit, loss_plane
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), [0, 1, 1, 0]
    >>> start = Network.create([2, 4, 2], "tanh", rng=0)
    >>> training = fit(start, X, y, epochs=30, optimizer="adam(learning_rate=0.1)", rng=0, record=True)
    >>> plane = loss_plane(training.network, X, y, paths={"adam": training.record}, points=11)
    >>> plane.kind, plane.losses.shape, len(plane.paths[0].x), sum(plane.explained) > 0.9
    ('path', (11, 11), 31, True)
    """
    points, generator = require_points(points), as_generator(rng)
    loss = loss_of(network, X, y, sample_weight, l2_penalty)
    along = read_paths(loss, paths)
    frame = frame_of(loss, along, directions, generator)
    projected = {name: project(path - frame.origin, frame.pair) for name, path in along.items()}
    across, up = spans_of(span, frame, [xy for xy, _ in projected.values()])
    columns, rows = np.linspace(*across, points), np.linspace(*up, points)
    losses, slopes = _evaluate(loss, frame, columns, rows)
    return LossPlane(
        kind=frame.kind,
        origin=loss.network(frame.origin),
        directions=(as_container(loss, frame.pair[0]), as_container(loss, frame.pair[1])),
        x=columns,
        y=rows,
        losses=losses,
        slopes=slopes,
        paths=tuple(_on_plane(loss, name, path, frame.origin, *projected[name]) for name, path in along.items()),
        explained=frame.explained,
        axes=frame.axes,
    )


def _on_plane(
    loss: Objective, name: str, path: np.ndarray, origin: np.ndarray, xy: np.ndarray, outside: np.ndarray
) -> PathOnPlane:
    moved = row_norms(path - origin)
    farthest = float(moved.max()) or 1.0  # so that no square overflows or vanishes
    share = float(((outside / farthest) ** 2).sum() / (((moved / farthest) ** 2).sum() or 1.0))
    losses = np.array([loss.evaluate(point)[0] for point in path])
    return PathOnPlane(name, xy[:, 0], xy[:, 1], outside, share, losses)


def _evaluate(loss: Objective, frame: Frame, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ℒ and its derivatives along x and y, at every point."""
    losses, slopes = np.empty((len(y), len(x))), np.empty((len(y), len(x), 2))
    with np.errstate(all="ignore"):  # what is not finite is in the result
        for j, up in enumerate(y):
            for k, across in enumerate(x):
                losses[j, k], gradient = loss.evaluate(frame.origin + across * frame.pair[0] + up * frame.pair[1])
                slopes[j, k] = frame.pair @ gradient
    return losses, slopes
