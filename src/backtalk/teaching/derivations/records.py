"""A derivation as plain values that hold its formulas as trees and the numbers of its symbols: a page writes it out.

``web/src/formulas/`` puts the numbers in, and writes what :mod:`backtalk.teaching.derivations.latex` writes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np

from .derivation import Derivation
from .expressions import Partial, Rows, Symbol
from .steps import Step
from .trees import tree_of
from .values import ExampleValues
from .view import View

MOST = 10_000  # numbers of a matrix that is sent whole; of a larger one the columns that are shown


def derivation_record(derivation: Derivation) -> dict[str, Any]:
    """The quantity, its steps with their formulas, the units that are shown, and the arrays of the example.

    >>> from backtalk import Network, explain
    >>> net = Network([[[2.0]]], [[0.5]], loss="squared_error")
    >>> record = derivation_record(explain(net, [3.0], [1.5], "b[1,1]"))
    >>> record["steps"][-1]["forms"], record["arrays"]["a.1"]
    ([{'is': 'derivative', 'of': {'is': 'symbol', 'letter': 'a', 'layer': 1, 'indices': [1]}}], \
{'shape': [1], 'base64': 'AAAAAAAAGkA='})
    """
    values = next(step.values for step in derivation.steps if step.values is not None)
    view = derivation.view
    return {
        "quantity": str(derivation.quantity),
        "left": tree_of(derivation.left),
        "digits": view.digits,
        "rows": {str(axis): list(kept) for axis, kept in view.rows.items()},
        "steps": step_records(derivation.steps, view),
        "arrays": {name: _sent(array, columns) for name, array, columns in _arrays_sent(values)},
    }


def step_records(steps: Iterable[Step], view: View | None = None) -> list[dict[str, Any]]:
    """Steps with their formulas: left = forms[0] = forms[1] …, into the last of which the numbers are put.

    ``rule``: it is in symbols alone, for any numbers. ``remarks``: sentences that follow the reason if the numbers of
    a symbol are so; of a step with numbers they stand in its reason.
    """
    return [
        {
            "talk": step.talk,
            "layer": step.layer,
            "title": step.title,
            "reason": step.reason,
            "remarks": [{"of": tree_of(remark.of), "at": remark.at, "said": remark.said} for remark in step.remarks],
            "left": tree_of(step.left, view),
            "forms": [tree_of(form, view) for form in (*step.forms, *([] if step.right is None else [step.right]))],
            "rule": step.rule,
        }
        for step in steps
    ]


def arrays_of(values: ExampleValues) -> dict[str, np.ndarray]:
    """Every symbol's numbers for one example, in float64, by names with the layer, as in frames of the lab: ``W.2``.

    h, a, W and b; ``grad_h`` and ``grad_a``; ``slope``: g′(a_i), and O′(a_L) unless O is softmax, which has a
    ``jacobian``; ``target``, ``complement`` (1 − ŷ), ``loss``. ∇_W and ∇_b of one example are products of these.
    """
    return {name: array for name, array, _ in _arrays(values, {})}


def _arrays_sent(values: ExampleValues) -> Iterable[tuple[str, np.ndarray, list[int] | None]]:
    for name, array, shown in _arrays(values, values.rows):
        large = array.ndim == 2 and shown is not None and array.shape[0] * array.shape[1] > MOST
        yield name, array, shown if large else None


def _arrays(values: ExampleValues, rows: Rows) -> Iterable[tuple[str, np.ndarray, list[int] | None]]:
    """Each array; of a matrix also the columns that are shown, None for all of them."""
    network, depth = values.network, values.network.depth
    for i in range(depth + 1):
        yield f"h.{i}", values.trace.h[i][0], None
        yield f"grad_h.{i}", values.grads.h[i][0], None
        if i == 0:
            continue
        yield f"a.{i}", values.trace.a[i][0], None
        yield f"grad_a.{i}", values.grads.a[i][0], None
        yield f"W.{i}", network.W[i], list(rows[i - 1]) if i - 1 in rows else None
        yield f"b.{i}", network.b[i], None
        if i < depth:
            yield f"slope.{i}", values[Partial(Symbol("h", i, ("j",)), Symbol("a", i, ("j",)))][:, 0], None
    if values.network.head.output.name == "softmax":
        shown = list(rows["yhat"]) if "yhat" in rows else None
        yield "jacobian", values[Partial(Symbol("yhat"), Symbol("a", depth))], shown
    else:
        yield f"slope.{depth}", values[Partial(Symbol("yhat", None, ("j",)), Symbol("a", depth, ("j",)))][:, 0], None
    yield "target", values.target, None
    yield "complement", values[Symbol("complement")][:, 0], None
    yield "loss", np.array([values.loss]), None


def _sent(array: np.ndarray, columns: list[int] | None) -> dict[str, Any]:
    """An array as JSON: its numbers as base64 of float64, little-endian; of some columns, with their places."""
    kept = array if columns is None else array[:, columns]
    written = base64.b64encode(np.ascontiguousarray(kept, "<f8").tobytes()).decode("ascii")
    facts: dict[str, Any] = {"shape": list(array.shape), "base64": written}
    return facts if columns is None else facts | {"columns": columns}
