"""The Linears of a model: which of them can be heard, which not and why, and whether they are still the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError, InputTypeError, MissingLibraryError

COMPILED = "_orig_mod"  # what torch.compile puts between a model and its parts: no part of their names


@dataclass(slots=True, eq=False)
class Linear:
    """One nn.Linear of the model, with the parameters that it had when listening began.

    ``name``: that of ``model.named_modules()``. ``weights``, ``biases``: whether these are trained. ``unheard``: why it
    cannot be heard, in words; empty where it can. ``first``: its place in the order in which the Linears were first
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
    unheard: str = ""
    first: int | None = None
    silent: int = 0
    called: bool = False
    calls: list[Any] = field(default_factory=list)

    def change(self) -> str:
        """What is no longer as it was when listening began, in words; empty where all is."""
        weight, bias = self.module._parameters.get("weight"), self.module._parameters.get("bias")
        if weight is not self.weight or bias is not self.bias:
            return f"the parameters of layer '{self.name}' were replaced"
        if self.shape is not None and tuple(weight.shape) != self.shape:
            return f"the weight of layer '{self.name}' went from shape {self.shape} to {tuple(weight.shape)}"
        return ""


class Model:
    """The modules of a model as they were when listening began."""

    def __init__(self, model: Any) -> None:
        torch = require_torch()
        if not isinstance(model, torch.nn.Module):
            kind = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
            raise InputTypeError(f"model is {kind}, expected a torch.nn.Module.")
        self.linears: dict[int, Linear] = {}
        self.others: dict[str, str] = {}  # modules with trained parameters that are no Linears, and why unheard
        self._tree: list[
            tuple[str, dict[str, Any], dict[str, Any]]
        ] = []  # the parts of each module, live and as copies
        owners: dict[int, str] = {}  # of parameters that are not a Linear's
        for name, module in _named_modules(model):
            if module._modules:
                self._tree.append((name, module._modules, dict(module._modules)))
            if isinstance(module, torch.nn.Linear):
                self.linears[id(module)] = _linear(torch, name, module)
                continue
            own = [key for key, part in module._parameters.items() if part is not None and part.requires_grad]
            if own:
                self.others[name] = f"{type(module).__name__}, no nn.Linear: {', '.join(own)}"
            owners |= {id(part): f"'{name}', {_a(module)}" for part in module._parameters.values() if part is not None}
        if not self.linears:
            raise InputError(f"model is {_a(model)} without an nn.Linear: there is nothing that listen could hear.")
        attention = torch.nn.MultiheadAttention
        for _, module in _named_modules(model):
            if isinstance(module, attention) and id(module.out_proj) in self.linears:
                self.linears[id(module.out_proj)].unheard = "MultiheadAttention uses its weights without calling it"
        for linear in self.linears.values():
            if id(linear.weight) in owners and not linear.unheard:
                linear.unheard = f"its weight is also that of {owners[id(linear.weight)]}, whose part is not heard"

    def change(self) -> str:
        """What is no longer as it was, in words; empty where all is."""
        for name, parts, copies in self._tree:
            if parts != copies:  # modules are equal only to themselves
                keys = [key for key in {**copies, **parts} if parts.get(key) is not copies.get(key)]
                return f"the part '{keys[0]}' of module '{name}' was replaced, added or removed"
        return next((found for linear in self.linears.values() if (found := linear.change())), "")


def require_torch() -> Any:
    """PyTorch, or the error that says how to get it."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingLibraryError(
            "listen needs PyTorch, which is not installed: pip install 'backtalk[torch]'."
        ) from None
    return torch


def is_compiled(model: Any) -> bool:
    """Whether torch.compile was called on the model or a part of it."""
    return any(COMPILED in m._modules or getattr(m, "_compiled_call_impl", None) for m in model.modules())


def _named_modules(model: Any) -> Iterator[tuple[str, Any]]:
    """Each module once, under its first name, which is the same for a compiled model; the model itself is 'model'."""
    for name, module in model.named_modules():
        if COMPILED not in module._modules:
            parts = [part for part in name.split(".") if part and part != COMPILED]
            yield ".".join(parts) or "model", module


def _linear(torch: Any, name: str, module: Any) -> Linear:
    weight, bias = (module._parameters.get(key) for key in ("weight", "bias"))
    lazy = torch.nn.parameter.is_lazy(weight) if weight is not None else False
    found = Linear(name, module, weight, bias, shape=None if weight is None or lazy else tuple(weight.shape))
    found.weights = weight is not None and weight.requires_grad
    found.biases = bias is not None and bias.requires_grad
    kind = type(module)
    plain = kind.forward is torch.nn.Linear.forward or lazy
    if weight is None or "bias" not in module._parameters:  # to look at such a weight would compute it anew
        found.unheard = "its weight or bias is computed from other parameters (weight_norm, or another parametrization)"
    elif "forward" in module.__dict__:
        found.unheard = "its forward was replaced"
    elif not plain:
        found.unheard = f"its forward is not that of nn.Linear but of {kind.__name__}"
    elif not found.weights and not found.biases:
        found.unheard = "its weight and bias are frozen"
    return found


def _a(module: Any) -> str:
    name = type(module).__name__
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
