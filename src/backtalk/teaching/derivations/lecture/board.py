"""What every page of a lecture needs: the values, what is asked, and the picture of the network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ..expressions import Derivative, Expression, Grid, Index, Product, SumOver, Symbol, Transposed
from ..lit import all_of, lit_picture
from ..picture import Lit, Picture
from ..quantity import Quantity
from ..steps import Step, make_step
from ..values import AnyValues
from ..view import View


@dataclass(frozen=True, slots=True)
class Board:
    """``values`` of the symbols, what is ``asked``, and the ``view`` of large layers."""

    values: AnyValues
    asked: Quantity
    view: View

    @property
    def depth(self) -> int:
        """L."""
        return self.values.network.depth

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_0, …, n_L."""
        return self.values.network.sizes

    def all_of(self, i: int) -> Collection[int]:
        """The units of a layer; layer L + 1 is the loss."""
        return all_of(self.sizes, i)

    def first_shown(self, i: int) -> int:
        """The first unit of a layer that is shown: the example for all of them."""
        return min(self.view.rows.get(i, (0,))) + 1

    def picture(self, now: Lit, names: Sequence[Symbol] = (), *, onward: bool = True) -> Picture:
        """The network, lit where the step speaks of it, and with ``onward`` on the way from there to the loss."""
        return lit_picture(self.sizes, self.view, now, names, onward=onward)

    def step(
        self, talk: str, layer: int, title: str, reason: str, picture: Picture, left: Derivative, *rights: Expression
    ) -> Step:
        """left = rights[0] = rights[1] …, the last one with numbers put in."""
        return make_step(self.values, talk, layer, title, reason, left, rights[-1], rights[:-1], picture)


def told(i: int, m: Index) -> Derivative:
    """∂ℒ/∂a_{i,m}."""
    return Derivative(Symbol("a", i, (m,)))


def weight(i: int, m: Index, j: Index) -> Symbol:
    """W_{i,m,j}."""
    return Symbol("W", i, (m, j))


def column_of(i: int, j: Index) -> Symbol:
    """W_{i,·,j}."""
    return Symbol("W", i, ("·", j))


def sum_over_paths(i: int, width: int, j: Index) -> SumOver:
    """Σ_m ∂ℒ/∂a_{i,m} · W_{i,m,j}, over the units of layer i."""
    return SumOver("m", width, lambda m: Product((told(i, m), weight(i, m, j))), i)


def stacked(entry: Callable[[int], Expression], size: int, axis: int) -> Grid:
    """A column of what ``entry`` gives for each unit."""
    return Grid(lambda j, _: entry(j), (size, 1), (axis, None))


def product_with_transpose(i: int) -> Product:
    """W_iᵀ ∇_{a_i}ℒ."""
    return Product((Transposed(Symbol("W", i)), Derivative(Symbol("a", i))))


def count_text(count: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"
