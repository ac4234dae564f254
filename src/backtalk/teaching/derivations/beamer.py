"""What slides in LaTeX's Beamer begin with: packages, commands, and the theme."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import InputError, InputTypeError, cut
from .palette import PALETTES
from .tikz import STYLE, define_colours

BEGIN = (
    r"""\documentclass[aspectratio=169,11pt]{beamer}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{amsmath,amssymb,tikz}
% nothing below 9 points, indices included
\DeclareMathSizes{10}{10}{9}{9}
\DeclareMathSizes{10.95}{10.95}{9}{9}
\DeclareMathSizes{12}{12}{9}{9}
"""
    + STYLE
    + r"""\usefonttheme{professionalfonts}
\setbeamertemplate{navigation symbols}{}
\setbeamercovered{invisible}
\setlength{\arraycolsep}{3.5pt}
\newcommand{\whereweare}{}
\newcommand{\reason}[1]{\par{\small\color{quiet}#1\par}}
% before a formula, in its paragraph: one that begins a paragraph has an empty line above it
\newcommand{\said}[1]{\par\noindent{\small\color{quiet}#1}}
\newcommand{\step}[1]{\par{\bfseries #1\par}}
\newcommand{\drawn}[3]{\begin{columns}[T,onlytextwidth]\begin{column}{0.58\textwidth}\step{#1}\smallskip\reason{#2}%
  \end{column}\begin{column}{0.41\textwidth}\raggedleft\vspace*{\lift}#3\end{column}\end{columns}}
\AtBeginDocument{\abovedisplayskip=5pt plus 2pt \belowdisplayskip=3pt plus 2pt \abovedisplayshortskip=5pt plus 2pt
  \belowdisplayshortskip=3pt plus 2pt}
"""
)
OURS = r"""\setbeamercolor{background canvas}{bg=paper}
\setbeamercolor{normal text}{fg=ink,bg=paper}
\setbeamercolor{structure}{fg=accent}
\setbeamercolor{frametitle}{fg=accent}
\setbeamerfont{frametitle}{size=\large,series=\bfseries}
\setbeamertemplate{frametitle}{\vspace*{0.6em}\insertframetitle\par}
\setbeamertemplate{footline}{\hspace{1cm}\footnotesize\color{quiet}\whereweare\hfill
  \insertframenumber\hspace{1em}\vspace{0.6em}}
\newcommand{\lastline}{}
\newcommand{\lift}{-1.2em}  % a picture stands beside the title
"""
# of a theme of Beamer: pictures and quiet words are mixtures of its own colours, and its footline stays as it is
THEIRS = r"""\usebeamercolor{structure}
\usebeamercolor{normal text}
\colorlet{accent}{structure.fg}
\colorlet{ink}{normal text.fg}
\colorlet{paper}{normal text.bg}
\colorlet{quiet}{ink!68!paper}
\colorlet{faint}{ink!20!paper}
\newcommand{\lift}{0pt}
\newcommand{\lastline}{\par{\footnotesize\color{quiet}\whereweare\par}}
"""


@dataclass(frozen=True, slots=True)
class Theme:
    """What begins the slides, and how much room there is.

    ``height``: of a slide, in lines of text; ``picture``: the width and height of a picture in cm; ``below_picture``:
    the lines from the title to where it ends.
    """

    begin: str
    height: float = 14.5
    picture: tuple[float, float] = (5.6, 2.5)
    below_picture: float = 5.6


def as_theme(name: str) -> Theme:
    """light, dark, or a theme of Beamer; whether it is installed, LaTeX will say."""
    if not isinstance(name, str):
        raise InputTypeError(f"theme is a {type(name).__name__}, expected light, dark, or the name of a Beamer theme.")
    if name in PALETTES:
        return Theme(BEGIN + define_colours(PALETTES[name]) + OURS)
    if not re.fullmatch("[A-Za-z0-9]+(-[A-Za-z0-9]+)*", name):
        raise InputError(
            f"theme is {cut(name)!r}, expected light, dark, or the name of a Beamer theme, such as Madrid."
        )
    return Theme(BEGIN + rf"\usetheme{{{name}}}" + "\n" + THEIRS, 11.0, (4.6, 1.5), 4.2)
