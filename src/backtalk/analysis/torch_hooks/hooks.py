"""Hooks that capture the calls of a model's Linears: they keep references to h and ∇_a, and change nothing.

One hook that PyTorch calls after the forward of every module and before the user's own hooks, so that none is put on
the user's modules (if a model is compiled, one on each Linear). And one on the node of the graph that gave a
Linear's output: it is called with the gradient of that output, after the user's hooks on tensors changed it, and
whatever was done to the output in place. Nothing is copied, and no random number is drawn.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from typing import Any

from .audit.before_backward import BeforeBackward
from .audit.graph import Criterion
from .audit.read import read_criteria
from .linears import Linear, Model
from .names import require_torch, run_uncompiled
from .passes import Passes


class Call:
    """One call of a Linear whose output has a gradient: its input, and ∇_a of each backward pass that reached it.

    ``captured``: the number of the pass, ∇_a, and how often ∇_a was changed in place by then.
    """

    __slots__ = ("captured", "hooks", "input", "inside", "version", "weight_version")

    def __init__(self, hooks: Hooks, linear: Linear, h: Any, inside: int) -> None:
        self.hooks: Hooks | None = hooks  # until the block ends: what was captured then goes when the last one drops it
        self.input = h.detach()  # the same memory, without the graph
        self.version = h._version  # which counts how often it was changed in place
        self.weight_version = linear.weight._version
        self.inside = inside  # the backward pass that called it, to compute again what a checkpoint dropped; or −1
        self.captured: list[tuple[int, Any, int]] = []

    def capture(self, gradients: tuple[Any, ...]) -> None:
        """∇_a of this call, from autograd."""
        gradient, hooks = gradients[0], self.hooks
        if gradient is not None and hooks is not None:
            task = hooks.numbers.current(self.inside)
            if task not in hooks.passes:
                hooks.passes[task] = hooks.model.change()
            if gradient.requires_grad:  # with create_graph=True
                hooks.differentiable.add(task)
                gradient = gradient.detach()
            self.captured.append((task, gradient, gradient._version))
            hooks.version += 1


class Hooks:
    """Captures calls from ``open`` to ``close``.

    ``passes``: the backward passes that reached a Linear, each with what of the model had changed by then. ``version``
    goes up with everything that changes what was captured.
    """

    def __init__(self, model: Any) -> None:
        self.model = Model(model)
        self.passes: dict[int, str] = {}
        self.differentiable: set[int] = set()  # passes that were made with create_graph=True
        self.version = 0
        self.criteria: list[tuple[Criterion, ...]] = []  # of each loss, before its backward pass
        self.is_open = False
        self._changed = ""
        self._torch = require_torch()
        self.numbers = Passes(self._torch)
        self._handles: list[Any] = []
        self._stack = ExitStack()
        self._compiled = self.model.compiled

    def open(self) -> None:
        """Begin to capture."""
        from torch.nn.modules.module import register_module_forward_hook  # pyright: ignore[reportMissingImports]

        run_uncompiled(self._torch, self._stack, self._compiled)
        self._stack.callback(self._forget)
        before = BeforeBackward(self.criteria.append, read=read_criteria)
        before.open()
        self._stack.callback(before.close)
        hook = self._hook()
        if self._compiled:  # PyTorch warns of a hook for all modules when it meets a compiled one
            linears = [linear for linear in self.model.linears.values() if not linear.excluded]
            handles = [linear.module.register_forward_hook(hook, prepend=True) for linear in linears]
        else:
            handles = [register_module_forward_hook(hook)]
        for handle in handles:
            self._stack.callback(handle.remove)
        self.is_open = True

    def close(self) -> None:
        """Take all hooks away."""
        if self.is_open:
            self._changed = self.model.change()
        self.is_open = False
        self._stack.close()

    def change(self) -> str:
        """What of the model changed, now or until the block ended, in words; empty if nothing did."""
        return self.model.change() if self.is_open else self._changed

    def _hook(self) -> Any:
        linears, handles, places = self.model.linears, self._handles, count()
        enter = self.numbers.enter

        def after_forward(module: Any, inputs: tuple[Any, ...], output: Any) -> None:
            linear = linears.get(id(module))
            if linear is None or linear.excluded:
                return
            inside = enter()
            if linear.first is None:
                linear.first = next(places)
            node = output.grad_fn
            if node is None:
                linear.silent += 1
            elif not inputs or module._parameters["weight"] is not linear.weight:
                other = "it was called with other parameters than the model's"
                linear.excluded = other if inputs else "its input was given by name"
                self.version += 1
            else:
                call = Call(self, linear, inputs[0], inside)
                linear.calls.append(call)
                handles.append(node.register_prehook(call.capture))

        return after_forward

    def _forget(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        for linear in self.model.linears.values():
            linear.called = bool(linear.calls)
            linear.calls = [call for call in linear.calls if call.captured]
            for call in linear.calls:
                call.hooks = None
