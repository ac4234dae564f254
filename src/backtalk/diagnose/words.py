"""Words that the terminal and the page share: the verdict, lists of units, numbers with three digits."""

from __future__ import annotations

from collections.abc import Sequence

from .finding import SEVERITIES, Finding

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


def listed(name: str, numbers: Sequence[int], most: int) -> str:
    """Units or examples by number, the worst of them; of very many, how many there are.

    >>> listed("unit", [3], 3), listed("example", range(20), 3)
    ('unit 3', 'examples 0, 1, 2, … (20 in all)')
    """
    shown = ", ".join(map(str, numbers[:most]))
    rest = f", … ({len(numbers)} in all)" if len(numbers) > most else ""
    return f"{name}{'s' * (len(numbers) > 1)} {shown}{rest}"


def short(value: float | None) -> str:
    """A number with three digits; nothing for None."""
    return "" if value is None else f"{value:.3g}"


def share(value: float | None) -> str:
    """A share in percent; nothing for None.

    >>> share(0.0), share(0.123), share(None)
    ('0%', '12.3%', '')
    """
    return "" if value is None else f"{value:.0%}" if value in (0, 1) else f"{value:.1%}"
