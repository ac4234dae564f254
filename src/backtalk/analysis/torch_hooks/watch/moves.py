"""How an optimizer's step moves the weights, and the norm of the gradients: read on the device, fetched at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST = 2**20  # numbers of a parameter that are looked at


@dataclass(frozen=True, slots=True)
class Move:
    """One parameter in one step: ‖w‖ before it, ‖Δw‖, and ⟨Δw, ∇⟩, which is negative where a step goes down.

    Of at most a million numbers, evenly spread over the parameter.

    >>> Move(size=2.0, way=0.1, product=-0.5).ratio
    0.05
    """

    size: float
    way: float
    product: float

    @property
    def ratio(self) -> float | None:
        """‖Δw‖/‖w‖; None for a parameter that was 0."""
        return self.way / self.size if self.size > 0 else None


class Weights:
    """Parameters by name as they are now; ``moves`` then says how far they went."""

    def __init__(self, torch: Any, parameters: Mapping[str, Any]) -> None:
        self._torch = torch
        self._parameters = {name: p for name, p in parameters.items() if p.numel()}
        self._before = {name: some_of(p).clone() for name, p in self._parameters.items()}
        self._gradients = {
            name: some_of(p.grad) for name, p in self._parameters.items() if p.grad is not None and not p.grad.is_sparse
        }

    def moves(self) -> dict[str, Move]:
        """Since it was made."""
        torch, found = self._torch, []
        for name, before in self._before.items():
            before = in_float(before)
            way, gradient = in_float(some_of(self._parameters[name])) - before, self._gradients.get(name)
            product = way.new_zeros(()) if gradient is None else torch.dot(way, in_float(gradient))
            found.append(torch.stack([before.norm(), way.norm(), product]))
        return {name: Move(*row) for name, row in zip(self._before, fetched(torch, found), strict=True)}


def norm_of(torch: Any, tensors: Iterable[Any]) -> float:
    """The norm of all of them together; 0 for none."""
    norms = [in_float(dense(each)).norm() for each in tensors if each.numel()]
    return math.hypot(*fetched(torch, norms)) if norms else 0.0


def fetched(torch: Any, tensors: list[Any]) -> list[Any]:
    """The numbers of tensors of one shape, with one wait for each device."""
    places: dict[Any, list[int]] = {}
    for k, each in enumerate(tensors):
        places.setdefault((each.device, each.dtype), []).append(k)
    found: list[Any] = [None] * len(tensors)
    for own in places.values():
        for k, value in zip(own, torch.stack([tensors[k] for k in own]).tolist(), strict=True):
            found[k] = value
    return found


def some_of(p: Any) -> Any:
    """At most a million numbers, in one dimension; of a parameter that is whole in memory, the same memory."""
    flat = p.detach().reshape(-1)
    if flat.is_complex():
        flat = flat.view(flat.real.dtype)
    return flat[:: -(-flat.numel() // MOST)] if flat.numel() > MOST else flat


def in_float(values: Any) -> Any:
    """In float32, in which a norm of halves does not overflow; float64 stays."""
    return values if values.element_size() == 8 else values.float()


def dense(gradient: Any) -> Any:
    """The numbers of a gradient: of a sparse one, those that it holds."""
    return gradient.detach().coalesce().values() if gradient.is_sparse else gradient.detach()
