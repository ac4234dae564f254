"""The modules alone: the mode that they are in, and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...diagnose.finding import Finding, finding
from ...diagnose.words import listed
from .graph import LossGraph

RATES = ("RNN", "LSTM", "GRU")


def _mode_modules(model: Any) -> list[tuple[str, Any]]:
    """Modules that compute something else in training: dropout and batch norm."""
    import torch  # pyright: ignore[reportMissingImports]

    kinds = (torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._BatchNorm)
    return [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, kinds) and getattr(module, "p", 1.0) > 0
    ]


def find_mode(model: Any, share: float = 1.0) -> list[Finding]:
    """Dropout or batch norm in evaluation mode in a step of training; ``share``: of the steps.

    Only if the whole model is in that mode: parts of it, as batch norm in fine-tuning, are set so on purpose.
    """
    if model.training:
        return []
    modules = [(name, module) for name, module in _mode_modules(model) if not module.training]
    if not modules:
        return []
    kinds = listed(dict.fromkeys(f"nn.{type(module).__name__}" for _, module in modules))
    return finding(
        "eval_mode_while_training", share, "the model is trained in evaluation mode",
        f"model.training is False, and the model has {kinds}: dropout is off, and batch norm uses its running "
        "statistics and does not learn them.",
        "Call model.train() at the start of each epoch of training, after any model.eval().",
        numbers={"share": share, "modules": len(modules)},
    )  # fmt: skip


def find_dropout(model: Any) -> list[Finding]:
    """Dropout that leaves too little, or that is the last module of a model."""
    import torch  # pyright: ignore[reportMissingImports]

    found: list[Finding] = []
    last = _last_module(model)
    for name, module in model.named_modules():
        place = f"'{name}'" if name else "model"
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            rate = float(module.p)
        elif isinstance(module, torch.nn.RNNBase | torch.nn.MultiheadAttention):
            rate = float(module.dropout)
        else:
            continue
        if module is last and rate > 0:
            found += finding(
                "dropout_too_strong", 1.0, "dropout of the outputs",
                f"The last module, {place}, is {type(module).__name__} with p={rate:g}: in each step it makes some "
                "of the outputs themselves 0, and the loss compares them with the targets.",
                f"Take {place} out, or put it before the last layer.", numbers={"rate": rate, "module": name},
            )  # fmt: skip
        else:
            found += finding(
                "dropout_too_strong", rate, f"dropout of {rate:g} in {place}",
                f"{type(module).__name__} {place} drops {rate:.3g} of the units in each step, so that the others have "
                f"to do with {1 - rate:.3g} of what the layer before them says.",
                "p is the share that is dropped, not the one that is kept: 0.1 to 0.5 is usual.",
                numbers={"rate": rate, "module": name},
            )  # fmt: skip
    return found


def _last_module(model: Any) -> Any:
    """The last module that runs, if the order is known: in nn.Sequential."""
    import torch  # pyright: ignore[reportMissingImports]

    while isinstance(model, torch.nn.Sequential) and len(model):
        model = model[-1]
    return model


def find_dropped_outputs(graphs: Sequence[LossGraph]) -> list[Finding]:
    """Dropout that is too strong or that drops outputs, as the graph shows it: also that of torch.nn.functional."""
    for graph in graphs:
        if graph.dropped:
            return finding(
                "dropout_too_strong", 1.0, "dropout of the outputs",
                "Between the last layer and the loss stands dropout: it makes some of the outputs themselves 0 in each "
                "step, and the loss compares them with the targets.",
                "Take the dropout behind the last layer out of forward, or put it before the last layer.",
                numbers={"rate": graph.dropped},
            )  # fmt: skip
        rate = max(graph.dropouts, default=0.0)
        found = finding(
            "dropout_too_strong", rate, f"dropout of {rate:.3g}",
            f"The loss's graph has dropout that drops {rate:.3g} of the units in each step, so that the layer after it "
            f"has to do with {1 - rate:.3g} of them.",
            "p is the share that is dropped, not the one that is kept: 0.1 to 0.5 is usual.", numbers={"rate": rate},
        )  # fmt: skip
        if found:
            return found
    return []
