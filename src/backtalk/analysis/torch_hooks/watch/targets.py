"""The targets of many steps: whether a mini-batch holds one class alone, and the loss of the best constant output."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..audit import LossGraph

EARLY = 30  # steps whose targets are all looked at; later those of measured steps
MOST = 100_000  # targets of a step
WIDEST = 4096  # outputs
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


class Targets:
    """What the losses of a loop were given so far, as counts and sums.

    ``batches``: the counts of classes in each step that was looked at; ``counts``: of all together.
    """

    batches: list[dict[int, int]]
    kind: str
    counts: dict[int, int]

    def __init__(self) -> None:
        self.batches = []
        self.kind = ""  # of the loss, if it is one alone
        self._factor: float | None = None  # by which that loss was multiplied
        self._elements = 0  # of all targets of a mean
        self._passes = 0
        self._summed = False
        self.counts = {}
        self._rows = 0
        self._sum: Any = 0.0
        self._squares: Any = 0.0
        self._now: dict[int, int] = {}
        self._answers: deque[tuple[list[int], list[bool]]] = deque(maxlen=20)

    def is_wanted(self, number: int, *, measured: bool) -> bool:
        """Whether the targets of a step are looked at."""
        return number <= EARLY or measured

    def add(self, criteria: Sequence[Any], graph: LossGraph | None, scale: float) -> None:
        """Those of one backward pass; ``graph``: if it was read; ``scale``: of a GradScaler."""
        if graph is not None:
            self._factor = _factor(graph, scale)
        if len(criteria) != 1 or criteria[0].target is None or criteria[0].weighted or not criteria[0].target.numel():
            return
        kind, target = criteria[0].kind, criteria[0].target
        if self.kind and kind != self.kind:
            self.kind, self._factor = "several", None
            return
        self.kind, self._summed, self._passes = kind, criteria[0].reduction == "sum", self._passes + 1
        if kind == "nll_loss":
            labels = target.reshape(-1)[:MOST]
            self._add_labels(labels[labels != criteria[0].ignore_index].tolist())
            self._elements += target.numel()
        elif kind in (*BINARY, "mse_loss"):
            t = target.reshape(len(target), -1) if target.ndim > 1 else target.reshape(-1, 1)
            if t.shape[1] > WIDEST:
                return
            t = t.double()
            self._elements += t.numel()
            self._rows += len(t)
            self._sum = self._sum + t.sum(0).cpu().numpy()
            self._squares = self._squares + t.square().sum(0).cpu().numpy()
            if t.shape[1] == 1 and kind in BINARY and bool(((t == 0) | (t == 1)).all()):
                self._add_labels(t[:MOST, 0].long().tolist())

    def _add_labels(self, labels: list[int]) -> None:
        for label, count in zip(*(part.tolist() for part in np.unique(labels, return_counts=True)), strict=True):
            self._now[label] = self._now.get(label, 0) + count

    def add_outputs(self, criteria: Sequence[Any]) -> None:
        """What the model said of the labels, in a measured step."""
        if len(criteria) != 1 or criteria[0].output is None or criteria[0].target is None:
            return
        kind, output, target = criteria[0].kind, criteria[0].output, criteria[0].target
        if kind == "nll_loss" and output.ndim == 2:
            said, labels = output.argmax(1), target
        elif kind in BINARY and output.shape == target.shape and output.numel() == len(output):
            said, labels = (output > (0.0 if kind != BINARY[0] else 0.5)).reshape(-1).long(), target.reshape(-1).long()
        else:
            return
        self._answers.append((labels[:MOST].tolist(), (said == labels)[:MOST].tolist()))

    def recalls(self) -> dict[int, float]:
        """The share of each class that was right in the last measured steps, of which there are up to 20."""
        right: dict[int, list[bool]] = {}
        half = list(self._answers)[len(self._answers) // 2 :]
        for label, is_right in (pair for labels, rights in half for pair in zip(labels, rights, strict=True)):
            right.setdefault(label, []).append(is_right)
        return {label: sum(found) / len(found) for label, found in right.items()}

    def end_step(self) -> None:
        """The micro-batches of a step are one batch."""
        if self._now:
            self.batches.append(self._now)
            for label, count in self._now.items():
                self.counts[label] = self.counts.get(label, 0) + count
            self._now = {}

    @property
    def constant(self) -> float | None:
        """The least mean loss of an output that is the same for all examples; None if it is not known."""
        if self._factor is None or not self._passes:
            return None
        found = self._of_constant()
        if found is None or not math.isfinite(found) or found <= 0:
            return None
        return found * self._factor * (self._elements / self._passes if self._summed else 1.0)

    def _of_constant(self) -> float | None:
        with np.errstate(all="ignore"):
            if self.kind == "nll_loss" and self.counts:
                p = np.array(list(self.counts.values())) / sum(self.counts.values())
                return float(-(p * np.log(p)).sum())
            if self.kind in (*BINARY, "mse_loss") and self._rows:
                mean = self._sum / self._rows
                if self.kind == "mse_loss":
                    return float((self._squares / self._rows - mean**2).mean())
                p = np.stack([mean, 1 - mean])
                return float(-np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(0).mean())
        return None

    def sortedness(self) -> tuple[float, int, int] | None:
        """What mini-batches lack of the mix of classes, the number of batches, and of those with one class alone.

        1 − (the chance that two examples of a batch differ)/(that two examples of all differ): 0 for batches drawn at
        random, 1 for one class each.
        """
        large = [counts for counts in self.batches if sum(counts.values()) >= 4]
        together: dict[int, int] = {}
        for counts in large:
            for label, count in counts.items():
                together[label] = together.get(label, 0) + count
        if len(large) < 5 or len(together) < 2:
            return None
        sizes = [sum(counts.values()) for counts in large]
        within = sum(n * _differ(counts) for n, counts in zip(sizes, large, strict=True)) / sum(sizes)
        return 1 - within / _differ(together), len(large), sum(len(counts) == 1 for counts in large)


def _differ(counts: dict[int, int]) -> float:
    """The chance that two of them, drawn without putting back, are of two classes."""
    n = sum(counts.values())
    return 1 - sum(count * (count - 1) for count in counts.values()) / (n * (n - 1))


def _factor(graph: LossGraph, scale: float) -> float | None:
    """By which the only known loss was multiplied on its way; without the scale of a GradScaler; None if unknown."""
    if len(graph.criteria) != 1:
        return None
    place, factor, target = 0, 1.0 / scale, graph.criteria[0].place
    while place != target:
        operation = graph.operations[place]
        inputs = [k for k in operation.inputs if k is not None]
        number = operation.numbers.get("other", scale if place == 0 and scale != 1 else None)
        if operation.name not in ("Mul", "Div") or len(inputs) != 1 or not number:
            return None
        factor, place = factor * number if operation.name == "Mul" else factor / number, inputs[0]
    return factor if factor > 0 else None
