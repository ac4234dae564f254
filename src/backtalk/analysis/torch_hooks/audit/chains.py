"""The way from an operation down to where its input was made: through what only passes numbers on."""

from __future__ import annotations

from dataclasses import dataclass

from .graph import CRITERIA, LossGraph, Operation

# operations that pass on the numbers that they are given, in another form or a part of them
PASSING = frozenset((
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Transpose", "T", "Permute", "Clone", "ToCopy",
    "Alias", "Expand", "Slice", "Select", "Index", "IndexSelect", "Split", "SplitWithSizes", "Unbind", "AsStrided",
    "Cat", "Stack", "Gather", "MaskedSelect", "Clamp", "ClampMin", "ClampMax", "NanToNum", "UnsafeSplit",
    "Contiguous", "_DDPSink", "Copy", "CopySlices",
))  # fmt: skip
SHAPING = frozenset((
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Clone", "ToCopy", "Alias", "Contiguous",
    "_DDPSink",
))  # fmt: skip
ADDING = frozenset((
    "Neg", "Mean", "Sum", "Add", "Sub", "Rsub", "Log",
))  # fmt: skip
SCALING = frozenset((
    "Mul", "Div", "Pow", "Abs", "Where", "MaskedFill",
))  # fmt: skip
# output functions, by the operation of autograd, as users know them
OUTPUT_FUNCTIONS = {
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "LogSigmoid": "logsigmoid",
    "Hardsigmoid": "hardsigmoid",
}
LOGARITHMS = frozenset(("LogSoftmax", "LogSigmoid"))
ACTIVATIONS = {
    "Relu": "ReLU",
    "Threshold": "Threshold",
    "Hardtanh": "Hardtanh (ReLU6)",
    "LeakyRelu": "LeakyReLU",
    "PreluKernel": "PReLU",
    "Elu": "ELU",
    "Celu": "CELU",
    "Gelu": "GELU",
    "Silu": "SiLU",
    "Mish": "Mish",
    "Hardswish": "Hardswish",
    "Softplus": "Softplus",
    "Tanh": "Tanh",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where numbers were made: the ``operation`` and its ``place``, and the names of what they ``passed`` since.

    >>> Origin(2, Operation("Softmax", (5, 3), (3,)), ("View",)).operation.name
    'Softmax'
    """

    place: int
    operation: Operation
    passed: tuple[str, ...] = ()

    @property
    def only_reshaped(self) -> bool:
        """Whether nothing was exchanged, left out or joined, so that the last dimension may be the same."""
        return all(name in SHAPING for name in self.passed)


def origin(graph: LossGraph, place: int | None) -> Origin | None:
    """The operation that made the numbers at a place; None if they have no gradient."""
    passed: list[str] = []
    while place is not None:
        operation = graph.operations[place]
        inputs = [k for k in operation.inputs if k is not None]
        shifted = operation.name in ("Add", "Sub") and len(inputs) == 1  # by a constant
        if not inputs or not (operation.name in PASSING or shifted):
            return Origin(place, operation, tuple(passed))
        passed.append(operation.name)
        place = inputs[0]
    return None


def input_of(graph: LossGraph, place: int) -> Origin | None:
    """Where the first input with a gradient of an operation was made."""
    return origin(graph, next((k for k in graph.operations[place].inputs if k is not None), None))


def is_normalized(graph: LossGraph, place: int) -> bool:
    """Whether it is x − log Σ exp x, as torch.distributions.Categorical makes logarithms of probabilities."""
    operation = graph.operations[place]
    if operation.name != "Sub" or len(operation.inputs) != 2 or None in operation.inputs:
        return False
    first, second = (origin(graph, k) for k in operation.inputs)
    if first is None or second is None or second.operation.name != "Logsumexp":
        return False
    summed = input_of(graph, second.place)
    return summed is not None and summed.place == first.place


def straight_to(graph: LossGraph) -> frozenset[int]:
    """Places whose numbers go to the loss alone: summed, scaled by constants, but not used as weights of others."""
    found, ahead = set(), [0]
    while ahead:
        place = ahead.pop()
        if place in found or place not in graph.head:
            continue
        found.add(place)
        operation = graph.operations[place]
        inputs = [k for k in operation.inputs if k is not None]
        linear = operation.name in PASSING or operation.name in ADDING or operation.name in CRITERIA
        linear = linear or operation.name in OUTPUT_FUNCTIONS
        if linear or (operation.name in SCALING and len(inputs) == 1):
            ahead += inputs
    return frozenset(found)


def modules_named(model: object, kind: str) -> str:
    """', which is '5', an nn.Softmax' if the model has exactly one module of this class, else nothing."""
    import torch  # pyright: ignore[reportMissingImports]

    if not isinstance(model, torch.nn.Module):
        return ""
    found = [name for name, module in model.named_modules() if type(module).__name__ == kind and name]
    return f" (module '{found[0]}')" if len(found) == 1 else ""
