"""The captured calls of one backward pass as pairs, whose places are those of all calls.

T counts the places of an example at which the layer was called, over all dimensions between the first and the last,
and over all its calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ...core.arrays import Array, namespace
from ...errors import InputError, InputTypeError, LayerError
from ..per_example.gradient_norms import cost_of_norms
from ..per_example.pairs import Group, Pairs
from .layers import Layer, tied


@dataclass(frozen=True, slots=True, eq=False)
class CapturedCall:
    """One call of a layer in one backward pass: its input ``h``, and ``a``, ∇_a of the scalar s; (…, n) and (…, m).

    ``versions``: those of the two when they were captured. ``dimension``: the one that counts the examples.
    """

    layer: Layer
    h: Array
    a: Array
    versions: tuple[int, int]
    dimension: int

    @property
    def count(self) -> int:
        """B."""
        return self.h.shape[self.dimension]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Places of all examples together, n and m."""
        return self.layer.kind.sizes(self.layer.module, self.h, self.a)

    def read(self, rows: slice) -> tuple[Array, Array]:
        """h (R, T, n) and ∇_a (R, T, m) of some examples."""
        if (self.h._version, self.a._version) != self.versions:
            what = "input" if self.h._version != self.versions[0] else "output's gradient"
            raise InputError(
                f"the {what} of layer '{self.layer.name}' was changed in place after it was heard: "
                "read heard before that, or change a copy."
            )
        h, a = (array.movedim(self.dimension, 0)[rows] for array in (self.h, self.a))
        return self.layer.kind.read(self.layer.module, h, a)


class Key(NamedTuple):
    """The layer that a group is kept under, and what its pairs are of, as in :class:`Pairs`."""

    name: str
    weights: bool
    biases: bool
    units: bool


@dataclass(frozen=True, slots=True, eq=False)
class CapturedPairs:
    """All of one backward pass: ``calls`` of each layer, and ``groups`` of those that are read together.

    ``layers``: the layers themselves, by name. ``count``: B. ``factor``: ℓ_n over its part in s, B for a mean, else 1.
    """

    layers: dict[str, Layer]
    calls: dict[str, list[CapturedCall]]
    groups: dict[Key, Group]
    count: int
    factor: int

    @property
    def linears(self) -> dict[str, Group]:
        """By the name of each nn.Linear, its own calls."""
        return {key.name: each for key, each in self.groups.items() if key.units and self.layers[key.name].is_linear}

    @property
    def shares(self) -> Array:
        """1/B for each example, (B,)."""
        a = next(iter(self.calls.values()))[0].a
        return widened(a[:0]).new_full((self.count,), 1 / self.count)

    def named(self, layers: Any = None) -> list[str]:
        """The names of the layers that were asked for; of all by default."""
        if layers is None:
            return list(self.calls)
        if isinstance(layers, str) or not isinstance(layers, Sequence):
            raise InputTypeError(f"layers is {layers!r}, expected a list of names, such as {list(self.calls)[:1]}.")
        for name in layers:
            if name not in self.calls:
                names = ", ".join(map(repr, list(self.calls)[:8]))
                more = f" and {len(self.calls) - 8} others" if len(self.calls) > 8 else ""
                raise LayerError(f"layers holds {name!r}, expected names of layers that were heard: {names}{more}.")
        if not layers or len(set(layers)) < len(layers):
            raise InputError(f"layers is {list(layers)}, expected at least one name, and none twice.")
        return list(layers)

    def chosen(self, layers: Any = None) -> dict[Key, Group]:
        """The groups with parameters of the layers that were asked for; of all by default."""
        names = set(self.named(layers))
        return {key: group for key, group in self.groups.items() if (key.weights or key.biases) and key.name in names}

    def fitting(self, memory_limit: int) -> list[Group]:
        """All groups but those of other layers than Linears of which not even one example stays within the limit."""
        linears = self.linears
        return [
            group
            for key, group in self.groups.items()
            if key.name in linears or group.bytes_with(cost_of_norms) <= memory_limit
        ]

    def with_factors(self, what: str, layers: Any = None) -> dict[Key, Group]:
        """The groups of the layers that were asked for, which must have Kronecker factors; of all that have by default.

        Those of a layer's own units are among them.
        """
        names = self.named(layers)
        without = [name for name in names if not self.layers[name].kind.has_factors]
        if without and (layers is not None or len(without) == len(names)):
            of = f"{type(self.layers[without[0]].module).__name__} '{without[0]}'"
            raise InputError(f"{what} is of layers such as nn.Linear and nn.Conv2d, and there is none of {of}.")
        return {key: group for key, group in self.groups.items() if key.name in set(names) - set(without)}

    def in_shape(self, W: Any, b: Any, rows: bool = False) -> tuple[dict[str, Array], dict[str, Array]]:
        """Arrays of weights and biases by name in the shapes of the parameters; ``rows``: one for each of some rows."""

        def shaped(arrays: Any, of: str) -> dict[str, Array]:
            found = {}
            for name, array in arrays.items():
                shape = getattr(self.layers[name], of).shape
                found[name] = array.reshape(array.shape[0], *shape) if rows else array.reshape(shape)
            return found

        return shaped(W, "weight"), shaped(b, "bias")

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
    linear = [call for call in calls if call.layer.is_linear]
    indexed = [call for call in calls if not call.layer.is_linear]
    if linear and indexed:
        return _tied_group(key, linear, indexed, factor)
    first, count = calls[0].layer, calls[0].count
    _, n, m = calls[0].sizes
    T = sum(call.sizes[0] for call in calls) // count
    itemsize = 8 if calls[0].a.element_size() == 8 else 4
    each = itemsize * 3 * T * first.kind.values(first.module, n, m)  # as they are, widened, and scaled
    entries = None if first.is_linear else first.weight.numel()
    read, example = partial(_read, key, calls, factor), f"one example at layer '{key.name}'"
    return Group(read, [(T, n, m)], count, itemsize, each, example, entries)


def _tied_group(key: Key, linear: list[CapturedCall], indexed: list[CapturedCall], factor: int) -> Group:
    """Calls of Linears and of embeddings with one weight."""
    one, other = (group_of(key, calls, factor) for calls in (linear, indexed))
    (T, n, m), (S, _, _) = one.shapes[0], other.shapes[0]
    each = 2 * (one.bytes + other.bytes) + one.itemsize * 3 * T * S

    def read(rows: slice) -> list[Pairs]:
        return [tied(*one.read(rows), *other.read(rows))]

    entries = 3 * linear[0].layer.weight.numel()  # of both, and of their sum
    return Group(read, [(T + S, n, m)], one.count, one.itemsize, each, one.example, entries)


def widened(array: Array) -> Array:
    """In float32, or in float64 if it is that."""
    return array if array.element_size() == 8 else array.float()


def _read(key: Key, calls: list[CapturedCall], factor: int, rows: slice) -> list[Pairs]:
    """The pairs of some examples, all calls side by side; ∇_a is of ℓ_n."""
    name, weights, biases, units = key
    layer = calls[0].layer
    h, a = (
        widened(family[0] if len(calls) == 1 else namespace(family[0]).concat(family, axis=1))
        for family in zip(*(call.read(rows) for call in calls), strict=True)
    )
    if factor != 1:
        a = a * factor
    places, create = h.shape[1], layer.kind.pairs(layer.module)
    return [create(name, rows, h.flatten(0, 1), a.flatten(0, 1), places, weights, biases, units)]
