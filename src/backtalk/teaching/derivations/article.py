"""A derivation as an article in LaTeX: a whole document, for pdflatex."""

from __future__ import annotations

from collections.abc import Sequence

from .document import Document, Equation, Section
from .latex import aligned, latex_lines, write_latex
from .layout import Line
from .palette import LIGHT
from .sentences import escape_latex, typeset
from .tikz import STYLE, define_colours, draw_tikz

ROOM = 82  # letters of a line
PICTURE = 6.3, 3.0  # cm
BEGIN = (
    r"""\documentclass[11pt,a4paper,fleqn]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=2.4cm]{geometry}
\usepackage{amsmath,amssymb,tikz}
\allowdisplaybreaks[1]  % only where a formula is longer than a page
\setlength{\mathindent}{1.5em}
\setlength{\jot}{5pt}
\AtBeginDocument{\abovedisplayskip=5pt plus 2pt \belowdisplayskip=8pt plus 3pt}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 1pt}
\emergencystretch=3em
% nothing below 9 points, indices included
\DeclareMathSizes{10}{10}{9}{9}
\DeclareMathSizes{10.95}{10.95}{9}{9}
\DeclareMathSizes{12}{12}{9}{9}
\newcommand{\step}[2]{\pagebreak[2]\medskip\textbf{#1}\nopagebreak\par\nopagebreak #2}
% a step with its picture: words on the left, the network on the right
\newcommand{\drawn}[3]{\pagebreak[3]\medskip\noindent\begin{minipage}[t]{0.58\linewidth}\textbf{#1}\par\smallskip #2%
  \end{minipage}\hfill\begin{minipage}[t]{0.40\linewidth}\vspace{0pt}\raggedleft #3\end{minipage}\par\nopagebreak}
\newcommand{\where}[1]{{\color{quiet}#1\par}}
"""
    + define_colours(LIGHT)
    + STYLE
)


def write_article(document: Document) -> str:
    """A section for each talk; for each step its title, its reason, and its equation."""

    def equation(of: Equation) -> str:
        return displayed(latex_lines(of, document.view, ROOM))

    about = rf"{{\parbox{{0.9\textwidth}}{{\centering {words(document.about)}}}}}" if document.about else "{}"
    parts = [
        BEGIN + rf"\title{{{words(document.title)}}}",
        rf"\author{about}",
        "\\date{}\n\\begin{document}\n\\maketitle",
        f"What is derived here:\n{equation(document.result)}",
        words(document.note),
    ]
    for section in document.sections:
        parts += [rf"\section{{{words(section.title)}}}", where(document, section), words(section.summary)]
        for each in section.passages:
            first, *others = each.statements
            reason = words(first.reason) + ("." if each.number else "")
            # without an empty line between: a formula that begins a paragraph has an empty line above it
            picture = document.beside(each)
            if picture is None:
                step = f"\\step{{{words(each.title)}}}{{{reason}}}"
            else:
                step = f"\\drawn{{{words(each.title)}}}{{{reason}}}{{{draw_tikz(picture, *PICTURE)}}}"
            followed = (f"{words(other.reason)}\n{equation(other.equation)}" for other in others)
            parts.append("\n".join([step, equation(first.equation), *followed]))
    return "\n\n".join(filter(None, [*parts, r"\end{document}"])) + "\n"


def where(document: Document, section: Section) -> str:
    """Where on the roadmap a section is."""
    if not section.stop:
        return ""
    stops = (rf"\textbf{{{stop}}}" if k == section.stop else stop for k, stop in enumerate(document.roadmap, 1))
    way = r" $\to$ ".join(stops)
    return rf"\where{{We are here: {way}}}"


def displayed(found: Sequence[Line]) -> str:
    """Lines of an equation, = below =."""
    return f"\\begin{{align*}}\n{aligned(found)}\n\\end{{align*}}"


def words(sentence: str) -> str:
    """A sentence, its quantities as formulas."""
    return typeset(sentence, lambda part: f"${write_latex(part)}$", escape_latex)
