"""The network as it is drawn beside a step: columns of units, and what is lit of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from .expressions import Expression, Symbol
from .view import View

WAY, NOW = 1, 2  # how bright: on the way to the loss; what the step speaks of
Lit = Mapping[int, Collection[int]]  # of each layer the units, from 1


@dataclass(frozen=True, slots=True)
class Node:
    """A unit, or with ``dots`` those that are left out; ``light``: 0, WAY or NOW; ``label``: its name or None."""

    light: int = 0
    label: Expression | None = None
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """The units of a layer, the first on top, with the name below."""

    nodes: tuple[Node, ...]
    name: Expression | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Columns from left to right, each joined to the next; ``edges``: (column, place, place in the next) → light.

    ``said``: the picture in words.
    """

    columns: tuple[Column, ...]
    edges: Mapping[tuple[int, int, int], int]
    said: str

    @property
    def tallest(self) -> int:
        """How many units the largest column has."""
        return max(len(column.nodes) for column in self.columns)

    def row(self, c: int, place: int) -> float:
        """How many rows below the uppermost a unit is, with each column in the middle."""
        return (self.tallest - len(self.columns[c].nodes)) / 2 + place

    @property
    def drawn_edges(self) -> list[tuple[int, int, int, int]]:
        """(column, place, place in the next, light) of every weight, the brightest last."""
        found = []
        for c, (left, right) in enumerate(pairwise(self.columns)):
            for (at, one), (to, other) in product(enumerate(left.nodes), enumerate(right.nodes)):
                if not (one.dots or other.dots):
                    found.append((c, at, to, self.edges.get((c, at, to), 0)))
        return sorted(found, key=lambda edge: edge[-1])


def network_picture(sizes: Sequence[int], view: View, now: Lit, way: Lit, names: Sequence[Symbol] = ()) -> Picture:
    """Of the layers 0 … L, and of the loss as layer L + 1.

    ``now``: the units that the step speaks of; ``way``: those on the way from there to the loss. Between two lit units
    of neighbouring layers the weight is lit. ``names``: of units that are written beside them.
    """
    depth = len(sizes) - 1
    named = {(depth if symbol.layer is None else symbol.layer, symbol.indices[-1]): symbol for symbol in names}
    columns: list[Column] = []
    places: list[dict[int, int]] = []
    for i, size in enumerate([*sizes, 1]):
        shown = [0] if i > depth else view.places(size, i)
        units = [None if k is None else k + 1 for k in shown]
        nodes = [
            Node(dots=True) if unit is None else Node(_light(i, unit, now, way), named.get((i, unit))) for unit in units
        ]
        columns.append(Column(tuple(nodes), _name(i, depth)))
        places.append({unit: place for place, unit in enumerate(units) if unit is not None})
    edges = {}
    for i, (left, right) in enumerate(pairwise(places)):
        for (j, at), (m, to) in product(left.items(), right.items()):
            both = (_light(i, j, now, way), _light(i + 1, m, now, way))
            if min(both):
                bright = j in now.get(i, ()) and m in now.get(i + 1, ())
                edges[i, at, to] = NOW if bright else WAY
    lit = ", ".join(f"{len(now[i])} of layer {i}" for i in sorted(now) if 0 <= i <= depth)
    layers = " → ".join(map(str, sizes))
    return Picture(tuple(columns), edges, f"The network {layers}" + (f"; lit are units: {lit}." if lit else "."))


def paths_picture() -> Picture:
    """p as a function of z through q_1, q_2 … q_M, whose paths add up."""
    q = [Node(NOW, Symbol("q", None, (m,))) for m in (1, 2, "M")]
    middle = (q[0], q[1], Node(dots=True), q[2])
    edges = {(0, 0, place): NOW for place in (0, 1, 3)} | {(1, place, 0): NOW for place in (0, 1, 3)}
    ends = (Column((Node(NOW, Symbol(letter)),)) for letter in "zp")
    first, last = ends
    said = "z reaches p along M paths, through q_1, q_2, … and q_M."
    return Picture((first, Column(middle), last), edges, said)


def _light(i: int, unit: int, now: Lit, way: Lit) -> int:
    return NOW if unit in now.get(i, ()) else WAY if unit in way.get(i, ()) else 0


def _name(i: int, depth: int) -> Symbol:
    if i > depth:
        return Symbol("loss")
    return Symbol("yhat") if i == depth else Symbol("h", i)
