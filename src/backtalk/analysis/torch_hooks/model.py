"""The modules of a model: which of them can be heard, which not and why, and whether they are still the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...errors import a_kind
from .layers import Kind, Layer, kind_of, may_mix
from .names import named_modules, plain_name, require_module, require_torch


@dataclass(slots=True, eq=False)
class Unknown:
    """A module of no kind that is heard, which has trained parameters of its own, ``trained``, or may mix examples.

    ``called``: whether it was called with gradients. ``mixes``: how it mixed the examples then, in words.
    """

    name: str
    module: Any
    trained: list[str] = field(default_factory=list)
    called: bool = False
    mixes: str = ""

    @property
    def reason(self) -> str:
        """Why it is not heard."""
        return f"{type(self.module).__name__}, a kind that is not heard: {', '.join(self.trained)}"


class Model:
    """The modules of a model as they were when the block began."""

    module: Any
    compiled: bool
    layers: dict[int, Layer]
    unknown: dict[int, Unknown]

    def __init__(self, model: Any) -> None:
        torch = require_torch()
        require_module(model)
        self.module = model
        self._modules, self.compiled = named_modules(model)
        # The parts of each module, live and as copies
        self._tree = [(name, m._modules, m._modules.copy()) for name, m in self._modules if m._modules]
        self.layers = {}
        self.unknown = {}
        owners: dict[int, list[Layer]] = {}  # of parameters
        for name, module in self._modules:
            found = kind_of(type(module))
            keeps = may_mix(type(module)) and module.track_running_stats
            if found is None or keeps or module._parameters.get("weight", module) is None:
                own = [key for key, part in module._parameters.items() if part is not None and part.requires_grad]
                if own or may_mix(type(module)):
                    self.unknown[id(module)] = Unknown(plain_name(name), module, own)
                continue
            self.layers[id(module)] = layer = _layer(torch, name, module, *found)
            for part in (layer.weight, layer.bias):
                if part is not None:
                    owners.setdefault(id(part), []).append(layer)
        for unknown in self.unknown.values():
            module = unknown.module
            if isinstance(module, torch.nn.MultiheadAttention) and id(module.out_proj) in self.layers:
                self.layers[id(module.out_proj)].excluded = "MultiheadAttention uses its weights without calling it"
            for part in module._parameters.values():
                for layer in owners.get(id(part), ()):
                    layer.excluded = _shared(unknown)
        for layers in owners.values():
            for layer in layers if len(layers) > 1 else ():
                other = next((each for each in layers if _use(each) != _use(layer)), None)
                if other is not None and not layer.excluded:
                    layer.excluded = _shared(other)

    @property
    def others(self) -> dict[str, str]:
        """Modules with trained parameters of no kind that is heard, and why they are not captured."""
        return {unknown.name: unknown.reason for unknown in self.unknown.values() if unknown.trained}

    def change(self) -> str:
        """What is no longer as it was, in words; empty if all is."""
        for name, parts, copies in self._tree:
            if parts != copies:  # modules are equal only to themselves
                keys = [key for key in {**copies, **parts} if parts.get(key) is not copies.get(key)]
                return f"the part '{keys[0]}' of module '{plain_name(name)}' was replaced, added or removed"
        return next((found for layer in self.layers.values() if (found := layer.change())), "")


def _layer(torch: Any, name: str, module: Any, kind: Kind, base: Any) -> Layer:
    """``base``: the class of torch.nn that the module is, or is derived from."""
    weight, bias = (module._parameters.get(key) for key in ("weight", "bias"))
    lazy = torch.nn.parameter.is_lazy(weight) if weight is not None else False
    shape = None if weight is None or lazy else tuple(weight.shape)
    found = Layer(plain_name(name), module, kind, weight, bias, shape)
    found.weights = weight is not None and weight.requires_grad
    found.biases = bias is not None and bias.requires_grad
    own = type(module)
    plain = own is base or lazy or all(getattr(own, key) is getattr(base, key) for key in kind.methods)
    if weight is None or (kind.has_bias and "bias" not in module._parameters):
        # to look at such a weight would compute it anew
        found.excluded = (
            "its weight or bias is computed from other parameters (weight_norm, or another parametrization)"
        )
    elif any(key in module.__dict__ for key in kind.methods):
        found.excluded = "its forward was replaced"
    elif not plain:
        found.excluded = f"its forward is not that of nn.{base.__name__} but of {own.__name__}"
    elif not found.weights and not found.biases:
        found.excluded = "its weight and bias are frozen" if kind.has_bias else "its weight is frozen"
    else:
        found.excluded = kind.refusal(module)
    return found


def _use(layer: Layer) -> tuple[str, int]:
    """Layers that use a parameter alike can share it."""
    return layer.kind.use, getattr(layer.module, "groups", 1)


def _shared(other: Layer | Unknown) -> str:
    return f"a parameter of it is also that of '{other.name}', {a_kind(other.module)}, whose part is not heard"
