"""A derivation as an article in LaTeX: a whole document, for pdflatex."""

from __future__ import annotations

from collections.abc import Sequence

from .document import Document, Equation
from .latex import aligned, latex_lines, write_latex
from .layout import Line
from .sentences import escape_latex, typeset

ROOM = 82  # letters of a line
BEGIN = r"""\documentclass[11pt,a4paper,fleqn]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=2.4cm]{geometry}
\usepackage{amsmath,amssymb}
\allowdisplaybreaks
\setlength{\mathindent}{1.5em}
\setlength{\jot}{5pt}
\AtBeginDocument{\abovedisplayskip=5pt plus 2pt \belowdisplayskip=8pt plus 3pt}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt plus 1pt}
\emergencystretch=3em
\newcommand{\step}[2]{\pagebreak[2]\medskip\textbf{#1}\nopagebreak\par\nopagebreak #2}
"""


def write_article(document: Document) -> str:
    """A section for each talk; for each step its title, its reason, and its equation."""

    def equation(of: Equation) -> str:
        return displayed(latex_lines(of, document.marked, ROOM))

    about = rf"{{\parbox{{0.9\textwidth}}{{\centering {words(document.about)}}}}}" if document.about else "{}"
    parts = [
        BEGIN + rf"\title{{{words(document.title)}}}",
        rf"\author{about}",
        "\\date{}\n\\begin{document}\n\\maketitle",
        f"What is derived here:\n{equation(document.result)}",
    ]
    for section in document.sections:
        parts += [rf"\section{{{words(section.title)}}}", words(section.summary)]
        for each in section.passages:
            reason = words(each.reason) + ("." if each.number else "")
            # without an empty line between: a formula that begins a paragraph has an empty line above it
            parts.append(f"\\step{{{words(each.title)}}}{{{reason}}}\n{equation(each.equation)}")
    return "\n\n".join(filter(None, [*parts, r"\end{document}"])) + "\n"


def displayed(found: Sequence[Line]) -> str:
    """Lines of an equation, = below =."""
    return f"\\begin{{align*}}\n{aligned(found)}\n\\end{{align*}}"


def words(sentence: str) -> str:
    """A sentence, its quantities as formulas."""
    return typeset(sentence, lambda part: f"${write_latex(part)}$", escape_latex)
