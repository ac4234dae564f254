"""Words that the terminal and the page share: the verdict, lists of units, numbers with three digits."""

from __future__ import annotations

from collections.abc import Sequence

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
    words = [
        f"{count} severe finding{'s' * (count > 1)}"
        if severity == "severe"
        else f"{count} {severity}{'s' * (count > 1)}"
        for severity, count in counts.items()
        if count
    ]
    return ", ".join(words)


def where(finding: Finding, columns: Sequence[str], most: int) -> str:
    """The units, or columns of X, and the examples of a finding, where they are too many for its sentences.

    ``columns``: the names of X's columns, where they have some.
    """
    of_input = finding.layer == 0
    units = [columns[k] for k in finding.units] if of_input and columns else runs(finding.units)
    lists = {
        "columns" if of_input else "units": (finding.units, units),
        "examples": (finding.examples, runs(finding.examples)),
    }
    return "; ".join(
        f"{kind} {', '.join(words[:most])}{', …' if len(words) > most or len(all_of_them) == LIMITS.listed else ''}"
        for kind, (all_of_them, words) in lists.items()
        if len(all_of_them) > NAMED
    )


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


def share(value: float | None) -> str:
    """A share in percent; nothing for None.

    >>> share(0.0), share(0.123), share(None)
    ('0 %', '12.3 %', '')
    """
    return "" if value is None else f"{100 * value:.3g} %"
