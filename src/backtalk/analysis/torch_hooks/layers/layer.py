"""One layer of a PyTorch model that listen hears, what all kinds of them have, and the kind of nn.Linear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ....core.arrays import Array
from ...per_example.pairs import Pairs


@dataclass(slots=True, eq=False)
class Layer:
    """One module that can be heard, with the parameters that it had when the block began.

    ``name``: that of ``model.named_modules()``. ``weights``, ``biases``: whether these are trained. ``excluded``: why
    it cannot be captured, in words; empty if it can. ``first``: its place in the order in which the layers were first
    called. ``silent``: how many of its calls had an output without gradient; ``calls``: the others, and after the block
    those alone that a backward pass reached; ``called``: whether there were others then.
    """

    name: str
    module: Any
    kind: Kind
    weight: Any = None
    bias: Any = None
    shape: tuple[int, ...] | None = None
    weights: bool = False
    biases: bool = False
    excluded: str = ""
    first: int | None = None
    silent: int = 0
    called: bool = False
    calls: list[Any] = field(default_factory=list)

    @property
    def is_linear(self) -> bool:
        """Whether it is an nn.Linear."""
        return type(self.kind) is Kind

    @property
    def captured(self) -> bool:
        """Whether a backward pass reached it."""
        return any(call.captured for call in self.calls)

    def change(self) -> str:
        """What is no longer as it was when the block began, in words; empty if all is."""
        weight, bias = self.module._parameters.get("weight"), self.module._parameters.get("bias")
        if weight is not self.weight or bias is not self.bias:
            return f"the parameters of layer '{self.name}' were replaced"
        if self.shape is not None and tuple(weight.shape) != self.shape:
            return f"the weight of layer '{self.name}' went from shape {self.shape} to {tuple(weight.shape)}"
        return ""


class Kind:
    """How the modules of one kind use their parameters: from h and ∇_a of a call to pairs.

    ``use``: what it does with its weight: layers that do the same can share one. ``methods``: those that make up the
    forward pass; a class with others is not of this kind. ``expected``: the shape of an input, in words. ``has_bias``:
    whether its modules have a parameter of that name, or None instead. ``has_factors``: whether its pairs have
    Kronecker factors, and importance of what it hears. ``may_be_alike``: whether one call may stand for all examples,
    as that of position embeddings does.
    """

    use = "rows"
    methods: tuple[str, ...] = ("forward",)
    expected = "(B, …, n)"
    has_bias = True
    has_factors = True
    may_be_alike = False

    def refusal(self, module: Any) -> str:
        """Why this module cannot be heard, in words; empty if it can."""
        return ""

    def leading(self, module: Any, shape: tuple[int, ...]) -> int:
        """How many dimensions of an input count examples and places; 0 for an input that does not fit."""
        return len(shape) - 1

    def sizes(self, module: Any, h: Array, a: Array) -> tuple[int, int, int]:
        """Places of all examples together, n and m of one call."""
        return h.shape[:-1].numel(), h.shape[-1], a.shape[-1]

    def values(self, module: Any, n: int, m: int) -> int:
        """How many numbers the pair of one place takes."""
        return n + m

    def read(self, module: Any, h: Array, a: Array) -> tuple[Array, Array]:
        """h (R, T, n) and ∇_a (R, T, m) of R examples, from a part of a call with these first."""
        return in_places(h, 1).to(a.dtype), in_places(a, 1)  # as autocast does

    def pairs(self, module: Any) -> Callable[..., Pairs]:
        """The class of the pairs."""
        return Pairs


def in_places(array: Array, of_place: int) -> Array:
    """(R, T, n) from (R, …, n), whose last ``of_place`` dimensions are those of one place."""
    places = array.shape[1 : array.ndim - of_place].numel()
    return array.reshape(array.shape[0], places, array.shape[array.ndim - of_place :].numel())
