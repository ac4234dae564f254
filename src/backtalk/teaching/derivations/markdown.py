"""A derivation as Markdown with LaTeX between dollars, as GitHub and Jupyter show it."""

from __future__ import annotations

from collections.abc import Sequence

from .document import Document, Equation, Passage
from .latex import aligned, latex_lines, write_latex
from .layout import Line
from .sentences import escape_markdown, typeset

ROOM = 80  # letters of a line


def write_markdown(document: Document) -> str:
    """Headings for the talks; for each step its title, its reason, and its equation."""

    def equation(of: Equation) -> str:
        return displayed(latex_lines(of, document.marked, ROOM))

    parts = [f"# {words(document.title)}", words(document.about), equation(document.result)]
    for section in document.sections:
        parts += [f"## {words(section.title)}", words(section.summary)]
        for passage in section.passages:
            parts += [_told(passage), equation(passage.equation)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _told(passage: Passage) -> str:
    if passage.number:
        return f"**Path {passage.number}:** {words(passage.title)}, {words(passage.reason)}."
    return f"**{words(passage.title)}.** {words(passage.reason)}"


def displayed(found: Sequence[Line]) -> str:
    """Lines of an equation, = below =."""
    return f"$$\n\\begin{{aligned}}\n{aligned(found)}\n\\end{{aligned}}\n$$"


def words(sentence: str) -> str:
    """A sentence, its quantities as formulas."""
    return typeset(sentence, lambda part: f"${write_latex(part)}$", escape_markdown)
