"""What happens in a training loop, as PyTorch shows it: backward passes, steps of optimizers, calls of the model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack
from threading import get_ident
from typing import Any, Protocol

from ....errors import first_line
from ..module_hook import ModuleHook
from ..shared import AFTER_STEP, BACKWARD, BEFORE_STEP


class Listener(Protocol):
    """Who is told."""

    def on_forward(self, inputs: tuple[Any, ...]) -> None:
        """The model is called."""

    def before_backward(self, roots: tuple[Any, ...]) -> None:
        """A backward pass begins at these tensors, whose graph is still whole."""

    def after_backward(self) -> None:
        """It is over, and gradients are in ``.grad``."""

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to step."""

    def after_step(self, optimizer: Any) -> None:
        """It has stepped."""


class Events:
    """Tells a listener what happens from ``open`` to ``close`` in the thread that opens it; leaves no hook behind."""

    def __init__(self, model: Any, listener: Listener) -> None:
        self._model, self._listener = model, listener
        self._stack = ExitStack()

    def open(self) -> None:
        """Begin to look."""
        import torch  # pyright: ignore[reportMissingImports]

        model, compiling, thread = self._model, torch.compiler.is_compiling, get_ident()
        listener: Any = _Careful(self._listener)

        def on_forward(module: Any, inputs: tuple[Any, ...]) -> None:
            # not a copy of the model; compiled code keeps nothing of this hook
            if not compiling() and module is model and get_ident() == thread:
                listener.on_forward(inputs)

        def before_step(optimizer: Any) -> None:
            if get_ident() == thread:
                listener.before_step(optimizer)

        def after_step(optimizer: Any) -> None:
            if get_ident() == thread:
                listener.after_step(optimizer)

        def before_backward(tensors: Any) -> Callable[[], None] | None:
            if get_ident() != thread:
                return None
            listener.before_backward((tensors,) if hasattr(tensors, "grad_fn") else tuple(tensors))
            return listener.after_backward

        self._stack.callback(model.register_forward_pre_hook(ModuleHook(on_forward)).remove)
        for shared, tell in ((BEFORE_STEP, before_step), (AFTER_STEP, after_step), (BACKWARD, before_backward)):
            self._stack.callback(shared.add(tell))

    def close(self) -> None:
        """Take all hooks away; again, nothing."""
        self._stack.close()


class _Careful:
    """Calls the listener, and makes a warning of its first error: no look is worth the training that it looks at."""

    def __init__(self, listener: Listener) -> None:
        self._listener, self._warned = listener, False

    def __getattr__(self, name: str) -> Callable[..., None]:
        method = getattr(self._listener, name)

        def call(*inputs: Any) -> None:
            try:
                method(*inputs)
            except Exception as error:
                if not self._warned:
                    self._warned = True
                    why = f"{type(error).__name__}: {first_line(error)}"
                    warnings.warn(f"watch could not look at a part of a step ({why}); training goes on.", stacklevel=3)

        self.__dict__[name] = call
        return call
