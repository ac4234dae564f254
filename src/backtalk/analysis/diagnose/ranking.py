"""The order of findings: the severest first, and a cause before what it explains."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace

from .finding import SEVERITIES, Finding
from .thresholds import RULES

AT_ANY_RATE = ("symmetry", "nothing_arrives")  # keep a network from learning, whatever the learning rate
ORDER = {kind: place for place, kind in enumerate(RULES)}


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Ranked, with at most one of a kind for each layer: the worst.

    A warning that explains a severe finding is severe itself. Within a severity, findings that others explain come
    after all that explain them; beyond that, kinds by their largest excess, and one kind from the lowest layer up.
    """
    found = _raised(_worst_of(findings, lambda each: (each.kind, each.layer)))
    steps: dict[int, int] = {}

    def step(each: Finding) -> int:
        """How many causes stand above one another before this finding."""
        if id(each) not in steps:
            causes = [other for other in found if other.severity == each.severity and explains(other.kind, each.kind)]
            steps[id(each)] = 1 + max(map(step, causes), default=-1)
        return steps[id(each)]

    def place_of(each: Finding) -> tuple[int, int, float, str, int]:
        alike = [other.excess for other in found if (other.kind, other.severity) == (each.kind, each.severity)]
        return SEVERITIES.index(each.severity), step(each), -max(alike), each.kind, each.layer or 0

    return tuple(sorted(found, key=place_of))


def without_rate_in_vain(findings: Iterable[Finding]) -> list[Finding]:
    """Without a learning rate that is too low, where a higher one would change nothing."""
    found = list(findings)
    if any(each.kind in AT_ANY_RATE and each.severity == "severe" for each in found):
        return [each for each in found if each.kind != "learning_rate_too_low"]
    return found


def worst_of_each_kind(findings: Iterable[Finding]) -> list[Finding]:
    """One of each kind, if several ways of looking found it in different layers."""
    return _worst_of(findings, lambda each: each.kind)


def _worst_of(findings: Iterable[Finding], group: Callable[[Finding], Hashable]) -> list[Finding]:
    worst: dict[Hashable, Finding] = {}
    for each in findings:
        if (alike := worst.get(group(each))) is None or _badness(each) > _badness(alike):
            worst[group(each)] = each
    return list(worst.values())


def explains(cause: str, consequence: str) -> bool:
    """Whether the table says so."""
    named = RULES[cause].explains
    return consequence in named or ("*" in named and ORDER[cause] < ORDER[consequence])


def _raised(findings: list[Finding]) -> list[Finding]:
    severe = [each.kind for each in findings if each.severity == "severe"]
    return [
        replace(each, severity="severe")
        if each.severity == "warning" and any(explains(each.kind, kind) for kind in severe)
        else each
        for each in findings
    ]


def _badness(each: Finding) -> tuple[int, float]:
    return -SEVERITIES.index(each.severity), each.excess
