"""Whether what was heard is all of each example's gradient, as privacy must have it; if not, why, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .assemble import captured_layers
from .hooks import Hooks


def why_mixed(hooks: Hooks) -> str:
    """The module that mixes the examples of a batch, in a sentence; empty if none is known to."""
    for unknown in hooks.model.unknown.values():
        if unknown.mixes:
            return (
                f"module '{unknown.name}' ({type(unknown.module).__name__}) {unknown.mixes}, so that no norm bounds "
                "what one example does to the gradient: use GroupNorm, LayerNorm or InstanceNorm without running "
                "statistics instead, or call eval() of this module before the forward pass."
            )
    return ""


def why_not_whole(hooks: Hooks, names: Sequence[str], reached: set[int]) -> str:
    """What is missing beside the layers of these names, in a sentence; empty if nothing is known to.

    ``reached``: the parameters that the backward pass gave a gradient; empty if that is not known, since none was kept.
    """
    missing = _missing(hooks, reached)
    if not missing:
        return ""
    name, why = next(iter(missing.items()))
    more = f" (and of {len(missing) - 1} others)" if len(missing) > 1 else ""
    return (
        f"the trained parameters of '{name}'{more} would be left out: {why}. Freeze them (requires_grad_(False)), or "
        f"name the layers that you want alone, as in layers={list(names)[:2]} or layers=heard.names."
    )


def _missing(hooks: Hooks, reached: set[int]) -> dict[str, str]:
    """Modules with trained parameters whose gradient was not heard, and why it was not."""
    captured, reasons = captured_layers(hooks)

    def has_gradient(module: Any) -> bool:
        return any(id(part) in reached for part in module.parameters())

    missing = {}
    for layer in hooks.model.layers.values():
        trained = any(part.requires_grad for part in layer.module.parameters())
        maybe = has_gradient(layer.module) if reached else bool(layer.excluded)
        if trained and maybe and layer not in captured:
            missing[layer.name] = reasons[layer.name]
    for unknown in hooks.model.unknown.values():
        parts = [unknown.module._parameters.get(key) for key in unknown.trained]
        if parts and (any(id(part) in reached for part in parts) if reached else unknown.called):
            missing[unknown.name] = unknown.reason
    return missing
