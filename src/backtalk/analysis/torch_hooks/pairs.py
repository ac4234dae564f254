"""The captured calls of one backward pass as pairs, whose places are those of all calls.

T counts the places of an example at which the Linear was called, over all dimensions between the first and the last,
and over all its calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ...core.arrays import Array, namespace
from ...errors import InputError, InputTypeError, LayerError
from ..per_example.pairs import Group, Pairs


@dataclass(frozen=True, slots=True, eq=False)
class CapturedCall:
    """One call of a Linear in one backward pass: ``h`` (…, n) and ``a``, ∇_a of the scalar s, (…, m).

    ``versions``: those of the two when they were captured. ``dimension``: the one that counts the examples.
    """

    h: Array
    a: Array
    versions: tuple[int, int]
    dimension: int

    @property
    def count(self) -> int:
        """B."""
        return self.h.shape[self.dimension]

    def read(self, name: str, rows: slice) -> list[Array]:
        """h (R, T, n) and ∇_a (R, T, m) of some examples."""
        if (self.h._version, self.a._version) != self.versions:
            what = "input" if self.h._version != self.versions[0] else "output's gradient"
            raise InputError(
                f"the {what} of layer '{name}' was changed in place after it was heard: "
                "read heard before that, or change a copy."
            )
        both = (array.movedim(self.dimension, 0)[rows] for array in (self.h, self.a))
        return [
            array.reshape(array.shape[0], -1, array.shape[-1]).to(self.a.dtype) for array in both
        ]  # as autocast does


class Key(NamedTuple):
    """The Linear that a group is kept under, and what its pairs are of, as in :class:`Pairs`."""

    name: str
    weights: bool
    biases: bool
    units: bool


@dataclass(frozen=True, slots=True, eq=False)
class CapturedPairs:
    """All of one backward pass: ``calls`` of each Linear, and ``groups`` of those that are read together.

    ``count``: B. ``factor``: ℓ_n over its part in s, B for a mean, else 1.
    """

    calls: dict[str, list[CapturedCall]]
    groups: dict[Key, Group]
    count: int
    factor: int

    @property
    def linears(self) -> dict[str, Group]:
        """By the name of each Linear, its own calls."""
        return {key.name: group for key, group in self.groups.items() if key.units}

    @property
    def shares(self) -> Array:
        """1/B for each example, (B,)."""
        a = next(iter(self.calls.values()))[0].a
        return widened(a[:0]).new_full((self.count,), 1 / self.count)

    def chosen(self, layers: Any = None) -> dict[Key, Group]:
        """The groups with parameters of the layers that were asked for; of all by default."""
        groups = {key: group for key, group in self.groups.items() if key.weights or key.biases}
        if layers is None:
            return groups
        if isinstance(layers, str) or not isinstance(layers, Sequence):
            raise InputTypeError(f"layers is {layers!r}, expected a list of names, such as {list(self.calls)[:1]}.")
        for name in layers:
            if name not in self.calls:
                names = ", ".join(map(repr, list(self.calls)[:8]))
                more = f" and {len(self.calls) - 8} others" if len(self.calls) > 8 else ""
                raise LayerError(f"layers holds {name!r}, expected names of layers that were heard: {names}{more}.")
        if not layers or len(set(layers)) < len(layers):
            raise InputError(f"layers is {list(layers)}, expected at least one name, and none twice.")
        return {key: group for key, group in groups.items() if key.name in layers}

    def matched(self, other: CapturedPairs, layers: Any) -> list[tuple[Group, Group]]:
        """The chosen groups, each with that of the other pass of the same model."""
        groups, others = self.chosen(layers), {key[:3]: group for key, group in other.chosen(layers).items()}
        for key, group in groups.items():
            if key[:3] not in others or others[key[:3]].shapes[0][1:] != group.shapes[0][1:]:
                raise InputError(f"other has no layer '{key.name}' like that of this pass: expected the same model.")
        if len(others) != len(groups):
            raise InputError(
                "other has heard other layers than this pass: expected the same ones, or a choice of layers."
            )
        return [(group, others[key[:3]]) for key, group in groups.items()]


def group_of(key: Key, calls: list[CapturedCall], factor: int) -> Group:
    """These calls, to be read together."""
    count, n, m = calls[0].count, calls[0].h.shape[-1], calls[0].a.shape[-1]
    T = sum(call.h.shape[:-1].numel() for call in calls) // count
    itemsize = 8 if calls[0].a.element_size() == 8 else 4
    each = itemsize * 3 * T * (n + m)  # as they are, widened, and scaled
    return Group(
        partial(_read, key, calls, factor), [(T, n, m)], count, itemsize, each, f"one example at layer '{key.name}'"
    )


def widened(array: Array) -> Array:
    """In float32, or in float64 if it is that."""
    return array if array.element_size() == 8 else array.float()


def _read(key: Key, calls: list[CapturedCall], factor: int, rows: slice) -> list[Pairs]:
    """The pairs of some examples, all calls side by side; ∇_a is of ℓ_n."""
    name, weights, biases, units = key
    h, a = (
        widened(family[0] if len(calls) == 1 else namespace(family[0]).concat(family, axis=1))
        for family in zip(*(call.read(name, rows) for call in calls), strict=True)
    )
    if factor != 1:
        a = a * factor
    return [Pairs(name, rows, h.flatten(0, 1), a.flatten(0, 1), h.shape[1], weights, biases, units)]
