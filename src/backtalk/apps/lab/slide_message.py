r"""A slide as a message: its formulas in LaTeX in which each quantity says where it is drawn, and what is to be shown.

A quantity is named as the arrays of a frame are, ``grad_a.3``, and its indices are numbers, or letters for which the
page puts numbers in: where they stand in LaTeX, they have the sign § before them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ...teaching.derivations.document import Equation
from ...teaching.derivations.evaluation import leaves_of
from ...teaching.derivations.expressions import (
    EVERY,
    Apply,
    Derivative,
    Expression,
    Index,
    Negative,
    Number,
    Partial,
    Product,
    Sum,
    SumOver,
    Symbol,
)
from ...teaching.derivations.latex import LatexWriter, equation_latex
from ...teaching.derivations.notation import is_scalar
from ...teaching.derivations.text import TextWriter
from ...teaching.derivations.values import ExampleValues
from ...teaching.derivations.view import View
from .payloads import Drawn
from .slides import Light, Slide, Walk

VIEW = View(digits=3, most=2)
JACOBIAN = View(digits=3, most=4)
HOLE = "§"
ONE = ("j", "k")  # the letters of one unit or weight; a sum has a letter of its own


@dataclass(frozen=True, slots=True)
class Named:
    """A quantity of a formula by the name of its array, with its indices."""

    array: str
    indices: tuple[Index, ...]


def named(part: Expression, depth: int) -> Named | None:
    """What a symbol, a slope or g of a symbol is called; None for what has no array."""
    match part:
        case Symbol("yhat", _, indices):
            return Named(f"h.{depth}", indices)
        case Symbol("target", _, indices):
            return Named("target", indices)
        case Symbol("h" | "a" | "W" | "b" as letter, int(i), indices):
            return Named(f"{letter}.{i}", indices)
        case Derivative(of) if (found := named(of, depth)) is not None:
            return Named(f"grad_{found.array}", found.indices)
        case Apply("g′", Symbol("a", int(i), indices)):
            return Named(f"slope.{i}", indices)
        case Partial(Symbol("yhat", _, (m,)), Symbol("a", _, (j,))):
            return Named(f"slope.{depth}", (j,)) if m == j else Named("jacobian", (m, j))
    return None


def slide_message(walk: Walk, at: int, drawn: Drawn) -> dict[str, Any]:
    """A slide for the page."""
    slide, depth = walk.slides[at], walk.values.network.depth
    faint, known = walk.computed(at)
    each = None if slide.each is None else _each(slide.each, depth)
    names = [f"{light.quantity}.{light.layer}" for light in known]
    shown = [vector for vector in _shown(slide, depth) if _is_known(vector["array"], names)]
    return {
        "type": "slide",
        "at": at,
        "count": len(walk.slides),
        "talk": slide.talk,
        "title": slide.title,
        "statements": [
            {"reason": statement.reason, "latex": _lines(statement.equation, depth)} for statement in slide.statements
        ],
        "light": _lights(slide.light),
        "faint": _lights(faint),
        "known": names,
        "shown": shown,
        "each": each,
        "about": None if slide.about is None else _mark(slide.about, depth),
        "arrays": dict(_arrays(walk, shown, drawn)),
    }


def _lights(lights: Collection[Light]) -> list[dict[str, Any]]:
    return [light._asdict() for light in lights]


def _lines(equation: Equation, depth: int) -> list[str]:
    """The lines of an equation, a number behind its formula; none for a sentence without one."""
    if not equation.rights:
        return []
    writer = MarkedWriter(depth)
    if isinstance(equation.left, Partial):
        writer.view = JACOBIAN
    *lines, last = equation_latex(equation, writer)
    if lines and is_scalar(equation.rights[-1]) and isinstance(equation.rights[-1], Number):
        lines[-1] += f" {last}"
        return lines
    return [*lines, last]


class MarkedWriter(LatexWriter):
    r"""LaTeX in which quantities are marked with their names, for KaTeX: ``\htmlData{at=W.3 m j}{W_{3,m,j}}``.

    ``holes``: the indices for which the page puts numbers in.

    >>> MarkedWriter(2).write(Symbol("yhat"))
    '\\htmlData{at=h.2}{\\hat{y}}'
    """

    depth: int
    holes: Collection[Index]

    def __init__(self, depth: int, holes: Collection[Index] = ()) -> None:
        super().__init__(VIEW)
        self.depth, self.holes = depth, holes

    def atom(self, part: Expression) -> str:
        found = named(part, self.depth)
        written = super().atom(with_holes(part, self.holes))
        if found is None:
            return written
        return rf"\htmlData{{at={_mark(part, self.depth, self.holes)}}}{{{written}}}"


def _mark(part: Expression, depth: int, holes: Collection[Index] = ()) -> str:
    """The name of a quantity with its indices: W.3 2 1."""
    found = named(part, depth)
    assert found is not None
    indices = (f"{HOLE}{index}" if index in holes else "*" if index == EVERY else str(index) for index in found.indices)
    return " ".join((found.array, *indices))


def with_holes(part: Expression, holes: Collection[Index]) -> Expression:
    """A quantity whose letters are to be filled in."""
    match part:
        case Symbol(_, _, indices):
            return replace(part, indices=tuple(f"{HOLE}{index}" if index in holes else index for index in indices))
        case Derivative(of):
            return Derivative(with_holes(of, holes))  # pyright: ignore[reportArgumentType]
        case Partial(above, below):
            return Partial(with_holes(above, holes), with_holes(below, holes))  # pyright: ignore[reportArgumentType]
        case Apply(of=of):
            return replace(part, of=with_holes(of, holes))
    return part


def _is_known(array: str, known: Collection[str]) -> bool:
    """Whether a slide shows what is computed so far; biases, targets and slopes go with what they belong to."""
    return array in known or array.split(".")[0] in ("b", "target", "slope", "jacobian")


def _shown(slide: Slide, depth: int) -> list[dict[str, Any]]:
    """The vectors of which every number is shown: what the formula is of, and then what it gives."""
    equation = slide.each or slide.statements[0].equation
    parts = [part for right in equation.rights for part in _quantities(right)]
    sums = {part.index for right in equation.rights for part in _terms(right) if isinstance(part, SumOver)}
    found: dict[str, dict[str, Any]] = {}
    for part in (*parts, *_quantities(equation.left)):
        vector = _vector(part, depth, sums)
        if vector is not None:
            found.setdefault(vector["array"], vector)
    return list(found.values())


def _vector(part: Expression, depth: int, sums: Collection[Index]) -> dict[str, Any] | None:
    found = named(part, depth)
    if found is None:
        return None
    match found.indices:
        case ():
            if found.array.split(".")[0] in ("W", "grad_W"):
                return None
            at, along = ["j"], "j"
        case (int(),):
            at, along = ["j"], "j"
        case (letter,):
            at, along = [letter], letter
        case _:
            at = list(found.indices)
            along = next((index for index in at if index in sums), at[-1])
    whole = _whole(part, along)
    return {"array": found.array, "at": at, "along": along, **_written(whole, depth, ONE)}


def _written(part: Expression, depth: int, holes: Collection[Index]) -> dict[str, str]:
    """A quantity as LaTeX and as text."""
    latex, text = MarkedWriter(depth, holes).write(part), TextWriter(VIEW).write(with_holes(part, holes))
    return {"latex": latex, "text": text}


def _whole(part: Expression, along: Index) -> Expression:
    """A quantity with all its numbers along an index: the vector, or a row or column of a matrix."""
    match part:
        case Symbol(_, _, (_, _) as indices):
            return replace(part, indices=tuple(EVERY if index == along else index for index in indices))
        case Symbol():
            return replace(part, indices=())
        case Derivative(of):
            return Derivative(_whole(of, along))  # pyright: ignore[reportArgumentType]
        case Partial(above, below) if above.indices != below.indices:
            return Partial(replace(above, indices=()), below)
        case Apply(of=of):
            return replace(part, of=_whole(of, along))
    return part


def _quantities(part: Expression) -> Iterator[Expression]:
    """The symbols of a formula, and the slopes g′(a), which have numbers of their own."""
    for term in _terms(part):
        for factor in _factors(term):
            if isinstance(factor, Apply) and factor.name == "g′":
                yield factor
            else:
                yield from leaves_of(factor)


def _terms(part: Expression) -> tuple[Expression, ...]:
    return part.terms if isinstance(part, Sum) else (part,)


def _factors(part: Expression) -> tuple[Expression, ...]:
    match part:
        case SumOver(index, _, term):
            return _factors(term(index))
        case Negative(of):
            return _factors(of)
        case Product(factors):
            return factors
    return (part,)


def _each(equation: Equation, depth: int) -> dict[str, Any]:
    """The equation of one unit or weight, and its terms: sums over a layer, or single ones, of factors."""
    header = MarkedWriter(depth, ONE)
    (right,) = equation.rights
    sums = {term.index for term in _terms(right) if isinstance(term, SumOver)}
    letters = {*ONE, *sums}
    header.holes = [letter for letter in ONE if letter not in sums]

    def quantity(part: Expression) -> dict[str, Any]:
        function = part.name if isinstance(part, Apply) and part.name == "g" else ""
        found = named(part.of if isinstance(part, Apply) and function else part, depth)
        assert found is not None
        return {
            "array": found.array,
            "at": list(found.indices),
            "function": function,
            **_written(part, depth, letters),
        }

    return {
        "latex": f"{header.write(equation.left)} = {header.write(right)}",
        "left": quantity(equation.left),
        "terms": [
            {
                "over": {"letter": term.index, "layer": term.axis} if isinstance(term, SumOver) else None,
                "negative": isinstance(term, Negative),
                "factors": [quantity(factor) for factor in _factors(term)],
            }
            for term in _terms(right)
        ],
    }


def _arrays(walk: Walk, shown: list[dict[str, Any]], drawn: Drawn) -> Iterator[tuple[str, Any]]:
    """Numbers that frames do not hold, of the units that are drawn."""
    values, depth = walk.values, walk.values.network.depth
    if not isinstance(values, ExampleValues):
        return
    for name in (vector["array"] for vector in shown):
        kind, _, number = name.partition(".")
        i = int(number or depth)
        units = slice(None) if drawn.whole else drawn.units[i]
        match kind:
            case "target":
                yield name, values.target[units].tolist()
            case "jacobian":
                yield name, values[Partial(Symbol("yhat"), Symbol("a", depth))].tolist()
            case "slope":
                letter = "h" if i < depth else "yhat"
                above = Symbol(letter, i if i < depth else None, ("j",))
                yield name, values[Partial(above, Symbol("a", i, ("j",)))][units, 0].tolist()
