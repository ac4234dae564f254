"""On what it depends: which columns matter, and how the prediction moves with each of them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import cut, quoted
from ....pages import charts, plots
from ....pages.axes import legend
from ....pages.page import bullets, card, number_text, small
from ..verdict.compare import words_of
from .facts import Facts
from .names import apart

MOST_COLUMNS = 20  # of the importance
LONGEST, SHORT = 40, 24  # letters of a name, and of a class
MOST_COPIES = 5  # groups of columns
FEW_NAMES = 3  # of dates or times, on an axis
FEW = 12  # points that have a dot each
MOST_TOLD = 3  # classes, of which it is told what a missing cell makes of them

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
        apart([each["column"] for each in most], LONGEST),
        [each["value"] for each in most],
        [(each["low"], each["high"]) for each in most],
        [_amount(each["value"]) for each in most],
    )
    left = len(importance) - len(most)
    note = (
        f"by how much the {of['measure']} of {of['rows']:,} {words_of(of['part'])} rows grows if the cells of the "
        "column are shuffled among them; the line is the interval of 95 % confidence"
    )
    note += f"; {left} more columns matter less" if left > 0 else ""
    return [card("Columns that matter", picture + _copies(facts.metrics.get("copies") or []), note, wide=True)]


def _copies(found: Sequence[Mapping[str, Any]]) -> str:
    """Columns of which one stands in for another, so that each alone matters little."""
    if not found:
        return ""
    named = [(", ".join(quoted(name) for name in each["columns"]), each["value"]) for each in found]
    most = sorted(named, key=lambda each: -each[1])[:MOST_COPIES]
    told = bullets([f"{names}: {_amount(value)} if they are shuffled together" for names, value in most])
    return f"<p class='quiet after'>near copies of each other, of which one stands in for another:</p>{told}"


def _dependence(facts: Facts, dependence: Mapping[str, Mapping[str, Any]]) -> list[str]:
    titles = apart(list(dependence), LONGEST)
    drawn = [_figure(facts, name, found) for name, found in dependence.items()]
    figures = dict(zip(titles, drawn, strict=True))
    if not figures:
        return []
    curves = next(iter(dependence.values()))["curves"]
    note = "the mean prediction if all rows had this value in the column, and all else as it is"
    if len(curves) == 1:
        note += "; between the ends of the band or the line lie 80 % of the rows"
    keys = legend(dict.fromkeys(_classes(curves)))
    return [card("How the prediction moves with a column", keys + small(figures), note, wide=True)]


def _figure(facts: Facts, name: str, found: Mapping[str, Any]) -> str:
    """Of one column: a line over numbers and times, bars for words; above it what is shown."""
    curves = found["curves"]
    of = cut(curves[0]["of"], LONGEST)
    label = f"probability of '{of}'" if facts.classifies else f"predicted {of}"
    label = "probability of each class" if len(curves) > 1 else label
    if found["kind"] == "category":
        drawn = _of_words(found["values"], curves)
    else:
        drawn = _over_numbers(found["values"], curves, f"{label} against {name}")
    return f"<p class='quiet'>{html.escape(label)}</p>{drawn}"


def _over_numbers(values: Sequence[Any], curves: Curves, label: str) -> str:
    """Lines; what is predicted if the cell is missing stands below."""
    present = [n for n, value in enumerate(values) if value is not None]
    numeric = all(isinstance(values[n], int | float) for n in present)
    across = [float(values[n]) if numeric else float(n) for n in present]
    names = None if numeric else _names([str(values[n]) for n in present])
    several, first = len(curves) > 1, curves[0]
    spread = [(x, first["low"][n], first["high"][n]) for x, n in zip(across, present, strict=True)]
    classes = _classes(curves)
    series = {
        name: [(x, each["mean"][n]) for x, n in zip(across, present, strict=True)]
        for name, each in zip(classes, curves, strict=True)
    }
    picture = charts.lines(
        series,
        x_label="",
        y_label="",
        dots=len(present) <= FEW,
        band=[] if several else spread,
        names=names,
        keys=False,
        label=label,
    )
    if len(present) == len(values):
        return picture
    if len(curves) > MOST_TOLD:
        return picture
    missing = [number_text(each["mean"][-1]) for each in curves]
    told = [f"{name} {text}" for name, text in zip(classes, missing, strict=True)] if several else missing
    return f"{picture}<p class='quiet'>{html.escape('missing: ' + ', '.join(told))}</p>"


def _of_words(values: Sequence[Any], curves: Curves) -> str:
    """Bars: of one quantity with the spread of the rows, of several end to end."""
    names = apart(["(missing)" if value is None else str(value) for value in values], SHORT)
    if len(curves) > 1:
        parts = dict(zip(_classes(curves), (each["mean"] for each in curves), strict=True))
        return plots.meters(names, parts, [""] * len(names), full=1.0, keys=False)
    (curve,) = curves
    spread = list(zip(curve["low"], curve["high"], strict=True))
    return charts.ranges(names, curve["mean"], spread, [number_text(value) for value in curve["mean"]])


def _classes(curves: Curves) -> list[str]:
    """What the curves are of, in few letters."""
    return apart([each["of"] for each in curves], SHORT)


def _amount(value: float) -> str:
    return number_text(value) if abs(value) >= 100 else f"{value:#.3g}"


def _names(texts: Sequence[str]) -> dict[float, str]:
    """Some of the texts by their places, at even distances."""
    last = len(texts) - 1
    places = {round(last * k / max(1, FEW_NAMES - 1)) for k in range(FEW_NAMES)} if last > 0 else {0}
    return {float(place): texts[place] for place in sorted(places)}
