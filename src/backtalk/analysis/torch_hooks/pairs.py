"""The pairs (h, ∇_a) of one backward pass, as (B, T, n) and (B, T, m): all else is computed from them.

T counts the places of an example at which the Linear was called, over all dimensions between the first and the last,
and over all its calls. ∇_Wℓ_n = Σ_t ∇_{a_t}ℓ_n h_tᵀ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.arrays import Array, namespace
from ...errors import InputError, InputTypeError, LayerError
from ..per_example.pairs import rows_within, slices


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """One call of a Linear in one backward pass: ``h`` (…, n) and ``a``, ∇_a of the scalar s, (…, m).

    ``versions``: those of the two when they were heard.
    """

    h: Array
    a: Array
    versions: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Of one Linear, or of Linears that share a weight or a bias: their calls.

    ``weights``, ``biases``: whether the pairs are of a weight's and of a bias's gradient. ``a`` is of s, not of ℓ_n.
    """

    name: str
    hearings: tuple[Hearing, ...]
    batch_dimension: int
    weights: bool
    biases: bool

    @property
    def inputs(self) -> int:
        """n."""
        return self.hearings[0].h.shape[-1]

    @property
    def outputs(self) -> int:
        """m."""
        return self.hearings[0].a.shape[-1]

    @property
    def places(self) -> int:
        """T."""
        return sum(each.h.shape[:-1].numel() for each in self.hearings) // self.count

    @property
    def count(self) -> int:
        """B."""
        h = self.hearings[0].h
        return h.shape[self.dimension(h)]

    @property
    def itemsize(self) -> int:
        """Bytes of a number that is computed with."""
        return 8 if self.hearings[0].a.element_size() == 8 else 4

    def dimension(self, array: Array) -> int:
        """The dimension that counts the examples."""
        return self.batch_dimension if array.ndim > 2 else 0

    def block(self, rows: slice) -> tuple[Array, Array]:
        """h (R, T, n) and ∇_a (R, T, m) of some examples, in float32 or float64."""
        parts = [self._rows(each, rows) for each in self.hearings]
        if len(parts) == 1:
            return parts[0]
        concat = namespace(parts[0][0]).concat
        return concat([h for h, _ in parts], axis=1), concat([a for _, a in parts], axis=1)

    def blocks(self, memory_limit: int, more: int = 0) -> Iterator[tuple[slice, Array, Array]]:
        """All examples in blocks that, with so many numbers ``more`` for each, stay within so many bytes."""
        for rows in slices(self.count, self.rows_at_once(memory_limit, more)):
            yield rows, *self.block(rows)

    def rows_at_once(self, memory_limit: int, more: int = 0) -> int:
        """How many examples such a block has."""
        each = 3 * self.places * (self.inputs + self.outputs) + more  # as they are, cast, and scaled
        return rows_within(memory_limit, self.itemsize * each, f"one example at layer '{self.name}'")

    def _rows(self, each: Hearing, rows: slice) -> tuple[Array, Array]:
        if (each.h._version, each.a._version) != each.versions:
            what = "input" if each.h._version != each.versions[0] else "output's gradient"
            raise InputError(
                f"the {what} of layer '{self.name}' was changed in place after it was heard: "
                "read heard before that, or change a copy."
            )
        h, a = (self._as_sequences(array, rows) for array in (each.h, each.a))
        h = h.to(a.dtype)  # as autocast does before the product
        return (h, a) if self.itemsize == 8 else (h.float(), a.float())

    def _as_sequences(self, array: Array, rows: slice) -> Array:
        array = array.movedim(self.dimension(array), 0)[rows]
        return array.reshape(array.shape[0], -1, array.shape[-1])


@dataclass(frozen=True, slots=True, eq=False)
class BatchPairs:
    """All of one backward pass. ``own``: by the name of each Linear, its calls. ``parts``: of each parameter.

    Where no two Linears share a parameter the two hold the same. ``count``: B; ``factor``: ℓ_n over its part in s, B
    for a mean, else 1.
    """

    own: dict[str, Pairs]
    parts: tuple[Pairs, ...]
    count: int
    factor: float

    def chosen(self, layers: Sequence[str] | None) -> list[Pairs]:
        """The parts of the layers that were asked for; of all by default."""
        if layers is None:
            return list(self.parts)
        if isinstance(layers, str) or not isinstance(layers, Sequence):
            raise InputTypeError(f"layers is {layers!r}, expected a list of names, such as {list(self.own)[:1]}.")
        for name in layers:
            if name not in self.own:
                raise LayerError(f"layers holds {name!r}, expected names of layers that were heard: {_some(self.own)}.")
        if not layers or len(set(layers)) < len(layers):
            raise InputError(f"layers is {list(layers)}, expected at least one name, and none twice.")
        return [part for part in self.parts if part.name in layers]


def by_name(parts: Sequence[Pairs], which: str, function: Callable[[Pairs], Array]) -> dict[str, Array]:
    """What the function gives for each part that has weights, or biases, by name."""
    return {part.name: function(part) for part in parts if getattr(part, which)}


def scaled(array: Array) -> tuple[Array, Array]:
    """Each example of (R, T, n) divided by its largest |value|, so that no square leaves the range; and these, (R,)."""
    xp = namespace(array)
    largest = xp.abs(array).amax(dim=(1, 2))
    largest = xp.where(largest > 0, largest, xp.ones_like(largest))
    return array / largest[:, None, None], largest


def outer_products(h: Array, a: Array, at_once: int) -> Iterator[tuple[slice, Array]]:
    """Σ_t ∇_{a_t} h_tᵀ of each example, so many units of the output at once: (R, units, n)."""
    for units in slices(a.shape[-1], at_once):
        yield units, a[:, :, units].mT @ h


def units_within(memory_limit: int, bytes_per_unit: int, outputs: int) -> int:
    """How many units' outer products fit; at least 1, for which the rows were made few enough."""
    return max(1, min(outputs, memory_limit // bytes_per_unit))


def _some(names: Any) -> str:
    names = list(names)
    return ", ".join(map(repr, names[:8])) + (f" and {len(names) - 8} others" if len(names) > 8 else "")
