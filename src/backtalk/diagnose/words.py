"""Words that the terminal and the page share: the verdict, lists of units, numbers with three digits."""

from __future__ import annotations

from collections.abc import Sequence

from .finding import SEVERITIES, Finding

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
    units = "columns" if finding.layer == 0 else "units"
    names = [columns[k] if finding.layer == 0 and columns else str(k) for k in finding.units]
    lists = {units: names, "examples": [str(n) for n in finding.examples]}
    return "; ".join(
        f"{kind} {listed(all_of_them, most)}" for kind, all_of_them in lists.items() if len(all_of_them) > NAMED
    )


def listed(names: Sequence[str], most: int) -> str:
    """Names, the worst of them; of very many, how many there are.

    >>> listed(["3", "5", "8"], 2)
    '3, 5, … (3 in all)'
    """
    return ", ".join(names[:most]) + (f", … ({len(names)} in all)" if len(names) > most else "")


def short(value: float | None) -> str:
    """A number with three digits; nothing for None."""
    return "" if value is None else f"{value:.3g}"


def share(value: float | None) -> str:
    """A share in percent; nothing for None.

    >>> share(0.0), share(0.123), share(None)
    ('0%', '12.3%', '')
    """
    return "" if value is None else f"{value:.0%}" if value in (0, 1) else f"{value:.1%}"
