"""Who is told while the loop runs: of findings in words, and of numbers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from ....errors import first_line
from ...diagnose.finding import Finding
from .judge import judge
from .recorder import Recorder
from .step import Step

FIRST = 5  # steps before anything is told
RARER = 1.2  # times as many steps as at the last judgement, so that judging costs little however long the loop is


class Voice:
    """Tells each kind of finding once for each place, and logs the numbers of measured steps.

    A function that fails ends nobody's training: its first error becomes a warning.
    """

    def __init__(self, tell: Callable[[str], Any] | None, log: Callable[[dict[str, float], int], Any] | None) -> None:
        self._tell, self._log = tell, log
        self._told: set[tuple[str, int | None]] = set()
        self._judged, self._failed = 0.0, False

    def after_step(self, recorder: Recorder, step: Step) -> None:
        """A measured step is over."""
        if self._log is not None:
            self._attempt(self._log, numbers_of(recorder, step), step.number)
        if self._tell is not None and step.number >= max(FIRST, RARER * self._judged):
            self._judged = step.number
            self.tell(judge(recorder), step.number)

    def tell(self, findings: tuple[Finding, ...], number: int) -> None:
        """What was not told yet, and is no note."""
        for each in findings:
            if self._tell is not None and each.severity != "note" and (each.kind, each.layer) not in self._told:
                self._told.add((each.kind, each.layer))
                self._attempt(self._tell, f"step {number}, {each.severity}: {each.title}. {each.said} {each.advice}")

    def _attempt(self, function: Callable[..., Any], *inputs: Any) -> None:
        try:
            function(*inputs)
        except Exception as error:  # of whatever kind the user's function has
            if not self._failed:
                self._failed = True
                why = f"{type(error).__name__}: {first_line(error)}"
                warnings.warn(f"tell or log failed ({why}); training goes on.", stacklevel=2)


def numbers_of(recorder: Recorder, step: Step) -> dict[str, float]:
    """The numbers of a measured step by name: loss, validation_loss, learning_rate, the norm of the gradient before
    and after clipping, ‖Δw‖/‖w‖ of all parameters together, and of each by name.
    """
    last = recorder.validation[-1][1] if recorder.validation else None
    known: Mapping[str, float | None] = {
        "loss": recorder.losses.curve.last,
        "validation_loss": last,
        "learning_rate": step.rate,
        "gradient": step.heard,
        "gradient_used": step.used,
        "update": step.ratio,
        **{f"update/{name}": move.ratio for name, move in step.moves.items()},
    }
    return {name: float(value) for name, value in known.items() if value is not None and not math.isnan(value)}
