"""A derivation as an article in LaTeX: a whole document, for pdflatex."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .derivation import TALKS, Derivation, column_of
from .expressions import Expression, Number
from .latex import aligned, latex_lines, write_latex
from .layout import marked_of, sides
from .routes import factors_of, route_text, share_text, summary_of
from .sentences import escape_latex, typeset
from .strongest import Paths

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


def write_article(derivation: Derivation, paths: Paths | None = None, about: str = "") -> str:
    """A section for each talk; for each step its title, its reason, and its equation."""
    marked = marked_of(derivation)

    def equation(left: Expression, rights: Sequence[Expression]) -> str:
        return f"\\begin{{align*}}\n{aligned(latex_lines(left, rights, marked, ROOM))}\n\\end{{align*}}"

    title = words(f"The chain rule for {derivation.quantity}, step by step")

    def told(title: str, reason: str, left: Expression, rights: Sequence[Expression]) -> str:
        # without an empty line between: a formula that begins a paragraph has an empty line above it
        return f"\\step{{{title}}}{{{reason}}}\n{equation(left, rights)}"

    parts = [
        BEGIN + rf"\title{{{title}}}",
        rf"\author{{\parbox{{0.9\textwidth}}{{\centering {words(about)}}}}}" if about else r"\author{}",
        "\\date{}\n\\begin{document}\n\\maketitle",
        f"The gradient that is derived here:\n{equation(derivation.left, [Number(column_of(derivation.value))])}",
    ]
    for talk, steps in groupby(derivation.steps, key=lambda step: step.talk):
        parts.append(rf"\section{{{words(TALKS[talk])}}}")
        parts += [told(words(step.title), words(step.reason), step.left, sides(step)) for step in steps]
    if paths is not None:
        parts += [r"\section{The strongest paths}", words(summary_of(paths))]
        for path in paths.strongest:
            route, share = words(route_text(paths.quantity, path)), escape_latex(share_text(path.share))
            factors = factors_of(paths.quantity, path)
            parts.append(told(route, f"{share} of the flow.", Number(path.contribution), factors))
    return "\n\n".join([*parts, r"\end{document}"]) + "\n"


def words(sentence: str) -> str:
    """A sentence, its quantities as formulas."""
    return typeset(sentence, lambda part: f"${write_latex(part)}$", escape_latex)
