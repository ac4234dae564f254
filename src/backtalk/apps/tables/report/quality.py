"""How good it is: the score that matters first, beside the baselines and the constant."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from ....pages.page import card, number_text, table
from ..verdict.compare import words_of
from .facts import Facts
from .names import LESS_IS_BETTER, NAMES, OWN, best_of, compared_in, main_score, names_of, scores_beside

SECOND = {"log_loss": "accuracy", "root_mean_squared_error": "r2"}  # what is told besides, if that comes first
STYLE = """
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(150px, 100%), 1fr)); gap: 10px;
  margin: 8px 0 0 }
.beside div { border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; background: var(--card) }
.beside b { display: block; font-size: 26px; line-height: 1.35; font-weight: 600; font-variant-numeric: tabular-nums }
.beside span { color: var(--quiet); font-size: 13px; display: block; overflow-wrap: anywhere }
.beside .own { border-color: #3f6fd8; border-width: 2px; padding: 9px 13px }
.beside .best b::after { content: " best"; font-size: 12px; color: #1f8a5b; margin-left: 6px }
td.best { font-weight: 600 } p.above { margin: 20px 0 0 }
@media (prefers-color-scheme: dark) { .beside .best b::after { color: #5fd3a0 } }
"""


def headline(facts: Facts) -> str:
    """The score that comes first, of the network, the baselines and the constant: large, side by side."""
    name, scores = main_score(facts.metrics), scores_beside(facts.metrics)
    found = {who: of_who.get(name) for who, of_who in scores.items()}
    best, second, tiles = best_of(name, found), SECOND.get(name, ""), []
    for who, value in found.items():
        kinds = " ".join([*["own"] * (who == OWN), *["best"] * (who in best)])
        told = f"<span>{NAMES[second]} {number_text(scores[who][second])}</span>" if second in scores[who] else ""
        tiles.append(
            f"<div class='{kinds}'><span>{html.escape(who)}</span><b>{number_text(value) or '–'}</b>{told}</div>"
        )
    line = f"{NAMES[name]} of {facts.rows}: {'less' if name in LESS_IS_BETTER else 'more'} is better"
    return f"<p class='quiet above'>{html.escape(line)}</p><div class='beside'>{''.join(tiles)}</div>"


def cards(facts: Facts) -> list[str]:
    """All scores: beside the others, and of each part of the rows."""
    found, metrics = scores_beside(facts.metrics), facts.metrics
    rows = []
    for name in compared_in(metrics):
        values = {who: of_who.get(name) for who, of_who in found.items()}
        best = best_of(name, values)
        cells = "".join(
            f"<td class='n{' best' if who in best else ''}'>{number_text(value)}</td>" for who, value in values.items()
        )
        rows.append(f"<tr><td>{html.escape(NAMES[name])}</td>{cells}</tr>")
    heads = "".join(f"<th class='n'>{html.escape(who)}</th>" for who in found)
    beside = f"<div class='scroll'><table><tr><th></th>{heads}</tr>{''.join(rows)}</table></div>"
    note = " ".join([f"{facts.rows}, the same for each; the best of a line is bold.", *_notes(facts)])
    shown = [card("Beside others", beside, note)] if len(found) > 1 else []
    scores = metrics["scores"]
    in_order = names_of(main_score(metrics))
    names = [name for name in in_order if any(name in of_part for of_part in scores.values())]
    lines = [[NAMES[name], *(number_text(of_part.get(name)) for of_part in scores.values())] for name in names]
    of_parts = table(["", *(words_of(part) for part in scores)], lines, numbers=True)
    return [*shown, card("Scores of each part of the rows", of_parts, _about_parts(scores))]


def _notes(facts: Facts) -> list[str]:
    """What is not the same for a baseline: fewer rows to learn from, or to be judged by."""
    part, said = facts.metrics["judged"], []
    for each in facts.metrics.get("baselines", [])[1:]:
        if each.get("sampled"):
            said.append(f"{each['name'].capitalize()} learned from {each['training_rows']:,} rows only.")
        if part in each.get("network", {}):
            name, own = main_score(facts.metrics), each["network"][part]
            said.append(
                f"{each['name'].capitalize()}: judged on {own['rows']:,} of these rows, on which this run has "
                f"{NAMES[name]} {number_text(own[name])}."
            )
    return said


def _about_parts(scores: Mapping[str, Any]) -> str:
    if "out_of_fold" in scores:
        return "out of fold, each row is judged by the network that did not see it; training rows were learned"
    return "training rows were learned: their scores say nothing about new rows"
