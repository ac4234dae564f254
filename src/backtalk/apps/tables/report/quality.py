"""How good it is: the score that matters first, beside the baselines and the constant."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from ....errors import cut
from ....pages.page import card, number_text, table
from ..verdict.compare import words_of
from .facts import Facts
from .names import COMPARED, LESS_IS_BETTER, NAMES, main_score

NETWORK = "backtalk"
STYLE = """
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(150px, 100%), 1fr)); gap: 10px;
  margin: 18px 0 0 }
.beside div { border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; background: var(--card) }
.beside b { display: block; font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums }
.beside span { color: var(--quiet); font-size: 13px; display: block }
.beside .own { border-color: #3f6fd8; border-width: 2px; padding: 9px 13px } .beside .own b { font-size: 30px }
.beside .best::after { content: "best"; font-size: 12px; color: #1f8a5b; font-weight: 600 }
td.best { font-weight: 600 }
@media (prefers-color-scheme: dark) { .beside .best::after { color: #5fd3a0 } }
"""


def headline(facts: Facts) -> str:
    """The score that comes first, of the network, the baselines and the constant: large, side by side."""
    name = main_score(facts.metrics)
    found = {who: of_who.get(name) for who, of_who in _scores(facts).items()}
    best = _best(name, found)
    tiles = []
    for who, value in found.items():
        kinds = " ".join([*(["own"] if who == NETWORK else []), *(["best"] if who in best else [])])
        what = f"{NAMES[name]}, {facts.rows}" if who == NETWORK else who
        label = f"<span>{html.escape('this run' if who == NETWORK else what)}</span>"
        tiles.append(f"<div class='{kinds}'>{label}<b>{number_text(value) or '–'}</b></div>")
    direction = "lower is better" if name in LESS_IS_BETTER else "higher is better"
    line = f"{NAMES[name]} of {facts.rows}; {direction}"
    return f"<div class='beside'>{''.join(tiles)}</div><p class='quiet'>{html.escape(line)}</p>"


def cards(facts: Facts) -> list[str]:
    """All scores: beside the others, and of each part of the rows."""
    found, metrics = _scores(facts), facts.metrics
    names = [name for name in COMPARED if any(name in of_who for of_who in found.values())]
    first = main_score(metrics)
    names = [first, *(name for name in names if name != first)]
    rows = []
    for name in names:
        values = {who: of_who.get(name) for who, of_who in found.items()}
        best = _best(name, values)
        cells = "".join(
            f"<td class='n{' best' if who in best else ''}'>{number_text(value)}</td>" for who, value in values.items()
        )
        rows.append(f"<tr><td>{html.escape(NAMES[name])}</td>{cells}</tr>")
    heads = "".join(f"<th class='n'>{html.escape('this run' if who == NETWORK else who)}</th>" for who in found)
    beside = f"<div class='scroll'><table><tr><th></th>{heads}</tr>{''.join(rows)}</table></div>"
    note = " ".join([f"{facts.rows}, the same for each; the best of a line is bold.", *_notes(facts)])
    shown = [card("Beside others", beside, note)] if len(found) > 1 else []
    scores = metrics["scores"]
    names = [name for name in NAMES if any(name in of_part for of_part in scores.values())]
    lines = [[NAMES[name], *(number_text(of_part.get(name)) for of_part in scores.values())] for name in names]
    of_parts = table(["", *(words_of(part) for part in scores)], lines, numbers=True)
    return [*shown, card("Scores of each part of the rows", of_parts, _about_parts(scores))]


def _scores(facts: Facts) -> dict[str, Mapping[str, Any]]:
    """The scores of the network and of the others, of the rows that are judged."""
    metrics = facts.metrics
    part = metrics["judged"]
    found = {NETWORK: metrics["scores"][part]}
    others = metrics.get("baselines", [])
    for each in [*others[1:], *others[:1]]:  # the constant last
        if part in each["scores"]:
            found[_name(each["name"], metrics)] = each["scores"][part]
    return found


def _name(name: str, metrics: Mapping[str, Any]) -> str:
    """The constant as what it always says."""
    if name != "constant":
        return name
    shares = metrics["constant"]["shares"]
    return "the mean" if shares is None else f"always '{cut(metrics['classes'][shares.index(max(shares))], 24)}'"


def _best(name: str, values: Mapping[str, float | None]) -> set[str]:
    """Those with the best value; nobody if all are alike."""
    known = {who: value for who, value in values.items() if value is not None}
    texts = {who: number_text(value) for who, value in known.items()}
    if len(set(texts.values())) < 2:
        return set()
    best = (min if name in LESS_IS_BETTER else max)(known.values())
    return {who for who, text in texts.items() if text == number_text(best)}


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
