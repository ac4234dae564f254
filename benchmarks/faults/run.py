"""One training of a program, and what the doctor said of it."""

from __future__ import annotations

import random
import signal
import time
import traceback
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from backtalk import BacktalkError, Diagnosis, DivergedError, Doctor, Network, diagnose, fit, forward

from .data import Data
from .program import Recipe, Torch

LONGEST = 180  # seconds of one training
FAULTY, REPAIRED, HEALTHY = "faulty", "repaired", "healthy"


@dataclass(frozen=True, slots=True)
class Said:
    """A finding, as the suite keeps it."""

    kind: str
    severity: str
    title: str
    said: str
    advice: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """``findings`` in the doctor's order; ``score``: on held-out rows, more is better; ``problem``: why it crashed.

    ``repairs``: what the doctor itself changed, if it was asked to; ``before``, ``after``: the scores on held-out rows
    that it was not shown.
    """

    findings: tuple[Said, ...] = ()
    score: float | None = None
    seconds: float = 0.0
    problem: str = ""
    repairs: tuple[str, ...] = ()
    before: float | None = None
    after: float | None = None

    @property
    def loud(self) -> bool:
        """A finding is above a note."""
        return any(each.severity != "note" for each in self.findings)

    @property
    def better(self) -> bool:
        """The doctor's repairs helped; an output that was not finite before is worse than any other."""
        return self.after is not None and (self.before is None or self.after > self.before)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Outcome:
        """From what :meth:`to_dict` gave."""
        findings = tuple(Said(**each) for each in kept["findings"])
        return cls(**{**kept, "findings": findings, "repairs": tuple(kept["repairs"])})


class Unwatched:
    """A doctor of PyTorch programs that does nothing, for the scores of a training alone."""

    findings = ()

    def __init__(self, *_: Any, **__: Any) -> None:
        self.losses: list[float] = []

    def __enter__(self) -> Unwatched:
        return self

    def __exit__(self, *_: Any) -> None:
        return None

    def step(self, loss: Any = None) -> None:
        """A step was made."""
        if loss is not None:
            self.losses.append(float(loss))

    def validate(self, loss: Any) -> None:
        """A held-out loss."""


def run(program: Recipe | Torch, *, watched: bool = True, fix: bool = False) -> Outcome:
    """Train once; a crash, or more than :data:`LONGEST` seconds, is an outcome with a problem."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(), _at_most(LONGEST):
            warnings.simplefilter("ignore")
            outcome = _train(program, watched, fix) if isinstance(program, Recipe) else _watch(program, watched)
    except Exception as error:  # whatever a program raises: the suite goes on
        place = traceback.extract_tb(error.__traceback__)[-1]
        outcome = Outcome(problem=f"{type(error).__name__}: {error} ({place.filename.split('/')[-1]}:{place.lineno})")
    return replace(outcome, seconds=time.perf_counter() - start)


def _train(recipe: Recipe, watched: bool, fix: bool) -> Outcome:
    X, y, X_test, y_test = recipe.data()
    network = Network.create(recipe.sizes, **{"rng": 0, **recipe.network})
    if recipe.change is not None:
        network = recipe.change(network)
    doctor, held_out = Doctor(), (X_test, y_test)
    measured = (
        {} if "lbfgs" in str(recipe.training.get("optimizer")) else {"measure_every": 10}
    )  # whose search has no steps
    settings = {"rng": 0, "callbacks": doctor, "validation": held_out, **measured, **recipe.training}
    try:
        network = fit(network, X, y, **settings).network
    except DivergedError as error:
        network = error.network
    except BacktalkError:
        if np.isfinite(X).all():
            raise  # else the doctor is asked about the network as it was
    if not watched:
        return Outcome(score=score_of(network, X_test, y_test))
    diagnosis = diagnose(network, X, y, validation=held_out, history=doctor)
    outcome = Outcome(_said(diagnosis.findings), score_of(network, X_test, y_test))
    return _fix(network, (X, y, X_test, y_test), diagnosis, outcome) if fix else outcome


def _fix(network: Network, data: Data, diagnosis: Diagnosis, outcome: Outcome) -> Outcome:
    """With the doctor's own repairs: one half of the held-out rows chooses between them, the other half judges."""
    X, y, X_test, y_test = data
    half = len(X_test) // 2
    fixed = diagnosis.fix(network, X, y, validation=(X_test[:half], y_test[:half]))
    before, after = (score_of(each, X_test[half:], y_test[half:]) for each in (network, fixed.network))
    return replace(outcome, repairs=tuple(each.change for each in fixed.rounds), before=before, after=after)


def _watch(program: Torch, watched: bool) -> Outcome:
    import torch

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    if watched:
        from backtalk import watch
    else:
        watch = Unwatched
    result = program(watch)
    doctor, score = result if isinstance(result, tuple) else (result, None)
    return Outcome(_said(doctor.findings), score if score is not None and np.isfinite(score) else None)


def _said(findings: Any) -> tuple[Said, ...]:
    return tuple(Said(each.kind, each.severity, each.title, each.said, each.advice) for each in findings)


def score_of(network: Network, X: np.ndarray, y: np.ndarray) -> float | None:
    """The share of right classes, or R² for numbers; None for an output that is not finite."""
    with np.errstate(all="ignore"):
        yhat, target = forward(network, X).h[network.depth], np.asarray(y)
    if not np.isfinite(yhat).all():
        return None
    if target.ndim == 1 and target.dtype.kind in "iub":
        levels = np.unique(target)
        guess = yhat.argmax(axis=1) if yhat.shape[1] > 1 else levels[np.abs(yhat - levels).argmin(axis=1)]
        return float((guess == target).mean())
    if target.ndim == 2 and ((target == 0) | (target == 1)).all() and (target.sum(axis=1) == 1).all():
        return float((yhat.argmax(axis=1) == target.argmax(axis=1)).mean())
    target = target.reshape(len(target), -1)
    return float(1 - np.square(yhat - target).sum() / np.square(target - target.mean(axis=0)).sum())


@contextmanager
def _at_most(seconds: int) -> Any:
    """TimeoutError after so long, in the main thread of a process."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"no end after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
