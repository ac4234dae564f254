"""Hooks that capture the calls of a model's layers: they keep references to h and ∇_a, and change nothing.

One hook that PyTorch calls after the forward of every module and before the user's own hooks, so that none is put on
the user's modules (if a model is compiled, one on each layer). And one on the node of the graph that gave a
layer's output: it is called with the gradient of that output, after the user's hooks on tensors changed it, and
whatever was done to the output in place. Nothing is copied, and no random number is drawn.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from threading import get_ident
from typing import Any

from .audit.before_backward import BeforeBackward
from .audit.graph import Criterion
from .audit.read import read_criteria
from .layers import Layer, how_mixed
from .model import Model, Unknown
from .module_hook import hook_after
from .names import require_torch, run_uncompiled
from .passes import Passes
from .shared import AFTER_FORWARD


class Call:
    """One call of a layer whose output has a gradient: its input, and ∇_a of each backward pass that reached it.

    ``captured``: the number of the pass, ∇_a, and how often ∇_a was changed in place by then. ``node``: that of the
    graph which gave the output.
    """

    __slots__ = ("captured", "hooks", "input", "inside", "node", "version", "weight_version")

    hooks: Hooks | None
    input: Any
    version: int
    weight_version: int
    node: Any
    inside: int
    captured: list[tuple[int, Any, int]]

    def __init__(self, hooks: Hooks, layer: Layer, h: Any, node: Any, inside: int) -> None:
        self.hooks = hooks  # until the block ends: what was captured then goes when the last one drops it
        self.input = h.detach()  # the same memory, without the graph
        self.version = h._version  # which counts how often it was changed in place
        self.weight_version = layer.weight._version
        self.node = node
        self.inside = inside  # the backward pass that called it, to compute again what a checkpoint dropped; or −1
        self.captured = []

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

    ``passes``: the backward passes that reached a layer, each with what of the model had changed by then. ``version``
    goes up with everything that changes what was captured.
    """

    model: Model
    batch_dimension: int
    passes: dict[int, str]
    differentiable: set[int]
    version: int
    criteria: list[tuple[Criterion, ...]]
    is_open: bool
    numbers: Passes

    def __init__(self, model: Any, batch_dimension: int = 0) -> None:
        self.model = Model(model)
        self.batch_dimension = batch_dimension
        self.passes = {}
        self.differentiable = set()  # passes that were made with create_graph=True
        self.version = 0
        self.criteria = []  # of each loss, before its backward pass
        self.is_open = False
        self._changed = ""
        self._torch = require_torch()
        self.numbers = Passes(self._torch)
        self._handles: list[Any] = []
        self._stack = ExitStack()
        self._compiled = self.model.compiled

    def open(self) -> None:
        """Begin to capture."""
        run_uncompiled(self._torch, self._stack, self._compiled)
        self._stack.callback(self._forget)
        before = BeforeBackward(self.criteria.append, read=read_criteria)
        before.open()
        self._stack.callback(before.close)
        hook = self._hook()
        if self._compiled:  # PyTorch warns of a hook for all modules when it meets a compiled one
            layers = [layer for layer in self.model.layers.values() if not layer.excluded]
            for each in (*layers, *self.model.unknown.values()):
                self._stack.callback(hook_after(each.module, hook))
        else:
            self._stack.callback(AFTER_FORWARD.add(hook))
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
        layers, unknown, handles, places = self.model.layers, self.model.unknown, self._handles, count()
        enter, thread = self.numbers.enter, get_ident()

        def after_forward(module: Any, inputs: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            if not self.numbers.is_of(thread):
                return
            layer = layers.get(id(module))
            if layer is None:
                if id(module) in unknown:
                    self._note(unknown[id(module)])
                return
            if layer.excluded:
                return
            inside = enter()
            if layer.first is None:
                layer.first = next(places)
            node = output.grad_fn
            if node is None:
                layer.silent += 1
            elif module._parameters["weight"] is not layer.weight:
                layer.excluded = "it was called with other parameters than the model's"
                self.version += 1
            else:
                h = inputs[0] if inputs else next(iter(named.values()))
                call = Call(self, layer, h, node, inside)
                layer.calls.append(call)
                handles.append(node.register_prehook(call.capture))

        return after_forward

    def _note(self, unknown: Unknown) -> None:
        """A module was called that is not heard."""
        if self._torch.is_grad_enabled():
            unknown.called = True
            unknown.mixes = unknown.mixes or how_mixed(unknown.module)

    def _forget(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        for layer in self.model.layers.values():
            layer.called = bool(layer.calls)
            layer.calls = [call for call in layer.calls if call.captured]
            for call in layer.calls:
                call.hooks = None
