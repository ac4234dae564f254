"""A derivation as slides in LaTeX's Beamer, 16:9: each line of a step is revealed after the one before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .article import displayed, words
from .document import Document, Equation, Passage, Section
from .expressions import Number
from .latex import aligned, latex_lines, write_latex
from .layout import Line
from .notation import Marked

ROOM = 68  # letters of a line
HEIGHT = 13.3  # of a slide, in lines of text
MOST = 3  # entries of a row or column
SIZES = {"\\Large": 1.31, "\\large": 1.09, "": 1.0, "\\small": 0.91, "\\footnotesize": 0.82}
CHAIN = 10  # equations of one slide
BEGIN = r"""\documentclass[aspectratio=169,11pt]{beamer}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{amsmath,amssymb,graphicx}
\usefonttheme{professionalfonts}
\definecolor{ink}{HTML}{1D2430}
\definecolor{quiet}{HTML}{667085}
\definecolor{accent}{HTML}{1F5FBF}
\setbeamercolor{normal text}{fg=ink}
\setbeamercolor{structure}{fg=accent}
\setbeamercolor{frametitle}{fg=accent}
\setbeamerfont{frametitle}{size=\large,series=\bfseries}
\setbeamertemplate{navigation symbols}{}
\setbeamertemplate{frametitle}{\vspace*{0.6em}\insertframetitle\par}
\setbeamertemplate{footline}{\hfill\usebeamercolor[fg]{quiet}\color{quiet}\scriptsize
  \insertframenumber\hspace{1em}\vspace{0.6em}}
