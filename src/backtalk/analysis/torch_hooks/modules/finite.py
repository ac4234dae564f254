"""The first value that is not finite in a forward and backward pass, and who made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....core.arrays import to_numpy
from .calls import Call, Captured
from .measures import Measures, dense
from .statistics import NonFinite


class FirstNonFinite:
    """Looks for it. ``calls``: of the passes ``tasks``, in their order. ``data``: the inputs of the model's own calls.

    ``gradients``: those of the parameters; ``parameters``: the values of each module's own parameters and buffers, by
    their names, if they are still those of the pass. ``layer_of``: the number of a module's layer.
    """

    def __init__(
        self,
        measures: Measures,
        calls: Sequence[Call],
        tasks: set[int],
        data: Sequence[Captured],
        gradients: Mapping[str, Any],
        parameters: Callable[[str], Mapping[str, Any]],
        kinds: Mapping[str, str],
        layer_of: Mapping[str, int],
        dimension: int,
    ) -> None:
        self.measures, self.calls, self.tasks, self.data = measures, calls, tasks, data
        self.gradients, self.parameters, self.kinds, self.layer_of = gradients, parameters, kinds, layer_of
        self.dimension = dimension

    def find(self) -> NonFinite | None:
        """The first one; infinities of the forward pass count only if they break a gradient, as masks do not."""
        arrived = self._first_gradient()
        parameter = next((name for name, each in self.gradients.items() if not self.measures.is_finite(each)), None)
        broken = arrived is not None or parameter is not None
        for call in self.calls:
            for each in call.outputs:
                if not each.changed and not self.measures.is_finite(each.value):
                    if broken or bool(each.value.isnan().any()):
                        return self._forward(call, each)
        if arrived is not None:
            return self._gradient(*arrived)
        if parameter is not None:
            name, _, key = parameter.rpartition(".")
            return self._found("parameter gradient", name or "model", key, self.gradients[parameter])
        return None

    def _forward(self, call: Call, output: Captured) -> NonFinite:
        for given in self.data:
            if not given.changed and self._is_broken(given.value):
                return self._found("data", call.name, "", given.value)
        for key, value in self.parameters(call.name).items():
            if not self.measures.is_finite(value):
                return self._found("parameter", call.name, key, value)
        for given in call.inputs:
            if not given.changed and self._is_broken(given.value):
                return self._found("input", call.name, given.operation, given.value)
        return self._found("output", call.name, output.operation, output.value)

    def _is_broken(self, tensor: Any) -> bool:
        """Not finite, and no mask of 0 and −inf either."""
        if self.measures.is_finite(tensor):
            return False
        return not bool(((tensor == 0) | tensor.isneginf()).all())

    def _first_gradient(self) -> tuple[Call, Any, int] | None:
        """The call whose output heard it, the gradient, and its place in the order of arrival."""
        first: tuple[Call, Any, int] | None = None
        for call in self.calls:
            for each in call.outputs:
                for (task, gradient, version), place in zip(each.gradients, each.places, strict=True):
                    if task not in self.tasks or gradient._version != version or self.measures.is_finite(gradient):
                        continue
                    if first is None or place < first[2]:
                        first = call, gradient, place
        return first

    def _gradient(self, call: Call, gradient: Any, place: int) -> NonFinite:
        before = [
            (arrival, other.name)
            for other in self.calls
            for each in other.outputs
            for (task, *_), arrival in zip(each.gradients, each.places, strict=True)
            if task in self.tasks and arrival < place
        ]
        after = max(before)[1] if before else None
        return self._found("gradient", call.name, "", gradient, after)

    def _found(self, what: str, name: str, operation: str, tensor: Any, after: str | None = None) -> NonFinite:
        values = dense(tensor)
        finite = values.isfinite()
        examples: tuple[int, ...] = ()
        if what in ("data", "input", "output", "gradient") and values.ndim:
            dimension = self.dimension if values.ndim > 2 else 0
            others = tuple(k for k in range(values.ndim) if k != dimension)
            rows = (~finite).sum(others) if others else ~finite
            examples = tuple(to_numpy(rows.nonzero()[:, 0]).tolist())
        value = str(float(values[~finite][0]))
        return NonFinite(
            what, name, self.kinds.get(name, ""), self.layer_of.get(name, 0), operation, value, examples, after
        )
