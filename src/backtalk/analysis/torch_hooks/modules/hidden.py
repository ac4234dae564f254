"""Hidden units and their gradients, by the names of the modules whose outputs they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....errors import InputError, LayerError
from .calls import Call, Captured


class Hidden(Mapping[str, Any]):
    """The output h of each module that a backward pass reached, or ∂s/∂h, by the module's name.

    s is the scalar on which ``backward()`` was called. Of a module that was called once, the value is what it gave: a
    tensor, or, as of an LSTM, a tuple (or a dictionary) of tensors. Of one that was called several times, it is a list
    of these, in the order of the calls. A tensor that no gradient reached has None as its gradient. The values are
    references, not copies: :class:`~backtalk.errors.InputError` if one was changed in place since, as by
    ``ReLU(inplace=True)``. :class:`~backtalk.errors.LayerError` for other names.

    >>> import torch
    >>> from backtalk import listen
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    >>> _ = torch.nn.init.eye_(model[0].weight), torch.nn.init.zeros_(model[0].bias)
    >>> with listen(model) as heard:
    ...     model(torch.tensor([[3.0, -1.0]])).sum().backward()
    >>> heard.h["0"], heard.grad_h["0"], heard.grad_h["1"]
    (tensor([[ 3., -1.]]), tensor([[1., 0.]]), tensor([[1., 1.]]))
    """

    def __init__(self, calls: Sequence[Call], tasks: set[int], *, gradients: bool) -> None:
        self._tasks, self._gradients = tasks, gradients
        self._calls: dict[str, list[Call]] = {}
        for call in calls:
            self._calls.setdefault(call.name, []).append(call)

    def __getitem__(self, name: str) -> Any:
        if name not in self._calls:
            names = ", ".join(map(repr, list(self._calls)[:8])) or "none"
            more = f" and {len(self._calls) - 8} others" if len(self._calls) > 8 else ""
            raise LayerError(
                f"{name!r} is no module that a backward pass reached within the block: expected one of {names}{more}."
            )
        found = [_values(call.output, lambda each: self._value(name, each)) for call in self._calls[name]]
        return found[0] if len(found) == 1 else found

    def __contains__(self, name: object) -> bool:
        return name in self._calls

    def __iter__(self) -> Iterator[str]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        return f"{'gradients of ' if self._gradients else ''}outputs of {len(self)} modules: {', '.join(self)}"

    def _value(self, name: str, each: Captured) -> Any:
        if not self._gradients:
            if each.changed:
                raise InputError(
                    f"the output of module '{name}' was changed in place after the call, as by ReLU(inplace=True): "
                    "use inplace=False, or ask for the module that changed it."
                )
            return each.value
        arrived = [gradient for task, gradient, *_ in each.gradients if task in self._tasks]
        if not arrived:
            return None
        kept = each.of(self._tasks)
        if len(kept) < len(arrived):
            raise InputError(
                f"the gradient of the output of module '{name}' was changed in place after it was heard: "
                "read heard before that, or change a copy."
            )
        return kept[0] if len(kept) == 1 else sum(kept[1:], kept[0])


def _values(output: Any, value: Any) -> Any:
    if isinstance(output, Captured):
        return value(output)
    if isinstance(output, dict):
        return {key: _values(part, value) for key, part in output.items()}
    return None if output is None else tuple(_values(part, value) for part in output)
