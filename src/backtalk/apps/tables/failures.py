"""Where a run fails, as plain values: the worst rows, probabilities beside what was found, true beside predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from ...errors import cut
from .judging.calibration import Reliability
from .judging.classes import thresholds_of
from .judging.curves import precision_recall_points, roc_points
from .metrics import gives_shares
from .model import Model

MOST_WORST = 10  # rows
MOST_CELLS = 30  # of a row
MOST_PAIRS = 1500
MOST_CURVES = 8  # classes
LONGEST = 60  # letters of a cell

Cells = Callable[[np.ndarray], pl.DataFrame | None]  # the cells of rows of the part that is judged


def worst_rows(
    model: Model,
    truth: np.ndarray,
    output: np.ndarray,
    numbers: np.ndarray | None,
    cells: Cells,
    first: Sequence[str] = (),
    weight: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """The rows that are most wrong, the worst first: those of the largest loss, or that are furthest off.

    ``truth``, ``output``: encoded targets and the output for them; ``numbers``: of these rows in their table, from 1.
    ``first``: the columns whose cells come first. Of classes, ``probability`` is that of the true one. Rows that do not
    count, by their ``weight``, are left out.
    """
    target = model.target
    if target.classifies:
        shares = output.astype(np.float64)
        if gives_shares(model.members[0]):
            shares = shares / shares.sum(axis=1, keepdims=True)
        given = np.take_along_axis(shares, truth[:, None], axis=1)[:, 0]
        badness = shares.max(axis=1) - given if not gives_shares(model.members[0]) else 1 - given
        wrong = target.labels_of(output) != truth
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            y, predicted = target.decode(truth), target.decode(output)
            badness = np.abs(predicted - y)
        given, wrong = predicted - y, np.isfinite(badness) & (badness > 0)
    counted = wrong if weight is None else wrong & (weight > 0)
    places = np.flatnonzero(counted)
    places = places[np.argsort(-badness[places], kind="stable")][:MOST_WORST]
    names = target.decode(output[places]).tolist()
    true = [target.classes[k] for k in truth[places]] if target.classifies else target.decode(truth[places]).tolist()
    shown = _shown(cells(places), [target.name, *first])
    found = []
    for n, place in enumerate(places):
        row: dict[str, Any] = {} if numbers is None else {"row": int(numbers[place])}
        row |= {"truth": true[n], "prediction": names[n]}
        row["probability" if target.classifies else "error"] = float(given[place])
        found.append(row | {"cells": shown[n] if shown else {}})
    return found


def _shown(frame: pl.DataFrame | None, first: Sequence[str]) -> list[dict[str, str]]:
    """The cells of each row by their columns, as text, without those of the target, which is the first of ``first``."""
    if frame is None:
        return []
    names = [name for name in first[1:] if name in frame.columns]
    names += [name for name in frame.columns if name not in first]
    names = names[:MOST_CELLS]
    return [
        {name: "" if cell is None else cut(str(cell), LONGEST) for name, cell in zip(names, row, strict=True)}
        for row in frame.select(names).iter_rows()
    ]


def probabilities_judged(
    model: Model, truth: np.ndarray, output: np.ndarray, weight: np.ndarray | None = None
) -> dict[str, Any]:
    """Whether probabilities hold (``reliability``), and what each threshold finds of a class: ``roc`` with the points
    (share of the others, share found), ``precision_recall`` with (share found, share right).

    Of two classes the second, of up to eight each; of more, and of outputs that are no probabilities, nothing.
    """
    target = model.target
    if not target.classifies or not gives_shares(model.members[0]):
        return {}
    facts: dict[str, Any] = {}
    if (held := Reliability.of(truth, output, weight)) is not None:
        facts["reliability"] = {"bins": [asdict(each) for each in held.bins], "error": held.error}
    labels = [1] if target.outputs == 2 else range(target.outputs) if target.outputs <= MOST_CURVES else []
    found = {target.classes[label]: thresholds_of(truth, output, label, weight) for label in labels}
    known = {name: each for name, each in found.items() if each is not None}
    if known:
        facts["roc"] = [{"class": name, "points": roc_points(each)} for name, each in known.items()]
        points = {name: precision_recall_points(each) for name, each in known.items()}
        facts["precision_recall"] = [{"class": name, "points": each} for name, each in points.items()]
    return facts


def true_and_predicted(model: Model, truth: np.ndarray, output: np.ndarray) -> dict[str, list[float]] | None:
    """Numbers beside what was predicted of them, of all rows or of some at even distances; None for classes."""
    if model.target.classifies:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        y, predicted = model.target.decode(truth), model.target.decode(output)
        finite = np.isfinite(y) & np.isfinite(predicted)
    step = max(1, -(-int(finite.sum()) // MOST_PAIRS))
    return {"truth": y[finite][::step].tolist(), "prediction": predicted[finite][::step].tolist()}
