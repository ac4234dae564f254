"""How the loss puts its terms together: (N, 1) against (N,), sums instead of means, and the sign."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ...diagnose.finding import Finding, finding
from .chains import OUTPUT_FUNCTIONS, input_of
from .graph import Criterion, LossGraph

SQUARES = frozenset(("Pow", "Abs", "Mul", "SmoothL1Loss", "HuberLoss", "MseLoss", "Square"))
REDUCING = frozenset((
    "Mean", "Sum", "Neg", "Add", "Mul", "Div", "Sqrt", "Sub",
))  # fmt: skip
NAMES = {
    "mse_loss": "MSELoss", "smooth_l1_loss": "SmoothL1Loss", "huber_loss": "HuberLoss", "nll_loss": "NLLLoss",
    "binary_cross_entropy": "BCELoss", "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "soft_margin_loss": "SoftMarginLoss", "multi_margin_loss": "MultiMarginLoss",
    "multilabel_margin_loss": "MultiLabelMarginLoss", "kl_div": "KLDivLoss",
}  # fmt: skip


def name_of(graph: LossGraph, criterion: Criterion) -> str:
    """The loss as a module of torch.nn: 'CrossEntropyLoss' for nll_loss of log_softmax."""
    before = input_of(graph, criterion.place) if criterion.kind == "nll_loss" else None
    if before is not None and before.operation.name == "LogSoftmax":
        return "CrossEntropyLoss"
    return NAMES[criterion.kind]


def find_broadcast(graph: LossGraph) -> list[Finding]:
    """An output of (N, 1) or (N,) that became (N, N), since the target has the other of these shapes."""
    for place in sorted(graph.head):
        operation = graph.operations[place]
        inputs = [k for k in operation.inputs if k is not None]
        if operation.name in ("MseLoss", "SmoothL1Loss", "HuberLoss"):
            inner = graph.operations[inputs[0]] if inputs else None
            wide = inner.shape if inner is not None and inner.name == "Expand" else None
        elif operation.name == "Sub" and len(inputs) == 1 and _is_squared(graph, place):
            inner = graph.operations[inputs[0]]
            wide = operation.shape
            if inner.name == "Unsqueeze":  # on purpose: all against all
                continue
        else:
            continue
        if inner is not None and inner.name == "Expand":
            below = [k for k in inner.inputs if k is not None]
            inner = graph.operations[below[0]] if below else None
        if inner is None or not wide or not inner.shape:
            continue
        count = math.prod(inner.shape)
        if count < 2 or wide != (count, count) or inner.shape not in ((count, 1), (count,)):
            continue
        other = f"({count},)" if len(inner.shape) == 2 else f"({count}, 1)"
        mend = ".squeeze(1)" if len(inner.shape) == 2 else ".unsqueeze(1)"
        return finding(
            "loss_broadcasts", float(count), "the loss compares each output with every target",
            f"The output has shape {inner.shape} and the target {other}, so their difference has shape {wide}: "
            f"{count * count} terms instead of {count}, and the best output is the mean of all targets, for every "
            "example.",
            f"Give both one shape: model(X){mend} in the loss, or y.reshape(output.shape).",
            numbers={"terms": count * count, "targets": count},
        )  # fmt: skip
    return []


def _is_squared(graph: LossGraph, place: int) -> bool:
    """Whether an operation on the way from a difference to the loss is a distance."""
    users = [k for k in graph.head if place in graph.operations[k].inputs]
    return any(graph.operations[k].name in SQUARES for k in users)


def find_sum(graph: LossGraph) -> list[Finding]:
    """A loss that adds up its examples, and is divided by nothing."""
    for criterion in graph.criteria:
        signed = _way(graph, criterion.place)
        if criterion.reduction != "sum" or signed is None or signed[1]:
            continue
        examples = _examples(graph, criterion)
        if examples is None:
            continue
        return finding(
            "loss_is_summed", float(examples), "the loss is a sum over the examples",
            f"{name_of(graph, criterion)} has reduction='sum': the gradient is {examples} times that of the mean over "
            f"{examples} examples, and grows with the batch.",
            "Use reduction='mean', or divide the loss by the number of examples; else the learning rate has to be as "
            "many times smaller.",
            numbers={"examples": examples},
        )  # fmt: skip
    return []


def _examples(graph: LossGraph, criterion: Criterion) -> int | None:
    inputs = [k for k in graph.operations[criterion.place].inputs if k is not None]
    shape = graph.operations[inputs[0]].shape if inputs else None
    return shape[0] if shape else None


def find_ascent(graph: LossGraph, trained: Sequence[Any] | None, maximize: bool = False) -> list[Finding]:
    """A known loss with a minus before it, or an optimizer that maximizes.

    ``trained``: the parameters that the model or the optimizers hold. If the loss depends on others, as on the
    discriminator of a generator's loss, the sign may be meant.
    """
    criteria = [criterion for criterion in graph.criteria if criterion.kind != "kl_div"]
    ways = [_way(graph, criterion.place) for criterion in criteria]
    signs = {way[0] for way in ways if way is not None}
    if len(signs) != 1 or None in ways:
        return []
    if trained is not None:
        own = {id(parameter) for parameter in trained}
        if any(id(leaf) not in own for leaf in graph.leaves.values()):
            return []
    sign = signs.pop() * (-1 if maximize else 1)
    if sign > 0:
        return []
    names = ", ".join(dict.fromkeys(name_of(graph, criterion) for criterion in criteria))
    why = "the optimizer has maximize=True" if maximize else "the loss has a minus before it"
    return finding(
        "ascent", 1.0, "the loss goes up",
        f"{why[:1].upper()}{why[1:]}, so each step makes {names} larger, and the outputs worse.",
        "Take out maximize=True." if maximize else "Take out the minus: an optimizer makes the loss smaller.",
        numbers={"loss": names},
    )  # fmt: skip


def _way(graph: LossGraph, target: int) -> tuple[int, bool] | None:
    """The sign of a term in the loss, and whether it is scaled by a constant; None if that cannot be told.

    From the loss down to the term, through sums, means and constants.
    """
    found: list[tuple[int, bool]] = []
    ahead = [(0, 1, False)]
    while ahead:
        place, sign, scaled = ahead.pop()
        if place == target:
            found.append((sign, scaled))
            continue
        operation = graph.operations[place]
        inputs = [k for k in operation.inputs if k is not None]
        if operation.name not in REDUCING or place not in graph.head:
            continue
        if operation.name in ("Mul", "Div"):
            number = operation.numbers.get("other")
            if len(inputs) != 1 or operation.shape != ():
                continue  # weights of the terms
            scaled = True
            if operation.name == "Mul" and number is not None and number < 0:
                sign = -sign
        if operation.name == "Mean":
            scaled = True
        for k, before in enumerate(operation.inputs):
            if before is not None:
                flips = operation.name == "Neg" or (operation.name == "Sub" and k == 1)
                ahead.append((before, -sign if flips else sign, scaled))
    if not found or len({sign for sign, _ in found}) > 1:
        return None
    return found[0]


def kinds_of(graphs: Iterable[LossGraph]) -> set[str]:
    """The output functions that stand directly before the losses."""
    return {
        OUTPUT_FUNCTIONS[made.operation.name]
        for graph in graphs
        for criterion in graph.criteria
        if (made := input_of(graph, criterion.place)) is not None and made.operation.name in OUTPUT_FUNCTIONS
    }
