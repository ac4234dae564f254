"""On what it depends: which columns matter, and how the prediction moves with each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import cut
from ....pages import charts
from ....pages.page import card
from .facts import Facts

MOST_COLUMNS = 20  # of the importance
MOST_CURVES = 8
LONGEST = 40  # letters of a name


def cards(facts: Facts) -> list[str]:
    """The importance of columns, and the curves of those that matter most; none if they were not measured."""
    importance, dependence = facts.metrics.get("importance") or [], facts.metrics.get("dependence") or {}
    shown = [_importance(importance)] if importance else []
    ordered = [each["column"] for each in importance if each["column"] in dependence] or list(dependence)
    return shown + [_dependence(name, dependence[name]) for name in ordered[:MOST_CURVES]]


def _importance(importance: Sequence[Mapping[str, Any]]) -> str:
    most = importance[:MOST_COLUMNS]
    picture = charts.ranges(
        [cut(each["column"], LONGEST) for each in most],
        [each["value"] for each in most],
        [None if each.get("low") is None else (each["low"], each["high"]) for each in most],
        [f"{each['value']:.3g}" for each in most],
    )
    left = len(importance) - len(most)
    rest = f" {left} more columns matter less." if left > 0 else ""
    note = "how much worse the score gets if the cells of the column are exchanged between rows; the line is where the "
    note += f"value lies with a probability of 95 %.{rest}"
    return card("Columns that matter", picture, note, wide=True)


def _dependence(name: str, found: Mapping[str, Any]) -> str:
    values, predictions = found["values"], found["predictions"]
    label = "prediction"
    if values and all(isinstance(value, int | float) for value in values):
        pairs = list(zip(values, predictions, strict=True))
        picture = charts.lines({name: pairs}, x_label=cut(name, LONGEST), y_label=label, dots=len(pairs) <= 24)
    else:
        picture = charts.steps([str(value) for value in values], predictions, y_label=label)
    return card(cut(name, LONGEST), picture, "the mean prediction if every row had this value, and all else as it is")
