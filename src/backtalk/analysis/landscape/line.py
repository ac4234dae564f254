"""``loss_line``: ℒ along a line through the space of parameters, and what a line search finds there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.network import Network
from ...core.optimizers import LBFGS, GradientDescent
from ...errors import InputError, InputTypeError
from ...train.objective import Objective
from ..diagnose.measure import finite_or_none
from .conditions import Conditions, Interval, Point, intervals, lowest
from .directions import Direction, as_container, own_vector
from .function import as_interval, loss_of, require_points
from .searches import SCIPY, Search, as_search, search_in

ARMIJO, CURVATURE = 1e-4, 0.9  # what is usual (Nocedal and Wright 2006, section 3.1)
MOST_DOUBLINGS = 40  # of the step, until the loss rises again
BEHIND = 1.25  # how far a line goes behind the longest step that a search tried, at least
BEHIND_SEARCH = 3  # how often that is doubled, until the loss rises again


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossLine:
    """ℒ along the line θ(t) = θ_0 + t·v; made by ``loss_line``.

    ``losses[k]`` is ℒ at the step ``steps[k]``, inf or NaN where it is not finite, and ``slopes[k]`` its derivative
    there, ⟨∇ℒ, v⟩. ``loss``, ``slope``: those at t = 0. ``best``: the lowest point with t ≥ 0 that was found, which an
    exact search would take, with its ``step``, ``loss`` and ``slope``. ``origin``: the network θ_0; ``direction``: v,
    with ``W`` and ``b``. ``armijo``, ``curvature``: c_1 and c_2.

    ``falls_enough``: the intervals of t > 0 in which Armijo's condition holds, ℒ(t) ≤ ℒ(0) + c_1·t·slope; ``accepted``:
    those in which |ℒ′(t)| ≤ c_2·|slope| holds as well, the strong Wolfe conditions. Both are empty unless slope < 0.

    Of a search, ``tried``: the points that it evaluated, in order, each with ``step``, ``loss`` and ``slope``; the last
    one was taken. ``search``: what searched, and in which iteration, in words; ``aside``: how many points it evaluated
    on another line before, where L-BFGS failed and began anew.

    >>> from backtalk import Network, loss_line
    >>> network = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> line = loss_line(network, [[1.0]], [1.0])  # down ½(W + b − 1)², of which −∇ is (1, 1)
    >>> float(line.slope), round(line.best.step, 6), line.falls_enough[0][1] > 0.99
    (-2.0, 0.5, True)
    """

    origin: Network
    direction: Direction
    steps: np.ndarray
    losses: np.ndarray
    slopes: np.ndarray
    loss: float
    slope: float
    best: Point
    armijo: float
    curvature: float
    falls_enough: tuple[Interval, ...]
    accepted: tuple[Interval, ...]
    search: str | None = None
    tried: tuple[Point, ...] = ()
    aside: int = 0

    @property
    def taken(self) -> Point | None:
        """The point that the search took."""
        return self.tried[-1] if self.tried else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: numbers, lists and texts, with None for what is not finite; without network and direction."""
        names = (
            "search", "steps", "losses", "slopes", "loss", "slope", "armijo", "curvature", "falls_enough", "accepted",
            "aside",
        )  # fmt: skip
        facts = {name: getattr(self, name) for name in names}
        return finite_or_none(facts | {"best": self.best.to_dict(), "tried": [point.to_dict() for point in self.tried]})

    def to_svg(self, *, theme: str = "light") -> str:
        """The loss along the line with its tangent at 0, what is accepted and what was tried, as a picture in SVG.

        ``theme``: light, for white paper, or dark. It has no background.
        """
        from .pictures import line_svg

        return line_svg(self, theme)

    def _repr_html_(self) -> str:
        """What a notebook shows: the picture, and a row for each point that was tried."""
        from .pictures import line_view

        return line_view(self)

    def __repr__(self) -> str:
        from .pictures import line_text

        return line_text(self)


