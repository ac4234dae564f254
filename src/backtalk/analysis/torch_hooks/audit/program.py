"""All looks at a program, of the loss and the optimizer that a user gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ....errors import InputError, InputTypeError, a_kind
from ...diagnose.finding import Finding
from .audit import find_in_loss, find_in_model, find_in_optimizer, share_of_constant
from .graph import Criterion, LossGraph
from .read import read_graph

OF_GRAPH = (
    "ascent", "loss_broadcasts", "softmax_over_wrong_dimension", "loss_without_output_function",
    "output_function_twice", "activation_on_logits", "loss_is_summed", "unreached_parameters",
    "unregistered_parameters", "nothing_arrives",
)  # fmt: skip
OF_TARGETS = (
    "labels_outside_classes", "one_target", "wrong_loss", "wrong_output", "targets_not_scaled", "targets_too_small",
    "missing_classes", "class_imbalance",
)  # fmt: skip
OF_OPTIMIZER = (
    "parameters_not_in_optimizer", "parameters_of_another_model", "parameters_twice", "frozen_parameters",
    "weights_do_not_change", "penalty_too_strong",
)  # fmt: skip
OF_MODEL = ("dropout_too_strong",)


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """``findings`` of one look, not ranked; ``judged``: the kinds that were looked for; ``unseen``: what could not be
    seen, in sentences. ``share``: the loss over that of the best constant output; None if it is not known.

    >>> Audit((), ("ascent",), ()).findings
    ()
    """

    findings: tuple[Finding, ...]
    judged: tuple[str, ...]
    unseen: tuple[str, ...]
    share: float | None = None


def audit_program(
    model: Any, loss: Any = None, optimizer: Any = None, remembered: Sequence[Sequence[Criterion]] = ()
) -> Audit:
    """Everything that the model, its loss and its optimizer show; ``loss`` and ``optimizer`` may be several, or None.

    ``remembered``: what :func:`read_criteria` gave of each loss before its ``backward()``.
    Raises :class:`~backtalk.errors.InputTypeError` if they are something else, :class:`~backtalk.errors.InputError` if
    a loss is not one number.

    >>> import torch
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    >>> [found.kind for found in audit_program(model, optimizer=optimizer).findings]
    ['weights_do_not_change']
    """
    losses, optimizers = as_losses(loss), as_optimizers(optimizer)
    graphs = [_with_memory(each, remembered) for each in losses]
    found: list[Finding] = []
    judged: list[str] = []
    if graphs:
        found += find_in_loss(graphs, model, optimizers)
        judged += OF_GRAPH
        if any(criterion.target is not None for graph in graphs for criterion in graph.criteria):
            judged += OF_TARGETS
    if optimizers:
        found += find_in_optimizer(model, optimizers, graphs)
        judged += OF_OPTIMIZER
    if graphs or optimizers:
        in_training = bool(optimizers)
        found += find_in_model(model, in_training=in_training)
        judged += [*OF_MODEL, *(["eval_mode_while_training"] if in_training else [])]
    return Audit(tuple(found), tuple(judged), tuple(_unseen(graphs)), share_of_constant(graphs))


def as_losses(loss: Any) -> list[Any]:
    """The tensors."""
    import torch  # pyright: ignore[reportMissingImports]

    several = [] if loss is None else list(loss) if isinstance(loss, list | tuple) else [loss]
    for each in several:
        if not isinstance(each, torch.Tensor):
            raise InputTypeError(
                f"loss is {a_kind(each)}, expected the tensor on which backward() is called (not its .item())."
            )
        if each.numel() != 1:
            raise InputError(
                f"loss has shape {tuple(each.shape)}, expected the one number on which backward() is called."
            )
    return several


def as_optimizers(optimizer: Any) -> list[Any]:
    """One or several; whatever has param_groups is one, as those that wrap another."""
    several = [] if optimizer is None else list(optimizer) if isinstance(optimizer, list | tuple) else [optimizer]
    for each in several:
        if not hasattr(each, "param_groups"):
            kind = f"the class {each.__name__}" if isinstance(each, type) else a_kind(each)
            raise InputTypeError(f"optimizer is {kind}, expected one of torch.optim, or a list of them.")
    return several


def _with_memory(loss: Any, remembered: Sequence[Sequence[Criterion]]) -> LossGraph:
    """The graph with what the losses were given, if one that was seen before backward() has the same losses."""
    graph = read_graph(loss)
    kinds = [criterion.kind for criterion in graph.criteria]
    for criteria in reversed(remembered):
        if kinds and [criterion.kind for criterion in criteria] == kinds:
            return read_graph(loss, criteria)
    return graph


def _unseen(graphs: Sequence[LossGraph]) -> list[str]:
    found = []
    for graph in graphs:
        if graph.compiled:
            found.append(
                "A part of the loss's graph was compiled: of it nothing is seen but the parameters that it uses. Look "
                "at the program without torch.compile for the rest."
            )
        if graph.hides_leaves:
            found.append(
                "A part of the model is computed within a reentrant checkpoint, which shows its parameters in "
                "backward() alone: whether all are reached is not judged (use_reentrant=False shows them)."
            )
        if graph.operations and not graph.criteria and not graph.compiled:
            found.append(
                "The loss is none of torch.nn.functional's that are one operation: its targets are not judged."
            )
        elif graph.criteria and all(criterion.target is None for criterion in graph.criteria):
            found.append(
                "backward() has freed the targets of the loss: they are not judged. Call diagnose before backward(), "
                "or call backward() within the block of listen."
            )
    return list(dict.fromkeys(found))
