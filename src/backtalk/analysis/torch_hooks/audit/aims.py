"""What the losses of one or more graphs were given: targets and outputs, together for each loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.arrays import to_numpy
from .chains import input_of
from .graph import Criterion, LossGraph
from .terms import name_of

MOST_NUMBERS = 100_000  # targets that are looked at one by one, so that pictures and texts are read quickly


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """One loss, and what it was given in all graphs. ``kind``: as in torch.nn.functional, ``name``: as in torch.nn.

    ``t``: targets (rows, k), for 'nll_loss' labels (rows, 1) without those that it passes over; ``outputs``: what they
    were compared with, as many, or None. ``parts``: the rows of each graph and each loss in it. ``before``: the
    operation that made the outputs, such as 'Sigmoid'. ``alone``: whether it is all of the loss. ``foreign``: whether
    the loss depends on parameters that are not the model's. ``ignored``: labels that were passed over.

    >>> aim = Aim("mse_loss", "MSELoss", np.zeros((4, 1)), None, (4,), "Addmm", True, False, False, 0, 1)
    >>> aim.rows
    4
    """

    kind: str
    name: str
    t: np.ndarray
    outputs: np.ndarray | None
    parts: tuple[int, ...]
    before: str
    alone: bool
    foreign: bool
    weighted: bool
    ignored: int
    classes: int

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.t)


def aims_of(graphs: Sequence[LossGraph], trained: Sequence[Any] | None) -> list[Aim]:
    """The losses whose targets are known, those of one kind and width put together."""
    own = None if trained is None else {id(parameter) for parameter in trained}
    found: dict[tuple[str, str, int], list[Aim]] = {}
    for graph in graphs:
        foreign = own is not None and any(id(leaf) not in own for leaf in graph.leaves.values())
        for criterion in graph.criteria:
            aim = _aim(graph, criterion, foreign)
            if aim is not None:
                found.setdefault((aim.name, aim.before, aim.t.shape[1]), []).append(aim)
    return [_together(alike) for alike in found.values()]


def _aim(graph: LossGraph, criterion: Criterion, foreign: bool) -> Aim | None:
    t, outputs = criterion.target, criterion.output
    if t is None or not t.numel() or t.is_complex() or criterion.kind == "kl_div":
        return None
    labels = criterion.kind in ("nll_loss", "multi_margin_loss")
    if labels and t.ndim > 1:
        return None  # a class for each place of a picture
    before = input_of(graph, criterion.place)
    if before is not None and "Expand" in before.passed and t.ndim == 2 and t.shape[0] == t.shape[1]:
        return None  # broadcast: the targets are no longer what they were
    if not labels and outputs is not None and outputs.shape != t.shape:
        return None
    width = 1 if t.ndim < 2 or labels else math.prod(t.shape[1:])
    most = max(1, MOST_NUMBERS // width)
    rows = to_numpy(t.reshape(-1, width)[:most]).astype(np.float64)
    classes, ignored = 1, 0
    if outputs is None:
        seen = None
    elif labels:
        classes = outputs.shape[-1]
        seen = to_numpy(outputs[:most].argmax(-1)).reshape(-1, 1).astype(np.float64)
    else:
        seen = to_numpy(outputs.reshape(-1, width)[:most].float()).astype(np.float64)
    if labels and criterion.ignore_index is not None:
        kept = rows[:, 0] != criterion.ignore_index
        ignored = int((~kept).sum())
        rows, seen = rows[kept], None if seen is None else seen[kept]
    return Aim(
        criterion.kind,
        name_of(graph, criterion),
        rows,
        seen,
        (len(rows),),
        "" if before is None else before.operation.name,
        len(graph.criteria) == 1 and _is_alone(graph, criterion.place),
        foreign,
        criterion.weighted,
        ignored,
        classes,
    )


def _together(alike: list[Aim]) -> Aim:
    first, outputs = alike[0], [aim.outputs for aim in alike if aim.outputs is not None]
    return Aim(
        first.kind,
        first.name,
        np.concatenate([aim.t for aim in alike]),
        np.concatenate(outputs) if len(outputs) == len(alike) else None,
        tuple(rows for aim in alike for rows in aim.parts),
        first.before,
        all(aim.alone for aim in alike),
        any(aim.foreign for aim in alike),
        any(aim.weighted for aim in alike),
        sum(aim.ignored for aim in alike),
        max(aim.classes for aim in alike),
    )


def _is_alone(graph: LossGraph, target: int) -> bool:
    """Whether nothing else with a gradient is added on the way from the loss down to a place."""
    place = 0
    while place != target:
        inputs = [k for k in graph.operations[place].inputs if k is not None]
        if len(inputs) != 1:
            return False
        place = inputs[0]
    return True