def loss_line(
    network: Network,
    X: Any,
    y: Any,
    direction: Any = None,
    sample_weight: Any = None,
    *,
    optimizer: Any = None,
    iteration: int = 1,
    span: Any = None,
    points: int = 101,
    armijo: float | None = None,
    curvature: float | None = None,
    l2_penalty: float = 0.0,
) -> LossLine:
    """ℒ along a line through the space of parameters: θ(t) = θ_0 + t·v, without dropout.

    ``X``, ``y``, ``sample_weight``: as for :func:`~backtalk.gradients`. ``l2_penalty`` λ: ℒ + ½λ Σ_i ‖W_i‖².
    ``direction`` v: anything with W and b, such as Gradients or a network, or a pair of lists; by default −∇ℒ, so that
    t is the learning rate of gradient descent. θ_0 is ``network``.

    ``optimizer``: 'lbfgs' or 'gd(armijo=1e-4)', as for :func:`~backtalk.fit`. Then the line is the one on which the
    ``iteration`` of this number searched, in a minimization that begins at ``network``; θ_0 is where that iteration
    began. Of gradient descent v is −∇ℒ there; of L-BFGS it leads to the first point that it tried, where t is 1.

    ``span``: (low, high) of the steps; by default from 0 to where the loss has risen again. ``points``: how many.
    ``armijo`` c_1, ``curvature`` c_2: of the conditions, 0 < c_1 < c_2 < 1; by default those of the search, or 1e-4 and
    0.9.

    Raises :class:`~backtalk.errors.InputError` for a direction of norm 0, an iteration after the end of the search, and
    what ``gradients`` refuses; :class:`~backtalk.errors.DivergedError` if the search meets a loss that is not finite.
    Source: Nocedal and Wright 2006, "Numerical optimization", chapter 3.

    >>> import numpy as np
    >>> from backtalk import Network, loss_line
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), [0, 1, 1, 0]
    >>> line = loss_line(Network.create([2, 4, 2], "tanh", rng=0), X, y, optimizer="lbfgs", iteration=3)
    >>> line.tried[0].step, line.slope < 0, line.taken.loss < line.loss
    (1.0, True, True)
    """
    points = require_points(points)
    loss = loss_of(network, X, y, sample_weight, l2_penalty)
    searcher = None if optimizer is None else as_search(optimizer)
    found = _line(loss, direction, searcher, iteration)
    at = _Line(loss, found.start, found.direction)
    at_0 = at(0.0)
    conditions = _conditions(at_0, searcher, armijo, curvature)
    low, high = (0.0, _reach(at, at_0, found.steps)) if span is None else as_interval(span, "span")
    along = [at(float(step)) for step in np.linspace(low, high, points)]
    tried = tuple(at(step) for step in found.steps)
    known = {each.step: each for each in (at_0, *along, *tried) if each.step >= 0}
    ahead = [known[step] for step in sorted(known)]
    descends = at_0.slope < 0
    return LossLine(
        origin=loss.network(found.start),
        direction=as_container(loss, found.direction),
        steps=np.array([point.step for point in along]),
        losses=np.array([point.loss for point in along]),
        slopes=np.array([point.slope for point in along]),
        loss=at_0.loss,
        slope=at_0.slope,
        best=lowest(ahead, at) if len(ahead) > 1 else at_0,
        armijo=conditions.armijo,
        curvature=conditions.curvature,
        falls_enough=intervals(ahead, conditions.fall_enough, at) if descends else (),
        accepted=intervals(ahead, conditions.accept, at) if descends else (),
        search=None if searcher is None else f"iteration {iteration} of {searcher.name}",
        tried=tried,
        aside=found.aside,
    )


class _Line:
    """ℒ and its derivative along a line, as a function of the step."""

    def __init__(self, loss: Objective, start: np.ndarray, direction: np.ndarray) -> None:
        self.loss, self.start, self.direction = loss, start, direction

    def __call__(self, step: float) -> Point:
        with np.errstate(all="ignore"):  # what is not finite is in the result
            value, gradient = self.loss.evaluate(self.start + step * self.direction)
            return Point(step, float(value), float(gradient @ self.direction))


def _line(loss: Objective, direction: Any, searcher: LBFGS | GradientDescent | None, iteration: int) -> Search:
    if searcher is not None:
        if direction is not None:
            raise InputError(
                "direction and optimizer are both given: expected one, since a search has its own direction."
            )
        return search_in(loss, searcher, iteration)
    if iteration != 1:
        raise InputError(f"iteration is {iteration!r}, but no optimizer is given that would search in it.")
    start = loss.flat(loss.start)
    if direction is not None:
        return Search(start, own_vector(loss.start, direction, "direction"), (), 0)
    gradient = loss.evaluate(start)[1]
    if not np.isfinite(gradient).all():
        raise InputError("the gradient at the network is not finite, so there is no direction −∇ℒ: give direction.")
    if not gradient.any():
        raise InputError("the gradient at the network is 0, so −∇ℒ is no direction: give direction.")
    return Search(start, -gradient, (), 0)


def _conditions(
    at_0: Point, searcher: LBFGS | GradientDescent | None, armijo: float | None, curvature: float | None
) -> Conditions:
    usual = (ARMIJO, CURVATURE) if searcher is None else SCIPY
    if isinstance(searcher, GradientDescent):
        usual = searcher.armijo, max(CURVATURE, (1 + searcher.armijo) / 2)
    first, second = usual[0] if armijo is None else armijo, usual[1] if curvature is None else curvature
    for name, value in (("armijo", first), ("curvature", second)):
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise InputTypeError(f"{name} is {value!r}, expected a number between 0 and 1.")
    if not 0 < first < second < 1:
        raise InputError(f"armijo is {first:g} and curvature {second:g}, expected 0 < armijo < curvature < 1.")
    return Conditions(float(first), float(second), at_0)


def _reach(at: _Line, at_0: Point, tried: tuple[float, ...]) -> float:
    """A step behind which the loss has risen above its value at 0, and all that a search tried lies before it."""
    step = max(tried, default=1.0)
    if at_0.slope >= 0:
        return step
    if tried:
        further = step
        for _ in range(BEHIND_SEARCH):
            if not at(further).loss <= at_0.loss:
                break
            further *= 2
        return max(BEHIND * step, further)
    factor = 2.0 if at(step).loss <= at_0.loss else 0.5
    for _ in range(MOST_DOUBLINGS):
        after = step * factor
        if (at(after).loss <= at_0.loss) != (factor > 1):  # never if it is NaN
            return max(step, after)
        step = after
    return step
