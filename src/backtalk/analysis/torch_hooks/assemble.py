"""From captured calls to the pairs of one backward pass; they are refused here if they do not fit together."""

from __future__ import annotations

from ...core.arrays import to_numpy
from ...errors import InputError
from ..per_example.pairs import Group
from .hooks import Hooks
from .linears import Linear
from .pairs import CapturedCall, CapturedPairs, Key, group_of


def captured_linears(hooks: Hooks) -> tuple[list[Linear], dict[str, str]]:
    """The Linears that a backward pass reached, in the order of their first calls; and why the others are not there."""
    linears = hooks.model.linears.values()
    excluded: dict[int, Linear] = {}  # by parameter: whoever shares it has only a part of its gradient
    for linear in linears:
        for parameter in (linear.weight, linear.bias):
            if linear.excluded and parameter is not None:
                excluded.setdefault(id(parameter), linear)
    captured, reasons = [], {}
    for linear in linears:
        other = excluded.get(id(linear.weight)) or excluded.get(id(linear.bias))
        if linear.excluded:
            reasons[linear.name] = linear.excluded
        elif other is not None:
            reasons[linear.name] = f"it shares a parameter with '{other.name}', which is not heard: {other.excluded}"
        elif linear.captured:
            captured.append(linear)
        elif linear.calls or linear.called:
            reasons[linear.name] = "no backward pass within the block reached it"
        else:
            silent = "it was called without gradients alone"
            reasons[linear.name] = silent if linear.silent else "it was not called within the block"
    return sorted(captured, key=lambda linear: linear.first or 0), reasons


def tasks(hooks: Hooks) -> list[int]:
    """The backward passes that reached a Linear, in their order."""
    linears, _ = captured_linears(hooks)
    reached = {task for linear in linears for call in linear.calls for task, *_ in call.captured}
    return [task for task in hooks.passes if task in reached]


def assemble(hooks: Hooks, task: int, reduction: str, batch_dimension: int) -> CapturedPairs:
    """The pairs of one backward pass."""
    if hooks.passes[task]:
        raise InputError(
            f"model was changed between listen and backward: {hooks.passes[task]}; expected the same model."
        )
    calls: dict[str, list[CapturedCall]] = {}
    linears = []
    for linear in captured_linears(hooks)[0]:
        own = []
        for call in linear.calls:
            for number, gradient, version in call.captured:
                if number == task:
                    dimension = batch_dimension if call.input.ndim > 2 else 0
                    own.append(CapturedCall(call.input, gradient, (call.version, version), dimension))
                elif number in hooks.differentiable and any(other == task for other, *_ in call.captured):
                    raise InputError(
                        f"the loss depends on a gradient of layer '{linear.name}' (create_graph=True), and so on its "
                        "weights in more ways than pairs can tell: listen to a loss without such a part."
                    )
        if own:
            linears.append(linear)
            calls[linear.name] = own
    count = _count(calls, batch_dimension)
    factor = count if reduction == "mean" else 1
    return CapturedPairs(calls, _groups(linears, calls, factor), count, factor)


def require_finite(pairs: CapturedPairs) -> None:
    """Refuse pairs with a value that is not finite, naming the first in the order of computing."""
    found = first_non_finite(pairs)
    if found is not None:
        name, what, value, examples = found
        more = f" and of {len(examples) - 1} others" if len(examples) > 1 else ""
        raise InputError(
            f"the {what} of layer '{name}' holds {value}, for example {examples[0]} of the batch{more}: expected "
            "finite numbers; diagnose tells more."
        )


def first_non_finite(pairs: CapturedPairs) -> tuple[str, str, str, list[int]] | None:
    """Layer, 'input' or 'output's gradient', 'nan' or 'inf', and the examples; None if all is finite."""
    in_order = [("input", name, call, call.h) for name, calls in pairs.calls.items() for call in calls]
    in_order += [
        ("output's gradient", name, call, call.a) for name, calls in reversed(pairs.calls.items()) for call in calls
    ]
    for what, name, call, array in in_order:
        finite = array.isfinite()
        if not bool(finite.all()):
            others = tuple(k for k in range(array.ndim) if k != call.dimension)
            examples = to_numpy((~finite).sum(others).nonzero()[:, 0]).tolist()
            return name, what, str(float(array[~finite][0])), examples
    return None


def _count(calls: dict[str, list[CapturedCall]], batch_dimension: int) -> int:
    """B, the same for all."""
    first: tuple[str, int] | None = None
    for name, call in ((name, call) for name, own in calls.items() for call in own):
        shape = tuple(call.h.shape)
        if call.a.is_complex():
            raise InputError(f"layer '{name}' has complex numbers, expected real ones.")
        if len(shape) == 1:
            raise InputError(f"layer '{name}' was given an input of shape {shape}, expected (B, …, n).")
        if len(shape) > 2 and batch_dimension > len(shape) - 2:
            raise InputError(
                f"batch_dimension is {batch_dimension}, but layer '{name}' was given an input of shape {shape}: "
                f"expected 0 to {len(shape) - 2}."
            )
        count = shape[batch_dimension if len(shape) > 2 else 0]
        first = first or (name, count)
        if count != first[1]:
            raise InputError(
                f"layer '{first[0]}' heard {first[1]} examples, but layer '{name}' {count} (input of shape "
                f"{shape}), expected as many in all: set batch_dimension, or listen to a part of the model where "
                "they agree."
            )
    assert first is not None
    if not first[1]:
        raise InputError("the batch has no examples, expected at least one.")
    return first[1]


def _groups(linears: list[Linear], calls: dict[str, list[CapturedCall]], factor: int) -> dict[Key, Group]:
    """The calls that are read together: of each weight and of each bias, and each Linear's own, merged if equal.

    Those of a parameter that several Linears share are kept under the first one's name.
    """
    families: list[dict[str, list[str]]] = []
    for of in ("weight", "bias"):
        owners: dict[int, list[str]] = {}
        for linear in linears:
            if linear.weights if of == "weight" else linear.biases:
                owners.setdefault(id(getattr(linear, of)), []).append(linear.name)
        families.append({names[0]: names for names in owners.values()})
    families.append({name: [name] for name in calls})
    groups = {}
    for name in calls:
        every = [family[name] for family in families if name in family]
        for names in (names for k, names in enumerate(every) if names not in every[:k]):
            key = Key(name, *(family.get(name) == names for family in families))
            groups[key] = group_of(key, [call for each in names for call in calls[each]], factor)
    return groups
