"""A sheet or a key, written as Markdown, LaTeX or HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...pages.page import page
from ..derivations import article, markdown
from ..derivations.expressions import Expression, Number
from ..derivations.latex import LatexWriter, aligned
from ..derivations.layout import FractionRuler, lines
from ..derivations.mathml import MathWriter, as_element, write_mathml
from ..derivations.sentences import typeset
from .blocks import Block, Equation, Heading, Lines, Row, Told, Words
from .exact import as_exact, exact_latex, exact_mathml

ROOM = 78  # letters of a line
NARROW = 40  # letters of an equation that fits into half a line
BLANK, LONG_BLANK = r"\underline{\hspace{3em}}", r"\underline{\hspace{7em}}"
COMMANDS = r"""
\renewcommand{\arraystretch}{1.45}
\newcommand{\blank}{\underline{\hspace{13mm}}}
\newcommand{\longblank}{\underline{\hspace{30mm}}}
\newcommand{\half}[1]{\makebox[0.5\linewidth][l]{#1}}
\newcommand{\writeon}[1]{\par\vspace{5mm}#1\enspace\hrulefill\enspace$=$\enspace\underline{\hspace{25mm}}\par}
\newcommand{\work}{\par\vspace{11mm plus 4mm}}
"""
TALL = "<mspace width='0em' height='1.4em'/>"  # room to write in
STYLE = """
.talk { margin-top: 26px } .row { display: flex; flex-wrap: wrap; gap: 14px 56px; align-items: center; margin: 14px 0 }
.row.space { margin-bottom: 44px } .equation { display: flex; align-items: center; gap: 8px; font-size: 17px }
.label { color: var(--quiet); font-size: 14px; min-width: 30px } p { max-width: 80ch }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", math }
mtd { padding: 0.22em 0.45em } h3 { font-size: 15px; margin: 18px 0 2px }
.line { display: flex; gap: 10px; align-items: end; margin: 22px 0; max-width: 720px }
.line i { flex: 1; border-bottom: 1px solid var(--quiet) } .line i.short { flex: 0 0 110px }
@media print { .row, .line, h2, h3 { break-inside: avoid; break-after: avoid-page } }
"""


class ExactLatex(LatexWriter):
    """Formulas as LaTeX, their numbers as fractions; NaN is a blank."""

    blank, long_blank = r"\blank", r"\longblank"

    def atom(self, part: Expression) -> str:
        match part:
            case Number(value) if np.ndim(value) == 0:
                return self.long_blank if math.isnan(value) else _alone(value, exact_latex(value), "({})".format)
        return super().atom(part)

    def array(self, value: Any) -> str:
        cells = ((self.blank if math.isnan(cell) else exact_latex(cell) for cell in row) for row in value)
        return r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in cells) + r" \end{bmatrix}"


class BlankLatex(ExactLatex):
    """The same for KaTeX and MathJax, which have no commands of ours."""

    blank, long_blank = BLANK, LONG_BLANK


class ExactMath(MathWriter):
    """Formulas as MathML, their numbers as fractions; NaN is a blank."""

    def atom(self, part: Expression) -> str:
        match part:
            case Number(value) if np.ndim(value) == 0:
                if math.isnan(value):
                    return TALL + f"<mtext>{'_' * 14}</mtext>"
                return f"<mrow>{_alone(value, exact_mathml(value), '<mo>(</mo>{}<mo>)</mo>'.format)}</mrow>"
        return super().atom(part)

    def array(self, value: Any, raised: str = "") -> str:
        cells = (
            (f"{TALL}<mtext>{'_' * 7}</mtext>" if math.isnan(cell) else exact_mathml(cell) for cell in row)
            for row in value
        )
        rows = ("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in row) + "</mtr>" for row in cells)
        table = f"<mrow><mo form='prefix'>[</mo><mtable>{''.join(rows)}</mtable><mo form='postfix'>]</mo></mrow>"
        return f"<msup>{table}{raised}</msup>" if raised else table


def _alone(value: float, written: str, enclose: Any) -> str:
    """A number; in brackets where it is a sum of two parts."""
    found = as_exact(value)
    return enclose(written) if found is not None and found.coefficient and found.rational else written


@dataclass(frozen=True, slots=True, eq=False)
class Paper:
    """A sheet or a key: write it with :meth:`to_markdown`, :meth:`to_latex` or :meth:`to_html`."""

    title: str
    blocks: tuple[Block, ...]

    def to_markdown(self) -> str:
        """As Markdown with LaTeX between dollars, as GitHub and Jupyter show it."""
        return "\n\n".join([f"# {self.title}", *map(_markdown, self.blocks)]) + "\n"

    def to_latex(self) -> str:
        """As an article in LaTeX, a whole document for pdflatex with amsmath."""
        begin = [
            article.BEGIN + COMMANDS + rf"\title{{\vspace{{-18mm}}{self.title}\vspace{{-3mm}}}}",
            "\\author{}\n\\date{}",
        ]
        inside = [r"\begin{document}" + "\n\\maketitle\n\\vspace{-14mm}", *map(_latex, self.blocks), r"\end{document}"]
        return "\n\n".join([*begin, *inside]) + "\n"

    def to_html(self) -> str:
        """As one page for a browser that needs nothing from elsewhere."""
        return page(self.title, "", [], above="".join(map(_html, self.blocks)), style=STYLE)

    def __str__(self) -> str:
        return self.to_markdown()


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {markdown.words(text)}"
        case Words(text):
            return markdown.words(text)
        case Row(equations):
            writer = BlankLatex()
            return " &emsp; ".join(_labelled(each, writer) for each in equations)
        case Lines(before):
            return "\n".join(f"- {text}: {'_' * 40} = {'_' * 12}" for text in before).replace("_", r"\_")
        case Told(title, reason, equation):
            rows = aligned(lines(equation.left, equation.rights, BlankLatex(), ROOM, FractionRuler))
            dot, because = (".", f" {markdown.words(reason)}") if reason else ("", "")
            said = f"**{markdown.words(title)}{dot}**{because}"
            return f"{said}\n\n$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$"


def _latex(block: Block) -> str:
    words = article.words
    match block:
        case Heading(text):
            return rf"\section*{{{words(text)}}}"
        case Words(text):
            return words(text)
        case Row(equations, space):
            written = [_labelled(each, ExactLatex(), "$\\displaystyle ") for each in equations]
            if len(written) == 2 and all(each.width <= NARROW for each in equations):
                inside = "".join(rf"\half{{{each}}}" for each in written)
            else:
                inside = "\\hspace{3em plus 1fill}\n".join(written) + r"\hspace*{0pt plus 1fill}"
            return inside + ("\n\n\\work" if space else "")
        case Lines(before):
            return "\n".join(rf"\writeon{{{words(text)}}}" for text in before) + "\n\\medskip"
        case Told(title, reason, equation):
            rows = aligned(lines(equation.left, equation.rights, ExactLatex(), ROOM, FractionRuler))
            said = f"\\step{{{words(title)}}}{{{words(reason)}}}" if reason else f"\\pagebreak[2]{words(title)}"
            return f"{said}\n\\begin{{align*}}\n{rows}\n\\end{{align*}}"


def _labelled(equation: Equation, writer: LatexWriter, dollar: str = "$") -> str:
    label = f"{equation.label} " if equation.label else ""
    return f"{label}{dollar}{writer.write(equation.left)} = {' = '.join(map(writer.write, equation.rights))}$"


def _html(block: Block) -> str:
    def words(text: str) -> str:
        return typeset(text, write_mathml, html.escape)

    match block:
        case Heading(text):
            return f"<h2 class='talk'>{words(text)}</h2>"
        case Words(text):
            return f"<p>{words(text)}</p>"
        case Row(equations, space):
            return f"<div class='row{' space' if space else ''}'>{''.join(map(_html_equation, equations))}</div>"
        case Lines(before):
            return "".join(f"<div class='line'>{words(text)}<i></i>=<i class='short'></i></div>" for text in before)
        case Told(title, reason, equation):
            said = f"<h3>{words(title)}</h3>" + (f"<p>{words(reason)}</p>" if reason else "")
            return f"{said}<div class='row'>{_html_equation(equation)}</div>"


def _html_equation(equation: Equation) -> str:
    writer = ExactMath()
    sides: Sequence[str] = [writer.write(part) for part in (equation.left, *equation.rights)]
    label = f"<span class='label'>{html.escape(equation.label)}</span>" if equation.label else ""
    return (
        f"<div class='equation'>{label}{as_element('<mo>=</mo>'.join(f'<mrow>{side}</mrow>' for side in sides))}</div>"
    )
