"""A derivation as Markdown with LaTeX between dollars, as GitHub and Jupyter show it."""

from __future__ import annotations

from collections.abc import Sequence

from .characters import draw_characters
from .document import Document, Equation, Section
from .latex import aligned, latex_lines, write_latex
from .layout import Line
from .sentences import escape_markdown, typeset

ROOM = 80  # letters of a line


def write_markdown(document: Document) -> str:
    """Headings for the talks; for each step its title, its reason, and its equation."""

    def equation(of: Equation) -> str:
        return displayed(latex_lines(of, document.view, ROOM))

    parts = [f"# {words(document.title)}", words(document.about), equation(document.result), words(document.note)]
    drawn = None
    for section in document.sections:
        parts += [f"## {words(section.title)}", where(document, section), words(section.summary)]
        for passage in section.passages:
            if passage.number:
                told = f"**Path {passage.number}:** {words(passage.title)}, {words(passage.reason)}."
                parts += [told, equation(passage.equation)]
                continue
            parts.append(f"**{words(passage.title)}.**")
            picture = document.beside(passage)
            if picture and picture != drawn:
                drawn = picture
                parts.append("\n".join(["```text", *draw_characters(drawn, ROOM), "```"]))
            for k, statement in enumerate(passage.statements):
                reason = words(statement.reason)
                if k == 0 and not picture:
                    parts[-1] += f" {reason}"
                else:
                    parts.append(reason)
                parts.append(equation(statement.equation))
    return "\n\n".join(filter(None, parts)) + "\n"


def where(document: Document, section: Section) -> str:
    """Where on the roadmap a section is."""
    if not section.stop:
        return ""
    stops = (f"**{stop}**" if k == section.stop else stop for k, stop in enumerate(document.roadmap, 1))
    return f"We are here: {' → '.join(stops)}"


def displayed(found: Sequence[Line]) -> str:
    """Lines of an equation, = below =."""
    return f"$$\n\\begin{{aligned}}\n{aligned(found)}\n\\end{{aligned}}\n$$"


def words(sentence: str) -> str:
    """A sentence, its quantities as formulas."""
    return typeset(sentence, lambda part: f"${write_latex(part)}$", escape_markdown)
