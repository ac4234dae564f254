"""A derivation as one page without anything from elsewhere, its formulas in MathML; and as what Jupyter shows."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import groupby

from ...pages.page import card, page
from .derivation import TALKS, Derivation, column_of
from .expressions import Expression, Number
from .layout import marked_of, sides
from .mathml import MathWriter, as_element
from .notation import Marked
from .routes import factors_of, route_text, share_text, summary_of
from .sentences import typeset
from .strongest import Paths

MOST = 4  # entries of a row or column
STYLE = """
.derivation .step { padding: 13px 0 15px } .derivation .step:first-child { padding-top: 2px }
.derivation .step:last-child { padding-bottom: 0 }
.derivation .step + .step { border-top: 1px solid var(--line, #8884) }
.derivation h3 { font-size: 15px; font-weight: 600; margin: 0 0 2px }
.derivation p { margin: 0 0 10px; max-width: 78ch; color: var(--quiet, inherit) }
.derivation p math { font-size: 1.05em }
.derivation .equation { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 9px 0;
  align-items: baseline; font-size: 17px }
.derivation .right { overflow-x: auto; padding: 2px 0 4px; line-height: 1.7 } .derivation .first { white-space: nowrap }
.derivation .equals { margin: 0 0.4em }
.derivation math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", math }
.derivation mtd { padding: 0.24em 0.45em }
@media (max-width: 640px) { .derivation .equation { grid-template-columns: minmax(0, 1fr); font-size: 16px }
  .derivation .left:empty { display: none } .derivation .right { padding-left: 10px } }
"""


def write_page(derivation: Derivation, paths: Paths | None = None, about: str = "") -> str:
    """A card for each talk, and one for the strongest paths."""
    title = f"The chain rule for {derivation.quantity}, step by step"
    cards = [
        card(name, f"<div class='derivation'>{inside}</div>", wide=True) for name, inside in _parts(derivation, paths)
    ]
    above = f"<div class='derivation' style='margin-top: 18px'>{_result(derivation)}</div>"
    return page(title, about, cards, above=above, style=STYLE)


def write_fragment(derivation: Derivation) -> str:
    """The same for a notebook, which has its own page around it."""
    parts = "".join(f"<h2>{html.escape(name)}</h2>{inside}" for name, inside in _parts(derivation, None))
    return f"<style>{STYLE}</style><div class='derivation'>{_result(derivation)}{parts}</div>"


def _result(derivation: Derivation) -> str:
    return _equation(derivation.left, [Number(column_of(derivation.value))], {})


def _parts(derivation: Derivation, paths: Paths | None) -> Iterator[tuple[str, str]]:
    """The name of each talk, with its steps."""
    marked = marked_of(derivation)
    for talk, steps in groupby(derivation.steps, key=lambda step: step.talk):
        told = (_step(step.title, step.reason, _equation(step.left, sides(step), marked)) for step in steps)
        yield TALKS[talk], "".join(told)
    if paths is not None:
        told = [
            _step(
                route_text(paths.quantity, path),
                f"{share_text(path.share)} of the flow.",
                _equation(Number(path.contribution), factors_of(paths.quantity, path), marked),
            )
            for path in paths.strongest
        ]
        yield "The strongest paths", f"<p>{_words(summary_of(paths))}</p>{''.join(told)}"


def _step(title: str, reason: str, equation: str) -> str:
    return f"<section class='step'><h3>{_words(title)}</h3><p>{_words(reason)}</p>{equation}</section>"


def _equation(left: Expression, rights: Sequence[Expression], marked: Marked) -> str:
    """left = rights[0] = rights[1] …, = below =; a browser breaks a line only between two elements."""
    writer = MathWriter(MOST, marked)
    rows = []
    for k, right in enumerate(rights):
        beginning = as_element(writer.write(left)) if k == 0 else ""
        first, *others = map(as_element, writer.pieces(right))
        inside = "<wbr>".join([f"<span class='first'><span class='equals'>=</span>{first}</span>", *others])
        rows.append(f"<div class='left'>{beginning}</div><div class='right'>{inside}</div>")
    return f"<div class='equation'>{''.join(rows)}</div>"


def _words(sentence: str) -> str:
    return typeset(sentence, lambda part: as_element(MathWriter().write(part), in_words=True), html.escape)
