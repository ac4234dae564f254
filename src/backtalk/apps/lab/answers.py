"""Derivations and findings of a network, as messages. A network does not change, so training goes on meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from ...analysis.diagnose.measure import finite_or_none
from ...core.network import Network
from ...errors import InputError
from .settings import quantity_text
from .trainer import Trainer

MOST_BYTES = 2_000_000  # of a derivation
MOST_ROWS = 5000  # that the doctor looks at
STRONGEST = 10  # paths


def explain_message(network: Network, x: np.ndarray, y: Any, row: int, quantity: Any) -> dict[str, Any]:
    """The derivation of a quantity for the example x (n_0,), y of a row, and its strongest paths."""
    quantity = quantity_text(quantity)
    from ...teaching.derivations import explain, paths
    from ...teaching.derivations.records import derivation_record

    with np.errstate(all="ignore"):
        derivation = derivation_record(explain(network, x, y, quantity))
        try:
            strongest = paths(network, x, y, quantity, k=STRONGEST).to_dict()
        except InputError:  # of a whole vector there are none
            strongest = None
    message = finite_or_none(
        {"type": "derivation", "quantity": quantity, "row": row, "derivation": derivation, "paths": strongest}
    )
    if len(json.dumps(message)) > MOST_BYTES:
        raise InputError(f"the derivation of {quantity} is too long to be shown: choose a single unit or weight.")
    return message


def findings_message(trainer: Trainer, network: Network, telemetry: Any) -> dict[str, Any]:
    """What the doctor finds, on the rows that are trained on, with advice for the page.

    Sentences count rows from 1, as the page does; ``examples`` holds rows as the messages do, from 0.
    """
    from ...analysis.diagnose import diagnose
    from .advice import for_page

    X, y = trainer.X_training[:MOST_ROWS], trainer.y_training[:MOST_ROWS]
    rows, held_out = trainer.data.training[:MOST_ROWS], trainer.rows_held_out
    validation = (trainer.X[held_out], trainer.data.y[held_out]) if len(held_out) else None
    diagnosis = diagnose(
        network, X, y, validation=validation, history=telemetry, columns=trainer.data.columns, rows=rows + 1
    )
    findings = tuple(
        replace(for_page(each, trainer.settings), examples=tuple(n - 1 for n in each.examples))
        for each in diagnosis.findings
    )
    diagnosis = replace(diagnosis, findings=findings).to_dict()
    return {
        "type": "findings",
        "healthy": diagnosis["healthy"],
        "step": trainer.step,
        "examples": len(X),
        "findings": diagnosis["findings"],
    }
