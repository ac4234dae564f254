"""What the doctor's words are worth: detected, cause first, fix named, silent on the repaired and the healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .program import MISTAKES, Healthy, Program
from .run import Outcome
from .suite import library


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one faulty program. ``detected``: a finding above a note; ``named``: a cause is among the findings;
    ``first``: it is the first one, and something was detected; ``fix``: one of the words of the repair stands in the
    advice of a finding that names the cause; ``silent``: no finding of the repaired twin is above a note.
    """

    detected: bool
    named: bool
    first: bool
    fix: bool
    silent: bool


def judge(program: Program, faulty: Outcome, repaired: Outcome) -> Verdict:
    """A crash counts as missed, and that of the repaired twin as not silent."""
    said = [] if faulty.problem else faulty.findings
    causes = [each for each in said if each.kind in program.causes]
    detected = any(each.severity != "note" for each in said)
    first = detected and said[0].kind in program.causes
    fix = any(word.lower() in each.advice.lower() for each in causes for word in program.fixes)
    return Verdict(detected, bool(causes), first, fix, not repaired.problem and not repaired.loud)


def summarize(
    programs: Sequence[Program],
    healthy: Sequence[Healthy],
    outcomes: Mapping[tuple[str, str], Outcome],
) -> dict[str, Any]:
    """Shares for all, and for each library; ``outcomes``: by name and 'faulty', 'repaired' or 'healthy'."""
    found = {"all": _shares(programs, healthy, outcomes)}
    for name in dict.fromkeys(map(library, (*programs, *healthy))):
        parts = [[each for each in every if library(each) == name] for every in (programs, healthy)]
        found[name] = _shares(*parts, outcomes)
    return {**found, **_mistakes(programs, outcomes), **_fixes(programs, outcomes), "crashes": _crashes(outcomes)}


def verdict_of(program: Program, outcomes: Mapping[tuple[str, str], Outcome]) -> Verdict:
    """From both trainings of a program."""
    return judge(program, outcomes[program.name, "faulty"], outcomes[program.name, "repaired"])


def _shares(programs: Sequence[Any], healthy: Sequence[Any], outcomes: Mapping[Any, Outcome]) -> dict[str, Any]:
    verdicts = [verdict_of(each, outcomes) for each in programs]
    still = [outcomes[each.name, "healthy"] for each in healthy]
    alarms = sum(not each.silent for each in verdicts) + sum(each.loud or bool(each.problem) for each in still)
    return {
        "programs": len(verdicts),
        **{name: sum(getattr(each, name) for each in verdicts) for name in ("detected", "named", "first", "fix")},
        "without_fault": len(verdicts) + len(still),
        "false_alarms": alarms,
    }


def _mistakes(programs: Sequence[Program], outcomes: Mapping[Any, Outcome]) -> dict[str, Any]:
    """How many of the mistakes that only code of PyTorch can make were named, each by all of its programs."""
    kinds: dict[int, list[bool]] = {}
    for each in programs:
        if each.mistake is not None:
            kinds.setdefault(each.mistake, []).append(verdict_of(each, outcomes).named)
    missed = [MISTAKES[number - 1] for number, named in sorted(kinds.items()) if not all(named)]
    return {"mistakes": len(kinds), "mistakes_named": len(kinds) - len(missed), "mistakes_missed": missed}


def _fixes(programs: Sequence[Program], outcomes: Mapping[Any, Outcome]) -> dict[str, Any]:
    """How many the doctor itself repaired, and how many of them are better on held-out rows."""
    done = [outcome for each in programs if (outcome := outcomes[each.name, "faulty"]).repairs]
    return {"fixes": len(done), "fixes_better": sum(each.better for each in done)}


def _crashes(outcomes: Mapping[tuple[str, str], Outcome]) -> dict[str, str]:
    return {f"{name}, {twin}": outcome.problem for (name, twin), outcome in outcomes.items() if outcome.problem}
