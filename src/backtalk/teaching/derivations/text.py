"""Formulas as text in one line, a quantity as the user writes it: ∂ℒ/∂h[2,3] = Σ_m ∂ℒ/∂a[3,m] · W[3,m,3].

A column is written as a list, [0.1, 0.2], and a matrix as a list of its rows; ∇a[3] is ∇ℒ with respect to a[3].
"""

from __future__ import annotations

from typing import Any

from . import letters
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
    SumOver,
    Symbol,
    Transposed,
)
from .notation import MOST, Binding, Writer, binding, by_letter, is_scalar
from .numbers import as_written

LETTERS = {"yhat": "ŷ", "target": "t", "loss": "ℒ", "unit": "e", **letters.TEXT}
FUNCTIONS = {"sigmoid": "σ", "rho": "ρ"}
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def write_text(part: Expression, most: int = MOST) -> str:
    """A formula in one line; of a row or column with more than ``most`` entries, a part.

    >>> from backtalk.teaching.derivations.expressions import Product
    >>> write_text(Product((Derivative(Symbol("a", 3, (2,))), Symbol("W", 3, (2, 1)))))
    '∂ℒ/∂a[3,2] · W[3,2,1]'
    """
    return TextWriter(most).write(part)


def number_text(value: float) -> str:
    """A number; a small or large one with a power of ten.

    >>> number_text(-1.2e-9), number_text(0.25)
    ('−1.2 × 10⁻⁹', '0.25')
    """
    negative, digits, power = as_written(value)
    tens = "" if power is None else f" × 10{str(power).translate(SUPERSCRIPTS)}"
    return f"{'−' * negative}{digits}{tens}"


class TextWriter(Writer):
    """Formulas as text in one line."""

    fractions = False
    negative, minus, plus, times = "−", "− ", "+ ", "· "
    beside = ""
    brackets = "(", ")"
    dots = ("⋯", "⋮", "⋱")

    def number(self, value: float) -> str:
        return number_text(value)

    def atom(self, part: Expression) -> str:
        match part:
            case Symbol(letter):
                numbers = ",".join(map(str, part.numbers))
                return LETTERS.get(letter, letter) + (f"[{numbers}]" if numbers else "")
            case Derivative(of):
                return f"∂ℒ/∂{self.write(of)}" if is_scalar(of) else f"∇{self.write(of)}"
            case Partial(above, below):
                slope = f"∂{self.write(above)}/∂{self.write(below)}"
                return slope if (letter := by_letter(part)) is None else f"({slope})_{letter}"
            case Others(count, value):
                return f"({number_text(value)} from {count} other{'s' * (count > 1)})"
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
            case Apply("clip", detail=limit):
                return f"clip({of}, −{number_text(float(limit))}, {number_text(float(limit))})"
            case Apply("rho", detail=limit):
                return f"ρ_{number_text(float(limit))}({of})"
        return f"{FUNCTIONS.get(part.name, part.name)}({of})"

    def array(self, value: Any) -> str:
        """[…] for a column, [[…], …] for a matrix; the dots say how many numbers or rows there are."""
        rows, columns = value.shape
        shown, across, _ = self.shown(value.shape)
        if columns == 1:
            return _list([None if k is None else number_text(value[k, 0]) for k in shown], f"{rows} numbers")
        lines: list[str | None] = []
        for i in shown:
            cells = [None if k is None else number_text(value[i or 0, k]) for k in across]
            lines.append(None if i is None else _list(cells, f"{columns} columns" if i == 0 else ""))
        return _list(lines, f"{rows} rows")


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
