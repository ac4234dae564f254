"""From the captured calls to the statistics of all modules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....core.arrays import to_numpy
from ....errors import InputError
from .calls import Call, Captured
from .chains import Chains
from .finite import FirstNonFinite
from .kinds import hears_columns, unit_dimension
from .measures import Measures
from .reach import Reach
from .statistics import InputScale, ModelStatistics, ModuleStatistics
from .stop import find_stop
from .units import Units, UnitsOfLayers
from .weights import Weights

if TYPE_CHECKING:
    from .hooks import ModuleHooks


class Gathering:
    """Reads the calls of some backward passes. ``dimension``: the one that counts the examples of sequences."""

    hooks: ModuleHooks
    tasks: set[int]
    dimension: int
    torch: Any
    modules: dict[str, Any]
    calls: list[Call]
    by_name: dict[str, list[Call]]
    measures: Measures
    layer_of: dict[str, int]
    names: dict[str, str]
    gradients: dict[str, Any]

    def __init__(self, hooks: ModuleHooks, tasks: set[int], dimension: int) -> None:
        self.hooks, self.tasks, self.dimension = hooks, tasks, dimension
        self.torch, self.modules = hooks.torch, hooks.modules
        self.calls = hooks.reached(tasks)
        self.by_name = {}
        for call in self.calls:
            self.by_name.setdefault(call.name, []).append(call)
        self.measures = Measures(self.torch)
        self.layer_of = self._layers()
        root = next(iter(self.modules))
        self.names = {name: "" if name == root else f"{name}." for name in self.modules}
        self.gradients = {
            name: gradient
            for task in sorted(tasks)
            for name, (gradient, version) in hooks.tasks[task].items()
            if gradient._version == version
        }

    def statistics(self) -> ModelStatistics:
        """All of it; what follows from numbers that are not finite is left out."""
        data = self._data()
        reach = self._reach(data)
        examples = self._examples(data)
        kinds = {name: type(module).__name__ for name, module in self.modules.items()}
        first = FirstNonFinite(self.measures, self.calls, self.tasks, data, self.gradients, self._values)
        broken = first.find(kinds, self.layer_of, self.dimension)
        if broken is not None:
            return ModelStatistics((), examples, reach, broken)
        units = UnitsOfLayers(self.torch, self.modules, self.measures, self.tasks).read(self.calls)
        return ModelStatistics(
            tuple(self._module(name, units.get(name, Units())) for name in self._leaves()),
            examples,
            reach,
            inputs=tuple(self._scales()),
            stop=find_stop(self.calls, self.tasks, self.measures, self.modules, self.layer_of),
            chains=Chains(self.torch, self.modules, self.calls, self.tasks).find(self.layer_of),
        )

    def _layers(self) -> dict[str, int]:
        """The number of each module's layer."""
        found, number = {}, 0
        for name in self.hooks.first:
            number += any(part is not None for part in self.modules[name]._parameters.values())
            found[name] = number
        return found

    def _leaves(self) -> list[str]:
        """The modules of which there are statistics, in the order of their first calls."""
        leaves = (name for name in self.hooks.first if name in self.by_name)
        return [name for name in leaves if not self.modules[name]._modules or self.modules[name]._parameters]

    def _reach(self, data: Sequence[Captured]) -> Reach:
        """By ``.grad``, after all passes of the block; if none wrote into any, as
        torch.autograd.grad does not, by the gradients of outputs."""
        sizes = self.hooks.parameters.sizes()
        reached = {name for changed in self.hooks.tasks.values() for name in changed}
        if not reached:
            calls = {call.name for call in self.calls if not call.silent}
            reached = {name for name in sizes if (name.rpartition(".")[0] or "model") in calls}
        uncalled = frozenset(name for name in self.modules if name not in self.hooks.first)
        return Reach(sizes, frozenset(reached & set(sizes)), uncalled, self._cut(set(sizes) - reached, data))

    def _cut(self, unreached: set[str], data: Sequence[Captured]) -> str:
        """The first module behind unreached ones that hears what has no graph, and is no data either."""
        called = [self.hooks.first[name] for name in self.modules if name in self.hooks.first and any(
            each.startswith(self.names[name]) and "." not in each[len(self.names[name]):] for each in unreached
        )]  # fmt: skip
        if not called:
            return ""
        given = {each.value.data_ptr() for each in data}
        for call in self.calls:
            if self.hooks.first[call.name] > min(called) and hears_columns(self.torch, self.modules[call.name]):
                for each in call.inputs[:1]:
                    value = each.value
                    if not each.operation and value.is_floating_point() and value.data_ptr() not in given:
                        return call.name
        return ""

    def _data(self) -> list[Captured]:
        """What was given to the model's own calls: to those within no call of another module."""
        called = {call.name for call in self.calls}
        root = next(iter(self.modules))
        outer = {root} if root in called else {
            name for name in called if not any(name.startswith(f"{other}.") for other in called)
        }  # fmt: skip
        return [given for call in self.calls if call.name in outer for given in call.inputs if not given.operation]

    def _examples(self, data: Sequence[Captured]) -> int:
        given = data[0].value if data else self.calls[0].outputs[0].value if self.calls else None
        if given is None or not given.ndim:
            return 0
        count = given.shape[self.dimension if given.ndim > 2 else 0]
        if not count:
            raise InputError("the model was given a batch without examples: expected one or more.")
        return count

    def _own_gradients(self, name: str) -> dict[str, Any]:
        """Those of a module's own parameters."""
        module, prefix = self.modules[name], self.names[name]
        found = {}
        for key, parameter in module._parameters.items():
            known = self.hooks.parameters.names.get(id(parameter), prefix + key)
            if known in self.gradients:
                found[key] = self.gradients[known]
        return found

    def _values(self, name: str) -> Mapping[str, Any]:
        """A module's own parameters and buffers, but those that changed since."""
        module, found = self.modules[name], {}
        for key, part in {**module._parameters, **module._buffers}.items():
            if part is not None and not self.hooks.parameters.changed(part) and part.is_floating_point():
                found[key] = part.detach()
        return found

    def _module(self, name: str, units: Units) -> ModuleStatistics:
        module = self.modules[name]
        calls = self.by_name[name]
        outputs = [each for call in calls for each in call.outputs[:1]]
        values = [each.value for each in outputs if not each.changed and each.value.is_floating_point()]
        gradients = [gradient for call in calls for each in call.outputs for gradient in each.of(self.tasks)]
        weights = Weights(self.torch, module, self._own_gradients(name), self.measures)
        same = not any(self.hooks.parameters.changed(part) for part in weights.trained.values())
        known = self._layer_values(weights) if same else (None, None, None, (), False, None)
        weight_norm, grad_norm, ratio, copies, constant, hear = known
        first = outputs[0].value
        norm = self._norm(gradients)
        return ModuleStatistics(
            name=name,
            kind=type(module).__name__,
            layer=self.layer_of[name],
            calls=len(calls),
            units=first.shape[unit_dimension(self.torch, module, first)] if first.ndim else 1,
            output_rms=self._root_mean_square(values) if len(values) == len(outputs) else None,
            grad_rms=self._root_mean_square(gradients),
            grad_norm=norm,
            weight_norm=weight_norm,
            weight_grad_norm=grad_norm,
            ratio=ratio,
            dead_units=units.dead,
            saturated_units=units.saturated,
            copies=copies,
            constant=constant,
            weights_hear=hear if hear is not None or not weights.matrices or norm is None else norm != 0,
        )

    def _layer_values(self, weights: Weights) -> tuple[Any, ...]:
        return (
            weights.norm(), weights.grad_norm(), weights.ratio(), weights.copies(), weights.constant(), weights.hear(),
        )  # fmt: skip

    def _norm(self, tensors: Sequence[Any]) -> float | None:
        return float(np.hypot.reduce([self.measures.norm(each) for each in tensors])) if tensors else None

    def _root_mean_square(self, tensors: Sequence[Any]) -> float | None:
        count = sum(each.numel() for each in tensors)
        norm = self._norm(tensors)
        return None if norm is None or not count else norm / math.sqrt(count)

    def _scales(self) -> list[InputScale]:
        """What the first layers hear of the data."""
        by_place = {call.place: call for call in self.calls}
        found: dict[int, InputScale] = {}
        for call in self.calls:
            module = self.modules[call.name]
            if call.silent or not hears_columns(self.torch, module):
                continue
            given = call.inputs[0] if call.inputs else None
            if call.source is not None:
                made = by_place.get(call.source)
                given = made.outputs[0] if made is not None and made.silent else None
            if given is None or given.operation or given.changed or not given.value.is_floating_point():
                continue
            value = given.value
            if id(given) not in found and value.ndim and value.numel():
                found[id(given)] = self._scale(call.name, value, unit_dimension(self.torch, module, value))
        return list(found.values())

    def _scale(self, name: str, value: Any, dimension: int) -> InputScale:
        rows, double = value.movedim(dimension, -1).reshape(-1, value.shape[dimension]), self.torch.float64
        squares = self.torch.linalg.vector_norm(rows, dim=0, dtype=double)
        count, means = int((rows != 0).sum()), to_numpy(rows.mean(0, dtype=double))
        sizes = to_numpy(squares) / math.sqrt(len(rows))
        typical = float(self.torch.linalg.vector_norm(squares)) / math.sqrt(count) if count else 0.0
        return InputScale(name, tuple(means.tolist()), tuple(sizes.tolist()), typical)


def gather(hooks: ModuleHooks, tasks: set[int], batch_dimension: int = 0) -> ModelStatistics:
    """The statistics of these backward passes."""
    return Gathering(hooks, tasks, batch_dimension).statistics()
