"""Which parameters the gradient of a loss reaches, which not and where it is cut, and which it reaches for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...diagnose.finding import Finding, finding
from ...diagnose.words import counted, listed, percent
from .graph import LossGraph, Operation

# operations whose derivative is 0 wherever there is one
FLAT = {"Round": "round", "Floor": "floor", "Ceil": "ceil", "Trunc": "trunc", "Sign": "sign", "Sgn": "sgn"}


def find_unreached(graphs: Sequence[LossGraph], model: Any) -> list[Finding]:
    """Parameters of the model that are trained, and that the gradient of none of the losses reaches."""
    trained = {id(p): (name, p) for name, p in model.named_parameters() if p.requires_grad}
    if not trained or any(graph.hides_leaves for graph in graphs):
        return []
    reached = {id(leaf) for graph in graphs for leaf in reached_leaves(graph)}
    lost = [(name, p) for key, (name, p) in trained.items() if key not in reached]
    total = sum(p.numel() for _, p in trained.values())
    share = sum(p.numel() for _, p in lost) / total if total else 0.0
    if not lost or share == 0:
        return []
    where, advice = _cut(graphs, model, lost, len(lost) == len(trained))
    layers = list(dict.fromkeys(name.rpartition(".")[0] or "model" for name, _ in lost))
    names = listed((f"'{name}'" for name in layers), 4)
    found = finding(
        "unreached_parameters", share, "parameters that no gradient reaches",
        f"{percent(share)} of the model's trained parameters are not in the loss's graph, so that backward() gives "
        f"them no gradient: those of {names}. {where}",
        advice, numbers={"share": share, "parameters": len(lost), "first": lost[0][0]},
    )  # fmt: skip
    if len(lost) == len(trained):
        found += finding(
            "nothing_arrives", 1.0, "nothing arrives", f"No parameter of the model gets a gradient. {where}", advice,
            numbers={"share": 1.0},
        )  # fmt: skip
    return found


def reached_leaves(graph: LossGraph) -> Iterator[Any]:
    """The leaves that a gradient reaches which is not 0 for sure."""
    seen, ahead = set(), [0] if graph.operations else []
    while ahead:
        place = ahead.pop()
        if place in seen:
            continue
        seen.add(place)
        if place in graph.leaves:
            yield graph.leaves[place]
        if graph.operations[place].name not in FLAT:
            ahead += [k for k in graph.operations[place].inputs if k is not None]


def _cut(graphs: Sequence[LossGraph], model: Any, lost: Sequence[tuple[str, Any]], all_lost: bool) -> tuple[str, str]:
    """Where the graph ends, as far as that can be told, and what to do."""
    operations = [operation for graph in graphs for operation in graph.operations]
    flat = [FLAT[operation.name] for operation in operations if operation.name in FLAT]
    if flat:
        return (
            f"On the way is {flat[0]}(), whose derivative is 0 everywhere.",
            f"Take {flat[0]}() out of the loss: train on the numbers before it, and round for scores alone.",
        )
    known = {id(p) for p in model.parameters()}
    made = [leaf for graph in graphs for leaf in graph.leaves.values() if id(leaf) not in known]
    if all_lost and any(isinstance(leaf, _parameter_class()) for leaf in made):
        return (
            "The loss depends on parameters of another model, and on none of this one.",
            "Compute the loss from the outputs of the model that is trained; after a copy, use the copy everywhere.",
        )
    made = [leaf for leaf in made if not isinstance(leaf, _parameter_class()) and (all_lost or leaf.ndim > 1)]
    if all_lost and not operations:
        return (
            "The loss has no graph at all: it was computed under torch.no_grad(), or from what detach(), .data, "
            ".numpy(), .item(), argmax, round or a comparison gave.",
            "Compute the loss from the model's outputs themselves, without these; argmax is for scores, not for the "
            "loss.",
        )
    if made:
        shape = tuple(made[0].shape)
        return (
            f"The graph ends at a tensor of shape {shape} that is no parameter, but was made anew with requires_grad: "
            "what came before it is cut off, as by NumPy, torch.tensor(…), detach() or .data.",
            "Go on with the model's own tensors, without .numpy(), .data, detach() or torch.tensor(…) between the "
            "model and the loss; requires_grad_() does not join what was cut.",
        )
    after = _first_reached(graphs, model, lost)
    if after:
        return (
            f"The first layer after them that hears the loss, '{after}', was given an input without gradient: what "
            "lies before it was cut off (detach(), .data, torch.no_grad(), NumPy, argmax), or is not used.",
            f"Take the detach(), .data, no_grad or NumPy before '{after}' out of forward; if the layers are not to be "
            "trained, say so with requires_grad_(False).",
        )
    return (
        "Either forward does not use them, or what they give does not go into the loss.",
        "Use them in forward, or take them out of the model; if they are not to be trained, say so with "
        "requires_grad_(False).",
    )


def _first_reached(graphs: Sequence[LossGraph], model: Any, lost: Sequence[tuple[str, Any]]) -> str:
    """The layer that follows the unreached ones in the model, if its input has no gradient; else ''.

    A layer that is first in the model hears the data, whose gradient nobody asked for.
    """
    names = {id(p): name for name, p in model.named_parameters()}
    order = [name for name, _ in model.named_parameters()]
    first_lost = order.index(lost[0][0])
    for graph in graphs:
        for operation in graph.operations:
            data = _data_input(operation)
            if data is None or operation.inputs[data] is not None:
                continue
            for name in _parameters_of(graph, operation.inputs, names):
                if order.index(name) > first_lost:
                    return name.rpartition(".")[0] or "model"
    return ""


def _data_input(operation: Operation) -> int | None:
    """Which input of a layer is the one that it hears; None if that is not known."""
    if operation.name == "Addmm":
        return 1
    known = operation.name in ("Mm", "Linear") or "Convolution" in operation.name or "Norm" in operation.name
    return 0 if known and operation.inputs else None


def _parameters_of(graph: LossGraph, inputs: Iterable[int | None], names: dict[int, str]) -> Iterator[str]:
    """The parameters that an operation takes directly, or transposed."""
    for place in inputs:
        if place is not None and graph.operations[place].name in ("T", "Transpose", "ToCopy"):
            place = graph.operations[place].inputs[0]
        if place is not None and place in graph.leaves and id(graph.leaves[place]) in names:
            yield names[id(graph.leaves[place])]


def find_unregistered(graphs: Sequence[LossGraph], model: Any, optimizers: Sequence[Any] = ()) -> list[Finding]:
    """Leaves of the graph that the model holds without registering them, or that nobody holds.

    Others may be another model's, or inputs: nothing is said of them.
    """
    known = {id(p) for p in model.parameters()}
    held = {id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    leaves = {id(leaf): leaf for graph in graphs for leaf in graph.leaves.values() if id(leaf) not in known}
    if not leaves:
        return []
    hidden = _hidden_tensors(model)
    places = {hidden[key]: leaf for key, leaf in leaves.items() if key in hidden}
    free = [name for name, leaf in places.items() if id(leaf) not in held]
    if places:
        layers = list(dict.fromkeys(places))
        names = listed((f"model.{name}" for name in layers), 3)
        trained = "" if free else " The optimizer holds them, but model.to(), state_dict() and eval() pass them over."
        return finding(
            "unregistered_parameters", len(layers), "parameters that the model does not know",
            f"The loss uses {counted(len(layers), 'tensor')} that the model holds but does not register: {names}. "
            f"model.parameters() leaves them out{', and so nobody trains them.' if free else '.'}{trained}",
            "Put layers into nn.ModuleList (or nn.ModuleDict) instead of a Python list, and single tensors into "
            "nn.Parameter, before the optimizer is made.",
            most="warning" if free else "note", numbers={"leaves": len(layers), "first": layers[0]},
        )  # fmt: skip
    nobodys = [leaf for leaf in leaves.values() if isinstance(leaf, _parameter_class()) and id(leaf) not in held]
    orphans = {id(graph.leaves[place]) for graph in graphs for place in graph.orphans}
    lonely = [leaf for leaf in nobodys if id(leaf) in orphans]
    if not lonely:
        return []
    shapes = listed((str(tuple(leaf.shape)) for leaf in lonely), 3)
    return finding(
        "unregistered_parameters", len(lonely), "parameters that are made anew in each forward pass",
        f"The loss depends on {counted(len(lonely), 'parameter')} that neither the model nor anything else holds, of "
        f"shape {shapes}: a layer that forward makes anew, at random, each time it is called; or "
        "nn.Parameter(…).to(…), which keeps a copy.",
        "Make the layer in __init__, as self.layer = nn.Linear(…), and call it in forward.",
        most="warning", numbers={"leaves": len(lonely)},
    )  # fmt: skip


def _hidden_tensors(model: Any) -> dict[int, str]:
    """Tensors within the attributes of a model that are not registered, by identity, with where they are."""
    import torch  # pyright: ignore[reportMissingImports]

    found: dict[int, str] = {}

    def enter(thing: Any, place: str, depth: int) -> None:
        if isinstance(thing, torch.nn.Module):
            for name, parameter in thing.named_parameters():
                found.setdefault(id(parameter), f"{place}.{name}")
        elif isinstance(thing, torch.Tensor):
            found.setdefault(id(thing), place)
        elif depth and isinstance(thing, list | tuple):
            for k, part in enumerate(thing[:1000]):
                enter(part, f"{place}[{k}]", depth - 1)
        elif depth and isinstance(thing, dict):
            for key, part in list(thing.items())[:1000]:
                enter(part, f"{place}[{key!r}]", depth - 1)

    usual = vars(torch.nn.Module())
    for name, module in model.named_modules():
        for key, value in vars(module).items():
            if key not in usual:
                enter(value, f"{name}.{key}" if name else key, 3)
    return found


def _parameter_class() -> Any:
    import torch  # pyright: ignore[reportMissingImports]

    return torch.nn.Parameter
