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
from ..words import are, counted
from .case import Action, Case
from .fixed import Fixed, Round, scores_of
from .plan import Plan
from .scores import Judge, Scores, judge_of
from .steps import Step, first_step, is_taken_back, search
from .training import Rows, Trained, train

VALIDATION = "the validation set"
DRAWN = "drawn before the first round; the given network may have learned from them, the new ones have not"
HELD_OUT = 5  # one row of so many, if no validation set is given
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
    trials = Trials(State(plan, findings, measured), split, before, generator)
    rounds, ended = search(trials.start, trials.choose, trials.attempt)
    kept = network if trials.network is None else _beside(trials.network, network)
    told = scores_of(before), scores_of(trials.scores), len(split.judge.X)
    return Fixed(kept, tuple(rounds), *told, split.judged_by, ended)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A plan, with what was found and measured of the network that came of it."""

    plan: Plan
    findings: Sequence[Finding]
    measured: Measurements


class Trials:
    """Trains by a plan, judges what comes of it, and keeps the best."""

    start: State
    split: Split
    generator: np.random.Generator
    scores: Scores
    network: Network | None

    def __init__(self, start: State, split: Split, before: Scores, generator: np.random.Generator) -> None:
        self.start, self.split, self.generator = start, split, generator
        self.scores, self.network = before, None

    def choose(self, state: State, tried: set[Action]) -> Step | None:
        """The next step from a state."""
        epochs = self.start.plan.settings.epochs
        rows = len(self.split.training[0])
        case = Case(state.plan, state.measured, rows, first=state is self.start, epochs=epochs)
        return first_step(state.findings, case, tried)

    def attempt(self, _: State, step: Step) -> tuple[State, Round]:
        """Take it."""
        plan = step.plan
        trained = train(plan, self.split.training, self.generator)
        scores = self.split.judge.score(trained.network)
        is_better = scores.beats(self.scores)
        if is_better:
            self.scores, self.network = scores, trained.network
        after = _examined(plan, trained, self.split)
        done = Round(
            step.finding,
            step.said,
            plan.to_dict(),
            scores_of(scores),
            is_better,
            tuple(after.findings),
            trained.telemetry.epochs,
            trained.diverged,
            is_taken_back(step.finding, is_better, after.findings),
        )
        return after, done


def _examined(plan: Plan, trained: Trained, split: Split) -> State:
    """A new diagnosis, on the rows as they were trained on."""
    X, y, weight = trained.scaled(split.training)
    other = trained.scaled(split.held_out)
    found = examine(trained.inner, X, y, weight, validation=other, history=trained.telemetry)
    return State(plan, *found)


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


def too_few_to_fix(network: Network, X: Any, y: Any) -> str:
    """What lacks if no row of X can be held out, else ''."""
    return too_few_rows(len(_finite(Examples.of(network, X, y))))


def too_few_rows(count: int) -> str:
    """How many there are and should be, if they are too few to hold some out, else ''."""
    return f"{counted(count, 'row')} that {are(count)} finite, expected {LEAST} or more" if count < LEAST else ""


def _drawn(examples: Examples, rows: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One row of five, so that targets of all sizes, or all classes, are among both; and the others."""
    if lacks := too_few_rows(len(rows)):
        raise InputError(f"X has {lacks}, or a validation set.")
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
