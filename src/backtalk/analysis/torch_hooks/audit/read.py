"""Reading autograd's graph of a loss.

Names, shapes and numbers such as a dimension stay readable after ``backward()``. The tensors that an operation saved,
among them the targets of a loss, are freed by it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from .graph import CRITERIA, LEAF, Criterion, LossGraph, Operation

# numbers that are read of operations above the last layer
NUMBERS = {
    "Softmax": ("dim",),
    "LogSoftmax": ("dim",),
    "Pow": ("exponent",),
    "Mul": ("other",),
    "Div": ("other",),
    "Sub": ("alpha",),
    "Sum": ("dim",),
    "Mean": ("dim",),
}
REDUCTIONS = ("none", "mean", "sum")
MOST_OF_A_MASK = 4096  # numbers of a dropout's mask that are looked at
MOST_KEPT = 1_000_000  # numbers of a target or an output that are kept after backward()


def read_graph(loss: Any, remembered: Sequence[Criterion] = ()) -> LossGraph:
    """The graph of a loss: before ``backward()`` with what its losses were given, after it without.

    ``remembered``: what :func:`read_criteria` gave before ``backward()``.
    """
    value = loss.detach()
    if loss.grad_fn is None:
        if not loss.requires_grad:
            return LossGraph((), {}, (), frozenset(), value)
        return LossGraph((Operation(LEAF, tuple(loss.shape), ()),), {0: loss}, (), frozenset(), value)
    places, nodes = {loss.grad_fn: 0}, [loss.grad_fn]
    inputs: list[tuple[int | None, ...]] = []
    for node in nodes:  # which grows as it is read
        own: list[int | None] = []
        for before, _ in node.next_functions:
            if before is not None and before not in places:
                places[before] = len(nodes)
                nodes.append(before)
            own.append(None if before is None else places[before])
        inputs.append(tuple(own))
    names = [_plain_name(node.name()) for node in nodes]
    operations = [Operation(name, _shape(node), own) for node, name, own in zip(nodes, names, inputs, strict=True)]
    leaf_nodes = {k: node for k, node in enumerate(nodes) if names[k] == LEAF}
    orphans = frozenset(k for k, node in leaf_nodes.items() if _references(node) <= _fewest_references())
    leaves = {k: node.variable for k, node in leaf_nodes.items()}
    head = _head(operations)
    for k in head:
        if wanted := NUMBERS.get(names[k]):
            numbers = {name: number for name in wanted if (number := _number(nodes[k], name)) is not None}
            if names[k] == "Mul" and _is_mask(nodes[k]):
                numbers["mask"] = 1
            operations[k] = Operation(names[k], operations[k].shape, inputs[k], numbers)
    found = [(nodes[k], names[k], k) for k in sorted(head)]
    criteria = tuple(_criterion(*each) for each in found if _is_criterion(*each[:2]))
    if [each.kind for each in criteria] == [each.kind for each in remembered]:
        known = zip(remembered, criteria, strict=True)
        criteria = tuple(replace(old, place=new.place) if new.target is None else new for old, new in known)
    dropouts = _dropouts(nodes, operations)
    dropped = _dropped(dropouts, operations, criteria)
    return LossGraph(tuple(operations), leaves, criteria, head, value, orphans, dropped, tuple(dropouts.values()))


def read_criteria(loss: Any) -> tuple[Criterion, ...]:
    """The losses that are known, in the order of :func:`read_graph`, without the layers below: cheap.

    What they were given is kept if it is small, so that it does not take memory that ``backward()`` would give back.
    """
    nodes = [] if loss.grad_fn is None else [loss.grad_fn]
    seen = set(nodes)
    found = []
    for node in nodes:  # which grows as it is read
        name = _plain_name(node.name())
        if _is_criterion(node, name):
            criterion = _criterion(node, name, 0)
            output, target = criterion.output, criterion.target
            small = target is not None and target.numel() <= MOST_KEPT
            found.append(
                replace(
                    criterion,
                    target=target if small else None,
                    output=output if small and output is not None and output.numel() <= MOST_KEPT else None,
                )
            )
        if name == LEAF or Operation(name, None, ()).is_layer:
            continue
        for before, _ in node.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                nodes.append(before)
    return tuple(found)


def _references(leaf_node: Any) -> int:
    """How often Python refers to a leaf."""
    variable = leaf_node.variable
    return sys.getrefcount(variable)


@cache
def _fewest_references() -> int:
    """The same of a parameter that only the graph holds."""
    import torch  # pyright: ignore[reportMissingImports]

    with torch.enable_grad():
        node = torch.nn.Parameter(torch.ones(1)).view(1).grad_fn
    return _references(node.next_functions[0][0]) if node is not None else 0


def _head(operations: list[Operation]) -> frozenset[int]:
    """From the loss down to the last layers, without them."""
    found, ahead = set(), [0]
    while ahead:
        place = ahead.pop()
        operation = operations[place]
        if place not in found and not operation.is_layer and operation.name != LEAF:
            found.add(place)
            ahead += [k for k in operation.inputs if k is not None]
    return frozenset(found)


def _is_mask(node: Any) -> bool:
    """Whether the other factor is 0 or 1 everywhere, as the classes of one-hot rows."""
    mask = next((each for part in ("other", "self") if (each := saved_tensor(node, part)) is not None), None)
    return mask is not None and mask.ndim > 0 and mask.numel() <= MOST_KEPT and bool(((mask == 0) | (mask == 1)).all())


def _is_criterion(node: Any, name: str) -> bool:
    """Whether it is a loss: one operation, or t log t − t·x as kl_div makes it of a target t without gradient."""
    if name in CRITERIA:
        return True
    before = [each for each, _ in node.next_functions]
    if name != "Sub" or len(before) != 2 or before[0] is not None or before[1] is None:
        return False
    with_gradient = [each for each, _ in before[1].next_functions if each is not None]
    return _plain_name(before[1].name()) == "Mul" and len(with_gradient) == 1 and bool(_shape(node))


def _criterion(node: Any, name: str, place: int) -> Criterion:
    if name == "Sub":
        product = node.next_functions[1][0]
        known = [saved_tensor(product, part) for part in ("self", "other")]
        target = next((each for each in known if each is not None), None)
        return Criterion("kl_div", place, "none", None, target)
    reduction = getattr(node, "_saved_reduction", 1)
    ignored = getattr(node, "_saved_ignore_index", None)
    if ignored is not None and ignored >= 2**63:  # PyTorch shows a negative one as an unsigned number
        ignored -= 2**64
    weights = [saved_tensor(node, part) for part in ("weight", "pos_weight")]
    return Criterion(
        CRITERIA[name],
        place,
        REDUCTIONS[reduction],
        saved_tensor(node, "self"),
        saved_tensor(node, "target"),
        any(weight is not None for weight in weights),
        ignored,
    )


def _dropouts(nodes: list[Any], operations: list[Operation]) -> dict[int, float]:
    """What each dropout drops, by its place: a factor that is 0 or one number above 1."""
    found = {}
    for place, operation in enumerate(operations):
        if operation.name == "NativeDropout":
            found[place] = float(getattr(nodes[place], "_saved_p", 0.0) or 0.0)
        elif operation.name == "Mul" and sum(k is not None for k in operation.inputs) == 1 and operation.shape:
            mask = saved_tensor(nodes[place], "other")
            if mask is None or tuple(mask.shape) != operation.shape or not mask.is_floating_point():
                continue
            some = mask.flatten()[:MOST_OF_A_MASK] if mask.is_contiguous() else mask[:1].flatten()[:MOST_OF_A_MASK]
            most = float(some.max()) if len(some) > 1 else 0.0
            if most > 1 and bool(((some == 0) | (some == most)).all()) and bool((some == 0).any()):
                found[place] = 1 - 1 / most
    return found


def _dropped(dropouts: dict[int, float], operations: list[Operation], criteria: tuple[Criterion, ...]) -> float:
    """That of a dropout whose result a loss is given."""
    ahead = [k for criterion in criteria for k in operations[criterion.place].inputs if k is not None]
    while ahead:
        place = ahead.pop()
        if place in dropouts:
            return dropouts[place]
        inputs = [k for k in operations[place].inputs if k is not None]
        if not operations[place].is_layer and operations[place].name != "Mul" and len(inputs) == 1:
            ahead += inputs
    return 0.0


def saved_tensor(node: Any, name: str) -> Any:
    """A tensor that the operation saved, without graph; None if it saved none, or if it was freed or changed since.

    One with hooks is left alone: to look at it would run them, and in a checkpoint compute the forward pass anew.
    """
    try:
        raw = getattr(node, f"_raw_saved_{name}", None)
        if raw is None or getattr(raw, "unpack_hook", None) is not None:
            return None
        found = getattr(node, f"_saved_{name}")
    except RuntimeError:  # freed, or changed in place
        return None
    return None if found is None else found.detach()


def _number(node: Any, name: str) -> float | None:
    """A number that the operation saved, also as a tensor on the CPU: to read another would wait for the device."""
    try:
        found = getattr(node, f"_saved_{name}", None) if not hasattr(node, f"_raw_saved_{name}") else None
    except RuntimeError:
        return None
    if found is None:
        found = saved_tensor(node, name)
        if found is None or found.ndim or found.device.type != "cpu":
            return None
        found = found.item()
    if isinstance(found, tuple):
        found = found[0] if len(found) == 1 else None
    if found is None or isinstance(found, bool | complex):
        return None
    return found - 2**64 if isinstance(found, int) and found >= 2**63 else found


def _plain_name(name: str) -> str:
    return re.sub(r"Backward\d*$", "", name.rpartition("::")[2])


def _shape(node: Any) -> tuple[int, ...] | None:
    """Of the first result."""
    metadata = getattr(node, "_input_metadata", None)
    if not metadata:
        return None
    try:
        return tuple(metadata[0].shape)
    except RuntimeError:  # a nested tensor has none
        return None
