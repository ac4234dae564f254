"""What PyTorch has once for the whole process: shared by the blocks of all threads.

The first block that needs it changes it, and the last one puts it back, in whatever order and threads blocks end. What
happens in one thread is told to the listeners of all: each takes what is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import Any


class Shared:
    """``listeners``: those of this moment, the oldest first. ``install`` makes the change, and gives what undoes it."""

    def __init__(self, install: Callable[[Shared], Callable[[], None]]) -> None:
        self.listeners: tuple[Any, ...] = ()  # replaced and never changed, so that it is read without a lock
        self._install = install
        self._undo: Callable[[], None] | None = None
        self._lock = RLock()  # memory that is cleared meanwhile may end a block in this thread

    def add(self, listener: Any) -> Callable[[], None]:
        """Tell it from now on; what is returned ends that."""
        with self._lock:
            if self._undo is None:
                self._undo = self._install(self)
            self.listeners = (*self.listeners, listener)
        return partial(self._end, listener)

    def _end(self, listener: Any) -> None:
        with self._lock:
            self.listeners = tuple(each for each in self.listeners if each is not listener)
            if not self.listeners and self._undo is not None:
                undo, self._undo = self._undo, None
                undo()


def _replace_backward(shared: Shared) -> Callable[[], None]:
    from torch import autograd  # pyright: ignore[reportMissingImports]

    plain, is_open = autograd.backward, True

    def backward(tensors: Any, *arguments: Any, **named: Any) -> Any:
        listeners = shared.listeners if is_open else ()  # another library may have put its own before this one
        after = [listener(tensors) for listener in reversed(listeners)]
        result = plain(tensors, *arguments, **named)
        for call in reversed(after):
            if call is not None:
                call()
        return result

    def undo() -> None:
        nonlocal is_open
        is_open = False
        if autograd.backward is backward:
            autograd.backward = plain

    autograd.backward = backward
    return undo


def _hook_modules(shared: Shared) -> Callable[[], None]:
    from torch.nn.modules import module as of_all  # pyright: ignore[reportMissingImports]

    def after_forward(module: Any, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        for listener in shared.listeners:
            listener(module, inputs, named, output)

    handle = of_all.register_module_forward_hook(after_forward, with_kwargs=True)

    def undo() -> None:
        handle.remove()
        of_all._global_forward_hooks_with_kwargs.pop(handle.id, None)  # which the handle forgets

    return undo


def _hook_steps(shared: Shared, *, before: bool) -> Callable[[], None]:
    from torch.optim.optimizer import (  # pyright: ignore[reportMissingImports]
        register_optimizer_step_post_hook,
        register_optimizer_step_pre_hook,
    )

    def at_step(optimizer: Any, *_: Any) -> None:
        for listener in shared.listeners:
            listener(optimizer)

    register = register_optimizer_step_pre_hook if before else register_optimizer_step_post_hook
    return register(at_step).remove


def _run_uncompiled(_: Shared) -> Callable[[], None]:
    from torch import compiler  # pyright: ignore[reportMissingImports]

    stance = compiler.set_stance("force_eager")
    return lambda: stance.__exit__(None, None, None)


# Told of the tensors at which a backward pass begins; what a listener gives is called when the pass is over
BACKWARD = Shared(_replace_backward)
AFTER_FORWARD = Shared(_hook_modules)  # told of every module, its inputs, those by keyword, and its output
BEFORE_STEP = Shared(partial(_hook_steps, before=True))  # told of the optimizer
AFTER_STEP = Shared(partial(_hook_steps, before=False))
UNCOMPILED = Shared(_run_uncompiled)  # told of nothing: compiled code runs as it was before torch.compile
