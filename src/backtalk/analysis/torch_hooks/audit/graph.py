"""Autograd's graph of a loss, read into values: operations, their shapes, the leaves, and the losses that are known.

Names, shapes and numbers such as a dimension stay readable after ``backward()``. The tensors that an operation saved,
among them the targets of a loss, are freed by it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

LEAF = "AccumulateGrad"
# operations that weights take part in, or that mix what they are given: what is above them is the loss and the output
LAYERS = frozenset((
    "Addmm", "Mm", "Bmm", "Baddbmm", "Addbmm", "Addmv", "Mv", "Dot", "Linear", "Embedding", "EmbeddingBag",
    "Trilinear", "NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm", "NativeLayerNorm", "FusedRmsNorm",
    "NativeGroupNorm", "ScaledDotProductAttention", "Cdist", "EmbeddingDenseBackward", "CompiledFunction",
    "CheckpointFunction",
))  # fmt: skip
LAYER_PARTS = ("Convolution", "Rnn", "ScaledDotProduct", "NativeMultiHeadAttention", "Lstm", "Gru")
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
# losses that are one operation each, and save what they were given
CRITERIA = {
    "NllLoss": "nll_loss",
    "NllLoss2D": "nll_loss",
    "BinaryCrossEntropy": "binary_cross_entropy",
    "BinaryCrossEntropyWithLogits": "binary_cross_entropy_with_logits",
    "MseLoss": "mse_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss",
    "SoftMarginLoss": "soft_margin_loss",
    "MultiMarginLoss": "multi_margin_loss",
    "MultilabelMarginLoss": "multilabel_margin_loss",
}
REDUCTIONS = ("none", "mean", "sum")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the graph. ``name``: as 'Addmm', autograd's without 'Backward0'; ``shape``: of its result.

    ``inputs``: where in the graph its inputs were computed; None for one without gradient, as data and targets.
    ``numbers``: those that it saved, such as ``dim``; only of operations between the last layer and the loss.

    >>> Operation("Softmax", (5, 3), (2,), {"dim": 1}).numbers["dim"]
    1
    """

    name: str
    shape: tuple[int, ...] | None
    inputs: tuple[int | None, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_layer(self) -> bool:
        """Whether weights take part, or inputs are mixed: what lies above is the loss and the output function."""
        return self.name in LAYERS or any(part in self.name for part in LAYER_PARTS)


@dataclass(frozen=True, slots=True, eq=False)
class Criterion:
    """A loss of PyTorch that is one operation: its ``kind``, as in torch.nn.functional, and where in the graph.

    ``reduction``: 'none', 'mean' or 'sum'. ``output``, ``target``: what it was given (for 'nll_loss' logarithms of
    probabilities), without graph; None once ``backward()`` freed them. ``weighted``: it has weights for classes.
    ``ignore_index``: the label that it passes over.

    >>> Criterion("mse_loss", 0, "mean").target is None
    True
    """

    kind: str
    place: int
    reduction: str
    output: Any = None
    target: Any = None
    weighted: bool = False
    ignore_index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LossGraph:
    """What autograd's graph says of a loss at one moment. Keep it for a short time: it holds outputs and targets.

    ``operations``: the loss's own first, and each before its inputs were computed. ``leaves``: the tensors that
    gradients go to, by their place; ``criteria``: the known losses; ``head``: the places above the last layers.
    ``value``: the loss; ``orphans``: places of leaves that nothing in Python held;
    ``dropped``: the share that dropout between the last layer and the loss makes 0. An empty graph is that of a loss
    without gradient.

    >>> import torch
    >>> model = torch.nn.Linear(2, 3)
    >>> loss = torch.nn.functional.cross_entropy(model(torch.ones(4, 2)), torch.tensor([0, 1, 2, 0]))
    >>> graph = read_graph(loss)
    >>> [operation.name for operation in graph.operations[:3]], graph.criteria[0].kind, len(graph.leaves)
    (['NllLoss', 'LogSoftmax', 'Addmm'], 'nll_loss', 2)
    """

    operations: tuple[Operation, ...]
    leaves: Mapping[int, Any]
    criteria: tuple[Criterion, ...]
    head: frozenset[int]
    value: Any = None
    orphans: frozenset[int] = frozenset()
    dropped: float = 0.0

    @property
    def compiled(self) -> bool:
        """Whether a part was compiled, in which nothing can be seen but the parameters that it uses."""
        return any(operation.name.startswith("CompiledFunction") for operation in self.operations)

    @property
    def hides_leaves(self) -> bool:
        """Whether it may use parameters that it does not name: a reentrant checkpoint makes its part later."""
        return any(operation.name == "CheckpointFunction" for operation in self.operations)


def read_graph(loss: Any) -> LossGraph:
    """The graph of a loss: before ``backward()`` with what its losses were given, after it without."""
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
            operations[k] = Operation(names[k], operations[k].shape, inputs[k], numbers)
    criteria = tuple(_criterion(nodes[k], names[k], k) for k in sorted(head) if names[k] in CRITERIA)
    return LossGraph(tuple(operations), leaves, criteria, head, value, orphans, _dropped(nodes, operations, criteria))


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


def _criterion(node: Any, name: str, place: int) -> Criterion:
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


def _dropped(nodes: list[Any], operations: list[Operation], criteria: tuple[Criterion, ...]) -> float:
    """What dropout drops of the numbers that a loss is given: a factor that is 0 or one number above 1."""
    ahead = [k for criterion in criteria for k in operations[criterion.place].inputs if k is not None]
    while ahead:
        place = ahead.pop()
        operation = operations[place]
        inputs = [k for k in operation.inputs if k is not None]
        if operation.is_layer or len(inputs) != 1:
            continue
        if operation.name == "NativeDropout":
            return float(getattr(nodes[place], "_saved_p", 0.0) or 0.0)
        if operation.name == "Mul" and inputs and operations[inputs[0]].shape == operation.shape:
            mask = saved_tensor(nodes[place], "other")
            if mask is not None and mask.shape == operation.shape and mask.numel() > 1 and mask.is_floating_point():
                most = float(mask.max())
                if most > 1 and bool(((mask == 0) | (mask == most)).all()) and bool((mask == 0).any()):
                    return 1 - 1 / most
            continue
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
