"""A derivation as plain values, for JSON and for the lab's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .expressions import Derivative, Expression, Number
from .latex import write_latex
from .text import write_text

if TYPE_CHECKING:
    from .derivation import Derivation, Step

MOST = 4  # entries of a row or column of numbers


def as_record(derivation: Derivation) -> dict[str, Any]:
    """The quantity, its value, and each step with its formulas as text and as LaTeX."""
    value = derivation.value
    return {
        "quantity": str(derivation.quantity),
        "latex": write_latex(derivation.left),
        "value": value.tolist() if isinstance(value, np.ndarray) else float(value),
        "loss": derivation.loss,
        "steps": [_step(step) for step in derivation.steps],
    }


def shown_numbers(step: Step) -> Expression | None:
    """The right side with numbers put in; None where that says no more than the formula or the value."""
    written = write_text(step.numbers)
    return None if written in (write_text(step.right), write_text(Number(step.value))) else step.numbers


def _step(step: Step) -> dict[str, Any]:
    numbers = shown_numbers(step)
    left = _both(step.left)
    return {
        "talk": step.talk,
        "layer": step.layer,
        "quantity": write_text(step.left.of if isinstance(step.left, Derivative) else step.left),
        "title": step.title,
        "reason": step.reason,
        "formula": {kind: f"{left[kind]} = {right}" for kind, right in _both(step.right).items()},
        "numbers": None if numbers is None else _both(numbers),
        "value": _both(Number(step.value)),
    }


def _both(part: Expression) -> dict[str, str]:
    return {"text": write_text(part, MOST), "latex": write_latex(part, MOST)}
