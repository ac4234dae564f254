"""On which columns a run depends, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....errors import quoted

MOST_NAMED = 3


def sentences_of(metrics: Mapping[str, Any]) -> list[str]:
    """On which columns the predictions depend most, by the facts in ``metrics.json``; and which are near copies.

    >>> column = {"column": "age", "value": 0.123, "low": 0.1, "high": 0.15}
    >>> of = {"measure": "log loss", "part": "out_of_fold", "rows": 100, "permutations": 5}
    >>> sentences_of({"importance": [column], "importance_of": of, "copies": []})
    ["depends most on 'age' (log loss +0.12 if its cells are shuffled)"]
    """
    found = metrics.get("importance") or []
    if not found:
        return []
    return [_most(found, metrics["importance_of"]["measure"]), *map(copies_in_words, metrics["copies"])]


def _most(found: list[dict[str, Any]], measure: str) -> str:
    sure = [each for each in found if each["low"] > 0][:MOST_NAMED]
    if not sure:
        return f"no column matters by more than chance: none whose shuffled cells surely raise the {measure}"
    (first, value), *others = [(quoted(each["column"]), f"+{each['value']:.2g}") for each in sure]
    then = f", then on {' and '.join(f'{name} ({more})' for name, more in others)}" if others else ""
    return f"depends most on {first} ({measure} {value} if its cells are shuffled){then}"


def copies_in_words(copies: Mapping[str, Any]) -> str:
    """What it means that columns are near copies of each other.

    >>> copies_in_words({"columns": ["cm", "inch"], "value": 0.5, "low": 0.4, "high": 0.6})
    "'cm' and 'inch' nearly say the same: each seems to matter less than it does, shuffled together they cost +0.5"
    """
    *names, last = map(quoted, copies["columns"])
    return (
        f"{', '.join(names)} and {last} nearly say the same: each seems to matter less than it does, shuffled together "
        f"they cost {copies['value']:+.2g}"
    )
