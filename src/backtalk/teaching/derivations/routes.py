"""Paths as equations: the factors along each, as symbols and as numbers."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise, repeat

from .expressions import Apply, Derivative, Expression, Number, Product, Symbol
from .quantity import Quantity
from .strongest import Path, Paths
from .text import write_text


def factors_of(asked: Quantity, path: Path) -> tuple[Expression, Expression]:
    """The product along a path to the loss, in symbols and with numbers put in.

    h_{i-1,k} first where the quantity is a weight; then g′(a) of each hidden unit and the weight to the next one;
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
    """A unit on a path: h where the path begins with it, else a, through which all that is heard comes."""
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
