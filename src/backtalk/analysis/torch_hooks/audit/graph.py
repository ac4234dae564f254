"""Autograd's graph of a loss as a value: operations, their shapes, the leaves, and the losses that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    ``dropped``: the share that dropout between the last layer and the loss makes 0, and ``dropouts``: those
    of every dropout in the graph. An empty graph is that of a loss without gradient.

    >>> import torch
    >>> from backtalk.analysis.torch_hooks.audit import read_graph
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
    dropouts: tuple[float, ...] = ()

    @property
    def compiled(self) -> bool:
        """Whether a part was compiled, in which nothing can be seen but the parameters that it uses."""
        return any(operation.name.startswith("CompiledFunction") for operation in self.operations)

    @property
    def hides_leaves(self) -> bool:
        """Whether it may use parameters that it does not name: a reentrant checkpoint makes its part later."""
        return any(operation.name == "CheckpointFunction" for operation in self.operations)
