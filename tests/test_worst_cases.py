"""ℓ and ∂ℓ/∂a of pairs of output function and loss at ties, at the ends of their ranges, at numbers without all digits.

``worst_cases.json`` holds output, loss, dtype, a, y, ℓ and ∂ℓ/∂a by mpmath with 60 digits, of cases in which an earlier
version of the kernels or of the formulas was wrong by more than 12 ε.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backtalk import Network, gradients
from engines import by_formula, needs_kernels

CASES = json.loads((Path(__file__).parent / "worst_cases.json").read_text())


@pytest.mark.parametrize("engine", [pytest.param(gradients, marks=needs_kernels), by_formula])
def test_the_worst_cases_are_right_to_12_epsilon(engine):
    wrong = []
    for output, loss, dtype, a, y, value, grad_a in CASES:
        network = Network([np.zeros((len(a), 1), dtype)], [np.array(a, dtype)], loss=loss, output=output)
        found = engine(network, np.zeros((1, 1), dtype), np.array([y], dtype))
        for name, ours, right in (("loss", found.loss, value), ("grad a", found.a[1][0], grad_a)):
            if not is_near(np.asarray(ours), np.array(right)):
                wrong.append(f"{output} {loss} {dtype} a={a} y={y}: {name} is {ours}, expected {right}")
    assert not wrong, "\n".join(wrong)


def is_near(ours: np.ndarray, right: np.ndarray) -> bool:
    """Within 12 ε of the right value, or of the smallest normal number; a number beyond the largest is inf."""
    limits = np.finfo(ours.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        room = 12 * float(limits.eps) * np.maximum(np.abs(right), float(limits.tiny))
        same = ours.astype(np.float64) == right
        return bool(np.all(same | (np.abs(ours - right) <= room)))
