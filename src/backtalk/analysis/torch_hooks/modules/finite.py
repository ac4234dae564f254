"""The first value that is not finite in a forward and backward pass, and who made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....core.arrays import to_numpy
from .calls import Call, Captured
from .measures import Measures, dense
from .statistics import NonFinite

# What, of which module, the operation, the tensor, and the module before it on the way down
Found = tuple[str, str, str, Any, str | None]


class FirstNonFinite:
    """Looks for it. ``calls``: of the passes ``tasks``, in their order. ``data``: the inputs of the model's own calls.

    ``gradients``: those of the parameters; ``parameters``: the values of each module's own parameters and buffers, by
    their names, if they are still those of the pass.
    """

    measures: Measures
    calls: Sequence[Call]
    tasks: set[int]
    data: Sequence[Captured]
    gradients: Mapping[str, Any]
    parameters: Callable[[str], Mapping[str, Any]]

    def __init__(
        self,
        measures: Measures,
        calls: Sequence[Call],
        tasks: set[int],
        data: Sequence[Captured],
        gradients: Mapping[str, Any],
        parameters: Callable[[str], Mapping[str, Any]],
    ) -> None:
        self.measures, self.calls, self.tasks, self.data = measures, calls, tasks, data
        self.gradients, self.parameters = gradients, parameters

    def find(self, kinds: Mapping[str, str], layer_of: Mapping[str, int], dimension: int) -> NonFinite | None:
        """The first one; infinities of the forward pass count only if they break a gradient, as masks do not.

        ``kinds`` and ``layer_of``: the class of a module, and the number of its layer; ``dimension``: of the examples.
        """
        found = self._find()
        if found is None:
            return None
        what, name, operation, tensor, after = found
        value, examples = _places(dense(tensor), what, dimension)
        return NonFinite(what, name, kinds.get(name, ""), layer_of.get(name, 0), operation, value, examples, after)

    def _find(self) -> Found | None:
        arrived = self._first_gradient()
        parameter = next((name for name, each in self.gradients.items() if not self.measures.is_finite(each)), None)
        broken = arrived is not None or parameter is not None
        for call in self.calls:
            for each in call.outputs:
                if each.changed or self.measures.is_finite(each.value):
                    continue
                if broken or bool(each.value.isnan().any()):
                    return self._forward(call, each)
        if arrived is not None:
            return self._gradient(*arrived)
        if parameter is not None:
            name, _, key = parameter.rpartition(".")
            return "parameter gradient", name or "model", key, self.gradients[parameter], None
        return None

    def _forward(self, call: Call, output: Captured) -> Found:
        for given in self.data:
            if not given.changed and self._is_broken(given.value):
                return "data", call.name, "", given.value, None
        for key, value in self.parameters(call.name).items():
            if not self.measures.is_finite(value):
                return "parameter", call.name, key, value, None
        for given in call.inputs:
            if not given.changed and self._is_broken(given.value):
                return "input", call.name, given.operation, given.value, None
        return "output", call.name, output.operation, output.value, None

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
                for task, gradient, version, place in each.gradients:
                    if task not in self.tasks or gradient._version != version or self.measures.is_finite(gradient):
                        continue
                    if first is None or place < first[2]:
                        first = call, gradient, place
        return first

    def _gradient(self, call: Call, gradient: Any, place: int) -> Found:
        before = [
            (arrival, other.name)
            for other in self.calls
            for each in other.outputs
            for task, _, _, arrival in each.gradients
            if task in self.tasks and arrival < place
        ]
        after = max(before)[1] if before else None
        return "gradient", call.name, "", gradient, after


def _places(values: Any, what: str, dimension: int) -> tuple[str, tuple[int, ...]]:
    """The first such value, and the rows with one, if it is of examples."""
    finite = values.isfinite()
    examples: tuple[int, ...] = ()
    if what in ("data", "input", "output", "gradient") and values.ndim:
        own = dimension if values.ndim > 2 else 0
        others = tuple(k for k in range(values.ndim) if k != own)
        rows = (~finite).sum(others) if others else ~finite
        examples = tuple(to_numpy(rows.nonzero()[:, 0]).tolist())
    return str(float(values[~finite][0])), examples
