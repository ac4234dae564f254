"""A derivation as Markdown with LaTeX between dollars, as GitHub and Jupyter show it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .derivation import TALKS, Derivation, column_of
from .expressions import Expression, Number
from .latex import aligned, latex_lines, write_latex
from .layout import marked_of, sides
from .routes import factors_of, route_text, share_text, summary_of
from .sentences import escape_markdown, typeset
from .strongest import Paths

ROOM = 80  # letters of a line


def write_markdown(derivation: Derivation, paths: Paths | None = None, about: str = "") -> str:
    """Headings for the talks; for each step its title, its reason, and its equation."""
    marked = marked_of(derivation)

    def equation(left: Expression, rights: Sequence[Expression]) -> str:
        rows = aligned(latex_lines(left, rights, marked, ROOM))
        return f"$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$"

    parts = [f"# {words(f'The chain rule for {derivation.quantity}, step by step')}"]
    parts += [words(about)] if about else []
    parts.append(equation(derivation.left, [Number(column_of(derivation.value))]))
    for talk, steps in groupby(derivation.steps, key=lambda step: step.talk):
        parts.append(f"## {words(TALKS[talk])}")
        for step in steps:
            parts += [f"**{words(step.title)}.** {words(step.reason)}", equation(step.left, sides(step))]
    if paths is not None:
        parts += ["## The strongest paths", words(summary_of(paths))]
        for k, path in enumerate(paths.strongest, 1):
            route = words(route_text(paths.quantity, path))
            parts += [
                f"**Path {k}:** {route}, {share_text(path.share)} of the flow.",
                equation(Number(path.contribution), factors_of(paths.quantity, path)),
            ]
    return "\n\n".join(parts) + "\n"


def words(sentence: str) -> str:
    """A sentence, its quantities as formulas."""
    return typeset(sentence, lambda part: f"${write_latex(part)}$", escape_markdown)