\setbeamercovered{invisible}
\newcommand{\reason}[1]{\par\vfill{\small\color{quiet}#1\par}\vspace{0.8em}}
\newcommand{\step}[1]{\par{\bfseries #1\par}\vfill}
% what would run off the slide is set smaller
\newsavebox{\formulabox}
\newcommand{\fitted}[1]{\sbox{\formulabox}{$\displaystyle\begin{aligned}#1\end{aligned}$}%
  \ifdim\dimexpr\ht\formulabox+\dp\formulabox\relax>0.76\textheight
    \sbox{\formulabox}{\resizebox*{!}{0.76\textheight}{\usebox{\formulabox}}}\fi
  \ifdim\wd\formulabox>\textwidth\resizebox{\textwidth}{!}{\usebox{\formulabox}}\else\usebox{\formulabox}\fi}
"""


def write_slides(document: Document) -> str:
    """A slide for each step, line after line, more if it is too tall; and the whole chain on the last one."""
    parts = [BEGIN + r"\begin{document}", _title(document)]
    for talk in document.talks:
        for step in talk.passages:
            parts += _frames(words(talk.title), step, document.marked)
    parts += _chain(document.talks[1:])
    if document.paths is not None:
        parts += _paths(document.paths, document.marked)
    return "\n\n".join([*parts, r"\end{document}"]) + "\n"


def _title(document: Document) -> str:
    [line] = aligned(latex_lines(document.result, {}, ROOM)).splitlines()
    title, about = words(document.title), words(document.about)
    return _frame(
        "",
        rf"\begin{{center}}{{\LARGE\bfseries\color{{accent}}{title}\par}}\medskip{{\color{{quiet}}{about}\par}}"
        rf"\bigskip\bigskip\fitted{{{line}}}\end{{center}}",
        centred=True,
    )


def _frames(talk: str, step: Passage, marked: Marked) -> Iterator[str]:
    """The slides of one step: each = comes after the one before, the reason stands below."""
    room = HEIGHT - 1.5 - 1.2 * math.ceil(len(step.reason) / 95)
    size, found = _sized(step.equation, marked, room)
    parts = list(_by_height(found, room / SIZES[size]))
    for k, part in enumerate(parts):
        if k and part[0].equals:
            part = [replace(part[0], left=found[0].left), *part[1:]]
        rows, shown = [], 0
        for line in part:
            shown += line.equals or not shown
            cells = (line.left, f"= {line.right}") if line.equals else ("", rf"\quad {{}}{line.right}")
            rows.append(" & ".join(rf"\uncover<{shown}->{{{cell}}}" if shown > 1 else cell for cell in cells))
        title = words(step.title) + (f" ({k + 1} of {len(parts)})" if len(parts) > 1 else "")
        equation = "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
        yield _frame(talk, f"\\step{{{title}}}\n{{{size}{equation}}}\n\\reason{{{words(step.reason)}}}")


def _sized(equation: Equation, marked: Marked, room: float) -> tuple[str, list[Line]]:
    """The largest size in which an equation fits a slide, with no matrices in a line of their own; and its lines."""
    layouts = {size: latex_lines(equation, marked, ROOM / scale, MOST) for size, scale in SIZES.items()}
    fitting = {size: found for size, found in layouts.items() if sum(map(_height, found)) * SIZES[size] <= room}
    if not fitting:
        return list(layouts.items())[-1]
    matrices = any("bmatrix" in line.right for line in next(iter(fitting.values())))

    def loss_of(found: Sequence[Line]) -> tuple[int, int]:
        """How many lines were broken for the size, and how little is shown of the matrices."""
        return (
            (len(found), -sum(line.right.count("&") + line.right.count(r"\\") for line in found))
            if matrices
            else (0, 0)
        )

    least = min(map(loss_of, fitting.values()))
    return next((size, found) for size, found in fitting.items() if loss_of(found) == least)


def _chain(talks: Sequence[Section]) -> Iterator[str]:
    """Each gradient on the way with its formula, the last one that was derived for it."""
    last = {write_latex(step.equation.left): step.equation for talk in talks for step in talk.passages}
    rows = [_of_chain(equation) for equation in last.values()]
    count = math.ceil(len(rows) / CHAIN)
    each = math.ceil(len(rows) / count)
    for k in range(count):
        title = "The whole chain" + (f" ({k + 1} of {count})" if count > 1 else "")
        some = " \\\\[3pt]\n".join(rows[k * each : (k + 1) * each])
        yield _frame(title, rf"\begin{{center}}\large\fitted{{{some}}}\end{{center}}", centred=True)


def _of_chain(equation: Equation) -> str:
    match equation.rights[-1]:
        case Number(float() as value):
            end = f"&&= {write_latex(Number(value))}"
        case _:
            end = ""
    return f"{write_latex(equation.left)} &= {write_latex(equation.rights[0])} {end}"


def _paths(paths: Section, marked: Marked) -> Iterator[str]:
    told, used = [rf"{{\small\color{{quiet}}{words(paths.summary)}\par}}\bigskip"], 2.5
    for path in paths.passages:
        found = latex_lines(path.equation, marked, ROOM)
        height = 2.0 + sum(map(_height, found))
        if used + height > HEIGHT and told:
            yield _frame(paths.title, "\n".join(told))
            told, used = [], 0.0
        if height > HEIGHT:  # of a network with many layers
            equation = f"\\begin{{center}}\\fitted{{{aligned(found)}}}\\end{{center}}"
        else:
            equation = displayed(found)
        told.append(f"\\textbf{{{words(path.title)}: {words(path.reason)}}}\n{equation}")
        used += height
    yield _frame(paths.title, "\n".join(told))


def _by_height(found: Sequence[Line], room: float) -> Iterator[list[Line]]:
    part: list[Line] = []
    for line in found:
        if part and sum(map(_height, part)) + _height(line) > room:
            yield part
            part = []
        part.append(line)
    yield part


def _height(line: Line) -> float:
    """Of a line of a formula, in lines of text."""
    rows = max(matrix.count(r"\\") + 1 for matrix in line.right.split(r"\end{bmatrix}"))
    tall = 2.2 if any(command in line.left + line.right for command in (r"\frac", r"\sum", r"\underbrace")) else 1.4
    return max(tall, rows + 0.8) if rows > 1 else tall


def _frame(title: str, inside: str, *, centred: bool = False) -> str:
    # \relax: what begins with a brace would be the slide's subtitle
    return f"\\begin{{frame}}[{'c' if centred else 't'}]{{{title}}}\n\\relax\n{inside}\n\\end{{frame}}"
