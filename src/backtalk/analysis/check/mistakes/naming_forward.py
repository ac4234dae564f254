"""Which mistake was made in the forward pass? Link by link, from the input up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ....core.forward import Trace, pre_activation, unit_output
from ....core.layers import Layers
from ..substitute import Scene
from .forward import FORWARD, OUTPUT, PRE, UNIT, Change, KnownForward, Place
from .mistake import Mistake

CLOSE = 1e-6  # relative to the largest number of the array
MOST = 4  # mistakes named together
Quantity = tuple[str, int]
Changes = dict[Quantity, Change]


@dataclass(frozen=True, slots=True)
class Form:
    """A mistake in some layers."""

    known: KnownForward
    changes: Changes

    @property
    def layers(self) -> tuple[int, ...]:
        return tuple(sorted(i for _, i in self.changes))


@np.errstate(all="ignore")
def name_forward_mistakes(scene: Scene, given: dict[Quantity, np.ndarray]) -> tuple[Mistake, ...]:
    """The mistakes that explain the a_i and h_i that were given, from the input up; empty if none does.

    A link hears what the student gave below it, so that no consequence is taken for a mistake.
    """
    order = [quantity for quantity in order_of(scene.network.depth) if quantity in given]
    changes: Changes = {}
    found: list[Mistake] = []
    reach = _reach(scene, changes, given, order)
    while reach < len(order) and len(found) < MOST:
        forms = []
        for form in _forms(scene, order, reach):
            further = _reach(scene, changes | form.changes, given, order)
            if further > reach:
                forms.append((further, form))
        if not forms:
            break
        most = max(further for further, _ in forms)
        best = [form for further, form in forms if further == most]
        names = {best[0].known.name}
        others = []
        for form in best[1:]:
            if form.known.name not in names:
                names.add(form.known.name)
                others.append(form.known.mistake(_shown(scene, form, changes, given)))
        told = best[0].known.mistake(_shown(scene, best[0], changes, given))
        found.append(replace(told, others=tuple(_plain(others))))
        changes, reach = changes | best[0].changes, most
    return _merged(found)


def traces_with_a_mistake(scene: Scene) -> Iterator[tuple[Mistake, Scene]]:
    """The forward pass under each mistake that has a name, in one layer and in all, where it changes ŷ or an h_i."""
    network = scene.network
    for form in _all_forms(network.depth, ((family, i) for family, i in order_of(network.depth))):
        values = _walk(scene, form.changes, {})
        if all(np.array_equal(values[q], scene.value(*q)) for q in values) or not all(
            np.isfinite(array).all() for array in values.values()
        ):
            continue
        trace = Trace(
            Layers(values["a", i] for i in network.W),
            Layers([scene.trace.h[0], *(values["h", i] for i in network.W)], first=0),
        )
        yield form.known.mistake(form.layers), replace(scene, trace=trace)


def trace_of(scene: Scene, given: dict[Quantity, np.ndarray]) -> Scene:
    """The scene with the a_i and h_i that were given, and what follows from them by the formulas."""
    values = _walk(scene, {}, given) | given
    h = [given.get(("h", 0), scene.trace.h[0]), *(values["h", i] for i in scene.network.W)]
    return replace(scene, trace=Trace(Layers(values["a", i] for i in scene.network.W), Layers(h, first=0)))


def order_of(depth: int) -> list[Quantity]:
    """Every quantity in the order in which it is computed."""
    return [(family, i) for i in range(1, depth + 1) for family in "ah"]


def _kind_of(quantity: Quantity, depth: int) -> str:
    return PRE if quantity[0] == "a" else OUTPUT if quantity[1] == depth else UNIT


def _forms(scene: Scene, order: list[Quantity], reach: int) -> Iterator[Form]:
    """Each mistake at each link between the first quantity that is off and what was given below it; and everywhere."""
    every = order_of(scene.network.depth)
    last = every.index(order[reach])
    first = every.index(order[reach - 1]) + 1 if reach else 0
    return _all_forms(scene.network.depth, every[first : last + 1])


def _all_forms(depth: int, places: Iterator[Quantity] | list[Quantity]) -> Iterator[Form]:
    places = list(places)
    for known in FORWARD:
        here = [quantity for quantity in places if _kind_of(quantity, depth) == known.kind]
        everywhere = [quantity for quantity in order_of(depth) if _kind_of(quantity, depth) == known.kind]
        for change in known.changes:
            for quantity in here:
                yield Form(known, {quantity: change})
            if here and len(everywhere) > 1:
                yield Form(known, dict.fromkeys(everywhere, change))


def _walk(scene: Scene, changes: Changes, given: dict[Quantity, np.ndarray]) -> dict[Quantity, np.ndarray]:
    """What each link says, from what the student gave below it, or from what the links below say."""
    network, said = scene.network, {}
    heard: np.ndarray = given[("h", 0)] if ("h", 0) in given else scene.trace.h[0]
    below: np.ndarray | None = None
    for quantity in order_of(network.depth):
        family, i = quantity
        right = (pre_activation if family == "a" else unit_output)(network, i, heard)
        place = Place(network, i, heard, below, given.get(quantity))
        said[quantity] = _changed(changes.get(quantity), place, right)
        if family == "h":
            below = heard
        heard = given[quantity] if quantity in given else said[quantity]
    return said


def _changed(change: Change | None, place: Place, right: np.ndarray) -> np.ndarray:
    if change is None:
        return right
    try:
        said = change(place)
    except (ValueError, KeyError, IndexError):  # shapes that do not fit, a layer that is not there: nobody did that
        return right
    return right if said is None or said.shape != right.shape else said


def _reach(scene: Scene, changes: Changes, given: dict[Quantity, np.ndarray], order: list[Quantity]) -> int:
    said = _walk(scene, changes, given)
    return next((k for k, quantity in enumerate(order) if not _is_close(given[quantity], said[quantity])), len(order))


def _is_close(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() <= CLOSE * max(np.abs(one).max(), np.abs(other).max(), 1e-300))


def _shown(scene: Scene, form: Form, before: Changes, given: dict[Quantity, np.ndarray]) -> tuple[int, ...]:
    """The layers in which the mistake makes a difference."""
    right, wrong = _walk(scene, before, given), _walk(scene, before | form.changes, given)
    return tuple(sorted(i for family, i in form.changes if not _is_close(right[family, i], wrong[family, i])))


def _plain(others: list[Mistake]) -> list[Mistake]:
    """Without what a mistake that has a name of its own includes: a factor, or another function."""
    return [mistake for mistake in others if not mistake.name.endswith(("_scaled", "_of_other_function"))]


def _merged(found: list[Mistake]) -> tuple[Mistake, ...]:
    merged: dict[str, Mistake] = {}
    for mistake in found:
        before = merged.get(mistake.name, mistake)
        merged[mistake.name] = replace(before, layers=tuple(sorted({*before.layers, *mistake.layers})))
    return tuple(merged.values())
