"""A derivation as plain values, for JSON and for the lab's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .expressions import Derivative, Expression
from .latex import LatexWriter, write_latex
from .layout import marked_of, sides
from .notation import Marked
from .text import TextWriter, write_text

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
        "steps": [_step(step, marked_of(derivation)) for step in derivation.steps],
    }


def _step(step: Step, marked: Marked) -> dict[str, Any]:
    left, formula = write_text(step.left), _both(step.right, marked)
    _, *numbers, value = (_both(side, marked) for side in sides(step))
    return {
        "talk": step.talk,
        "layer": step.layer,
        "quantity": write_text(step.left.of) if isinstance(step.left, Derivative) else left,
        "title": step.title,
        "reason": step.reason,
        "formula": {
            "text": f"{left} = {formula['text']}",
            "latex": f"{write_latex(step.left)} = {formula['latex']}",
        },
        "numbers": numbers[0] if numbers else None,
        "value": value,
    }


def _both(part: Expression, marked: Marked) -> dict[str, str]:
    return {"text": TextWriter(MOST, marked).write(part), "latex": LatexWriter(MOST, marked).write(part)}
