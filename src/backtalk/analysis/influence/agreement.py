"""How far an answer of ``influence`` agrees with a few networks that were trained without half of the examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .truth import rank_correlations

GOOD, FAIR = 0.8, 0.5  # correlations, of which sentences speak
ENORMOUS = 10  # times what retraining shows: as derivatives of runs that are not smooth say
INSTEAD = {
    "tracin": "method='ekfac' follows the curvature",
    "ekfac": "method='fisher' (for small networks) and the mean over several trainings, [training, other], do better",
    "fisher": "the mean over several trainings, [training, other], does better",
    "trak": "method='ekfac' follows the whole curvature",
    "unrolled": "leaving rows out is no small change of this run, and its exact derivative says little about it: take "
    "method='midpoint', 'fisher', or 'ekfac' if the network is large",
    "midpoint": "the mean over several trainings, [training, other], does better",
    "retrain": "each row alone is exact, but what they do does not add up",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the influences that ``method`` gives agree with ``networks`` retrained without ``left_out`` rows each.

    For each test example, the sum of the influences of the rows that were left out stands beside the rise of its loss:
    ``correlation``, Spearman's, the mean over the test examples (1: the same order; 0: none). ``factor``: by what the
    sums are to be multiplied to come nearest to the rises; far below 1, the influences are far too large. A handful of
    networks measures this roughly: :func:`~backtalk.score_influence` takes more.

    >>> Agreement("ekfac", networks=8, left_out=150, correlation=0.93, factor=0.8)
    agrees well with 8 networks retrained without 150 rows each (rank correlation 0.93)
    """

    method: str
    networks: int
    left_out: int
    correlation: float
    factor: float

    def __repr__(self) -> str:
        seen = f"with {self.networks} networks retrained without {self.left_out} rows each"
        number = f"(rank correlation {self.correlation:.2f})"
        grade = next((word for least, word in ((GOOD, "well"), (FAIR, "fairly")) if self.correlation >= least), None)
        told = f"agrees {grade} {seen} {number}" if grade else f"does not agree {seen} {number}"
        # the numbers of tracin have a scale of their own
        if self.method != "tracin" and abs(self.factor) * ENORMOUS < 1:
            told += f", but its numbers are some {1 / max(abs(self.factor), 1e-9):.0f} times too large"
        if self.correlation < GOOD:
            told += f"; {INSTEAD[self.method]}; retrain(training, rows) gives the true answer"
        return told


def agreement_of(method: str, predicted: np.ndarray, changes: np.ndarray, left_out: int) -> Agreement:
    """From the sums that were predicted, (M, R), and the rises that were seen."""
    correlation = float(rank_correlations(predicted, changes).mean())
    one, other = (each - each.mean(axis=1, keepdims=True) for each in (predicted, changes))
    size = (one * one).sum()
    return Agreement(
        method, predicted.shape[1], left_out, correlation, float((one * other).sum() / size) if size > 0 else 0.0
    )
