"""The modules of a model with their names, whatever of it is compiled."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

from ...errors import InputError, InputTypeError, MissingLibraryError, a_kind
from .shared import UNCOMPILED

COMPILED = "_orig_mod"  # what torch.compile puts between a model and its parts: no part of their names


def require_torch() -> Any:
    """PyTorch, or the error that says how to get it."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingLibraryError(
            "listen needs PyTorch, which is not installed: pip install 'backtalk[torch]'."
        ) from None
    return torch


def require_module(model: Any) -> None:
    """Refuse what is no module."""
    if not isinstance(model, require_torch().nn.Module):
        kind = f"the class {model.__name__}" if isinstance(model, type) else a_kind(model)
        raise InputTypeError(f"model is {kind}, expected a torch.nn.Module.")


def named_modules(model: Any) -> tuple[list[tuple[str, Any]], bool]:
    """The modules with their names in ``model.named_modules()``, and whether one is compiled.

    Several times as fast as that: it is asked for in every step of training. Of a compiled module only what it was
    made from is there.
    """
    found, seen = [], {id(model)}

    def enter(name: str, module: Any) -> None:
        found.append((name, module))
        for key, part in module._modules.items():
            if part is not None and id(part) not in seen:
                seen.add(id(part))
                enter(f"{name}.{key}" if name else key, part)

    enter("", model)
    compiled = any(COMPILED in m._modules or getattr(m, "_compiled_call_impl", None) for _, m in found)
    return [each for each in found if COMPILED not in each[1]._modules] if compiled else found, compiled


def plain_name(name: str) -> str:
    """The name that a module has if nothing is compiled; of the model itself, 'model'."""
    return ".".join(part for part in name.split(".") if part and part != COMPILED) or "model"


def run_uncompiled(torch: Any, stack: ExitStack, compiled: bool) -> None:
    """Compiled code has no modules to hook into: until the stack is closed it runs as it was before torch.compile."""
    if "torch._dynamo" not in sys.modules:
        return  # nothing was compiled
    if hasattr(torch.compiler, "set_stance"):
        stack.callback(UNCOMPILED.add(object()))
    elif compiled:
        raise InputError(
            f"model is compiled, and PyTorch {torch.__version__} cannot run it otherwise: "
            "listen to the model that torch.compile was given, or use PyTorch 2.6 or newer."
        )
