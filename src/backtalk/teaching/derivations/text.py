"""Formulas as text in one line, a quantity as the user writes it: ∂ℒ/∂h[2,3] = Σ_m ∂ℒ/∂a[3,m] · W[3,m,3].

A column is written as a list, [0.1, 0.2], and a matrix as a list of its rows; ∇a[3] is ∇ℒ with respect to a[3].
"""

from __future__ import annotations

from typing import ClassVar

from . import letters
from .expressions import (
    Apply,
    Braced,
    Call,
    Derivative,
    Diagonal,
    Elementwise,
    Expression,
    Grid,
    Indicator,
    Larger,
    Listed,
    Number,
    OfExample,
    Others,
    Partial,
    SumOver,
    Symbol,
    Transposed,
)
from .notation import Binding, Writer, binding, by_letter, is_scalar
from .numbers import DIGITS, as_written
from .view import WHOLE, View

LETTERS = {"yhat": "ŷ", "target": "t", "loss": "ℒ", "unit": "e", **letters.TEXT}
FUNCTIONS = {"sigmoid": "σ", "rho": "ρ"}
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def write_text(part: Expression, most: int = WHOLE) -> str:
    """A formula in one line; of a row or column with more than ``most`` entries, a part.

    >>> from backtalk.teaching.derivations.expressions import Product
    >>> write_text(Product((Derivative(Symbol("a", 3, (2,))), Symbol("W", 3, (2, 1)))))
    '∂ℒ/∂a[3,2] · W[3,2,1]'
    """
    return TextWriter(View(most=most)).write(part)


def number_text(value: float, digits: int = DIGITS) -> str:
    """A number; a small or large one with a power of ten.

    >>> number_text(-1.2e-9), number_text(0.25)
    ('−1.2 × 10⁻⁹', '0.25')
    """
    negative, written, power = as_written(value, digits)
    tens = "" if power is None else f" × 10{str(power).translate(SUPERSCRIPTS)}"
    return f"{'−' * negative}{written}{tens}"


class TextWriter(Writer):
    """Formulas as text in one line."""

    fractions = False
    negative: ClassVar[str] = "−"
    minus: ClassVar[str] = "− "
    plus: ClassVar[str] = "+ "
    times: ClassVar[str] = "· "
    beside = ""
    brackets: ClassVar[tuple[str, str]] = "(", ")"
    dots: ClassVar[tuple[str, str, str]] = ("⋯", "⋮", "⋱")

    def number(self, value: float) -> str:
        return number_text(value, self.view.digits)

    def atom(self, part: Expression) -> str:
        match part:
            case Symbol("q", None, (m,)):
                return f"q_{m}"
            case Symbol(letter):
                numbers = ",".join(map(str, part.numbers))
                return LETTERS.get(letter, letter) + (f"[{numbers}]" if numbers else "")
            case Derivative(of):
                return f"∂ℒ/∂{self.write(of)}" if is_scalar(of) else f"∇{self.write(of)}"
            case Partial(above, below):
                slope = f"∂{self.write(above)}/∂{self.write(below)}"
                return slope if (letter := by_letter(part)) is None else f"({slope})_{letter}"
            case Others(count, value):
                return f"({self.number(value)} from {count} other{'s' * (count > 1)})"
            case SumOver(index, _, term):
                return f"Σ_{index} {self.within(term(index), part)}"
            case Elementwise(left, right, divide):
                sign = "/" if divide and is_scalar(part) else " ⊘ " if divide else " ⊙ "
                return self.within(left, part) + sign + self.within(right, part)
            case Transposed(of):
                return f"{self.within(of, part)}ᵀ"
            case Diagonal(of):
                return f"diag({self.write(of)})"
            case Apply():
                return self._function(part)
            case Larger(left, right):
                return f"max({self.write(left)}, {self.write(right)})"
            case Indicator(left, right):
                return f"1[{left}={right}]"
            case Braced(of):
                return self.within(of, part)
            case Listed(parts):
                return ", ".join(map(self.write, parts))
            case Call(of, arguments):
                return f"{self.write(of)}({', '.join(map(self.write, arguments))})"
            case OfExample(of):
                return f"{self.write(of)}⁽ⁿ⁾"
        raise TypeError(f"{part!r} is no atom of a formula")

    def _function(self, part: Apply) -> str:
        of = self.write(part.of)
        match part:
            case Apply("square"):
                return f"{self.within(part.of, part)}²"
            case Apply("power", detail=exponent):
                raised = exponent.translate(SUPERSCRIPTS) if exponent.isdigit() else f"^{exponent}"
                return f"{self.within(part.of, part)}{raised}"
            case Apply("sqrt"):
                return f"√{of}" if binding(part.of, fractions=False) == Binding.ATOM else f"√({of})"
            case Apply("absolute"):
                return f"|{of}|"
            case Apply("g" | "g′", layer=layer):
                return f"{part.name}_{layer}({of})"
            case Apply("ℓ′", layer=int(j)):
                return f"ℓ′_{j}({of})"
            case Apply("clip", detail=limit):
                return f"clip({of}, −{number_text(float(limit))}, {number_text(float(limit))})"
            case Apply("rho", detail=limit):
                return f"ρ_{number_text(float(limit))}({of})"
        return f"{FUNCTIONS.get(part.name, part.name)}({of})"

    def array(self, part: Number | Grid) -> str:
        """[…] for a column, [[…], …] for a matrix; the dots say how many numbers or rows there are."""
        rows, columns, _ = self.shown(part)
        height, width = part.shape if isinstance(part, Grid) else part.value.shape
        if width == 1:
            return _list([None if i is None else self.entry(part, i, 0) for i in rows], f"{height} numbers")
        lines: list[str | None] = []
        for i in rows:
            cells = [None if k is None else self.entry(part, i or 0, k) for k in columns]
            said = f"{width} columns" if not any(lines) else ""
            lines.append(None if i is None else _list(cells, said))
        return _list(lines, f"{height} rows")

    def size(self, part: Number | Grid) -> str:
        """How many rows and columns a matrix has."""
        height, width = part.shape if isinstance(part, Grid) else part.value.shape
        return f"{height}×{width}"


def _list(entries: list[str | None], said: str) -> str:
    """With dots for what is left out, of which the first say how many there are."""
    written: list[str] = []
    for entry in entries:
        if entry is None:
            written.append(f"… {said} …" if said else "…")
            said = ""
        else:
            written.append(entry)
    return f"[{', '.join(written)}]"
