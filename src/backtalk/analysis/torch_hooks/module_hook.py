"""Hooks on a module of the user's, which may be copied and pickled with them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from itertools import count
from typing import Any

_keys = count(-1, -1)  # PyTorch's are 0 or more: a model that is loaded holds none that a hook of its user could get


class ModuleHook:
    """Calls ``call``. In a copy of the module, or in a file, it is a function that does nothing and needs no backtalk.

    >>> import copy
    >>> copy.deepcopy(ModuleHook(print))("module", ())
    """

    __slots__ = ("call",)

    call: Callable[..., None]

    def __init__(self, call: Callable[..., None]) -> None:
        self.call = call

    def __call__(self, *inputs: Any) -> None:
        self.call(*inputs)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (nullcontext(), "__exit__")  # takes any arguments, and gives None


def hook_after(module: Any, call: Callable[..., None]) -> Callable[[], None]:
    """Call it after every forward of the module, before the user's hooks, also with what is given by keyword; what is
    returned ends that.
    """
    key, hooks, with_named = next(_keys), module._forward_hooks, module._forward_hooks_with_kwargs
    hooks[key] = ModuleHook(call)
    hooks.move_to_end(key, last=False)
    with_named[key] = True

    def end() -> None:
        hooks.pop(key, None)
        with_named.pop(key, None)

    return end
