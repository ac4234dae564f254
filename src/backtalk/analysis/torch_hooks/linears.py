"""The Linears of a model: which of them can be captured, which not and why, and whether they are still the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .names import named_modules, plain_name, require_module, require_torch


@dataclass(slots=True, eq=False)
class Linear:
    """One nn.Linear of the model, with the parameters that it had when the block began.

    ``name``: that of ``model.named_modules()``. ``weights``, ``biases``: whether these are trained. ``excluded``: why
    it cannot be captured, in words; empty if it can. ``first``: its place in the order in which the Linears were first
    called. ``silent``: how many of its calls had an output without gradient; ``calls``: the others, and after the block
    those alone that a backward pass reached; ``called``: whether there were others then.
    """

    name: str
    module: Any
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


class Model:
    """The modules of a model as they were when the block began."""

    def __init__(self, model: Any) -> None:
        torch = require_torch()
        require_module(model)
        self.module = model
        self._modules, self.compiled = named_modules(model)
        # The parts of each module, live and as copies
        self._tree = [(name, m._modules, m._modules.copy()) for name, m in self._modules if m._modules]
        self.linears: dict[int, Linear] = {}
        owners: dict[int, list[Linear]] = {}  # of parameters
        for name, module in self._modules:
            if not isinstance(module, torch.nn.Linear):
                continue
            self.linears[id(module)] = linear = _linear(torch, name, module)
            for part in (linear.weight, linear.bias):
                if part is not None:
                    owners.setdefault(id(part), []).append(linear)
        for name, module in self._modules:
            if id(module) in self.linears:
                continue
            if isinstance(module, torch.nn.MultiheadAttention) and id(module.out_proj) in self.linears:
                self.linears[id(module.out_proj)].excluded = "MultiheadAttention uses its weights without calling it"
            for part in module._parameters.values():
                for linear in owners.get(id(part), ()):
                    linear.excluded = (
                        f"a parameter of it is also that of '{plain_name(name)}', {_a(module)}, whose part is not heard"
                    )

    @property
    def others(self) -> dict[str, str]:
        """Modules with trained parameters that are no Linears, and why they are not captured."""
        found = {}
        for name, module in self._modules:
            own = [key for key, part in module._parameters.items() if part is not None and part.requires_grad]
            if own and id(module) not in self.linears:
                found[plain_name(name)] = f"{type(module).__name__}, no nn.Linear: {', '.join(own)}"
        return found

    def change(self) -> str:
        """What is no longer as it was, in words; empty if all is."""
        for name, parts, copies in self._tree:
            if parts != copies:  # modules are equal only to themselves
                keys = [key for key in {**copies, **parts} if parts.get(key) is not copies.get(key)]
                return f"the part '{keys[0]}' of module '{plain_name(name)}' was replaced, added or removed"
        return next((found for linear in self.linears.values() if (found := linear.change())), "")


def _linear(torch: Any, name: str, module: Any) -> Linear:
    weight, bias = (module._parameters.get(key) for key in ("weight", "bias"))
    lazy = torch.nn.parameter.is_lazy(weight) if weight is not None else False
    found = Linear(
        plain_name(name), module, weight, bias, shape=None if weight is None or lazy else tuple(weight.shape)
    )
    found.weights = weight is not None and weight.requires_grad
    found.biases = bias is not None and bias.requires_grad
    kind = type(module)
    plain = kind.forward is torch.nn.Linear.forward or lazy
    if weight is None or "bias" not in module._parameters:  # to look at such a weight would compute it anew
        found.excluded = (
            "its weight or bias is computed from other parameters (weight_norm, or another parametrization)"
        )
    elif "forward" in module.__dict__:
        found.excluded = "its forward was replaced"
    elif not plain:
        found.excluded = f"its forward is not that of nn.Linear but of {kind.__name__}"
    elif not found.weights and not found.biases:
        found.excluded = "its weight and bias are frozen"
    return found


def _a(module: Any) -> str:
    name = type(module).__name__
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
