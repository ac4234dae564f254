"""Affine layers in a row without an activation between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .calls import Call
from .kinds import AFFINE, PASSING, is_affine, is_norm, unit_dimension
from .statistics import Chain

ROWS = 64  # in which the gradients of two layers are compared


class Chains:
    """Finds them among calls in their order."""

    def __init__(self, torch: Any, modules: dict[str, Any], calls: Sequence[Call], tasks: set[int]) -> None:
        self._torch, self._modules, self._tasks = torch, modules, tasks
        self._calls = [call for call in calls if not modules[call.name]._modules or modules[call.name]._parameters]
        self._by_place = {call.place: call for call in calls}
        self._affine = [call for call in self._calls if is_affine(torch, modules[call.name]) and not call.silent]

    def find(self, layer_of: dict[str, int]) -> tuple[Chain, ...]:
        """Each as long as it gets."""
        before: dict[int, Call] = {}  # by the place of an affine call, the one that it hears
        heard: dict[int, int] = {}
        for call in self._calls:
            found = self._heard_by(call)
            if found is not None and not self._passes(call):
                heard[found.place] = heard.get(found.place, 0) + 1
                if call in self._affine:
                    before[call.place] = found
        pairs = {
            found.place: self._by_place[place]
            for place, found in before.items()
            if heard[found.place] == 1 and self._wastes(found, self._by_place[place])
        }
        names = {call.name for call in self._affine}
        followed = {call.place for call in pairs.values()}
        chains = []
        for call in self._affine:
            if call.place in pairs and call.place not in followed:
                chain = [call]
                while chain[-1].place in pairs:
                    chain.append(pairs[chain[-1].place])
                own = tuple(dict.fromkeys(each.name for each in chain))
                dense = all(isinstance(self._modules[name], self._torch.nn.Linear) for name in own)
                chains.append(Chain(own, layer_of.get(own[0], 0), len(own) / len(names), dense))
        return tuple({chain.names: chain for chain in chains if len(chain.names) > 1}.values())

    def _heard_by(self, call: Call) -> Call | None:
        """The affine call whose output this one hears, at most through modules that leave it linear."""
        for _ in range(len(self._calls)):
            if call.source is not None:
                made = self._by_place.get(call.source)
            elif call.inputs and call.inputs[0].operation in AFFINE:
                pointer = call.inputs[0].value.data_ptr()
                earlier = [each for each in self._affine if each.place < call.place]
                made = next((each for each in reversed(earlier) if each.outputs[0].value.data_ptr() == pointer), None)
            else:
                return None
            if made is None or made in self._affine:
                return made
            if not self._passes(made):
                return None
            call = made
        return None

    def _passes(self, call: Call) -> bool:
        """Whether it leaves what it hears linear."""
        module = self._modules[call.name]
        return type(module).__name__ in PASSING or is_norm(module)

    def _wastes(self, first: Call, second: Call) -> bool:
        """Whether the two could be one, and nothing else hears the first."""
        one, two = self._modules[first.name], self._modules[second.name]
        n, m, k = self._inputs(one), self._inputs(two), second.outputs[0]
        outputs = k.value.shape[unit_dimension(self._torch, two, k.value)]
        return m >= min(n, outputs) and self._alone(first, second)

    def _inputs(self, module: Any) -> int:
        return module.in_features if isinstance(module, self._torch.nn.Linear) else module.in_channels

    def _alone(self, first: Call, second: Call) -> bool:
        """Whether all of the first one's gradient comes from the second: ∇_{a_1} = W_2ᵀ ∇_{a_2}, in some rows.

        Else a function hears it as well, as that of a residual connection does. Asked of two Linears in a row alone.
        """
        direct = second.source == first.place or (second.source is None and bool(second.inputs))
        weight = self._modules[second.name]._parameters.get("weight")
        if not direct or weight is None or not isinstance(self._modules[second.name], self._torch.nn.Linear):
            return True
        above, below = second.outputs[0].of(self._tasks), first.outputs[0].of(self._tasks)
        if len(above) != 1 or len(below) != 1 or below[0].numel() // weight.shape[1] != above[0].numel() // len(weight):
            return True
        above, below = (each.reshape(-1, each.shape[-1])[:ROWS] for each in (above[0], below[0]))
        if below.shape[1] != weight.shape[1]:
            return True
        expected = above.to(weight.dtype) @ weight.detach()
        largest = float(below.abs().max())
        return float((expected - below).abs().max()) <= 0.01 * largest
