"""Paths to the loss, in words and as equations: the units along each, and its factors as symbols and as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, repeat
from typing import Any

from ...core.layers import Layers
from .document import Equation, Passage, Section
from .expressions import Apply, Derivative, Expression, Number, Product, Symbol
from .quantity import Quantity
from .text import write_text


@dataclass(frozen=True, slots=True)
class Path:
    """One path from a quantity to the loss, and what it contributes to the gradient.

    ``units``: (layer, unit) of each unit on the way, from the quantity's layer to the output layer, both from 1.
    ``factors``: what is multiplied along it: h_{i-1,k} first if the quantity is a weight; then g′(a) of each hidden
    unit and the weight to the next one, in turn; and ∂ℒ/∂a_{Lm} last. ``contribution`` is their product, and ``share``
    its absolute value as a part of that of all paths.

    >>> from backtalk import Network, paths
    >>> paths(Network([[[2.0]]], [[0.5]], loss="squared_error"), [3.0], [1.5], "W[1,1,1]").strongest[0]
    Path(units=((1, 1),), factors=(3.0, 5.0), contribution=15.0, share=1.0)
    """

    units: tuple[tuple[int, int], ...]
    factors: tuple[float, ...]
    contribution: float
    share: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Paths:
    """The strongest paths of a gradient: the gradient is the sum of the contributions of all ``count`` paths.

    ``strongest``: in order of their absolute contribution, the largest first. ``share``: the part of the absolute flow,
    ``Σ |contribution|`` over all paths, that they carry together; ``absolute`` is that flow. ``flow[i]``: for each unit
    of layer i the part of it that leads through this unit, shape (n_i,), of sum 1 (all 0 if nothing flows).

    >>> from backtalk import Network, paths
    >>> print(paths(Network([[[2.0]]], [[0.5]], loss="squared_error"), [3.0], [1.5], "W[1,1,1]"))
    1 of the 1 paths of W[1,1,1] to the loss, with 100 % of Σ |contribution| = 15; ∂ℒ/∂W[1,1,1] = 15
                15     100 %  h[0,1] → a[1,1] → ℒ
    """

    quantity: Quantity
    value: float
    count: int
    absolute: float
    share: float
    strongest: tuple[Path, ...]
    flow: Layers

    def __repr__(self) -> str:
        return (
            f"{len(self.strongest)} of the {self.count} paths of {self.quantity} to the loss, with "
            f"{100 * self.share:.3g} % of Σ |contribution| = {self.absolute:.6g}; "
            f"∂ℒ/∂{self.quantity} = {self.value:.6g}"
        )

    def __str__(self) -> str:
        lines = [repr(self)]
        for path in self.strongest:
            way = route_text(self.quantity, path)
            lines.append(f"  {path.contribution:12.6g}  {100 * path.share:6.3g} %  {way}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows: the strongest paths with their shares."""
        from ...pages.view import Bar, rows_table, sentence, view

        rows = [
            [route_text(self.quantity, path), f"{path.contribution:.6g}", Bar(share_text(path.share), path.share)]
            for path in self.strongest
        ]
        title = f"∂ℒ/∂{self.quantity} = {self.value:.6g}, along its paths to the loss"
        names = ["path", "contribution", "share of the flow"]
        return view(title, sentence(summary_of(self)), rows_table(names, rows))

    def to_dict(self) -> dict[str, Any]:
        """For JSON; ``count``, which may have any number of digits, as text."""
        return {
            "quantity": str(self.quantity),
            "value": self.value,
            "count": str(self.count),
            "absolute": self.absolute,
            "share": self.share,
            "paths": [
                {
                    "units": [list(unit) for unit in path.units],
                    "factors": list(path.factors),
                    "contribution": path.contribution,
                    "share": path.share,
                }
                for path in self.strongest
            ],
            "flow": {str(i): array.tolist() for i, array in self.flow.items()},
        }

    def section(self) -> Section:
        """What stands on paper: for each path its units, its share, and the product of its factors."""
        asked = self.quantity
        passages = tuple(
            Passage(
                route_text(asked, path),
                f"{share_text(path.share)} of the flow",
                Equation(Number(path.contribution), factors_of(asked, path)),
                number,
            )
            for number, path in enumerate(self.strongest, 1)
        )
        return Section("The strongest paths", passages, summary_of(self))


def factors_of(asked: Quantity, path: Path) -> tuple[Expression, Expression]:
    """The product along a path to the loss, in symbols and with numbers put in.

    h_{i-1,k} first if the quantity is a weight; then g′(a) of each hidden unit and the weight to the next one;
    ∂ℒ/∂a of the output unit last.
    """
    symbols: list[Expression] = []
    if asked.family == "W":
        symbols.append(Symbol("h", asked.layer - 1, asked.indices[1:]))
    for (i, own), (_, above) in pairwise(path.units):
        if i > 0 and not (i == asked.layer and asked.family == "h"):
            symbols.append(Apply("g′", Symbol("a", i, (own,)), lambda a: a, i))
        symbols.append(Symbol("W", i + 1, (above, own)))
    layer, unit = path.units[-1]
    at_output = asked.family == "h" and layer == asked.layer
    symbols.append(Derivative(Symbol("yhat", None, (unit,)) if at_output else Symbol("a", layer, (unit,))))
    return Product(tuple(symbols)), Product(tuple(map(Number, path.factors)))


def route_text(asked: Quantity, path: Path) -> str:
    """The units along a path, a weight's with the unit that it hears."""
    begin = write_text(Symbol("h", asked.layer - 1, asked.indices[1:])) + " → " if asked.family == "W" else ""
    return f"{begin}{' → '.join(map(write_text, map(_unit, repeat(asked), path.units)))} → ℒ"


def _unit(asked: Quantity, place: tuple[int, int]) -> Symbol:
    """A unit on a path: h if the path begins with it, else a, through which all that is heard comes."""
    layer, unit = place
    return Symbol("h" if asked.family == "h" and layer == asked.layer else "a", layer, (unit,))


def summary_of(paths: Paths) -> str:
    """How many paths there are, and how much of the flow the strongest carry."""
    shown, count = len(paths.strongest), count_text(paths.count)
    if paths.count == 1:
        return "There is one path from here to the loss, and the gradient is the product of the factors along it."
    told = f"The gradient is the sum over {count} paths of the product of the factors along each."
    if paths.absolute == 0:
        return f"{told} All of these products are 0."
    if shown == paths.count:
        return f"{told} These are all of them, the strongest first."
    return f"{told} The {shown} strongest carry {share_text(paths.share)} of the absolute flow."


def count_text(count: int) -> str:
    """A number of paths.

    >>> count_text(3000), count_text(10**15)
    ('3,000', '10^15')
    """
    if count < 10**9:
        return f"{count:,}"
    digits, power = f"{Decimal(count):.2e}".split("e+")
    digits = digits.rstrip("0").rstrip(".")
    return f"10^{power}" if digits == "1" else f"{digits} × 10^{power}"


def share_text(share: float) -> str:
    """A share in percent, with three digits.

    >>> share_text(0.8312), share_text(1.0)
    ('83.1 %', '100 %')
    """
    return f"{100 * share:.3g} %"
