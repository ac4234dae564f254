r"""Formulas as LaTeX, for amsmath and amssymb, KaTeX and MathJax: W_3^{\top} \, \nabla_{a_3}\mathcal{L}."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from . import letters
from .document import Equation
from .expressions import (
    EVERY,
    Apply,
    Braced,
    Call,
    Derivative,
    Diagonal,
    Elementwise,
    Expression,
    Grid,
    Indicator,
    Inline,
    Larger,
    Listed,
    Number,
    OfExample,
    Others,
    Partial,
    Sum,
    SumOver,
    Symbol,
    Transposed,
)
from .layout import FractionRuler, Line, lines
from .notation import Writer, by_letter, is_scalar
from .numbers import DIGITS, as_written
from .view import WHOLE, View

LETTERS = {"yhat": r"\hat{y}", "target": "t", "loss": r"\mathcal{L}", "unit": "e", "…": r"\ldots", **letters.LATEX}
FUNCTIONS = {"sigmoid": r"\sigma", "log": r"\log", "exp": r"\exp", "ℓ": r"\ell", "O": "O", "O′": r"O^{\prime}"}
IN_WORDS = {
    "·": r"\cdot ", "−": "-", "×": r"\times ", "≤": r"\le ", "≥": r"\ge ", "½": r"\tfrac{1}{2}", "²": "^2",
    "ᵀ": r"^{\top}", "′": "'", "⊙": r"\odot ", "⊘": r"\oslash ", "σ": r"\sigma", "ρ": r"\rho", "δ": r"\delta",
    "Φ": r"\Phi", "φ": r"\varphi", "α": r"\alpha", "λ": r"\lambda", "ℓ": r"\ell", "…": r"\ldots ", ",": r",\ ",
    "γ": r"\gamma", "μ": r"\mu", "exp": r"\exp ", "log": r"\log ", "tanh": r"\tanh ",
}  # fmt: skip
SPECIAL = {"ŷ": r"\hat{y}", "∞": r"\infty", "NaN": r"\mathrm{NaN}"}


LONG = 4  # rows: in a longer column, fractions would be too tall
APART = r" \\[9pt] "  # between rows of a matrix that hold fractions or raised letters


SLOPE = re.compile(r"\\frac\{(\\partial \\mathcal\{L\})\}\{(\\partial \w_\{[0-9,]+\})\}")


def write_latex(part: Expression, most: int = WHOLE) -> str:
    r"""A formula in one line, without dollars; of a row or column with more than ``most`` entries, a part.

    >>> from backtalk.teaching.derivations.expressions import Product
    >>> print(write_latex(Product((Transposed(Symbol("W", 3)), Derivative(Symbol("a", 3))))))
    W_3^{\top} \, \nabla_{a_3}\mathcal{L}
    """
    return LatexWriter(View(most=most)).write(part)


def latex_lines(equation: Equation, view: View, room: float) -> list[Line]:
    """left = rights[0] = rights[1] …, one = below the other, each broken if it is too wide."""
    return lines(equation.left, equation.rights, LatexWriter(view), room, FractionRuler)


def equation_latex(equation: Equation, writer: LatexWriter) -> tuple[str, ...]:
    """One formula for each line, = in front of all but the first, for what sets single formulas."""
    left, (first, *others) = writer.write(equation.left), equation.rights
    return f"{left} = {writer.write(first)}", *(f"{{}}= {writer.write(right)}" for right in others)


def aligned(found: Sequence[Line]) -> str:
    """The rows of an align environment, = below =."""
    return " \\\\\n".join(map(aligned_row, found))


def aligned_row(line: Line) -> str:
    """A line as a row of an align environment."""
    if line.equals:
        return f"{line.left} &= {line.right}"
    return f"{line.left} &{line.right}" if line.left else rf"&\quad {{}}{line.right}"


def number_latex(value: float, digits: int = DIGITS) -> str:
    r"""A number; a small or large one with a power of ten.

    >>> print(number_latex(-1.2e-9))
    -1.2 \times 10^{-9}
    """
    negative, written, power = as_written(value, digits)
    tens = "" if power is None else rf" \times 10^{{{power}}}"
    return f"{'-' * negative}{SPECIAL.get(written, written)}{tens}"


def _limit(detail: str) -> str:
    return number_latex(float(detail))


class LatexWriter(Writer):
    """Formulas as LaTeX in one line."""

    fractions = True
    negative: ClassVar[str] = "-"
    minus: ClassVar[str] = "- "
    plus: ClassVar[str] = "+ "
    times: ClassVar[str] = r"\cdot "
    beside = r"\, "
    brackets: ClassVar[tuple[str, str]] = "(", ")"
    dots: ClassVar[tuple[str, str, str]] = (r"\cdots", r"\vdots", r"\ddots")

    def number(self, value: float) -> str:
        return number_latex(value, self.view.digits)

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
                return rf"\underbrace{{{self.number(value)}}}_{{{said}}}"
            case Braced(of, notes):
                return rf"\underbrace{{{self.write(of)}}}_{{{self.below(notes)}}}"
            case Inline(tokens):
                return "".join(IN_WORDS.get(t, t) if isinstance(t, str) else self.write(t) for t in tokens)
            case Listed(parts):
                return r", \quad ".join(map(self.write, parts))
            case Call(of, arguments):
                return f"{self.write(of)}({', '.join(map(self.write, arguments))})"
            case OfExample(Derivative(of)) if is_scalar(of):
                return rf"\frac{{\partial \mathcal{{L}}}}{{\partial {_symbol(of)}^{{(n)}}}}"
            case OfExample(Derivative(of)):
                return rf"\nabla_{{{_symbol(of)}^{{(n)}}}}\mathcal{{L}}"
            case OfExample(of):
                return f"{self.write(of)}^{{(n)}}"
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
            case Apply("ℓ′", of, layer=j):
                index = "" if j is None else f"_{_index(j)}"
                return rf"\ell^{{\prime}}{index}{self._argument(of)}"
            case Apply("clip", of, detail=limit):
                return rf"\mathrm{{clip}}\left({self.write(of)}, -{_limit(limit)}, {_limit(limit)}\right)"
            case Apply("rho", of, detail=limit):
                return rf"\rho_{{{_limit(limit)}}}{self._argument(of)}"
        name = FUNCTIONS.get(part.name) or rf"\mathrm{{{part.name}}}"
        return name + self._argument(part.of)

    def _argument(self, of: Expression) -> str:
        """In brackets, as what a function is taken of."""
        if isinstance(of, Listed):
            return self.enclose(r",\, ".join(map(self.write, of.parts)))
        return self.enclose(self.write(of))

    def array(self, part: Number | Grid) -> str:
        """A column or matrix in brackets, its size below it if a part is shown."""
        cells, cut = self.entries(part)
        rows, columns = part.shape if isinstance(part, Grid) else part.value.shape
        size = rf"_{{{rows} \times {columns}}}" if cut else ""
        lines = list(map(" & ".join, cells))
        long = cut or len(lines) > LONG
        if long:
            lines = [SLOPE.sub(r"\1 / \2", line) for line in lines]
        tall = not long and isinstance(part, Grid) and any(command in lines[-1] for command in (r"\frac", r"\top"))
        inside = (APART if tall else r" \\ ").join(lines)
        return r"\begin{bmatrix} " + inside + r" \end{bmatrix}" + size

    def below(self, notes: Sequence[str | Expression]) -> str:
        """What is said under a brace, one below the other."""
        said: list[str] = []
        for note in notes:
            match note:
                case str():
                    said += (rf"\text{{{line}}}" for line in note.splitlines())
                case Partial(above, below):
                    said.append(rf"\partial {_symbol(above)} / \partial {_symbol(below)}")
                case _:
                    said.append(self.write(note))
        stacked = r" \\ ".join(said)
        return said[0] if len(said) == 1 else rf"\substack{{{stacked}}}"


def _symbol(symbol: Symbol) -> str:
    letter, numbers = LETTERS.get(symbol.letter, symbol.letter), symbol.numbers
    index = ",".join(map(str, numbers)).replace(EVERY, r"\cdot")
    return f"{letter}_{_index(index)}" if numbers else letter


def _index(written: Any) -> str:
    """As an index: in braces if it is longer than one letter."""
    return str(written) if len(str(written)) == 1 else f"{{{written}}}"
