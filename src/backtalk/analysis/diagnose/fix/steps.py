"""Round after round: act on the first finding that can be acted on, and see what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from ..finding import Finding
from ..words import is_healthy
from .actions import act
from .case import Action, Case
from .fixed import Round
from .plan import Plan

ROUNDS = 3
MOST_FAILED = 2  # rounds in a row that are no better
EVEN_NOTES = {"training_too_short"}  # kinds that are acted on as notes, if nothing above a note can be
UNTOLD = EVEN_NOTES | {"underfitting"}  # the same, if nothing is known of a training


class State(Protocol):
    """A network that was trained, or was there: its findings."""

    @property
    def findings(self) -> Sequence[Finding]: ...


AnyState = TypeVar("AnyState", bound=State)


class Step(NamedTuple):
    """What is to be done: the plan, in words, for which finding, and by which action."""

    finding: Finding
    plan: Plan
    said: str
    action: Action


def search(
    start: AnyState,
    choose: Callable[[AnyState, set[Action]], Step | None],
    attempt: Callable[[AnyState, Step], tuple[AnyState, Round] | None],
) -> tuple[list[Round], str]:
    """The rounds, and why they ended. ``choose`` is told the actions to pass over; ``attempt`` trains and judges, and
    gives None if the training diverged.

    A round that is no better, and that its finding outlives, is taken back, and another action is tried for it.
    """
    rounds: list[Round] = []
    state, tried, failed = start, set[Action](), 0
    while True:
        if rounds and rounds[-1].is_better and is_healthy(state.findings):
            return rounds, "healthy"
        if len(rounds) == ROUNDS:
            return rounds, "rounds"
        step = None if failed == MOST_FAILED else choose(state, tried)
        if step is None:
            return rounds, "no better" if failed else "healthy" if is_healthy(state.findings) else "nothing to change"
        found = attempt(state, step)
        if found is None:
            return rounds, "diverged"
        after, done = found
        rounds.append(done)
        failed = 0 if done.is_better else failed + 1
        if done.taken_back:
            tried.add(step.action)
        else:
            state, tried = after, set()


def first_step(
    findings: Sequence[Finding], case: Case, tried: set[Action], allowed: Callable[[Plan], bool] = lambda _: True
) -> Step | None:
    """The first finding whose advice can be followed, with what comes of the plan, if that is ``allowed``."""
    even_notes = EVEN_NOTES if case.measured.telemetry.epochs else UNTOLD
    for finding in findings:
        if finding.severity == "note" and finding.kind not in even_notes:
            continue
        change = act(finding, case, tried)
        if change is not None and allowed(change[0]):
            return Step(finding, *change)
    return None


def is_taken_back(finding: Finding, is_better: bool, after: Sequence[Finding]) -> bool:
    """Whether a round did not do what it was for."""
    return not is_better and any(each.kind == finding.kind for each in after)
