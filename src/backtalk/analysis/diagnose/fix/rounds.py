"""Rounds of fixing: act on the first finding, train anew, diagnose again, compare on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.arrays import namespace
from ....core.initialization import as_generator
from ....core.network import Network
from ....errors import InputError, InputTypeError
from ..examination import examine
from ..examples import Examples
from ..finding import Finding
from ..measure import Measurements
from ..words import is_healthy
from .actions import Case, act
from .fixed import Fixed, Round, scores_of
from .plan import Plan
from .scores import Judge, Scores, judge_of
from .training import Rows, Trained, train

ROUNDS = 3
VALIDATION = "the validation set"
DRAWN = "drawn before the first round; the given network may have learned from them, the new ones have not"
HELD_OUT = 5  # one row of so many, if no validation set is given
EVEN_NOTES = {"training_too_short"}  # kinds that are acted on as notes, if nothing above a note can be
LEAST = 10  # rows that are finite, to hold some out


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """What is trained on, and what judges."""

    training: Rows
    judge: Judge
    held_out: Rows
    judged_by: str


def fix(
    network: Network,
    findings: Sequence[Finding],
    measured: Measurements,
    X: Any,
    y: Any,
    sample_weight: Any,
    validation: Any,
    rng: np.random.Generator | int | None,
    given: Mapping[str, Any],
) -> Fixed:
    """See :meth:`backtalk.Diagnosis.fix`."""
    generator = as_generator(rng)
    examples = Examples.of(network, X, y, sample_weight)
    if examples.X.shape[1] != len(measured.columns.mean):
        raise InputError("network is not the one that was diagnosed, expected one with the same inputs.")
    kinds = {each.kind for each in findings if each.severity != "note"}
    split = _split(examples, validation, kinds, measured, generator)
    plan = Plan.of(examples.network, measured.telemetry, given, len(split.training[0]))
    before = split.judge.score(examples.network)
    rounds, best, ended = _rounds(plan, split, before, tuple(findings), measured, generator)
    kept = network if best is None else _beside(best[1].network, network)
    return Fixed(
        kept,
        tuple(rounds),
        scores_of(before),
        scores_of(before if best is None else best[0]),
        len(split.judge.X),
        split.judged_by,
        ended,
    )


def _rounds(
    plan: Plan,
    split: Split,
    before: Scores,
    findings: tuple[Finding, ...],
    measured: Measurements,
    generator: np.random.Generator,
) -> tuple[list[Round], tuple[Scores, Trained] | None, str]:
    """The rounds, the best of them if it beats what was before, and why they ended."""
    rounds: list[Round] = []
    best: tuple[Scores, Trained] | None = None
    epochs = plan.settings.epochs
    while True:
        healthy = is_healthy(findings)
        if healthy and rounds:
            return rounds, best, "healthy"
        if len(rounds) == ROUNDS:
            return rounds, best, "rounds"
        case = Case(plan, measured, len(split.training[0]), first=not rounds, epochs=epochs)
        wanted = [each for each in findings if each.severity != "note" or each.kind in EVEN_NOTES]
        chosen = _first_change(wanted, case)
        if chosen is None:
            return rounds, best, "healthy" if healthy else "nothing to change"
        finding, plan, said = chosen
        trained = train(plan, split.training, generator)
        scores = split.judge.score(trained.network)
        is_better = scores.beats(before if best is None else best[0])
        findings, measured = _examined(trained, split)
        told = scores_of(scores), is_better, findings, trained.telemetry.epochs, trained.diverged
        rounds.append(Round(finding, said, plan.to_dict(), *told))
        if is_better:
            best = scores, trained
        elif any(each.kind == finding.kind for each in findings):  # the change did not even do what it was for
            return rounds, best, "no better"


def _first_change(findings: Sequence[Finding], case: Case) -> tuple[Finding, Plan, str] | None:
    """The first finding whose advice can be followed, and what comes of the plan."""
    for finding in findings:
        if (change := act(finding, case)) is not None:
            return finding, *change
    return None


def _examined(trained: Trained, split: Split) -> tuple[tuple[Finding, ...], Measurements]:
    """A new diagnosis, on the rows as they were trained on."""
    X, y, weight = trained.scaled(split.training)
    other = trained.scaled(split.held_out)
    return examine(trained.inner, X, y, weight, validation=other, history=trained.telemetry)


def _split(
    examples: Examples, validation: Any, kinds: set[str], measured: Measurements, generator: np.random.Generator
) -> Split:
    rows = _finite(examples)
    if validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
            raise InputTypeError("validation is neither (X, y) nor (X, y, sample_weight): expected one of them.")
        others = Examples.of(examples.network, *validation)
        chosen = _finite(others)
    else:
        others = examples
        chosen, rows = _drawn(examples, rows, generator)
    if not len(rows) or not len(chosen):
        where = "validation" if len(rows) else "X and y"
        raise InputError(f"{where} holds no row that is finite, expected at least one.")
    return Split(
        _rows(examples, rows),
        judge_of(others, chosen, kinds, measured.targets),
        _rows(others, chosen),
        VALIDATION if validation is not None else DRAWN,
    )


def _finite(examples: Examples) -> np.ndarray:
    """The rows that can be computed with, and that count."""
    return np.flatnonzero(np.isfinite(examples.X).all(axis=1) & ~examples.unknown & (examples.weight > 0))


def _drawn(examples: Examples, rows: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One row of five, so that targets of all sizes, or all classes, are among both; and the others."""
    if len(rows) < LEAST:
        raise InputError(f"X has {len(rows)} rows that are finite, expected {LEAST} or more, or a validation set.")
    order = generator.permutation(rows)
    target = np.asarray(examples.target(slice(None)), np.float64)[order]
    sizes = target.argmax(axis=1) if target.shape[1] > 1 else target[:, 0]
    order = order[np.argsort(sizes, kind="stable")]
    chosen = np.sort(order[int(generator.integers(HELD_OUT)) :: HELD_OUT])
    return chosen, np.setdiff1d(rows, chosen)


def _rows(examples: Examples, rows: np.ndarray) -> Rows:
    return examples.X[rows], examples.y[rows], examples.weight[rows]


def _beside(result: Network, given: Network) -> Network:
    """With arrays of the library and device of the network that was given."""
    spec = given.spec
    if isinstance(given.W[1], np.ndarray):
        return result
    return result.to(namespace(given.W[1]), device=spec.device)
