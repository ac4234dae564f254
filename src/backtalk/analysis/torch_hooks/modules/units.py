"""Units that an activation leaves dead or saturated, whether a module computes it or a function between two modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.arrays import to_numpy
from ...diagnose.thresholds import LIMITS
from .calls import Call, Captured
from .kinds import BOUNDED, RECTIFIERS, hands_on, is_affine, matrices, unit_dimension
from .measures import Measures


@dataclass(slots=True, eq=False)
class Units:
    """Of one layer, behind its activation: ``largest``, the largest magnitude of each unit; ``flat``, the share of
    examples and places for which it is saturated. ``last``: no layer comes after it."""

    largest: np.ndarray | None = None
    flat: np.ndarray | None = None
    last: bool = False

    @property
    def dead(self) -> tuple[int, ...]:
        """Those that are always 0."""
        return () if self.largest is None else tuple(np.flatnonzero(self.largest == 0).tolist())

    @property
    def saturated(self) -> tuple[int, ...]:
        """Those that are flat for most; none of the last layer, whose output may be sure of itself."""
        if self.flat is None or self.last:
            return ()
        return tuple(np.flatnonzero(self.flat >= LIMITS.flat_examples).tolist())


class UnitsOfLayers:
    """Reads the calls in their order; ``found``: by the names of the layers, and of modules that are activations."""

    def __init__(self, torch: Any, modules: dict[str, Any], measures: Measures, tasks: set[int]) -> None:
        self._torch, self._modules, self._measures, self._tasks = torch, modules, measures, tasks
        self.found: dict[str, Units] = {}
        self._seen: set[int] = set()
        self._layer: tuple[Call, int] | None = None  # the last call with weights, and the dimension of its units

    def read(self, calls: Sequence[Call]) -> dict[str, Units]:
        """All of them."""
        for call in calls:
            module = self._modules[call.name]
            for given in call.inputs:
                if given.operation in RECTIFIERS or given.operation in BOUNDED:
                    self._activation(given, None)
                elif given.operation and is_affine(self._torch, module):
                    self._silent(given, module)
            if matrices(module) and not call.silent:
                for units in self.found.values():
                    units.last = False
                value = call.outputs[0].value
                self._layer = call, unit_dimension(self._torch, module, value)
            for each in call.outputs:
                if each.operation in RECTIFIERS or each.operation in BOUNDED:
                    self._activation(each, None if hands_on(module) else call.name)
        return self.found

    def _activation(self, each: Captured, name: str | None) -> None:
        if id(each) in self._seen or each.changed or not each.value.is_floating_point() or not each.value.ndim:
            return
        self._seen.add(id(each))
        value, layer = each.value, self._owner(each.value)
        if layer is None and self._is_flattened(value):
            return
        dimension = self._dimension(value)
        found = Units(last=True)
        if each.operation in RECTIFIERS:
            found.largest = self._numpy(self._measures.largest(value, dimension))
        else:
            _, low, high, near = BOUNDED[each.operation]
            flat = ((value < low + near) | (value > high - near)).float()
            others = [k for k in range(value.ndim) if k != dimension]
            found.flat = self._numpy(flat.mean(others) if others else flat)
        for owner in {layer, name} - {None}:
            self._add(str(owner), found)

    def _silent(self, given: Captured, module: Any) -> None:
        """Units that are 0 where a layer hears them, through whatever function, and that hear nothing themselves."""
        if self._layer is None or id(given) in self._seen or given.changed or not given.value.is_floating_point():
            return
        call, dimension = self._layer
        own = unit_dimension(self._torch, module, given.value)
        output = call.outputs[0]
        gradients = output.of(self._tasks)
        if not gradients or output.value.shape[dimension] != given.value.shape[own]:
            return
        heard = self._measures.largest(sum(gradients[1:], gradients[0]), dimension)
        self._add(call.name, Units(self._numpy(self._measures.largest(given.value, own) + heard), None, True))

    def _owner(self, value: Any) -> str | None:
        """The layer whose units these are."""
        if self._layer is None:
            return None
        call, dimension = self._layer
        units = call.outputs[0].value.shape[dimension]
        return call.name if units in value.shape else None

    def _is_flattened(self, value: Any) -> bool:
        """Whether the channels and pixels of a layer have become one dimension, in which nothing is a unit."""
        return self._layer is not None and value.ndim < self._layer[0].outputs[0].value.ndim

    def _dimension(self, value: Any) -> int:
        if self._layer is not None:
            call, dimension = self._layer
            output = call.outputs[0].value
            if output.ndim == value.ndim and output.shape[dimension] == value.shape[dimension]:
                return dimension
        return 1 if value.ndim in (4, 5) else value.ndim - 1

    def _add(self, name: str, new: Units) -> None:
        old = self.found.get(name)
        if old is not None:
            for part, join in (("largest", np.maximum), ("flat", np.minimum)):
                before, now = getattr(old, part), getattr(new, part)
                if before is not None and now is not None and before.shape == now.shape:
                    setattr(new, part, join(before, now))
                elif now is None:
                    setattr(new, part, before)
        self.found[name] = new

    def _numpy(self, tensor: Any) -> np.ndarray:
        return to_numpy(tensor.double())
