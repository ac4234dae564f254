"""Words of findings, for the rules, the terminal and the page: the verdict, lists, numbers with three digits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...errors import cut
from .finding import SEVERITIES, Finding
from .thresholds import LIMITS

NAMED = 5  # units or examples that the sentences of every finding name
HEALTHY = "healthy: no finding above a note"


def is_healthy(findings: Sequence[Finding]) -> bool:
    """Whether none is severe or a warning."""
    return all(finding.severity == "note" for finding in findings)


def verdict(findings: Sequence[Finding]) -> str:
    """How many findings of each severity.

    >>> verdict([])
    'healthy: no finding above a note'
    """
    if is_healthy(findings):
        return HEALTHY
    counts = {severity: sum(finding.severity == severity for finding in findings) for severity in SEVERITIES}
    nouns = {"severe": "severe finding", "warning": "warning", "note": "note"}
    return ", ".join(counted(count, nouns[severity]) for severity, count in counts.items() if count)


def where(finding: Finding, columns: Sequence[str], most: int, counted_from: int = 1) -> str:
    """The units, or columns of X, and the examples of a finding, if they are too many for its sentences.

    ``columns``: the names of X's columns, if they have some. ``counted_from``: as of ``Measurements``, for the
    examples. Units and columns are counted from 1.
    """
    of_input = finding.layer == 0
    units = [cut(columns[k]) for k in finding.units] if of_input and columns else runs([k + 1 for k in finding.units])
    lists = {
        "columns" if of_input else "units": (finding.units, units),
        "examples": (finding.examples, runs([n + counted_from for n in finding.examples])),
    }
    return "; ".join(
        f"{kind} {', '.join(words[:most])}{', …' if len(words) > most or len(all_of_them) == LIMITS.listed else ''}"
        for kind, (all_of_them, words) in lists.items()
        if len(all_of_them) > NAMED
    )


def counting(findings: Sequence[Finding], columns: Sequence[str] = (), counted_from: int = 1) -> str:
    """How sentences count what the findings list, once for all of them; '' if they list nothing by number.

    ``columns``, ``counted_from``: as :func:`where` takes them.

    >>> counting([Finding("dead_units", "severe", 1.0, "", "", "", layer=1, units=(0,), examples=(3,))])
    'Units and rows are counted from 1.'
    """
    of_input = [each.layer == 0 for each in findings if each.units]
    kinds = {
        "units": not all(of_input),
        "columns": any(of_input) and not columns,
        "rows": counted_from == 1 and any(each.examples for each in findings),
    }
    named = [kind for kind, is_listed in kinds.items() if is_listed]
    return f"{listed(named).capitalize()} are counted from 1." if named else ""


def runs(numbers: Sequence[int]) -> list[str]:
    """The numbers as they come, three or more that follow one another as a run.

    >>> runs([0, 1, 2, 3, 7, 8, 5])
    ['0-3', '7', '8', '5']
    """
    words: list[str] = []
    k = 0
    while k < len(numbers):
        last = k
        while last + 1 < len(numbers) and numbers[last + 1] == numbers[last] + 1:
            last += 1
        run = numbers[k : last + 1]
        words += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(number) for number in run]
        k = last + 1
    return words


def short(value: float | None) -> str:
    """A number with three digits; nothing for None."""
    return "" if value is None else f"{value:.3g}"


def sentence(clause: str) -> str:
    """A clause with a capital letter and a full stop."""
    return f"{clause[:1].upper()}{clause[1:]}."


def listed(things: Iterable[Any], most: int = 8, count: int | None = None) -> str:
    """'3, 5 and 9', or '3, 5, 9 and 12 others'; ``count``: how many there are, if these are the first of them."""
    words = [str(thing) for thing in things]
    count = len(words) if count is None else count
    if count > most + 1:  # '1 other' would take as much room as its name
        return f"{', '.join(words[:most])} and {count - most} others"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def listed_from_1(numbers: Iterable[int], most: int = 8) -> str:
    """Units or columns, indices from 0, as sentences call them: counted from 1.

    >>> listed_from_1([0, 4])
    '1 and 5'
    """
    return listed((number + 1 for number in numbers), most)


def counted(count: int, noun: str) -> str:
    """'1 unit', '2 units'."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("ss") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def are(count: int) -> str:
    """'is' or 'are'."""
    return "is" if count == 1 else "are"


def percent(share: float | None) -> str:
    """A share in percent; nothing for None.

    >>> percent(0.0), percent(0.123), percent(None)
    ('0 %', '12.3 %', '')
    """
    return "" if share is None else f"{100 * share:.3g} %"


def part_of(share: float) -> str:
    """A share of something that is named next; of far more than all of it, how many times.

    >>> part_of(0.123), part_of(144.2)
    ('12.3 % of', '144 times')
    """
    return f"{share:.3g} times" if share >= 10 else f"{percent(share)} of"
