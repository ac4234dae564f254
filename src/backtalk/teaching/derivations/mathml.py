"""Formulas as MathML Core, which browsers show without a library."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import letters
from .expressions import (
    Apply,
    Derivative,
    Diagonal,
    Elementwise,
    Expression,
    Indicator,
    Larger,
    Number,
    Others,
    Partial,
    SumOver,
    Symbol,
    Transposed,
)
from .notation import MOST, Writer, by_letter, is_scalar
from .numbers import as_written

LETTERS = {
    "yhat": "<mover accent='true'><mi>y</mi><mo stretchy='false'>^</mo></mover>",
    "target": "<mi>t</mi>",
    "loss": "<mi mathvariant='normal'>ℒ</mi>",
    "unit": "<mi>e</mi>",
    **letters.MATHML,
}
FUNCTIONS = {"sigmoid": "σ", "rho": "ρ"}
PARTIAL = "<mi mathvariant='normal'>∂</mi>"
MINUS = "<mo form='prefix'>−</mo>"
NABLA = "<mi mathvariant='normal'>∇</mi>"


def write_mathml(part: Expression, most: int = MOST) -> str:
    """A formula as a <math> element; of a row or column with more than ``most`` entries, a part.

    >>> write_mathml(Symbol("h", 2))
    "<math displaystyle='true'><msub><mi>h</mi><mn>2</mn></msub></math>"
    """
    return as_element(MathWriter(most).write(part))


def as_element(inside: str, *, in_words: bool = False) -> str:
    """A <math> element around what a writer gives; its fractions are small between words."""
    return f"<math>{inside}</math>" if in_words else f"<math displaystyle='true'>{inside}</math>"


def number_mathml(value: float) -> str:
    """A number; a small or large one with a power of ten.

    >>> number_mathml(0.25)
    '<mn>0.25</mn>'
    """
    negative, digits, power = as_written(value)
    written = f"<mn>{digits}</mn>"
    if power is not None:
        sign = MINUS if power < 0 else ""
        written += f"<mo>×</mo><msup><mn>10</mn><mrow>{sign}<mn>{abs(power)}</mn></mrow></msup>"
    return _row(MINUS * negative + written) if negative or power is not None else written


class MathWriter(Writer):
    """Formulas as what stands in a <math> element."""

    fractions = True
    negative = MINUS
    minus, plus, times = (f"<mo form='infix' lspace='0.22em' rspace='0.22em'>{sign}</mo>" for sign in "−+·")
    beside = "<mspace width='0.17em'/>"
    brackets = "<mo form='prefix' stretchy='false'>(</mo>", "<mo form='postfix' stretchy='false'>)</mo>"
    between = ""
    dots = ("<mo>⋯</mo>", "<mo>⋮</mo>", "<mo>⋱</mo>")

    def number(self, value: float) -> str:
        return number_mathml(value)

    def enclose(self, written: str) -> str:
        tall = any(tag in written for tag in ("<mfrac", "<mtable", "<munder"))
        opening, closing = (bracket.replace("'false'", "'true'") if tall else bracket for bracket in self.brackets)
        return _row(opening + written + closing)

    def atom(self, part: Expression) -> str:
        match part:
            case Symbol():
                return _symbol(part)
            case Derivative(of):
                loss = LETTERS["loss"]
                if is_scalar(of):
                    return _fraction(PARTIAL + loss, PARTIAL + _symbol(of))
                return f"<msub>{NABLA}{_symbol(of)}</msub>{loss}"
            case Partial(above, below):
                slope = _fraction(PARTIAL + _symbol(above), PARTIAL + _symbol(below))
                letter = by_letter(part)
                return slope if letter is None else f"<msub>{self.enclose(slope)}<mi>{letter}</mi></msub>"
            case Others(count, value):
                brace = f"<munder>{number_mathml(value)}<mo stretchy='true'>⏟</mo></munder>"
                return f"<munder>{brace}<mtext>{count} other{'s' * (count > 1)}</mtext></munder>"
            case SumOver(index, last, term):
                below = f"<mrow><mi>{index}</mi><mo>=</mo><mn>1</mn></mrow>"
                return f"<munderover><mo>∑</mo>{below}<mn>{last}</mn></munderover>{self.within(term(index), part)}"
            case Elementwise(left, right, True) if is_scalar(part):
                return _fraction(self.write(left), self.write(right))
            case Elementwise(left, right, divide):
                sign = f"<mo>{'⊘' if divide else '⊙'}</mo>"
                return self.within(left, part) + sign + self.within(right, part)
            case Transposed(Number(value)) if np.ndim(value):
                return self.array(value, "<mo>⊤</mo>")
            case Transposed(of):
                return f"<msup>{_row(self.within(of, part))}<mo>⊤</mo></msup>"
            case Diagonal(of):
                return self._call("<mi>diag</mi>", of)
            case Apply():
                return self._function(part)
            case Larger(left, right):
                ends = f"<mo separator='true'>,</mo>{self.write(right)}"
                return f"<mi>max</mi><mo>&#x2061;</mo>{self.enclose(self.write(left) + ends)}"
            case Indicator(left, right):
                return f"<mn>1</mn><mo>[</mo>{_index(left)}<mo>=</mo>{_index(right)}<mo>]</mo>"
        raise TypeError(f"{part!r} is no atom of a formula")

    def _function(self, part: Apply) -> str:
        match part:
            case Apply("square", of):
                return f"<msup>{_row(self.within(of, part))}<mn>2</mn></msup>"
            case Apply("power", of, detail=exponent):
                return f"<msup>{_row(self.within(of, part))}<mn>{exponent}</mn></msup>"
            case Apply("sqrt", of):
                return f"<msqrt>{self.write(of)}</msqrt>"
            case Apply("absolute", of):
                bar = "<mo form='{}' stretchy='true'>|</mo>".format
                return _row(bar("prefix") + self.write(of) + bar("postfix"))
            case Apply("g", of, layer=layer):
                return self._call(f"<msub><mi>g</mi><mn>{layer}</mn></msub>", of)
            case Apply("g′", of, layer=layer):
                return self._call(f"<msubsup><mi>g</mi><mn>{layer}</mn><mo>′</mo></msubsup>", of)
            case Apply("rho", of, detail=limit):
                return self._call(f"<msub><mi>ρ</mi><mrow>{number_mathml(float(limit))}</mrow></msub>", of)
            case Apply("clip", of, detail=limit):
                delta = number_mathml(float(limit))
                ends = f"<mo>,</mo>{self.negative}{delta}<mo>,</mo>{delta}"
                return self._call("<mi>clip</mi>", of, ends)
        return self._call(f"<mi>{FUNCTIONS.get(part.name, part.name)}</mi>", part.of)

    def _call(self, name: str, of: Expression, more: str = "") -> str:
        return f"{name}<mo>&#x2061;</mo>{self.enclose(self.write(of) + more)}"

    def array(self, value: Any, raised: str = "") -> str:
        """A column or matrix in brackets, its size beside it if a part is shown, and what is raised."""
        rows, columns = value.shape
        shown, across, cut = self.shown(value.shape)
        lines = ("<mtr>" + "".join(f"<mtd>{self.entry(value, i, k)}</mtd>" for k in across) + "</mtr>" for i in shown)
        table = f"<mrow><mo form='prefix'>[</mo><mtable>{''.join(lines)}</mtable><mo form='postfix'>]</mo></mrow>"
        size = f"<mrow><mn>{rows}</mn><mo>×</mo><mn>{columns}</mn></mrow>"
        if cut and raised:
            return f"<msubsup>{table}{size}{raised}</msubsup>"
        if cut:
            return f"<msub>{table}{size}</msub>"
        return f"<msup>{table}{raised}</msup>" if raised else table


def _symbol(symbol: Symbol) -> str:
    numbers = symbol.numbers
    letter = LETTERS.get(symbol.letter) or f"<mi>{symbol.letter}</mi>"
    if not numbers:
        return letter
    index = "<mo separator='true' lspace='0' rspace='0'>,</mo>".join(map(_index, numbers))
    return f"<msub>{letter}{index if len(numbers) == 1 else _row(index)}</msub>"


def _index(written: int | str) -> str:
    return f"<mi>{written}</mi>" if isinstance(written, str) else f"<mn>{written}</mn>"


def _fraction(above: str, below: str) -> str:
    return f"<mfrac>{_row(above)}{_row(below)}</mfrac>"


def _row(inside: str) -> str:
    return f"<mrow>{inside}</mrow>"
