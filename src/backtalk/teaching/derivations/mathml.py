"""Formulas as MathML Core, which browsers show without a library."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from . import letters
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
    SumOver,
    Symbol,
    Transposed,
)
from .notation import Writer, by_letter, is_scalar
from .numbers import DIGITS, as_written
from .view import WHOLE, View

LETTERS = {
    "yhat": "<mover accent='true'><mi>y</mi><mo stretchy='false'>^</mo></mover>",
    "target": "<mi>t</mi>",
    "loss": "<mi mathvariant='normal'>ℒ</mi>",
    "unit": "<mi>e</mi>",
    "…": "<mo>…</mo>",
    **letters.MATHML,
}
FUNCTIONS = {"sigmoid": "σ", "rho": "ρ"}
PARTIAL = "<mi mathvariant='normal'>∂</mi>"
MINUS = "<mo form='prefix'>−</mo>"
NABLA = "<mi mathvariant='normal'>∇</mi>"


def write_mathml(part: Expression, most: int = WHOLE) -> str:
    """A formula as a <math> element; of a row or column with more than ``most`` entries, a part.

    >>> write_mathml(Symbol("h", 2))
    "<math displaystyle='true'><msub><mi>h</mi><mn>2</mn></msub></math>"
    """
    return as_element(MathWriter(View(most=most)).write(part))


def as_element(inside: str, *, in_words: bool = False) -> str:
    """A <math> element around what a writer gives; its fractions are small between words."""
    return f"<math>{inside}</math>" if in_words else f"<math displaystyle='true'>{inside}</math>"


def number_mathml(value: float, digits: int = DIGITS) -> str:
    """A number; a small or large one with a power of ten.

    >>> number_mathml(0.25)
    '<mn>0.25</mn>'
    """
    negative, figures, power = as_written(value, digits)
    written = f"<mn>{figures}</mn>"
    if power is not None:
        sign = MINUS if power < 0 else ""
        written += f"<mo>×</mo><msup><mn>10</mn><mrow>{sign}<mn>{abs(power)}</mn></mrow></msup>"
    return _row(MINUS * negative + written) if negative or power is not None else written


def _infix(sign: str) -> str:
    return f"<mo form='infix' lspace='0.22em' rspace='0.22em'>{sign}</mo>"


class MathWriter(Writer):
    """Formulas as what stands in a <math> element."""

    fractions = True
    negative = MINUS
    minus: ClassVar[str] = _infix("−")
    plus: ClassVar[str] = _infix("+")
    times: ClassVar[str] = _infix("·")
    beside = "<mspace width='0.17em'/>"
    brackets: ClassVar[tuple[str, str]] = (
        "<mo form='prefix' stretchy='false'>(</mo>",
        "<mo form='postfix' stretchy='false'>)</mo>",
    )
    between = ""
    dots: ClassVar[tuple[str, str, str]] = ("<mo>⋯</mo>", "<mo>⋮</mo>", "<mo>⋱</mo>")

    def number(self, value: float) -> str:
        return number_mathml(value, self.view.digits)

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
                brace = f"<munder>{self.number(value)}<mo stretchy='true'>⏟</mo></munder>"
                return f"<munder>{brace}<mtext>{count} other{'s' * (count > 1)}</mtext></munder>"
            case SumOver(index, last, term):
                below = f"<mrow><mi>{index}</mi><mo>=</mo><mn>1</mn></mrow>"
                return f"<munderover><mo>∑</mo>{below}{_index(last)}</munderover>{self.within(term(index), part)}"
            case Braced(of, notes):
                brace = f"<munder>{_row(self.write(of))}<mo stretchy='true'>⏟</mo></munder>"
                return f"<munder>{brace}{self.below(notes)}</munder>"
            case Inline(tokens):
                return _in_words([t if isinstance(t, str) else self.write(t) for t in tokens])
            case Listed(parts):
                return "<mo separator='true'>,</mo><mspace width='1em'/>".join(map(self.write, parts))
            case Call(of, arguments):
                inside = "<mo separator='true'>,</mo>".join(map(self.write, arguments))
                return f"{self.write(of)}<mo>&#x2061;</mo>{self.enclose(inside)}"
            case OfExample(Derivative(of)) if is_scalar(of):
                return _fraction(PARTIAL + LETTERS["loss"], PARTIAL + f"<msup>{_row(_symbol(of))}{EXAMPLE}</msup>")
            case OfExample(Derivative(of)):
                return f"<msub>{NABLA}<msup>{_symbol(of)}{EXAMPLE}</msup></msub>{LETTERS['loss']}"
            case OfExample(of):
                return f"<msup>{_row(self.write(of))}{EXAMPLE}</msup>"
            case Elementwise(left, right, True) if is_scalar(part):
                return _fraction(self.write(left), self.write(right))
            case Elementwise(left, right, divide):
                sign = f"<mo>{'⊘' if divide else '⊙'}</mo>"
                return self.within(left, part) + sign + self.within(right, part)
            case Transposed(Number(value) as of) if np.ndim(value):
                return self.array(of, "<mo>⊤</mo>")
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
            case Apply("ℓ′", of, layer=int(j)):
                return self._call(f"<msub><mi>ℓ′</mi>{_index(j)}</msub>", of)
            case Apply("rho", of, detail=limit):
                return self._call(f"<msub><mi>ρ</mi><mrow>{number_mathml(float(limit))}</mrow></msub>", of)
            case Apply("clip", of, detail=limit):
                delta = number_mathml(float(limit))
                ends = f"<mo>,</mo>{self.negative}{delta}<mo>,</mo>{delta}"
                return self._call("<mi>clip</mi>", of, ends)
        return self._call(f"<mi>{FUNCTIONS.get(part.name, part.name)}</mi>", part.of)

    def _call(self, name: str, of: Expression, more: str = "") -> str:
        parts = of.parts if isinstance(of, Listed) else (of,)
        inside = "<mo separator='true'>,</mo>".join(map(self.write, parts))
        return f"{name}<mo>&#x2061;</mo>{self.enclose(inside + more)}"

    def array(self, part: Number | Grid, raised: str = "") -> str:
        """A column or matrix in brackets, its size beside it if a part is shown, and what is raised."""
        rows, columns = part.shape if isinstance(part, Grid) else part.value.shape
        cells, cut = self.entries(part)
        lines = ("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in row) + "</mtr>" for row in cells)
        table = f"<mrow><mo form='prefix'>[</mo><mtable>{''.join(lines)}</mtable><mo form='postfix'>]</mo></mrow>"
        size = f"<mrow><mn>{rows}</mn><mo>×</mo><mn>{columns}</mn></mrow>"
        if cut and raised:
            return f"<msubsup>{table}{size}{raised}</msubsup>"
        if cut:
            return f"<msub>{table}{size}</msub>"
        return f"<msup>{table}{raised}</msup>" if raised else table

    def below(self, notes: Sequence[str | Expression]) -> str:
        """What is said under a brace, one below the other."""
        said: list[str] = []
        for note in notes:
            match note:
                case str():
                    said += (f"<mtext>{html.escape(line)}</mtext>" for line in note.splitlines())
                case Partial(above, below):  # in one line: fractions would be too small there
                    said.append(_row(PARTIAL + _symbol(above) + "<mo>/</mo>" + PARTIAL + _symbol(below)))
                case _:
                    said.append(self.write(note))
        if len(said) == 1:
            return _row(said[0])
        return "<mtable rowspacing='0'>" + "".join(f"<mtr><mtd>{line}</mtd></mtr>" for line in said) + "</mtable>"


EXAMPLE = "<mrow><mo stretchy='false'>(</mo><mi>n</mi><mo stretchy='false'>)</mo></mrow>"


def _in_words(tokens: Sequence[str]) -> str:
    """A formula within a sentence, of tokens that are MathML or one letter, number or sign."""
    parts: list[str] = []
    for token in tokens:
        name, _, index = token.partition("_")
        if len(token) > 1 and token.startswith("<"):
            parts.append(token)
        elif token in RAISED and parts:
            parts[-1] = f"<msup>{_row(parts[-1])}{RAISED[token]}</msup>"
        elif index:
            parts.append(f"<msub><mi>{name}</mi>{_index(int(index) if index.isdigit() else index)}</msub>")
        elif token[0].isdigit() or token == "½":
            parts.append(f"<mn>{token}</mn>")
        else:
            close = " lspace='0' rspace='0' stretchy='false'" if token in "()" else ""
            parts.append(f"<mi>{token}</mi>" if token.isalpha() else f"<mo{close}>{html.escape(token)}</mo>")
    return _row("".join(parts))


RAISED = {"²": "<mn>2</mn>", "ᵀ": "<mo>⊤</mo>", "′": "<mo>′</mo>"}


def _symbol(symbol: Symbol) -> str:
    numbers = symbol.numbers
    letter = LETTERS.get(symbol.letter) or f"<mi>{symbol.letter}</mi>"
    if not numbers:
        return letter
    index = "<mo separator='true' lspace='0' rspace='0'>,</mo>".join(map(_index, numbers))
    return f"<msub>{letter}{index if len(numbers) == 1 else _row(index)}</msub>"


def _index(written: int | str) -> str:
    if written == EVERY:
        return f"<mo lspace='0' rspace='0'>{EVERY}</mo>"
    return f"<mi>{written}</mi>" if isinstance(written, str) else f"<mn>{written}</mn>"


def _fraction(above: str, below: str) -> str:
    return f"<mfrac>{_row(above)}{_row(below)}</mfrac>"


def _row(inside: str) -> str:
    return f"<mrow>{inside}</mrow>"
