"""A family of arrays, one for each layer, numbered as in the formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ..errors import LayerError
from .arrays import Array


class Layers(Mapping[int, Array]):
    """A read-only mapping from layer number to array; keys run from ``first`` upward without a gap.

    >>> import numpy as np
    >>> W = Layers([np.zeros((3, 2)), np.zeros((1, 3))])
    >>> W[2].shape, list(W)
    ((1, 3), [1, 2])
    >>> W[0]
    Traceback (most recent call last):
        ...
    backtalk.errors.LayerError: layer is 0, expected a whole number from 1 to 2.
    """

    __slots__ = ("_arrays", "_first")

    def __init__(self, arrays: Iterable[Array], first: int = 1) -> None:
        self._arrays = tuple(arrays)
        self._first = first

    def __getitem__(self, layer: int) -> Array:
        try:
            index = range(self._first, self._first + len(self._arrays)).index(layer)
        except ValueError:
            last = self._first + len(self._arrays) - 1
            raise LayerError(f"layer is {layer!r}, expected a whole number from {self._first} to {last}.") from None
        return self._arrays[index]

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._first, self._first + len(self._arrays)))

    def __len__(self) -> int:
        return len(self._arrays)

    def __contains__(self, layer: object) -> bool:
        return layer in range(self._first, self._first + len(self._arrays))

    def __eq__(self, other: object) -> bool:
        return self is other  # arrays compare element by element: there is no one answer

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{layer}: {tuple(array.shape)}" for layer, array in self.items())
        return f"Layers({{{shapes}}})"

    def _repr_html_(self) -> str:
        """What a notebook shows: a row for each layer."""
        from .views import layers_view

        return layers_view(self)


def mapped(
    function: Callable[..., Array], family: Mapping[Any, Array], *others: Mapping[Any, Array]
) -> Mapping[Any, Array]:
    """What the function makes of the arrays with the same key: in Layers, or by name where the family is by name.

    >>> mapped(lambda W, b: W + b, {"head": 1}, {"head": 2})["head"]
    3
    """
    arrays = [function(family[key], *(other[key] for other in others)) for key in family]
    if isinstance(family, Layers):
        return Layers(arrays, first=min(family))
    return MappingProxyType(dict(zip(family, arrays, strict=True)))
