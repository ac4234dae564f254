"""A derivation as one page without anything from elsewhere, its formulas in MathML; and as what Jupyter shows."""

from __future__ import annotations

import html

from ...pages.page import card, page
from .document import Document, Equation, Section
from .mathml import MathWriter, as_element
from .sentences import typeset
from .svg import STYLE as PICTURE_STYLE
from .svg import draw_svg
from .view import View

STYLE = (
    """
.derivation .step { padding: 13px 0 15px } .derivation .step:first-child { padding-top: 2px }
.derivation .step:last-child { padding-bottom: 0 }
.derivation .step + .step { border-top: 1px solid var(--line, #8884) }
.derivation h2 { font-size: 17px; margin: 20px 0 8px }
.derivation h3 { font-size: 15px; font-weight: 600; margin: 0 0 2px }
.derivation p { margin: 0 0 10px; max-width: 78ch; color: var(--quiet, inherit) }
.derivation p math { font-size: 1.05em }
.derivation .equation { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 9px 0;
  align-items: baseline; font-size: 17px }
.derivation .right { overflow: auto hidden; padding: 4px 0 6px; line-height: 1.7 }
.derivation .first { white-space: nowrap }
.derivation .equals { margin: 0 0.4em }
.derivation math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", math }
.derivation mtd { padding: 0.24em 0.45em }
@media (max-width: 640px) { .derivation .equation { grid-template-columns: minmax(0, 1fr); font-size: 16px }
  .derivation .left:empty { display: none } .derivation .right { padding-left: 10px } }
.derivation .drawn { display: grid; grid-template-columns: minmax(0, 1fr) minmax(180px, 44%); gap: 4px 22px;
  align-items: start; margin-bottom: 10px } .derivation .drawn svg { justify-self: end }
@media (max-width: 640px) { .derivation .drawn { grid-template-columns: minmax(0, 1fr) }
  .derivation .drawn svg { justify-self: start } }
.derivation .where { display: flex; flex-wrap: wrap; gap: 4px 10px; font-size: 14px; margin-bottom: 12px }
.derivation .where b { color: #fff; background: #1f5fbf; border-radius: 10px; padding: 0 10px; font-weight: 500 }
"""
    + PICTURE_STYLE
)


def write_page(document: Document) -> str:
    """A card for each talk, and one for the strongest paths."""
    cards = [
        card(section.title, f"<div class='derivation'>{_inside(document, section)}</div>", wide=True)
        for section in document.sections
    ]
    above = f"<div class='derivation' style='margin-top: 18px'>{_result(document)}</div>"
    return page(document.title, document.about, cards, above=above, style=STYLE)


def write_fragment(document: Document) -> str:
    """The same for a notebook, which has its own page around it."""
    parts = "".join(
        f"<h2>{html.escape(section.title)}</h2>{_inside(document, section)}" for section in document.sections
    )
    return f"<style>{STYLE}</style><div class='derivation'>{_result(document)}{parts}</div>"


def _result(document: Document) -> str:
    note = f"<p>{_words(document.note)}</p>" if document.note else ""
    return _equation(document.result, document.view) + note


def _inside(document: Document, section: Section) -> str:
    inside = _where(document, section)
    inside += f"<p>{_words(section.summary)}</p>" if section.summary else ""
    for each in section.passages:
        first, *others = each.statements
        reason = _words(first.reason) + ("." if each.number else "")
        said = f"<h3>{_words(each.title)}</h3><p>{reason}</p>"
        picture = document.beside(each)
        if picture is not None:
            said = f"<div class='drawn'><div>{said}</div>{draw_svg(picture)}</div>"
        for statement in (first, *others):
            said += f"<p>{_words(statement.reason)}</p>" if statement is not first and statement.reason else ""
            said += _equation(statement.equation, document.view)
        inside += f"<section class='step'>{said}</section>"
    return inside


def _where(document: Document, section: Section) -> str:
    """Where on the roadmap a section is."""
    if not section.stop:
        return ""
    stops = (
        f"<b>{stop}</b>" if k == section.stop else f"<span>{stop}</span>" for k, stop in enumerate(document.roadmap, 1)
    )
    return f"<p class='where'>{'→'.join(stops)}</p>"


def _equation(equation: Equation, view: View) -> str:
    """One = below the other; a browser breaks a line only between two elements."""
    writer = MathWriter(view)
    rows = []
    if not equation.rights:
        return f"<div class='right'>{as_element(writer.write(equation.left))}</div>"
    for k, right in enumerate(equation.rights):
        beginning = as_element(writer.write(equation.left)) if k == 0 else ""
        first, *others = map(as_element, writer.pieces(right))
        inside = "<wbr>".join([f"<span class='first'><span class='equals'>=</span>{first}</span>", *others])
        rows.append(f"<div class='left'>{beginning}</div><div class='right'>{inside}</div>")
    return f"<div class='equation'>{''.join(rows)}</div>"


def _words(sentence: str) -> str:
    return typeset(sentence, lambda part: as_element(MathWriter().write(part), in_words=True), html.escape)
