"""A captured call of a module: references to the tensors that it gave, and to their gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .hooks import ModuleHooks

# Nodes of autograd that pass values on, at most in another shape
RESHAPES = {
    "ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0", "TransposeBackward0", "PermuteBackward0",
    "TBackward0",
    "SqueezeBackward0", "SqueezeBackward1", "UnsqueezeBackward0", "AliasBackward0", "CloneBackward0", "ToCopyBackward0",
}  # fmt: skip


def operation_of(node: Any) -> str:
    """The node's name, or that of the node whose values it passes on in another shape."""
    name = type(node).__name__
    for _ in range(8):
        if name not in RESHAPES or not node.next_functions or node.next_functions[0][0] is None:
            break
        node = node.next_functions[0][0]
        name = type(node).__name__
    return name


class Captured:
    """A tensor that a call gave: ``value``, the same memory without its graph, and what was captured of its gradient.

    ``version``: of the value, which goes up with every change in place. ``operation``: the node of autograd that made
    it, such as 'ReluBackward0'; empty if it has none. ``gradients``: the backward pass, the gradient, its version, and
    its place in the order in which gradients arrived.
    """

    __slots__ = ("gradients", "hooks", "inside", "number", "operation", "value", "version")

    hooks: ModuleHooks | None
    value: Any
    version: int
    inside: int
    number: int
    operation: str
    gradients: list[tuple[int, Any, int, int]]

    def __init__(self, hooks: ModuleHooks | None, tensor: Any, node: Any, inside: int) -> None:
        self.hooks = hooks  # until the block ends
        self.value = tensor.detach()
        self.version = tensor._version
        self.inside = inside  # the backward pass that called it, to compute again what a checkpoint dropped; or −1
        self.number = tensor.output_nr
        self.operation = "" if node is None else operation_of(node)
        self.gradients = []

    def capture(self, gradients: tuple[Any, ...]) -> None:
        """The gradient of this tensor, from autograd."""
        gradient, hooks = gradients[self.number], self.hooks
        if gradient is not None and hooks is not None:
            if gradient.requires_grad:  # with create_graph=True
                gradient = gradient.detach()
            raw = hooks.running()
            if raw != hooks.raw:
                hooks.enter_pass(raw, self.inside)
            hooks.arrived += 1
            self.gradients.append((hooks.task, gradient, gradient._version, hooks.arrived))

    @property
    def changed(self) -> bool:
        """Whether the value was changed in place since the call."""
        return self.value._version != self.version

    def of(self, tasks: set[int]) -> list[Any]:
        """The gradients of these passes that are still as they arrived."""
        return [
            gradient for task, gradient, version, _ in self.gradients if task in tasks and gradient._version == version
        ]


@dataclasses.dataclass(slots=True, eq=False)
class Call:
    """One call of a module. ``place``: its place among all calls, in the order of their ends.

    ``output``: what it gave, with a :class:`Captured` for each tensor, and None for whatever holds none; ``outputs``:
    these tensors alone. ``inputs``: those of its inputs that no module gave; ``source``: the place of the call that
    gave its first input, or None.
    """

    name: str
    place: int
    output: Any
    outputs: list[Captured]
    inputs: list[Captured]
    source: int | None

    @property
    def silent(self) -> bool:
        """No part of its output has a gradient: it is frozen."""
        return not any(each.operation for each in self.outputs)


def replaced(output: Any, change: Callable[[Any], Any], is_tensor: Callable[[Any], bool]) -> Any:
    """The same tuples and dictionaries, with ``change`` of each tensor; whatever holds none becomes None."""
    if is_tensor(output):
        return change(output)
    if isinstance(output, Mapping):
        parts = {key: replaced(part, change, is_tensor) for key, part in output.items()}
        return parts if any(part is not None for part in parts.values()) else None
    if isinstance(output, (tuple, list)):
        several = tuple(replaced(part, change, is_tensor) for part in output)
        return several if any(part is not None for part in several) else None
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        fields = {field.name: getattr(output, field.name) for field in dataclasses.fields(output)}
        return replaced(fields, change, is_tensor)
    return None


def tensors_in(given: Any, is_tensor: Callable[[Any], bool], depth: int = 3) -> Iterator[Any]:
    """The tensors in arguments, also within tuples and dictionaries."""
    if is_tensor(given):
        yield given
    elif depth and isinstance(given, (tuple, list, Mapping)):
        for part in given.values() if isinstance(given, Mapping) else given:
            yield from tensors_in(part, is_tensor, depth - 1)
