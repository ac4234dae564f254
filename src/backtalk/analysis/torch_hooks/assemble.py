"""From what was heard to the pairs of one backward pass; here it is refused where it does not fit together."""

from __future__ import annotations

from ...core.arrays import Array, to_numpy
from ...errors import InputError
from .hooks import Ear
from .linears import Linear
from .pairs import BatchPairs, Hearing, Pairs


def heard_linears(ear: Ear) -> list[Linear]:
    """The Linears that were heard, in the order in which they were first called."""
    heard = [linear for linear in ear.model.linears.values() if any(c.heard for c in linear.calls)]
    heard = [linear for linear in heard if not reason(ear, linear)]
    return sorted(heard, key=lambda linear: linear.first or 0)


def reason(ear: Ear, linear: Linear) -> str:
    """Why a Linear is not heard, in words; empty where it is."""
    if linear.unheard:
        return linear.unheard
    for other in ear.model.linears.values():
        shared = other.weight is linear.weight or (linear.bias is not None and other.bias is linear.bias)
        if other.unheard and shared:
            return f"it shares a parameter with '{other.name}', which is not heard: {other.unheard}"
    if any(call.heard for call in linear.calls):
        return ""
    if linear.calls or linear.called:
        return "no backward pass within the block reached it"
    return "it was called without gradients alone" if linear.silent else "it was not called within the block"


def tasks(ear: Ear) -> list[int]:
    """The backward passes that reached a Linear, in their order."""
    heard = {task for linear in heard_linears(ear) for call in linear.calls for task, *_ in call.heard}
    return [task for task in ear.passes if task in heard]


def assemble(ear: Ear, task: int, reduction: str, batch_dimension: int) -> BatchPairs:
    """The pairs of one backward pass."""
    if ear.passes[task]:
        raise InputError(f"model was changed between listen and backward: {ear.passes[task]}; expected the same model.")
    hearings: dict[str, tuple[Hearing, ...]] = {}
    linears = []
    for linear in heard_linears(ear):
        own = []
        for call in linear.calls:
            for number, gradient, version in call.heard:
                if number == task:
                    own.append(Hearing(call.input, gradient, (call.version, version)))
                elif number in ear.differentiable and any(other == task for other, *_ in call.heard):
                    raise InputError(
                        f"the loss depends on a gradient of layer '{linear.name}' (create_graph=True), and so on its "
                        "weights in more ways than pairs can tell: listen to a loss without such a part."
                    )
        if own:
            linears.append(linear)
            hearings[linear.name] = tuple(own)
    count = _count(hearings, batch_dimension)
    own = {
        linear.name: Pairs(linear.name, hearings[linear.name], batch_dimension, linear.weights, linear.biases)
        for linear in linears
    }
    parts = _parts(linears, hearings, batch_dimension)
    return BatchPairs(own, tuple(parts), count, float(count) if reduction == "mean" else 1.0)


def require_finite(batch: BatchPairs) -> None:
    """Refuse pairs with a value that is not finite, naming the first in the order of computing."""
    found = first_non_finite(batch)
    if found is not None:
        name, what, value, examples = found
        more = f" and of {len(examples) - 1} others" if len(examples) > 1 else ""
        raise InputError(
            f"the {what} of layer '{name}' holds {value}, for example {examples[0]} of the batch{more}: expected "
            "finite numbers; diagnose tells more."
        )


def first_non_finite(batch: BatchPairs) -> tuple[str, str, str, list[int]] | None:
    """Layer, 'input' or 'output's gradient', 'nan' or 'inf', and the examples; None where all is finite."""
    ways = [("input", own, 0) for own in batch.own.values()]
    ways += [("output's gradient", own, 1) for own in reversed(batch.own.values())]
    for what, own, which in ways:
        for each in own.hearings:
            array: Array = (each.h, each.a)[which]
            finite = array.isfinite()
            if not bool(finite.all()):
                other = tuple(k for k in range(array.ndim) if k != own.dimension(array))
                examples = to_numpy((~finite).sum(other).nonzero()[:, 0]).tolist()
                return own.name, what, str(float(array[~finite][0])), examples
    return None


def _count(hearings: dict[str, tuple[Hearing, ...]], batch_dimension: int) -> int:
    """B, the same for all."""
    first: tuple[str, int] | None = None
    for name, calls in hearings.items():
        for each in calls:
            shape = tuple(each.h.shape)
            if each.a.is_complex():
                raise InputError(f"layer '{name}' has complex numbers, expected real ones.")
            if len(shape) == 1:
                raise InputError(f"layer '{name}' was given an input of shape {shape}, expected (B, …, n).")
            if len(shape) > 2 and batch_dimension > len(shape) - 2:
                raise InputError(
                    f"batch_dimension is {batch_dimension}, but layer '{name}' was given an input of shape {shape}: "
                    f"expected 0 to {len(shape) - 2}."
                )
            count = shape[batch_dimension if len(shape) > 2 else 0]
            if first is None:
                first = name, count
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


def _parts(linears: list[Linear], hearings: dict[str, tuple[Hearing, ...]], batch_dimension: int) -> list[Pairs]:
    """One for each parameter, or one for a weight and a bias that are heard at the same calls."""

    def together(parameter: str) -> dict[str, tuple[str, ...]]:
        """By the name of the first Linear that has a parameter, the names of all."""
        groups: dict[int, list[str]] = {}
        for linear in linears:
            if linear.weights if parameter == "weight" else linear.biases:
                groups.setdefault(id(getattr(linear, parameter)), []).append(linear.name)
        return {names[0]: tuple(names) for names in groups.values()}

    weights, biases, parts = together("weight"), together("bias"), []
    for linear in linears:
        name = linear.name
        groups: dict[tuple[str, ...], list[bool]] = {}
        for place, family in enumerate((weights, biases)):
            if name in family:
                groups.setdefault(family[name], [False, False])[place] = True
        for names, (of_weights, of_biases) in groups.items():
            calls = tuple(each for one in names for each in hearings[one])
            parts.append(Pairs(name, calls, batch_dimension, of_weights, of_biases))
    return parts
