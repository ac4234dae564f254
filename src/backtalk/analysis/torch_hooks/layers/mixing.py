"""Modules that mix the examples of a batch: of a model with such, no gradient belongs to one example alone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=4096)
def may_mix(module: type) -> bool:
    """Whether a class of modules mixes examples in some mode."""
    from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportMissingImports]

    return issubclass(module, _NormBase)


def how_mixed(module: Any) -> str:
    """How a module mixes the examples in the mode that it is in, in words; empty if it does not."""
    from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportMissingImports]

    if not may_mix(type(module)):
        return ""
    if isinstance(module, _BatchNorm):
        if module.training or module.running_mean is None:
            return "normalizes each example with the statistics of the whole batch"
    elif module.training and module.track_running_stats:
        return "keeps running statistics of all examples"
    return ""
