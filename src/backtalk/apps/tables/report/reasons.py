"""On what it depends: which columns matter, and how the prediction moves with each of them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import cut, quoted
from ....pages import charts, plots
from ....pages.page import card, number_text, small
from ..verdict.compare import words_of
from .facts import Facts

MOST_COLUMNS = 20  # of the importance
LONGEST = 40  # letters of a name
FEW_NAMES = 5  # of dates or times, on an axis
FEW = 12  # points that have a dot each

Curves = Sequence[Mapping[str, Any]]


def cards(facts: Facts) -> list[str]:
    """The importance of the columns, and the curves of those that matter most; none if they were not measured."""
    importance, dependence = facts.metrics.get("importance") or [], facts.metrics.get("dependence") or {}
    return [*_importance(facts, importance), *_dependence(facts, dependence)]


def _importance(facts: Facts, importance: Sequence[Mapping[str, Any]]) -> list[str]:
    if not importance:
        return []
    most, of = importance[:MOST_COLUMNS], facts.metrics["importance_of"]
    picture = charts.ranges(
        [cut(each["column"], LONGEST) for each in most],
        [each["value"] for each in most],
        [(each["low"], each["high"]) for each in most],
        [f"{each['value']:.3g}" for each in most],
    )
    left = len(importance) - len(most)
    note = (
        f"by how much the {of['measure']} of {of['rows']:,} {words_of(of['part'])} rows grows if the cells of the "
        "column are shuffled among them; the line is the interval of 95 % confidence"
    )
    note += f"; {left} more columns matter less" if left > 0 else ""
    copies = [_copies(each) for each in facts.metrics.get("copies", [])]
    return [card("Columns that matter", picture + "".join(copies), note, wide=True)]


def _copies(found: Mapping[str, Any]) -> str:
    named = ", ".join(quoted(name) for name in found["columns"])
    told = f"near copies of each other, of which one stands in for another: {named}; shuffled together: "
    return f"<p class='quiet after'>{html.escape(told)}{found['value']:.3g}</p>"


def _dependence(facts: Facts, dependence: Mapping[str, Mapping[str, Any]]) -> list[str]:
    figures = {cut(name, LONGEST): _figure(facts, name, found) for name, found in dependence.items()}
    if not figures:
        return []
    note = (
        "the mean prediction if all rows had this value in the column, and all else as it is; between the ends of the "
        "band or the line lie 80 % of the rows"
    )
    return [card("How the prediction moves with a column", small(figures), note, wide=True)]


def _figure(facts: Facts, name: str, found: Mapping[str, Any]) -> str:
    values, curves = found["values"], found["curves"]
    of = curves[0]["of"]
    label = f"probability of {cut(of, LONGEST)}" if facts.classifies else f"predicted {cut(of, LONGEST)}"
    if found["kind"] == "category":
        words = ["(missing)" if value is None else str(value) for value in values]
        return _of_words(words, curves, "probability of each class" if len(curves) > 1 else label)
    present = [n for n, value in enumerate(values) if value is not None]
    missing = [] if len(present) == len(values) else [each["mean"][-1] for each in curves]
    numeric = all(isinstance(values[n], int | float) for n in present)
    across = [float(values[n]) if numeric else float(n) for n in present]
    names = None if numeric else _names([str(values[n]) for n in present])
    several, first = len(curves) > 1, curves[0]
    spread = [(x, first["low"][n], first["high"][n]) for x, n in zip(across, present, strict=True)]
    picture = charts.lines(
        {cut(each["of"], 24): [(x, each["mean"][n]) for x, n in zip(across, present, strict=True)] for each in curves},
        x_label=cut(name, LONGEST),
        y_label="probability" if several else label,
        dots=len(present) <= FEW,
        band=[] if several else spread,
        names=names,
    )
    told = ", ".join(number_text(value) for value in missing)
    return picture + (f"<p class='quiet'>missing: {told}</p>" if told else "")


def _of_words(words: Sequence[str], curves: Curves, label: str) -> str:
    """Bars: of one quantity with the spread of the rows, of several side by side."""
    names, told = [cut(word, LONGEST) for word in words], f"<p class='quiet'>{html.escape(label)}</p>"
    if len(curves) > 1:
        parts = {cut(each["of"], 24): each["mean"] for each in curves}
        return told + plots.meters(names, parts, [""] * len(names), full=1.0)
    (curve,) = curves
    spread = list(zip(curve["low"], curve["high"], strict=True))
    return told + charts.ranges(names, curve["mean"], spread, [number_text(value) for value in curve["mean"]])


def _names(texts: Sequence[str]) -> dict[float, str]:
    """Some of the texts by their places, at even distances."""
    last = len(texts) - 1
    places = {round(last * k / max(1, FEW_NAMES - 1)) for k in range(FEW_NAMES)} if last > 0 else {0}
    return {float(place): texts[place] for place in sorted(places)}
