"""What happens in a training loop, as PyTorch shows it: backward passes, steps of optimizers, calls of the model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Protocol

from ....errors import first_line


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
    """Tells a listener what happens from ``open`` to ``close``, and leaves no hook behind."""

    def __init__(self, model: Any, listener: Listener) -> None:
        self._model, self._listener = model, listener
        self._stack = ExitStack()

    def open(self) -> None:
        """Begin to look."""
        import torch  # pyright: ignore[reportMissingImports]
        from torch.optim.optimizer import (  # pyright: ignore[reportMissingImports]
            register_optimizer_step_post_hook,
            register_optimizer_step_pre_hook,
        )

        model, compiling = self._model, torch.compiler.is_compiling
        listener: Any = _Careful(self._listener)

        def on_forward(module: Any, inputs: tuple[Any, ...]) -> None:
            if not compiling() and module is model:  # not a copy of it; compiled code keeps nothing of this hook
                listener.on_forward(inputs)

        def before_step(optimizer: Any, *_: Any) -> None:
            listener.before_step(optimizer)

        def after_step(optimizer: Any, *_: Any) -> None:
            listener.after_step(optimizer)

        for handle in (
            self._model.register_forward_pre_hook(on_forward),
            register_optimizer_step_pre_hook(before_step),
            register_optimizer_step_post_hook(after_step),
        ):
            self._stack.callback(handle.remove)
        self._stack.enter_context(_Backward(torch, listener))

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


class _Backward:
    """Stands before ``torch.autograd.backward``, to which ``Tensor.backward`` and GradScaler go."""

    def __init__(self, torch: Any, listener: Listener) -> None:
        self._autograd, self._listener, self._open = torch.autograd, listener, False

    def __enter__(self) -> None:
        plain, listener = self._autograd.backward, self._listener
        self._plain, self._open = plain, True

        def backward(tensors: Any, *inputs: Any, **named: Any) -> None:
            is_open = self._open  # another block, which was opened later, may still be there
            if is_open:
                listener.before_backward((tensors,) if hasattr(tensors, "grad_fn") else tuple(tensors))
            plain(tensors, *inputs, **named)
            if is_open:
                listener.after_backward()

        backward.block = self  # pyright: ignore[reportFunctionMemberAccess]
        self._own = self._autograd.backward = backward

    def __exit__(self, *_: Any) -> None:
        """Take it away, and with it those below that were closed before, while this one still needed them."""
        self._open = False
        block = self
        while block is not None and not block._open and self._autograd.backward is block._own:
            self._autograd.backward = block._plain
            block = getattr(block._plain, "block", None)
