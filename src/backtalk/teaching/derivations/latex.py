r"""Formulas as LaTeX, for amsmath and amssymb, KaTeX and MathJax: W_3^{\top} \, \nabla_{a_3}\mathcal{L}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import letters
from .document import Equation
from .expressions import (
    Apply,
    Derivative,
    Diagonal,
    Elementwise,
    Expression,
    Indicator,
    Larger,
    Others,
    Partial,
    Sum,
    SumOver,
    Symbol,
    Transposed,
)
from .layout import FractionRuler, Line, lines
from .notation import MOST, Marked, Writer, by_letter, is_scalar
from .numbers import as_written

OF_LINES = 4  # entries of a row or column, where lines stand below one another
LETTERS = {"yhat": r"\hat{y}", "target": "t", "loss": r"\mathcal{L}", "unit": "e", **letters.LATEX}
FUNCTIONS = {"sigmoid": r"\sigma", "log": r"\log", "exp": r"\exp"}
SPECIAL = {"ŷ": r"\hat{y}", "∞": r"\infty", "NaN": r"\mathrm{NaN}"}


def write_latex(part: Expression, most: int = MOST) -> str:
    r"""A formula in one line, without dollars; of a row or column with more than ``most`` entries, a part.

    >>> from backtalk.teaching.derivations.expressions import Product
    >>> print(write_latex(Product((Transposed(Symbol("W", 3)), Derivative(Symbol("a", 3))))))
    W_3^{\top} \, \nabla_{a_3}\mathcal{L}
    """
    return LatexWriter(most).write(part)


def latex_lines(equation: Equation, marked: Marked, room: float, most: int = OF_LINES) -> list[Line]:
    """left = rights[0] = rights[1] …, one = below the other, each broken if it is too wide."""
    return lines(equation.left, equation.rights, LatexWriter(most, marked), room, FractionRuler)


def aligned(found: Sequence[Line]) -> str:
    """The rows of an align environment, = below =."""
    rows = (f"{line.left} &= {line.right}" if line.equals else rf"&\quad {{}}{line.right}" for line in found)
    return " \\\\\n".join(rows)


def number_latex(value: float) -> str:
    r"""A number; a small or large one with a power of ten.

    >>> print(number_latex(-1.2e-9))
    -1.2 \times 10^{-9}
    """
    negative, digits, power = as_written(value)
    tens = "" if power is None else rf" \times 10^{{{power}}}"
    return f"{'-' * negative}{SPECIAL.get(digits, digits)}{tens}"


def _limit(detail: str) -> str:
    return number_latex(float(detail))


class LatexWriter(Writer):
    """Formulas as LaTeX in one line."""

    fractions = True
    negative, minus, plus, times = "-", "- ", "+ ", r"\cdot "
    beside = r"\, "
    brackets = "(", ")"
    dots = (r"\cdots", r"\vdots", r"\ddots")

    def number(self, value: float) -> str:
        return number_latex(value)

    def enclose(self, written: str) -> str:
        tall = any(command in written for command in (r"\frac", r"\begin", r"\sum", r"\left", r"\underbrace"))
        return rf"\left({written}\right)" if tall else f"({written})"

    def enclosed(self, total: Sum, before: str) -> list[str]:
        first, *middle, last = self.pieces(total)  # \left cannot be closed by a \right in another line
        size = "bigg" if any(r"\frac" in piece for piece in (first, *middle, last)) else "big"
        return [rf"{before}\{size}l({first}", *middle, rf"{last}\{size}r)"]

    def atom(self, part: Expression) -> str:
        match part:
            case Symbol():
                return _symbol(part)
            case Derivative(of):
                if is_scalar(of):
                    return rf"\frac{{\partial \mathcal{{L}}}}{{\partial {_symbol(of)}}}"
                return rf"\nabla_{{{_symbol(of)}}}\mathcal{{L}}"
            case Partial(above, below):
                slope = rf"\frac{{\partial {_symbol(above)}}}{{\partial {_symbol(below)}}}"
                return slope if (letter := by_letter(part)) is None else rf"\left({slope}\right)_{{{letter}}}"
            case Others(count, value):
                said = rf"\text{{{count} other{'s' * (count > 1)}}}"
                return rf"\underbrace{{{number_latex(value)}}}_{{{said}}}"
            case SumOver(index, last, term):
                return rf"\sum_{{{index}=1}}^{{{last}}} {self.within(term(index), part)}"
            case Elementwise(left, right, True) if is_scalar(part):
                return rf"\frac{{{self.write(left)}}}{{{self.write(right)}}}"
            case Elementwise(left, right, divide):
                return self.within(left, part) + (r" \oslash " if divide else r" \odot ") + self.within(right, part)
            case Transposed(of):
                return rf"{self.within(of, part)}^{{\top}}"
            case Diagonal(of):
                return rf"\mathrm{{diag}}{self._argument(of)}"
            case Apply():
                return self._function(part)
            case Larger(left, right):
                return rf"\max\left({self.write(left)}, {self.write(right)}\right)"
            case Indicator(left, right):
                return rf"\mathbf{{1}}[{left} = {right}]"
        raise TypeError(f"{part!r} is no atom of a formula")

    def _function(self, part: Apply) -> str:
        match part:
            case Apply("square", of):
                return f"{self.within(of, part)}^2"
            case Apply("power", of, detail=exponent):
                return f"{self.within(of, part)}^{_index(exponent)}"
            case Apply("sqrt", of):
                return rf"\sqrt{{{self.write(of)}}}"
            case Apply("absolute", of):
                return rf"\left|{self.write(of)}\right|"
            case Apply("g", of, layer=layer):
                return f"g_{_index(layer)}{self._argument(of)}"
            case Apply("g′", of, layer=layer):
                return rf"g_{_index(layer)}^{{\prime}}{self._argument(of)}"
            case Apply("clip", of, detail=limit):
                return rf"\mathrm{{clip}}\left({self.write(of)}, -{_limit(limit)}, {_limit(limit)}\right)"
            case Apply("rho", of, detail=limit):
                return rf"\rho_{{{_limit(limit)}}}{self._argument(of)}"
        name = FUNCTIONS.get(part.name) or rf"\mathrm{{{part.name}}}"
        return name + self._argument(part.of)

    def _argument(self, of: Expression) -> str:
        """In brackets, as what a function is taken of."""
        return self.enclose(self.write(of))

    def array(self, value: Any) -> str:
        """A column or matrix in brackets, its size below it if a part is shown."""
        rows, columns = value.shape
        shown, across, cut = self.shown(value.shape)
        rows_shown = (" & ".join(self.entry(value, i, k) for k in across) for i in shown)
        size = rf"_{{{rows} \times {columns}}}" if cut else ""
        return r"\begin{bmatrix} " + r" \\ ".join(rows_shown) + r" \end{bmatrix}" + size


def _symbol(symbol: Symbol) -> str:
    letter, numbers = LETTERS.get(symbol.letter, symbol.letter), symbol.numbers
    return f"{letter}_{_index(','.join(map(str, numbers)))}" if numbers else letter


def _index(written: Any) -> str:
    """As an index: in braces if it is longer than one letter."""
    return str(written) if len(str(written)) == 1 else f"{{{written}}}"
