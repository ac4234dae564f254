"""From captured calls to the pairs of one backward pass; they are refused here if they do not fit together."""

from __future__ import annotations

from ...core.arrays import to_numpy
from ...errors import InputError
from ..per_example.pairs import Group
from .hooks import Call, Hooks
from .layers import Layer
from .pairs import CapturedCall, CapturedPairs, Key, group_of


def captured_layers(hooks: Hooks) -> tuple[list[Layer], dict[str, str]]:
    """The layers that a backward pass reached, in the order of their first calls; and why the others are not there."""
    exclude_apart(hooks)
    layers = hooks.model.layers.values()
    excluded: dict[int, Layer] = {}  # by parameter: whoever shares it has only a part of its gradient
    for layer in layers:
        for parameter in (layer.weight, layer.bias):
            if layer.excluded and parameter is not None:
                excluded.setdefault(id(parameter), layer)
    captured, reasons = [], {}
    for layer in layers:
        other = excluded.get(id(layer.weight)) or excluded.get(id(layer.bias))
        if layer.excluded:
            reasons[layer.name] = layer.excluded
        elif other is not None:
            reasons[layer.name] = f"it shares a parameter with '{other.name}', which is not heard: {other.excluded}"
        elif layer.captured:
            captured.append(layer)
        elif layer.calls or layer.called:
            reasons[layer.name] = "no backward pass within the block reached it"
        else:
            silent = "it was called without gradients alone"
            reasons[layer.name] = silent if layer.silent else "it was not called within the block"
    return sorted(captured, key=lambda layer: layer.first or 0), reasons


def batches(hooks: Hooks) -> list[tuple[int, int | None]]:
    """The backward passes that reached a layer, in their order, each with the number of its examples.

    A pass has several numbers if the layers were called with batches of several sizes that do not depend on each other;
    None if its calls do not fit together.
    """
    captured, _ = captured_layers(hooks)
    reached = {task for layer in captured for call in layer.calls for task, *_ in call.captured}
    return [(task, count) for task in hooks.passes if task in reached for count in _counts(hooks, captured, task)]


def assemble(hooks: Hooks, task: int, count: int | None, reduction: str) -> CapturedPairs:
    """The pairs of one backward pass, of the calls with so many examples."""
    if hooks.passes[task]:
        raise InputError(
            f"model was changed between listen and backward: {hooks.passes[task]}; expected the same model."
        )
    calls: dict[str, list[CapturedCall]] = {}
    layers = []
    for layer in captured_layers(hooks)[0]:
        own = []
        for call in layer.calls:
            for number, gradient, version in call.captured:
                if number == task:
                    if count is None or _size(hooks, layer, call) == count:
                        dimension = _dimension(hooks, layer, call)
                        own.append(CapturedCall(layer, call.input, gradient, (call.version, version), dimension))
                elif number in hooks.differentiable and any(other == task for other, *_ in call.captured):
                    raise InputError(
                        f"the loss depends on a gradient of layer '{layer.name}' (create_graph=True), and so on its "
                        "weights in more ways than pairs can tell: listen to a loss without such a part."
                    )
        if own:
            layers.append(layer)
            calls[layer.name] = own
    count = _count(calls, hooks.batch_dimension)
    factor = count if reduction == "mean" else 1
    return CapturedPairs({layer.name: layer for layer in layers}, calls, _groups(layers, calls, factor), count, factor)


def exclude_apart(hooks: Hooks) -> None:
    """Leave out layers whose rows are not the examples that the Linears hear, and say why.

    Images of a film may be folded into the batch for a convolution; and an embedding may be called once for all
    examples, so that their gradients are added up before: with another number of rows, or with the positions 0, 1, 2, …
    beside layers that hear sequences.
    """
    layers = [layer for layer in hooks.model.layers.values() if layer.captured and not layer.excluded]
    if all(layer.is_linear for layer in layers):
        return
    for task in hooks.passes:
        calls = [(layer, call) for layer in layers for call in _calls_of(layer, task)]
        sequences = any(layer.kind.leading(layer.module, call.input.shape) > 1 for layer, call in calls)
        sizes = [(layer, call, _size(hooks, layer, call)) for layer, call in calls]
        counts = {size for layer, _, size in sizes if layer.is_linear}
        counts = counts or {size for layer, _, size in sizes if not layer.kind.may_be_alike}
        for layer, call, size in sizes:
            why = _why_apart(layer, call, bool(counts) and size not in counts, sequences)
            if why and not layer.excluded:
                layer.excluded = why
                hooks.version += 1


