"""The audit of the program in the first steps and, rarely, again: its graph, its optimizer and its modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...diagnose.finding import Finding
from ..audit import LossGraph, find_in_loss, find_in_model, find_in_optimizer, read_graph
from ..audit.program import OF_TARGETS

FIRST = (1, 2, 3, 5, 10)  # steps whose targets and gradients are looked at together
MOST_PASSES = 4  # of one step: the others are micro-batches like these
MOST_KEPT = 2**20  # numbers that the losses of one graph were given: more would be memory that backward() gives back


def is_audited(number: int) -> bool:
    """Whether this step is looked at: 1, 2, 3, 5, 10, 100, 1000, …."""
    return number in FIRST or (number > 10 and str(number).strip("0") == "1")


class Audits:
    """``findings``: of the last look, and those of the structure of all looks."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._graphs: list[LossGraph] = []  # of the first steps
        self._of_step: list[LossGraph] = []
        self._reached: list[bool] = []
        self._number = 0
        self._of_loss: list[Finding] = []
        self._of_optimizer: list[Finding] = []

    @property
    def findings(self) -> list[Finding]:
        """All of them."""
        return [*self._of_loss, *self._of_optimizer]

    def before_backward(self, number: int, roots: Sequence[Any]) -> LossGraph | None:
        """The graph of the loss, if it is looked at."""
        if number != self._number:
            self._number, self._of_step, self._reached = number, [], []
        if not is_audited(number) or len(self._of_step) >= MOST_PASSES or len(roots) != 1 or roots[0].numel() != 1:
            return None
        graph = read_graph(roots[0])
        self._of_step.append(graph)
        return graph

    def after_backward(self, *, reached: bool) -> None:
        """Whether the backward pass reached the model: if none of a step does, all are looked at."""
        self._reached += [reached] * (len(self._of_step) - len(self._reached))

    def before_step(self, optimizers: Sequence[Any]) -> None:
        """Gradients are complete."""
        if not self._of_step:
            return
        pairs = zip(self._of_step, self._reached, strict=True)
        graphs = [graph for graph, reached in pairs if reached] or self._of_step
        self._of_step, self._reached = [], []
        early = self._number in FIRST
        self._graphs += graphs if early else []
        found = find_in_loss(self._graphs if early else graphs, self._model, optimizers)
        found += find_in_model(self._model, in_training=False)
        held = find_in_optimizer(self._model, optimizers, self._graphs if early else graphs)
        if early:
            self._of_loss, self._of_optimizer = found, held
        else:  # one batch says less of the targets than the first ones together
            self._of_loss = _with_new(self._of_loss, [each for each in found if each.kind not in OF_TARGETS])
            self._of_optimizer = _with_new(self._of_optimizer, held)
        self._graphs = [_small(graph) for graph in self._graphs] if self._number < FIRST[-1] else []


def _with_new(known: list[Finding], found: list[Finding]) -> list[Finding]:
    kinds = {each.kind for each in known}
    return [*known, *(each for each in found if each.kind not in kinds)]


def _small(graph: LossGraph) -> LossGraph:
    """Without what its losses were given, if that is large."""
    size = sum(part.numel() for each in graph.criteria for part in (each.output, each.target) if part is not None)
    if size <= MOST_KEPT:
        return graph
    return replace(graph, criteria=tuple(replace(each, output=None, target=None) for each in graph.criteria))
