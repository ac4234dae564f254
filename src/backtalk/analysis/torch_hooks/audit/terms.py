"""How the loss puts its terms together: (N, 1) against (N,), sums instead of means, and the sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...diagnose.finding import Finding, finding
from .chains import PASSING, input_of, is_normalized
from .graph import Criterion, LossGraph, Operation

REDUCING = frozenset(("Mean", "Sum", "Neg", "Add", "Mul", "Div", "Sqrt", "Sub", "Rsub"))
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


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the loss that is known for what it is: where it is, its name, and the ``sign`` that it ought to have.

    ``added``: whether its examples are added up already. A loss by hand is known as well: a squared or absolute
    difference from what has no gradient, and the logarithm of probabilities of a mask or of chosen classes.

    >>> Term(0, "CrossEntropyLoss", 1, False).sign
    1
    """

    place: int
    name: str
    sign: int
    added: bool


def terms_of(graph: LossGraph) -> list[Term]:
    """All that are known."""
    found = [
        Term(criterion.place, name_of(graph, criterion), 1, criterion.reduction == "sum")
        for criterion in graph.criteria
        if criterion.kind != "kl_div"
    ]
    for place in sorted(graph.head):
        operation = graph.operations[place]
        before = {k for k in operation.inputs if k is not None}
        squared = operation.name == "Pow" and operation.numbers.get("exponent") == 2
        twice = operation.name == "Mul" and len(before) == 1 and None not in operation.inputs
        if operation.shape and (squared or twice or operation.name == "Abs") and _is_difference(graph, before):
            found.append(
                Term(place, "the absolute error" if operation.name == "Abs" else "the squared error", 1, False)
            )
        if operation.shape and _is_likelihood(graph, place):
            found.append(Term(place, "the likelihood", -1, False))
    return found


def _is_difference(graph: LossGraph, before: set[int]) -> bool:
    """Whether it is that of a number with a gradient from one without, as an output and its target."""
    operations = [graph.operations[k] for k in before]
    return all(each.name == "Sub" and sum(k is not None for k in each.inputs) == 1 for each in operations)


def _is_likelihood(graph: LossGraph, place: int) -> bool:
    """Whether it is the logarithm of probabilities, and not used by a loss that is known."""
    name = graph.operations[place].name
    if name == "Sub":
        return is_normalized(graph, place)
    if name not in ("LogSoftmax", "LogSigmoid", "Log") or any(
        place in graph.operations[criterion.place].inputs for criterion in graph.criteria
    ):
        return False
    if name != "Log":
        return True
    made = input_of(graph, place)
    if made is not None and made.operation.name == "Rsub":  # 1 − p
        made = input_of(graph, made.place)
    return made is not None and made.operation.name in ("Softmax", "Sigmoid")


def find_broadcast(graph: LossGraph) -> list[Finding]:
    """An output of (N, 1) or (N,) that became (N, N), since the target has the other of these shapes."""
    for place in sorted(graph.head):
        operation = graph.operations[place]
        inputs = [k for k in operation.inputs if k is not None]
        inner = graph.operations[inputs[0]] if inputs else None
        if inner is None:
            continue
        if operation.name in ("MseLoss", "SmoothL1Loss", "HuberLoss"):
            wide = inner.shape if inner.name == "Expand" else None
        elif len(inputs) == 1 and _compares(operation, inner):
            wide = operation.shape
        else:
            continue
        if inner.name == "Expand":
            below = [k for k in inner.inputs if k is not None]
            inner = graph.operations[below[0]]
        if not wide or not inner.shape:
            continue
        count = math.prod(inner.shape)
        if count < 2 or wide != (count, count) or inner.shape not in ((count, 1), (count,)):
            continue
        other = f"({count},)" if len(inner.shape) == 2 else f"({count}, 1)"
        what = "weights of the examples" if inner.name in ("Pow", "Abs") else "target"
        mend = ".squeeze(1)" if len(inner.shape) == 2 else ".unsqueeze(1)"
        return finding(
            "loss_broadcasts", float(count), "the loss compares each output with every target",
            f"The output has shape {inner.shape} and the {what} {other}, so the loss has shape {wide} before it is "
            f"added up: {count * count} terms instead of {count}, and the best output is the same for every example.",
            f"Give both one shape: model(X){mend} in the loss, or y.reshape(output.shape).",
            numbers={"terms": count * count, "targets": count},
        )  # fmt: skip
    return []