def _why_apart(layer: Layer, call: Call, other: bool, sequences: bool) -> str:
    """Why the rows of a call are not the examples, in words; ``other``: if the Linears hear another number of them."""
    shape = tuple(call.input.shape)
    if layer.kind.may_be_alike and (other or (sequences and _is_positions(call))):
        return (
            f"its indices of shape {shape} stand for all examples, whose gradients were added up before: call it with "
            "the indices of each example, such as positions.expand(B, T)"
        )
    if other and not layer.is_linear:
        return f"its input of shape {shape} does not have as many rows as the Linears hear examples"
    return ""


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
        if bool(array.sum().isfinite()):  # which tells of all entries, and is the faster way
            continue
        finite = array.isfinite()
        if not bool(finite.all()):
            others = tuple(k for k in range(array.ndim) if k != call.dimension)
            examples = to_numpy((~finite).sum(others).nonzero()[:, 0]).tolist()
            return name, what, str(float(array[~finite][0])), examples
    return None


def _calls_of(layer: Layer, task: int) -> list[Call]:
    """Those that a backward pass reached."""
    return [call for call in layer.calls if any(number == task for number, *_ in call.captured)]


def _dimension(hooks: Hooks, layer: Layer, call: Call) -> int:
    """The one of the input that counts the examples."""
    return hooks.batch_dimension if layer.kind.leading(layer.module, call.input.shape) > 1 else 0


def _size(hooks: Hooks, layer: Layer, call: Call) -> int | None:
    """The examples of a call; None if the input has no such dimension."""
    dimension = _dimension(hooks, layer, call)
    return call.input.shape[dimension] if dimension < call.input.ndim else None


def _is_positions(call: Call) -> bool:
    """Whether the indices are 0, 1, 2, …, in one dimension."""
    index = call.input
    return index.ndim == 1 and len(index) > 1 and bool((index == index.new_ones(len(index)).cumsum(0) - 1).all())


def _counts(hooks: Hooks, layers: list[Layer], task: int) -> list[int | None]:
    """The numbers of examples of a pass: several if a layer was called with each, and no call needs another's."""
    calls: dict[int | None, list[Call]] = {}
    of_layers: list[set[int | None]] = []
    for layer in layers:
        own = [(_size(hooks, layer, call), call) for call in _calls_of(layer, task)]
        of_layers.append({size for size, _ in own})
        for size, call in own:
            calls.setdefault(size, []).append(call)
    apart = len(calls) == 1 or (
        set(calls) in of_layers and not any(_needs(own, calls, count) for count, own in calls.items())
    )
    return list(calls) if apart and None not in calls else [None]


def _needs(own: list[Call], calls: dict[int | None, list[Call]], count: int | None) -> bool:
    """Whether one of these calls was made from the output of one with another number of examples."""
    others = {call.node for other, some in calls.items() if other != count for call in some}
    seen, left = set(), [call.node for call in own]
    while left:
        node = left.pop()
        if node in others:
            return True
        for below, _ in node.next_functions:
            if below is not None and below not in seen:
                seen.add(below)
                left.append(below)
    return False


def _count(calls: dict[str, list[CapturedCall]], batch_dimension: int) -> int:
    """B, the same for all."""
    first: tuple[str, int] | None = None
    for name, call in ((name, call) for name, own in calls.items() for call in own):
        shape, layer = tuple(call.h.shape), call.layer
        leading = layer.kind.leading(layer.module, shape)
        if call.a.is_complex():
            raise InputError(f"layer '{name}' has complex numbers, expected real ones.")
        if leading < 1:
            raise InputError(f"layer '{name}' was given an input of shape {shape}, expected {layer.kind.expected}.")
        if leading > 1 and batch_dimension > leading - 1:
            raise InputError(
                f"batch_dimension is {batch_dimension}, but layer '{name}' was given an input of shape {shape}: "
                f"expected 0 to {leading - 1}."
            )
        first = first or (name, call.count)
        if call.count != first[1]:
            raise InputError(
                f"layer '{first[0]}' heard {first[1]} examples, but layer '{name}' {call.count} (input of shape "
                f"{shape}), expected as many in all: set batch_dimension, or listen to a part of the model where "
                "they agree."
            )
    assert first is not None
    if not first[1]:
        raise InputError("the batch has no examples, expected at least one.")
    return first[1]


def _groups(layers: list[Layer], calls: dict[str, list[CapturedCall]], factor: int) -> dict[Key, Group]:
    """The calls that are read together: of each weight and of each bias, and each layer's own, merged if equal.

    Those of a parameter that several layers share are kept under the first one's name.
    """
    families: list[dict[str, list[str]]] = []
    for of in ("weight", "bias"):
        owners: dict[int, list[str]] = {}
        for layer in layers:
            if layer.weights if of == "weight" else layer.biases:
                owners.setdefault(id(getattr(layer, of)), []).append(layer.name)
        families.append({names[0]: names for names in owners.values()})
    families.append({name: [name] for name in calls})
    groups = {}
    for name in calls:
        every = [family[name] for family in families if name in family]
        for names in (names for k, names in enumerate(every) if names not in every[:k]):
            key = Key(name, *(family.get(name) == names for family in families))
            groups[key] = group_of(key, [call for each in names for call in calls[each]], factor)
    return groups
