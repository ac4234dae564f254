"""What bounds nobody's part in a step: refused with a sentence that says what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ....core.arrays import Array
from ....errors import InputError, InputTypeError, a_kind
from ..hooks import Hooks


def trained_parameters(model: Any, optimizer: Any) -> dict[int, Any]:
    """The model's trained parameters by identity, all of which the optimizer must hold, and no others."""
    import torch  # pyright: ignore[reportMissingImports]

    groups = getattr(optimizer, "param_groups", None)
    if groups is None:
        raise InputTypeError(f"optimizer is {a_kind(optimizer)}, expected one of torch.optim.")
    if isinstance(optimizer, torch.optim.LBFGS):
        raise InputError("optimizer is LBFGS, which computes the loss several times in a step: use another, as SGD.")
    names = {id(p): name for name, p in model.named_parameters()}
    held = {id(p): p for group in groups for p in group["params"]}
    for key, p in held.items():
        if p.requires_grad and key not in names:
            raise InputError(
                f"optimizer holds a parameter of shape {tuple(p.shape)} that is none of the model's: give it an "
                "optimizer of its own, or listen to a model with both."
            )
        if not p.requires_grad and p.grad is not None:
            raise InputError(
                f"'{names.get(key, 'a parameter')}' is frozen, but its gradient is still there and the optimizer would "
                "use it: set its .grad to None."
            )
    trained = {id(p): p for p in model.parameters() if p.requires_grad}
    for key in trained:
        if key not in held:
            raise InputError(
                f"'{names[key]}' is trained, but the optimizer does not hold it: give it to this optimizer, or freeze "
                "it (requires_grad_(False))."
            )
    return trained


def require_apart(hooks: Hooks) -> None:
    """Refuse a loss in which the examples of a batch are known to interact."""
    for criterion in (each for found in hooks.criteria for each in found):
        if criterion.kind != "nll_loss" or criterion.reduction != "mean":
            continue
        ignored = (
            criterion.target is not None
            and criterion.ignore_index is not None
            and bool((criterion.target == criterion.ignore_index).any())
        )
        if criterion.weighted or ignored:
            why = "the weights of the batch's classes" if criterion.weighted else "how many targets are not ignored"
            raise InputError(
                f"the loss is divided by {why}, so that each example changes the gradients of the others: use "
                "reduction='sum', with listen(model, reduction='sum')."
            )


def require_all_heard(hooks: Hooks, parameters: Mapping[int, Any], sums: Mapping[int, Array], size: float) -> None:
    """Refuse a gradient of which more or less arrived at a parameter than came through the layers that were heard.

    ``sums``: what was heard; ``size``: the norms of all examples together, of whose rounding errors it is made.
    """
    import torch  # pyright: ignore[reportMissingImports]

    calls = [call for layer in hooks.model.layers.values() for call in layer.calls]
    computed = [gradient.dtype for call in calls for _, gradient, _ in call.captured]
    names = {id(p): name for name, p in hooks.model.module.named_parameters()}
    for key, p in parameters.items():
        if p.grad is None and key not in sums:
            continue
        given = torch.zeros_like(p) if p.grad is None else p.grad.to_dense()
        heard = sums[key] if key in sums else torch.zeros_like(p)
        slack = math.sqrt(max(torch.finfo(dtype).eps for dtype in (p.dtype, *computed)))
        if not float((given.to(heard.dtype) - heard).norm()) <= slack * size:
            raise InputError(
                f"the gradient of '{names[key]}' is not the sum of what its layer was heard to give: clear gradients "
                "before the backward pass (optimizer.zero_grad()), call the layer instead of using its weight, and "
                "give a penalty on the weights to the optimizer as weight_decay."
            )
