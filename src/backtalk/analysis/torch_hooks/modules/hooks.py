"""Hooks that capture the calls of all modules of a model: references only, and nothing of the user's changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from threading import get_ident
from typing import Any
from weakref import ref

from ..module_hook import hook_after
from ..names import named_modules, plain_name, require_module, require_torch, run_uncompiled
from ..passes import Passes
from ..shared import AFTER_FORWARD
from .calls import Call, Captured, replaced, tensors_in
from .gather import gather
from .hidden import Hidden
from .reach import ParameterGradients
from .statistics import ModelStatistics


class ModuleHooks:
    """Captures the calls of every module of a model, from ``open`` to ``close``; may be opened again.

    ``modules``: by name. ``first``: of each that was called, its place in the order of the first calls. ``tasks``: the
    numbers of the backward passes that reached a module, in their order, each with the gradients of parameters that it
    changed. ``calls``: those that were captured; after
    ``close`` those alone that a backward pass reached, and those of frozen modules before them.

    >>> import torch
    >>> from backtalk.analysis.torch_hooks.modules import ModuleHooks
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.ReLU())
    >>> hooks = ModuleHooks(model)
    >>> hooks.open()
    >>> model(torch.ones(3, 2)).sum().backward()
    >>> hooks.close()
    >>> list(hooks.first), hooks.h()["0"].shape, hooks.grad_h()["1"].flatten()
    (['0', '1', 'model'], torch.Size([3, 1]), tensor([1., 1., 1.]))
    """

    torch: Any
    model: Any
    modules: dict[str, Any]
    calls: list[Call]
    first: dict[str, int]
    tasks: dict[int, dict[str, tuple[Any, int]]]
    arrived: int
    raw: int
    task: int
    passes: Passes
    running: Callable[[], int]
    parameters: ParameterGradients

    def __init__(self, model: Any) -> None:
        self.torch = require_torch()
        require_module(model)
        self.model = model
        self.modules = {}
        self.calls = []
        self.first = {}
        self.tasks = {}
        self.arrived, self.raw, self.task = 0, -1, -1
        self._ends: set[int] = set()
        self.passes = Passes(self.torch)
        self.running = self.passes.running
        self._handles: list[Any] = []
        self._stack = ExitStack()

    def open(self) -> None:
        """Begin to capture; forget what was captured before."""
        named, compiled = named_modules(self.model)
        self.modules = {plain_name(name): module for name, module in named}
        if self.modules["model"] is not named[0][1]:  # a part has that name
            self.modules = {"": named[0][1], **self.modules}
        self.calls, self.first, self.tasks = [], {}, {}
        self.arrived, self.raw, self.task = 0, -1, -1  # gradients, and the pass that brings them
        self.passes, self._ends = Passes(self.torch), set()
        self.running = self.passes.running
        self.parameters = ParameterGradients(
            [("" if module is named[0][1] else name, module) for name, module in self.modules.items()],
            self.torch.nn.parameter.is_lazy,
        )
        run_uncompiled(self.torch, self._stack, compiled)
        self._stack.callback(self._forget)
        hook = self._hook()
        # PyTorch warns of a hook for all modules when it meets a compiled one: one may be made of this model elsewhere
        if compiled or "torch._dynamo" in sys.modules:
            for module in self.modules.values():
                self._stack.callback(hook_after(module, hook))
        else:
            self._stack.callback(AFTER_FORWARD.add(hook))

    def close(self) -> None:
        """Take all hooks away."""
        self._stack.close()

    def drop(self) -> None:
        """Forget what was captured: the outputs, their gradients, and those of the parameters."""
        self.calls, self.tasks = [], {}
        self.parameters.drop()

    def h(self, tasks: set[int] | None = None) -> Hidden:
        """The output of every module in these passes, by default in all."""
        return Hidden(self.reached(tasks), set(self.tasks) if tasks is None else tasks, gradients=False)

    def grad_h(self, tasks: set[int] | None = None) -> Hidden:
        """∂s/∂(output) of every module in these passes, by default in all."""
        return Hidden(self.reached(tasks), set(self.tasks) if tasks is None else tasks, gradients=True)

    def statistics(self, tasks: set[int] | None = None, *, batch_dimension: int = 0) -> ModelStatistics:
        """Numbers of every module in these passes, by default in all, for :func:`find_in_modules`."""
        return gather(self, set(self.tasks) if tasks is None else tasks, batch_dimension)

    def reached(self, tasks: set[int] | None = None) -> list[Call]:
        """The calls with a gradient of these passes, by default of all, and frozen ones before such a call."""
        found: list[Call] = []
        frozen: list[Call] = []
        for call in self.calls:
            if call.silent:
                frozen.append(call)
                continue
            numbers = {task for each in call.outputs for task, *_ in each.gradients}
            if numbers and (tasks is None or numbers & tasks):
                found += [*frozen, call]
            if numbers:
                frozen = []
        return found

    def enter_pass(self, raw: int, inside: int) -> None:
        """A gradient arrives from another pass than the last one, or from a checkpoint's part of one."""
        self.raw, self.task = raw, self.passes.current(inside)
        task = self.task
        self.tasks.setdefault(task, {})
        if raw not in self._ends:
            self._ends.add(raw)
            self.passes.at_end(lambda: self.tasks[task].update(self.parameters.look()))

    def _hook(self) -> Any:
        names = {id(module): name for name, module in self.modules.items()}
        leaves = {module for module in self.modules.values() if not module._modules or module._parameters}
        first, calls, handles = self.first, self.calls, self._handles
        running, recomputing, enter = self.running, self.passes.recomputing, self.passes.enter
        is_of, thread = self.passes.is_of, get_ident()
        places, is_grad_enabled = count(), self.torch.is_grad_enabled
        transformed = self.torch._C._functorch.peek_interpreter_stack
        Tensor = self.torch.Tensor
        # The tensor that the last call gave, what was captured of it, and the call's place
        made: Any = _nothing
        source: Any = None
        source_place = -1

        def is_tensor(thing: Any) -> bool:
            return isinstance(thing, Tensor)

        def keep(tensor: Any, outputs: list[Captured], inside: int, place: int) -> Captured:
            nonlocal made, source, source_place
            if tensor is made() and tensor._version == source.version:
                outputs.append(source)
                return source
            node = tensor.grad_fn
            captured = Captured(self, tensor, node, inside)
            if node is not None:
                handles.append(node.register_prehook(captured.capture))
            if not outputs:
                made, source, source_place = ref(tensor), captured, place
            outputs.append(captured)
            return captured

        def after_forward(module: Any, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            name = names.get(id(module))
            if name is None or not is_of(thread) or transformed() is not None:
                return
            inside = -1 if running() == -1 and not recomputing else enter()
            place = next(places)
            if name not in first:
                first[name] = place
            if not is_grad_enabled():
                return
            last, came_from = made(), None
            inputs: list[Captured] = []
            simple = len(arguments) == 1 and not named and isinstance(arguments[0], Tensor)
            for given in arguments if simple else tensors_in((arguments, named), is_tensor):
                if given is last and given._version == source.version:
                    came_from = source_place
                    continue
                if given is not output and (module in leaves or not given.requires_grad):  # else changed in place
                    inputs.append(Captured(None, given, given.grad_fn, inside))
            outputs: list[Captured] = []
            if isinstance(output, Tensor):
                kept = keep(output, outputs, inside, place)
            else:
                kept = replaced(output, lambda tensor: keep(tensor, outputs, inside, place), is_tensor)
            if outputs:
                calls.append(Call(name, place, kept, outputs, inputs, came_from))

        return after_forward

    def _forget(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        for call in self.calls:
            for each in call.outputs:
                each.hooks = None
        self.calls = self.reached()


def _nothing() -> None:
    return None
