"""Quantities as they are written in the formulas, W[1,2,3] or h[2], numbered from 1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...core.network import Network
from ...errors import InputError, InputTypeError
from .expressions import Symbol

WRITTEN = re.compile(r"\s*(x|h|a|W|b|yhat|ŷ)\s*(?:\[\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*\])?\s*")
BETWEEN = re.compile(r"\]\s*\[")  # W[1][2,3] is W[1,2,3]


@dataclass(frozen=True, slots=True)
class Quantity:
    """``family`` h, a, W or b, its ``layer``, and the ``indices`` of one number of it; none for the whole."""

    family: str
    layer: int
    indices: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.family}[{','.join(map(str, (self.layer, *self.indices)))}]"

    @property
    def is_scalar(self) -> bool:
        """Whether it is one number."""
        return bool(self.indices)


def as_quantity(network: Network, value: Any) -> Quantity:
    """A quantity of a network from what the user writes.

    h[0,5] is also x[5] and h[0][5], and with three layers h[3,2] is also yhat[2]. Raises
    :class:`~backtalk.errors.InputError` for one that the network does not have, with those that it has.

    >>> as_quantity(Network.create([2, 3, 2], rng=0), "W[2, 1, 3]")
    Quantity(family='W', layer=2, indices=(1, 3))
    """
    if not isinstance(value, str | Quantity):
        raise InputTypeError(f"quantity is {value!r}, expected text such as 'W[1,1,1]', 'h[1,2]' or 'a[1]'.")
    if isinstance(value, str) and len(value) > 100:
        raise InputError(f"quantity is a text of {len(value)} letters, expected one such as 'W[1,1,1]'.")
    match = WRITTEN.fullmatch(BETWEEN.sub(",", str(value)))
    if not match:
        other = str(value).strip().swapcase()
        near = WRITTEN.fullmatch(BETWEEN.sub(",", other))
        meant = f"did you mean {other!r}? There" if near and near[2] else "there"
        raise InputError(f"quantity is {value!r}, which is none: {meant} {_those_of(network)}")
    family, written = match[1], match[2] or ""
    numbers = tuple(map(int, re.findall("[0-9]+", written)))
    if family in ("x", "yhat", "ŷ"):
        family, numbers = "h", (0 if family == "x" else network.depth, *numbers)
    shapes = shapes_of(network, family)
    if not numbers or numbers[0] not in shapes:
        raise InputError(f"quantity is {value!r}, which the network does not have: there {_those_of(network)}")
    layer, *indices = numbers
    shape = shapes[layer]
    if indices and len(indices) != len(shape):
        wanted = ",".join(str(part) for part in (layer, *shape))
        raise InputError(
            f"quantity is {value!r}, expected {family}[{layer}] as a whole, or one number of it, up to "
            f"{family}[{wanted}]."
        )
    if not all(1 <= index <= length for index, length in zip(indices, shape, strict=False)):
        last = ",".join(str(part) for part in (layer, *shape))
        first = ",".join(["1"] * len(shape))
        raise InputError(
            f"quantity is {value!r}, which the network does not have: {family}[{layer},{first}] to {family}[{last}] "
            "are there, numbered from 1."
        )
    return Quantity(family, layer, tuple(indices))


def symbol_of(network: Network, quantity: Quantity) -> Symbol:
    """A quantity in the formulas: h_L is ŷ there."""
    if quantity.family == "h" and quantity.layer == network.depth:
        return Symbol("yhat", None, quantity.indices)
    return Symbol(quantity.family, quantity.layer, quantity.indices)


def shapes_of(network: Network, family: str) -> dict[int, tuple[int, ...]]:
    """The shape of each layer's h, a, W or b for one example."""
    sizes = network.sizes
    layers = range(0 if family == "h" else 1, network.depth + 1)
    return {i: (sizes[i], sizes[i - 1]) if family == "W" else (sizes[i],) for i in layers}


def _those_of(network: Network) -> str:
    last = network.depth
    return (
        f"are h[0] (the input) to h[{last}], a[1] to a[{last}], W[1] to W[{last}] and b[1] to b[{last}], and "
        "their numbers, such as W[1,1,1] or h[1,1]."
    )
