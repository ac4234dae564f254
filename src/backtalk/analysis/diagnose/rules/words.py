"""What the rules share: a finding from its number, and lists in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..finding import Finding
from ..thresholds import LIMITS, RULES


def finding(
    kind: str, value: float, title: str, said: str, advice: str, *, most: str = "severe", **rest: Any
) -> list[Finding]:
    """The finding, or none, as the table judges the number; ``most``: no more than this severity."""
    judged = RULES[kind].judge(value, most)
    if judged is None:
        return []
    severity, excess = judged
    for name in ("units", "examples"):
        rest[name] = tuple(int(each) for each in rest.get(name, ()))[: LIMITS.listed]
    return [Finding(kind, severity, excess, title, said, advice, **rest)]


def listed(things: Iterable[Any], most: int = 8) -> str:
    """'3, 5 and 9', or '3, 5, 9 and 12 others'."""
    words = [str(thing) for thing in things]
    if len(words) > most + 1:  # '1 other' would take as much room as its name
        return f"{', '.join(words[:most])} and {len(words) - most} others"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def counted(count: int, noun: str) -> str:
    """'1 unit', '2 units'."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("ss") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def are(count: int) -> str:
    """'is' or 'are'."""
    return "is" if count == 1 else "are"


def percent(share: float) -> str:
    """'12 %', or '0.4 %'."""
    return f"{100 * share:.3g} %"


def whole(values: Sequence[Any]) -> tuple[int, ...]:
    """The values as whole numbers of Python."""
    return tuple(int(value) for value in values)