def _compares(operation: Operation, inner: Operation) -> bool:
    """A difference, or a product with a logarithm or with an error. Unsqueeze before it says that all are to meet."""
    return (operation.name == "Sub" and inner.name != "Unsqueeze") or (
        operation.name == "Mul" and inner.name in ("Log", "LogSigmoid", "Pow", "Abs")
    )


def find_sum(graph: LossGraph) -> list[Finding]:
    """A loss that adds up its examples, and is divided by nothing."""
    for term in terms_of(graph):
        way = _way(graph, term.place)
        if way is None or way.scaled or not (way.added or term.added):
            continue
        examples = _examples(graph, term)
        if examples is None:
            continue
        what = "has reduction='sum'" if term.added else "is added up over the examples"
        return finding(
            "loss_is_summed", float(examples), "the loss is a sum over the examples",
            f"{term.name[:1].upper()}{term.name[1:]} {what}: the gradient is {examples} times that of the mean over "
            f"{examples} examples, and grows with the batch.",
            "Use reduction='mean' (or .mean()), or divide the loss by the number of examples; else the learning rate "
            "has to be as many times smaller.",
            numbers={"examples": examples},
        )  # fmt: skip
    return []


def _examples(graph: LossGraph, term: Term) -> int | None:
    inputs = [k for k in graph.operations[term.place].inputs if k is not None]
    shape = graph.operations[inputs[0]].shape if inputs else None
    return shape[0] if shape else None


def find_ascent(graph: LossGraph, trained: Sequence[Any], maximize: bool = False) -> list[Finding]:
    """A known loss with a minus before it, a likelihood without one, or an optimizer that maximizes.

    ``trained``: the parameters that the model and the optimizers hold. If the loss depends on others, as on the
    discriminator of a generator's loss, the sign may be meant.
    """
    terms = terms_of(graph)
    ways = [_way(graph, term.place) for term in terms]
    own = {id(parameter) for parameter in trained}
    if not terms or any(id(leaf) not in own for leaf in graph.leaves.values()):
        return []
    turn = -1 if maximize else 1
    if not all(way is not None and way.sign * turn == -term.sign for way, term in zip(ways, terms, strict=True)):
        return []
    names = ", ".join(dict.fromkeys(term.name for term in terms))
    likelihood = any(term.sign < 0 for term in terms)
    if maximize:
        why, advice = "The optimizer has maximize=True", "Take out maximize=True."
    elif likelihood:
        why, advice = "The loss has no minus before it", "Write a minus before it: the loss is −log p of the targets."
    else:
        why, advice = "The loss has a minus before it", "Take out the minus: an optimizer makes the loss smaller."
    return finding(
        "ascent", 1.0, "the loss goes up",
        f"{why}, so each step makes {names} {'smaller' if likelihood else 'larger'}, and the outputs worse.", advice,
        numbers={"loss": names},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Way:
    """From the loss down to a term: the ``sign`` it has, 0 if that cannot be told, whether it is ``scaled`` by a
    constant or a mean, and whether it is ``added`` up.
    """

    sign: int
    scaled: bool
    added: bool


def _way(graph: LossGraph, target: int) -> _Way | None:
    """Through sums, means, constants and masks; None if there is no such way, or one with another sign."""
    found: list[_Way] = []
    ahead = [(0, 1, False, False)]
    while ahead:
        place, sign, scaled, added = ahead.pop()
        if place == target:
            found.append(_Way(sign, scaled, added))
            continue
        operation = graph.operations[place]
        inputs = [k for k in operation.inputs if k is not None]
        if place not in graph.head or not (operation.name in REDUCING or operation.name in PASSING):
            continue
        if operation.name in ("Mul", "Div"):
            number = operation.numbers.get("other")
            if len(inputs) != 1:
                continue
            if operation.shape == () and number is None:  # backward() has freed it, or it is on another device
                sign = 0
            elif number is not None:
                sign = -sign if number < 0 else sign
            elif "mask" not in operation.numbers:
                continue  # weights, of any sign
            scaled = scaled or operation.shape == ()
        scaled, added = scaled or operation.name == "Mean", added or operation.name == "Sum"
        for k, before in enumerate(operation.inputs):
            if before is not None:
                flips = operation.name in ("Neg", "Rsub") or (operation.name == "Sub" and k == 1)
                ahead.append((before, -sign if flips else sign, scaled, added))
    if not found or len({way.sign for way in found}) > 1:
        return None
    return found[0]
