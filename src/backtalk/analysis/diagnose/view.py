"""What a notebook shows of a diagnosis: the findings with their advice, and what each layer hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...pages.view import Cell, Verdict, bars, rows_table, sentence, view
from .words import percent

if TYPE_CHECKING:
    from .diagnosis import Diagnosis, Judged


def findings_view(judged: Judged, *unseen: str) -> str:
    """Every finding, the most important first; ``unseen``: what could not be seen, in sentences."""
    return view(judged.verdict, _findings(judged), *map(sentence, unseen))


def diagnosis_view(diagnosis: Diagnosis) -> str:
    """The findings, and the gradients of each layer with bars."""
    layers = diagnosis.measurements.layers[::-1]
    columns = bars([layer.grad_a for layer in layers]), bars([layer.grad_W for layer in layers])
    rows: list[list[Cell]] = [
        [f"{layer.layer}", layer.function, grad_a, grad_W, percent(layer.dead), percent(layer.saturated)]
        for layer, grad_a, grad_W in zip(layers, *columns, strict=True)
    ]
    names = ["layer", "function", "‖∇a‖", "‖∇W‖", "dead", "saturated"]
    more = sentence(
        "The output layer is first; ‖∇a‖ is the median over the examples. diagnosis.to_html() is a page with plots."
    )
    return view(diagnosis.verdict, _findings(diagnosis), rows_table(names, rows, words=2), more)


def _findings(judged: Judged) -> str:
    rows = [
        [
            each.severity if each.severity == "note" else Verdict(each.severity, False),
            each.title,
            each.said,
            each.advice,
        ]
        for each in judged.findings
    ]
    if not rows:
        return ""
    counting = sentence(judged.counting) if judged.counting else ""
    return rows_table(["", "finding", "what was measured", "what to do"], rows, words=4) + counting
