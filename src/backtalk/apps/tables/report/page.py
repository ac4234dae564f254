"""The page: its parts in the order in which a person asks."""

from __future__ import annotations

from ....pages.page import links, page, part
from ..verdict.page import STYLE as OF_VERDICT
from ..verdict.page import verdict_html
from . import columns, course, failures, quality, reasons, use
from .facts import Facts

PARTS = {
    "quality": ("How good it is", quality.cards),
    "reasons": ("What it depends on", reasons.cards),
    "failures": ("Where it fails", failures.cards),
    "columns": ("What was made of the columns", columns.cards),
    "use": ("How to predict", use.cards),
    "course": ("How it was trained", course.cards),
}


def write_report(facts: Facts) -> str:
    """The page, as HTML."""
    shown = {name: (title, found) for name, (title, cards) in PARTS.items() if (found := cards(facts))}
    above = [
        links({name: title for name, (title, _) in shown.items()}),
        verdict_html(facts.metrics["verdict"]),
        quality.headline(facts),
        *(part(name, title, "", found) for name, (title, found) in shown.items()),
    ]
    return page(facts.title, facts.summary, [], above="".join(above), style=OF_VERDICT + quality.STYLE)
