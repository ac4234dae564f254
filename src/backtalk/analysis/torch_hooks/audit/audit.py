"""The three looks: at the graph of the loss, at the optimizer, at the modules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...diagnose.finding import Finding
from ...diagnose.thresholds import LIMITS
from .aims import Aim, aims_of
from .chains import input_of
from .graph import LossGraph
from .modules import find_dropout, find_dropped_outputs, find_mode
from .optimizers import find_frozen, find_missing, find_penalty, find_rate, find_twice, held_by, maximizes
from .output_functions import find_output_functions
from .reach import find_unreached, find_unregistered
from .read import read_graph
from .targets import find_in_targets
from .terms import find_ascent, find_broadcast, find_sum


def graphs_of(loss: Any) -> list[LossGraph]:
    """One graph, or several, of what is one loss or several, as tensors or as graphs."""
    several = loss if isinstance(loss, list | tuple) else [loss]
    return [each if isinstance(each, LossGraph) else read_graph(each) for each in several]


def find_in_loss(loss: Any, model: Any = None, optimizers: Sequence[Any] = ()) -> list[Finding]:
    """What the graph of a loss shows, before ``backward()`` or after it.

    ``loss``: the tensor, or a :class:`LossGraph`, or several of either: of one step, or of the first steps, whose
    targets are then read together and whose gradients together reach what they reach. ``model``: with it, parameters
    that no gradient reaches, or that it does not know. ``optimizers``: with them, the sign of the step.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Softmax(dim=1))
    >>> loss = torch.nn.functional.cross_entropy(model(torch.ones(4, 2)), torch.tensor([0, 1, 2, 0]))
    >>> [found.kind for found in find_in_loss(loss, model)]
    ['output_function_twice']
    """
    graphs = graphs_of(loss)
    trained = _trained(model, optimizers)
    found: list[Finding] = []
    for graph in graphs:
        if not graph.operations:
            continue
        found += find_output_functions(graph, model) + find_broadcast(graph) + find_sum(graph)
        if trained is not None:
            found += find_ascent(graph, trained, maximizes(optimizers))
    found += find_dropped_outputs(graphs)
    for aim in aims_of(graphs, trained):
        found += find_in_targets(aim)
    if model is not None:
        found += find_unreached(graphs, model) + find_unregistered(graphs, model, optimizers)
    return found


def find_in_optimizer(model: Any, optimizers: Sequence[Any], loss: Any = ()) -> list[Finding]:
    """What the optimizers show beside the model; after ``backward()`` also how weight_decay compares with the data.

    ``loss``: as of :func:`find_in_loss`. With it, another model's parameters that the loss depends on are no finding.

    >>> import copy, torch
    >>> model = torch.nn.Linear(2, 3)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> [found.kind for found in find_in_optimizer(copy.deepcopy(model), [optimizer])]
    ['parameters_not_in_optimizer', 'parameters_of_another_model']
    """
    graphs = graphs_of(loss)
    return [
        *find_missing(model, optimizers, graphs),
        *find_twice(model, optimizers),
        *find_frozen(model, optimizers),
        *find_rate(optimizers),
        *find_penalty(optimizers, _has_learned(graphs)),
    ]


def find_in_model(model: Any, *, in_training: bool = True) -> list[Finding]:
    """What the modules show: dropout that is too strong, and in training a model that is in evaluation mode.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Dropout(0.9), torch.nn.Linear(3, 1))
    >>> [found.kind for found in find_in_model(model)]
    ['dropout_too_strong']
    """
    return [*(find_mode(model) if in_training else []), *find_dropout(model)]


def _trained(model: Any, optimizers: Sequence[Any]) -> list[Any] | None:
    """The parameters that are trained, as far as that is known."""
    held = {id(p) for p in held_by(optimizers)}
    if model is None:
        return held_by(optimizers) or None
    own = [p for p in model.parameters() if p.requires_grad]
    return [p for p in own if id(p) in held] if held else own


def _has_learned(graphs: Iterable[LossGraph]) -> bool | None:
    """Whether the loss is far below that of a constant output; None if none can be compared."""
    graphs = list(graphs)
    known = [share for aim in aims_of(graphs, None) if (share := _share_of_constant(aim)) is not None]
    known = known or [share for graph in graphs if (share := _share_of_guessing(graph)) is not None]
    return bool(min(known) <= LIMITS.learned) if known else None


def share_of_constant(graphs: Iterable[LossGraph]) -> float | None:
    """The loss over that of the best constant output, the largest of several; None if one of them is not known.

    >>> share_of_constant([]) is None
    True
    """
    shares = [_share_of(graph) for graph in graphs]
    return None if None in shares else max((share for share in shares if share is not None), default=None)


def _share_of(graph: LossGraph) -> float | None:
    """Of one loss, if there is nothing else in it."""
    aims = aims_of([graph], None)
    if len(aims) != 1 or not aims[0].alone or aims[0].weighted:
        return None
    aim, guessing = aims[0], _share_of_guessing(graph)
    if aim.kind == "mse_loss" or guessing is None:
        return _share_of_constant(aim)
    p = np.unique(aim.t, return_counts=True)[1] / aim.t.size
    even, own = math.log(max(aim.classes, 2)), float(-(p * np.log(p)).sum())
    return guessing * even / own if own > 0 else None


def _share_of_guessing(graph: LossGraph) -> float | None:
    """The loss over that of even probabilities, log k, if it is a mean cross-entropy and nothing else."""
    first = graph.criteria[0] if graph.criteria else None
    if first is None or first.place or first.reduction != "mean" or first.weighted:
        return None
    before = input_of(graph, 0)
    if first.kind == "nll_loss" and before is not None and before.operation.name == "LogSoftmax":
        shape = before.operation.shape or ()
        classes = shape[1] if len(shape) > 1 else 1
    else:
        classes = 2 if first.kind in ("binary_cross_entropy", "binary_cross_entropy_with_logits") else 1
    return float(graph.value) / math.log(classes) if classes > 1 else None


def _share_of_constant(aim: Aim) -> float | None:
    """The loss over that of the best constant output, for classes and for squared errors."""
    if aim.outputs is None or aim.rows < 2:
        return None
    if aim.kind == "nll_loss":
        counts = np.unique(aim.t, return_counts=True)[1]
        best = counts.max() / counts.sum()
        right = float((aim.outputs == aim.t).mean())
        return (1 - right) / (1 - best) if best < 1 else None
    if aim.outputs.shape != aim.t.shape or aim.kind != "mse_loss":
        return None
    spread = float(np.square(aim.t - aim.t.mean(axis=0)).mean())
    error = float(np.square(aim.outputs - aim.t).mean())
    return error / spread if spread > 0 and math.isfinite(error) else None
