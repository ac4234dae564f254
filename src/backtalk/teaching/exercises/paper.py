"""A sheet or a key, written as Markdown, LaTeX or HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...pages.page import page
from ...pages.view import view
from ..derivations import article, markdown
from ..derivations.characters import draw_characters
from ..derivations.document import Equation, Passage
from ..derivations.expressions import Grid, Number
from ..derivations.latex import LatexWriter
from ..derivations.layout import FractionRuler, Line, lines
from ..derivations.mathml import MathWriter, as_element, write_mathml
from ..derivations.notation import Writer
from ..derivations.sentences import typeset
from ..derivations.svg import STYLE as PICTURE_STYLE
from ..derivations.svg import draw_svg
from ..derivations.tikz import draw_tikz
from .blocks import Block, Drawing, Fields, Heading, Lines, Row, Words
from .exact import LATEX, MATHML, Script, as_exact, exactly

SUFFIXES = {"markdown": ".md", "latex": ".tex", "html": ".html"}  # of the forms that there are
ROOM = 78  # letters of a line
PICTURE = 9.0, 3.2  # cm
BLANK = r"\_" * 10
NARROW = 40  # letters of an equation that fits into half a line
COMMANDS = r"""
\tikzset{edge now/.style={draw=quiet,line width=.4pt}}
\renewcommand{\arraystretch}{1.45}
\newcommand{\blank}{\underline{\hspace{13mm}}}
\newcommand{\longblank}{\underline{\hspace{30mm}}}
\newcommand{\half}[1]{\makebox[0.5\linewidth][l]{#1}}
\newcommand{\writeon}[1]{\par\nopagebreak\vspace{5mm}#1\enspace\hrulefill\enspace$=$\enspace\underline{\hspace{25mm}}\par}
\newcommand{\work}{\par\vspace{11mm plus 4mm}}
\newcommand{\heading}[1]{\clearpage\setcounter{page}{1}{\centering\LARGE #1\par}\bigskip}
\newcommand{\fields}[1]{Name\enspace\hrulefill\qquad Points\enspace\underline{\hspace{14mm}}\,/\,#1\par\bigskip}
\newcommand{\row}[1]{{\lineskip=8pt\lineskiplimit=4pt #1\par}\vspace{3pt}}
\newcommand{\unbroken}[1]{\mbox{#1}\hspace*{0pt plus 1fill}}
\widowpenalty=10000\clubpenalty=10000
"""
TALL = "<mspace width='0em' height='1.4em'/>"  # room to write in
STYLE = (
    f"""{PICTURE_STYLE}
.network {{ margin: 14px 0 }} .network line.now {{ stroke: var(--quiet); stroke-width: 1 }}
"""
    """
.talk { margin-top: 26px } .row { display: flex; flex-wrap: wrap; gap: 14px 56px; align-items: center; margin: 14px 0 }
.row.space { margin-bottom: 44px } .equation { display: flex; align-items: center; gap: 8px; font-size: 17px }
.label { color: var(--quiet); font-size: 14px; min-width: 30px } p { max-width: 80ch }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", math }
mtd { padding: 0.22em 0.45em } h3 { font-size: 15px; margin: 18px 0 2px }
.line { display: flex; gap: 10px; align-items: end; margin: 22px 0; max-width: 720px }
.line i { flex: 1; border-bottom: 1px solid var(--quiet) } .line i.short { flex: 0 0 110px }
h1.next { break-before: page; margin-top: 60px }
@media print { .row, .line, h2, h3 { break-inside: avoid; break-after: avoid-page } }
"""
)


class ExactWriter(Writer):
    """Formulas whose numbers are fractions, every one of them shown; NaN is a blank."""

    script: ClassVar[Script]
    enclosing: ClassVar[str] = "({})"  # of a sum of two parts
    blank: ClassVar[str]  # in a matrix
    long_blank: ClassVar[str]

    def number(self, value: float) -> str:
        if math.isnan(value):
            return self.long_blank
        found, written = as_exact(value), exactly(value, self.script)
        two = found is not None and found.coefficient and found.rational
        return self.enclosing.format(written) if two else written

    def cell(self, value: float) -> str:
        return self.blank if math.isnan(value) else exactly(value, self.script)

    def shown(self, part: Number | Grid) -> tuple[list[int | None], list[int | None], bool]:
        rows, columns = part.shape if isinstance(part, Grid) else part.value.shape
        return [*range(rows)], [*range(columns)], False


class ExactLatex(ExactWriter, LatexWriter):
    """The same as LaTeX."""

    script = LATEX
    blank: ClassVar[str] = r"\blank"
    long_blank: ClassVar[str] = r"\longblank"


class BlankLatex(ExactLatex):
    """The same for KaTeX and MathJax, which have no commands of ours."""

    blank: ClassVar[str] = r"\underline{\hspace{3em}}"
    long_blank: ClassVar[str] = r"\underline{\hspace{7em}}"


class ExactMath(ExactWriter, MathWriter):
    """The same as MathML."""

    script: ClassVar[Script] = MATHML
    enclosing: ClassVar[str] = "<mo>(</mo>{}<mo>)</mo>"
    blank: ClassVar[str] = f"{TALL}<mtext>{'_' * 7}</mtext>"
    long_blank: ClassVar[str] = f"{TALL}<mtext>{'_' * 14}</mtext>"

    def number(self, value: float) -> str:
        return super().number(value) if math.isnan(value) else f"<mrow>{super().number(value)}</mrow>"


class BlankRuler(FractionRuler):
    """Writes text as long as a formula with blanks is wide, a blank as wide as eight letters."""

    def array(self, part: Number | Grid) -> str:
        if isinstance(part, Grid):
            return super().array(part)
        return "0" * (part.value.shape[1] * (9 if np.isnan(part.value).any() else 6) + 2)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Paper:
    """A sheet or a key: write it with :meth:`to_markdown`, :meth:`to_latex` or :meth:`to_html`.

    >>> from backtalk import exercise
    >>> print(exercise(seed=0).key.to_markdown())
    # Back-propagation by hand: the key to exercise 0
    ...
    """

    title: str
    blocks: tuple[Block, ...]

    def to_markdown(self) -> str:
        """As Markdown with LaTeX between dollars, as GitHub and Jupyter show it."""
        return write_papers([self], "markdown")

    def to_latex(self) -> str:
        """As an article in LaTeX, a whole document for pdflatex with amsmath."""
        return write_papers([self], "latex")

    def to_html(self) -> str:
        """As one page for a browser that needs nothing from elsewhere."""
        return write_papers([self], "html")

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        inside = f"<style>.backtalk-view {{ {STYLE} }}</style>{''.join(map(_html, self.blocks))}"
        return view(self.title, inside)

    def __repr__(self) -> str:
        return f"{self.title}; print it to see it"

    def __str__(self) -> str:
        return self.to_markdown()


def write_papers(papers: Sequence[Paper], form: str) -> str:
    """Papers as one document, each beginning on a new page; ``form``: 'markdown', 'latex' or 'html'."""
    match form:
        case "markdown":
            texts = ["\n\n".join([f"# {each.title}", *map(_markdown, each.blocks)]) for each in papers]
            return "\n\n---\n\n".join(texts) + "\n"
        case "latex":
            bodies = ["\n\n".join([rf"\heading{{{each.title}}}", *map(_latex, each.blocks)]) for each in papers]
            begin = article.BEGIN + COMMANDS + r"\begin{document}"
            return "\n\n".join([begin, *bodies, r"\end{document}"]) + "\n"
        case _:
            (first, *others), inside = papers, ["".join(map(_html, each.blocks)) for each in papers]
            titles = ["", *(f"<h1 class='next'>{html.escape(each.title)}</h1>" for each in others)]
            return page(first.title, "", [], above="".join(map(str.__add__, titles, inside)), style=STYLE)


def _markdown(block: Block) -> str:
    words = markdown.words
    match block:
        case Heading(text):
            return f"## {words(text)}"
        case Words(text):
            return words(text)
        case Row():
            return " &emsp; ".join(_labelled(block, BlankLatex()))
        case Fields(most):
            return rf"Name: {BLANK * 4} &emsp; Points: {BLANK} / {most}"
        case Drawing(picture):
            return "\n".join(["```text", *draw_characters(picture, ROOM), "```"])
        case Lines(before):
            return "\n".join(f"- {text}: {'_' * 40} = {'_' * 12}" for text in before).replace("_", r"\_")
        case Passage(title, reason, equation):
            told = f"**{words(title)}.** {words(reason)}" if reason else f"**{words(title)}**"
            return f"{told}\n\n{markdown.displayed(_lines(equation, BlankLatex()))}"


def _latex(block: Block) -> str:
    words = article.words
    match block:
        case Heading(text):
            return rf"\section*{{{words(text)}}}"
        case Words(text):
            return words(text)
        case Row(equations, _, space):
            written = _labelled(block, ExactLatex(), "$\\displaystyle ")
            if len(written) == 2 and all(_width(each) <= NARROW for each in equations):
                inside = "".join(rf"\half{{{each}}}" for each in written)
            else:
                inside = "\\allowbreak\\hspace{3em}\n".join(rf"\unbroken{{{each}}}" for each in written)
            return rf"\row{{{inside}}}" + ("\n\n\\work" if space else "")
        case Fields(most):
            return rf"\fields{{{most}}}"
        case Drawing(picture):
            return rf"\begin{{center}}{draw_tikz(picture, *PICTURE)}\end{{center}}"
        case Lines(before):
            return "\n".join(rf"\writeon{{{words(text)}}}" for text in before) + "\n\\medskip"
        case Passage(title, reason, equation):
            told = f"\\step{{{words(title)}}}{{{words(reason)}}}" if reason else f"\\pagebreak[2]{words(title)}"
            return f"{told}\n{article.displayed(_lines(equation, ExactLatex()))}"


def _lines(equation: Equation, writer: LatexWriter) -> list[Line]:
    return lines(equation.left, equation.rights, writer, ROOM, FractionRuler)


def _labelled(row: Row, writer: LatexWriter, dollar: str = "$") -> list[str]:
    return [
        f"{label} {dollar}{' = '.join(map(writer.write, (each.left, *each.rights)))}$".lstrip()
        for label, each in row.labelled
    ]


def _width(equation: Equation) -> int:
    """About how many letters wide it is."""
    return sum(len(BlankRuler().write(part)) + 3 for part in (equation.left, *equation.rights))


def _html(block: Block) -> str:
    def words(text: str) -> str:
        return typeset(text, write_mathml, html.escape)

    match block:
        case Heading(text):
            return f"<h2 class='talk'>{words(text)}</h2>"
        case Words(text):
            return f"<p>{words(text)}</p>"
        case Row():
            return f"<div class='row{' space' if block.space else ''}'>{_html_equations(block)}</div>"
        case Fields(most):
            return f"<div class='line fields'>Name <i></i> Points <i class='short'></i> / {most}</div>"
        case Drawing(picture):
            return draw_svg(picture)
        case Lines(before):
            return "".join(f"<div class='line'>{words(text)}<i></i>=<i class='short'></i></div>" for text in before)
        case Passage(title, reason, equation):
            told = f"<h3>{words(title)}</h3>" + (f"<p>{words(reason)}</p>" if reason else "")
            return f"{told}<div class='row'>{_html_equations(Row((equation,)))}</div>"


def _html_equations(row: Row) -> str:
    writer, written = ExactMath(), ""
    for label, equation in row.labelled:
        sides = (f"<mrow>{writer.write(part)}</mrow>" for part in (equation.left, *equation.rights))
        before = f"<span class='label'>{label}</span>" if label else ""
        written += f"<div class='equation'>{before}{as_element('<mo>=</mo>'.join(sides))}</div>"
    return written
