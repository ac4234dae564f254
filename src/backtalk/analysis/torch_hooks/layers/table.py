"""Which modules of PyTorch are of which kind."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .convolution import Convolution
from .embedding import Embedding
from .layer import Kind
from .normalization import GroupNorm, InstanceNorm, LayerNorm, RMSNorm

LINEAR = Kind()
KINDS: dict[str, Kind] = {
    "Linear": LINEAR,
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d"), Convolution()),
    "Embedding": Embedding(),
    "LayerNorm": LayerNorm(),
    "RMSNorm": RMSNorm(),
    "GroupNorm": GroupNorm(),
    **dict.fromkeys(("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"), InstanceNorm()),
}  # by the name in torch.nn


@lru_cache(maxsize=4096)
def kind_of(module: type) -> tuple[Kind, type] | None:
    """The kind of a class of modules, and the class of torch.nn that it is, or is derived from; None without one."""
    from torch import nn  # pyright: ignore[reportMissingImports]

    for name, kind in KINDS.items():
        base: Any = getattr(nn, name, None)  # PyTorch before 2.4 has no RMSNorm
        if base is not None and issubclass(module, base):
            return kind, base
    return None
