"""Are the gradients of a network the derivatives of its loss? Each quantity at each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...core.arrays import jax_has_float64, library_name
from ...core.backward import talk_to_output
from ...core.network import Network
from .measure import EPSILON, LEAST_ROOM, SMALLEST, Method, relative_error
from .reading import Quantity
from .report import CheckRow
from .substitute import Scene, crosses_kink

Result = tuple[float, tuple[int, ...] | None, float, float]  # the error, where it is, the gradient, the derivative


def magnitudes(scene: Scene) -> dict[Quantity, np.ndarray]:
    """How large the terms are that each gradient sums: the three talks with absolute values.

    Rounding is proportional to these, also where the terms cancel, so no error is judged finer than they allow.
    """
    network, trace = scene.network, scene.trace
    ends = scene.weight[:, None] * (np.abs(trace.output) + np.abs(scene.target))  # of ŷ − t, which may cancel
    _, grad_h, grad_a = talk_to_output(network, trace, scene.target, scene.weight)
    # 1e-3: where g′ crosses 0, its own terms cancel too
    return _absolute_talks(scene, ends + np.abs(grad_a), ends + np.abs(grad_h), least_slope=1e-3)


def lost_digits(scene: Scene) -> dict[Quantity, np.ndarray]:
    """What each gradient may lack because numbers below the smallest were 0 on the way back: the talks with those."""
    smallest = np.full_like(scene.trace.output, SMALLEST)
    return _absolute_talks(scene, smallest, smallest, added=SMALLEST)


def _absolute_talks(
    scene: Scene, a: np.ndarray, h: np.ndarray, least_slope: float = 0.0, added: float = 0.0
) -> dict[Quantity, np.ndarray]:
    """The talks with absolute values, from those of a_L and h_L.

    ``least_slope`` is added to each slope, and ``added`` to what each talk gives.
    """
    network, trace, L = scene.network, scene.trace, scene.network.depth
    found = {("a", L): a, ("h", L): h}
    for i in range(L - 1, -1, -1):
        found["h", i] = found["a", i + 1] @ np.abs(network.W[i + 1]) + added
        if i:
            slope = np.abs(network.activations[i - 1].g_prime(trace.a[i])) + least_slope
            found["a", i] = found["h", i] * slope + added
    for i in range(1, L + 1):
        found["W", i] = found["a", i].T @ np.abs(trace.h[i - 1]) + added
        found["b", i] = found["a", i].sum(axis=0)
    return found


@dataclass(frozen=True, slots=True)
class Judgement:
    """One quantity at one layer: what is given for its gradient, what is judged, and in which measure.

    ``value`` is the quantity itself, held inside its range if it is not ``judged``. ``room`` is how far each
    coordinate may go before ℒ is no longer defined. ``size`` is how large the terms are that each gradient sums.
    """

    quantity: Quantity
    given: np.ndarray
    value: np.ndarray
    judged: np.ndarray
    room: np.ndarray
    size: np.ndarray


class Comparer:
    """Compares given gradients with measured derivatives, by coordinates or along random directions."""

    scene: Scene
    method: Method
    tolerance: float
    directions: int
    rng: np.random.Generator
    size: dict[Quantity, np.ndarray]
    lost: dict[Quantity, np.ndarray]
    finite: np.ndarray
    floor: float

    def __init__(self, scene: Scene, method: Method, tolerance: float, directions: int, rng: np.random.Generator):
        self.scene, self.method, self.tolerance = scene, method, tolerance
        self.directions, self.rng = directions, rng
        self.size, self.lost = magnitudes(scene), lost_digits(scene)
        families = (scene.trace.a, scene.trace.h)
        finite = [np.isfinite(array).all(axis=1) for family in families for array in family.values()]
        # examples with no infinite number on the way there, or on the way back
        output_gradient = talk_to_output(scene.network, scene.trace, scene.target, scene.weight)[2]
        self.finite = np.all(finite, axis=0) & ~np.isinf(output_gradient).any(axis=1) | (scene.weight == 0)
        top = self.size["a", scene.network.depth] * (1 + np.abs(scene.trace.a[scene.network.depth]))
        rounding = 10 * EPSILON * (abs(scene.loss) + top[np.isfinite(top)].sum())
        # a step of a_i or h_i that is smaller than any number is lost, with what ℒ would make of it
        heard = [each[np.isfinite(each)].sum() for (family, _), each in self.size.items() if family in "ah"]
        resolution = SMALLEST * (1 + sum(heard)) if method.is_complex else rounding
        self.floor = resolution / method.step / tolerance  # smaller is not told from 0

    def row(self, quantity: Quantity, given: np.ndarray, every_coordinate: bool) -> CheckRow:
        judgement = self._judgement(quantity, given)
        results = list((self._by_coordinates if every_coordinate else self._by_directions)(judgement))
        decided = [result for result in results if result is not None]
        beyond = int((~judgement.judged).sum()) if every_coordinate or not results else 0
        error, where, ours, derivative = max(decided, key=lambda result: result[0], default=(0.0, None, 0.0, 0.0))
        passed = bool(error <= self.tolerance)
        if not passed and where is None:
            where, ours, derivative = self._locate(judgement)
        return CheckRow(
            quantity=f"{quantity[0]}[{quantity[1]}]",
            compared=len(decided),
            undecided=len(results) - len(decided) + beyond,
            largest_error=error,
            where=where,
            given=ours,
            derivative=derivative,
            passed=passed,
        )

    def _judgement(self, quantity: Quantity, given: np.ndarray) -> Judgement:
        value = self.scene.value(*quantity)
        judged, room = np.isfinite(value), np.full(value.shape, np.inf)
        judged &= self.finite[:, None] if quantity[0] in "ah" else self.finite.all()  # inf · 0 has no derivative
        if quantity == ("h", self.scene.network.depth):
            room = self.scene.network.loss.room(value, self.scene.target)
            judged &= room >= LEAST_ROOM
            value = np.where(judged, value, 0.5)  # inside every loss's range: ℒ without the terms that are infinite
        else:
            judged &= np.isfinite(self.size[quantity])  # its terms overflow, whatever their sum is
        return Judgement(quantity, given, value, judged, room, self.size[quantity])

    def _by_coordinates(self, judgement: Judgement) -> Iterator[Result | None]:
        for place in map(tuple, np.argwhere(judgement.judged)):
            where = tuple(int(part) for part in place)
            derivative, floor = self._at(judgement, where)
            if derivative is None:
                yield None
                continue
            floor = max(floor, 1e-6 * float(judgement.size[where]))
            ours = float(judgement.given[where])
            error = relative_error(ours, derivative, floor)
            lost = abs(ours - derivative) <= self.lost[judgement.quantity][where]
            if error > self.tolerance and (lost or not self._is_steady(judgement, where, derivative, floor)):
                yield None
                continue
            yield error, where, ours, derivative

    def _by_directions(self, judgement: Judgement) -> Iterator[Result | None]:
        """Along v with entries ±1/√n, less if there is less room: an error anywhere shows in every direction."""
        judged = judgement.judged
        if not judged.any():
            return
        pairs, scale = [], self.floor
        for _ in range(self.directions):
            signs = self.rng.choice([-1.0, 1.0], judged.shape) / math.sqrt(judged.sum())
            direction = self._direction(judgement, np.where(judged, signs, 0.0))
            scale = max(scale, 1e-6 * float(np.linalg.norm((judgement.size * direction)[judged])))
            lost = np.abs(self.lost[judgement.quantity] * direction)[judged].sum()
            scale = max(scale, float(lost) / self.tolerance)
            derivative = self._along(judgement, direction)
            if derivative is None:
                yield None
                continue
            pairs.append((float((judgement.given * direction)[judged].sum()), derivative))
        scale = max([scale, *(abs(derivative) for _, derivative in pairs)])
        for ours, derivative in pairs:
            yield relative_error(ours, derivative, scale), None, ours, derivative

    def _direction(self, judgement: Judgement, signs: np.ndarray, size: float = 1.0) -> np.ndarray:
        """``signs`` times ``size``, or times less: if a or ℒ hears it through a large factor, or ŷ has little room."""
        network, (family, i) = self.scene.network, judgement.quantity
        factor = np.ones(1)  # forward: a_i = W_i h_{i-1} + b_i
        if family == "W":
            factor = np.abs(self.scene.trace.h[i - 1]).max(axis=0)
        elif family == "h" and i < network.depth:
            factor = np.abs(network.W[i + 1]).max(axis=0)
        if self.method.is_complex:
            factor = np.maximum(factor, np.where(np.isfinite(judgement.size), judgement.size, 1.0))
        length = np.minimum(size / np.maximum(1.0, factor), judgement.room)
        direction = np.where(length < LEAST_ROOM, 0.0, signs * length)  # a step by less is lost, and not judged
        return self.method.without_rounding(judgement.value, direction)

    def _along(self, judgement: Judgement, direction: np.ndarray) -> float | None:
        """The derivative, or None at a kink."""
        return self.method.derivative(partial(self.scene.put, *judgement.quantity), judgement.value, direction)

    def _at(self, judgement: Judgement, where: tuple[int, ...], part: float = 1.0) -> tuple[float | None, float]:
        """The derivative by one coordinate, or None at a kink; and the smallest number that can be told from 0.

        By a ``part`` of the step.
        """
        signs = np.zeros(judgement.given.shape)
        signs[where] = 1
        size = 1.0 if self.method.is_complex else max(1.0, abs(float(judgement.value[where])))  # nothing is rounded off
        direction = self._direction(judgement, signs, part * size)
        derivative, unit = self._along(judgement, direction), float(direction[where])
        return (None, 0.0) if derivative is None or unit == 0 else (derivative / unit, self.floor / unit)

    def _is_steady(self, judgement: Judgement, where: tuple[int, ...], derivative: float, floor: float) -> bool:
        """Whether other complex steps measure the same: not if ℒ bends within them, or if they are lost on the way.

        And whether the step leaves every unit on its side of a kink: its square may be larger than a tiny number.
        """
        if not self.method.is_complex:
            return True
        signs = np.zeros(judgement.given.shape)
        signs[where] = self.method.step
        outcome = partial(self.scene.put, *judgement.quantity)
        moved = judgement.value + 1j * self._direction(judgement, signs)
        others = [self._at(judgement, where, part)[0] for part in (1e-3, 1e3)]
        same = all(each is None or relative_error(each, derivative, floor) <= self.tolerance for each in others)
        return same and not crosses_kink(outcome(judgement.value), outcome(moved))

    def _locate(self, judgement: Judgement) -> tuple[tuple[int, ...], float, float]:
        """The coordinate with the largest error: halve the set, keep the half that is further off, again."""
        places = np.argwhere(judgement.judged)
        signs = self.rng.choice([-1.0, 1.0], judgement.given.shape)
        while len(places) > 1:
            halves = places[: len(places) // 2], places[len(places) // 2 :]
            places = max(halves, key=lambda half: self._off(judgement, half, signs))
        where = tuple(int(part) for part in places[0])
        derivative, _ = self._at(judgement, where)
        return where, float(judgement.given[where]), math.nan if derivative is None else derivative

    def _off(self, judgement: Judgement, places: np.ndarray, signs: np.ndarray) -> float:
        kept = np.zeros(signs.shape)
        index = tuple(places.T)
        kept[index] = signs[index]
        direction = self._direction(judgement, kept)
        derivative = self._along(judgement, direction)
        error = 0.0 if derivative is None else abs((judgement.given * direction)[index].sum() - derivative)
        return math.inf if math.isnan(error) else error


def network_in_float64(network: Network) -> Network:
    """The network in its own library, in float64: the formulas are checked, not the rounding of float32.

    In NumPy if its library is a JAX without float64.
    """
    spec = network.spec
    if library_name(spec.xp) == "jax" and not jax_has_float64():
        return network.to(np, dtype="float64")
    return network if spec.dtype_name == "float64" else network.to(spec.xp, dtype="float64", device=spec.device)
