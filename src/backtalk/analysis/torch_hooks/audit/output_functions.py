"""Output functions: applied twice, left out, over the wrong dimension, or an activation where logits are expected."""

from __future__ import annotations

from typing import Any

from ...diagnose.finding import Finding, finding
from .chains import (
    ACTIVATIONS,
    LOGARITHMS,
    OUTPUT_FUNCTIONS,
    Origin,
    input_of,
    is_normalized,
    modules_named,
    straight_to,
)
from .graph import Criterion, LossGraph

CLASSES = {  # the modules that apply them
    "Softmax": "Softmax", "LogSoftmax": "LogSoftmax", "Sigmoid": "Sigmoid", "LogSigmoid": "LogSigmoid",
    "Relu": "ReLU", "Tanh": "Tanh", "LeakyRelu": "LeakyReLU", "Elu": "ELU", "Gelu": "GELU", "Silu": "SiLU",
    "Softplus": "Softplus", "PreluKernel": "PReLU", "Hardtanh": "ReLU6", "Hardsigmoid": "Hardsigmoid",
}  # fmt: skip
MILD = frozenset(("LeakyRelu", "PreluKernel"))  # they pass negative numbers on
MARGINS = ("multi_margin_loss", "multilabel_margin_loss", "soft_margin_loss")


def find_output_functions(graph: LossGraph, model: Any = None) -> list[Finding]:
    """Of every place where the loss takes what the model gives."""
    found: list[Finding] = []
    straight = straight_to(graph)
    for place in sorted(graph.head):
        name = graph.operations[place].name
        if name == "LogSoftmax" or (name == "Softmax" and place in straight):
            found += _before_softmax(graph, place, model)
        if name in ("LogSoftmax", "Softmax") and place in straight:
            found += _dimension(graph, place)
        if is_normalized(graph, place):
            before = input_of(graph, place)
            if before is not None and before.operation.name in ("Softmax", "Sigmoid"):
                found += _twice(before.operation.name, "Categorical", "Categorical(logits=…) takes raw logits", model)
        if name == "Sigmoid" and place in straight:
            before = input_of(graph, place)
            if before is not None and before.operation.name in ACTIVATIONS:
                found += _activation(before, "sigmoid", model, ACTIVATIONS[before.operation.name])
        if name == "LogSigmoid":
            before = input_of(graph, place)
            if before is not None and before.operation.name in ("Sigmoid", "Softmax"):
                found += _twice(before.operation.name, "logsigmoid", "logsigmoid is applied after it", model)
    for criterion in graph.criteria:
        found += _before_criterion(graph, criterion, model)
    return found


def _before_softmax(graph: LossGraph, place: int, model: Any) -> list[Finding]:
    """What stands directly before a softmax that belongs to the loss."""
    before = input_of(graph, place)
    if before is None:
        return []
    log = graph.operations[place].name == "LogSoftmax"
    loss = "cross_entropy" if log and _of_classes(graph, place) else OUTPUT_FUNCTIONS[graph.operations[place].name]
    taken = "CrossEntropyLoss applies log_softmax itself" if loss == "cross_entropy" else f"{loss} is applied after it"
    name = before.operation.name
    if name in ("Softmax", "LogSoftmax", "LogSigmoid"):
        return _twice(name, loss, taken, model, harmless=log and name == "LogSoftmax")
    if log and name in ("Sigmoid", "Hardsigmoid"):
        return _activation(before, loss, model, OUTPUT_FUNCTIONS[name])
    if name in ACTIVATIONS:
        return _activation(before, loss, model, ACTIVATIONS[name])
    return []


def _before_criterion(graph: LossGraph, criterion: Criterion, model: Any) -> list[Finding]:
    before = input_of(graph, criterion.place)
    if before is None:
        return []
    name, kind = before.operation.name, criterion.kind
    if kind == "nll_loss":
        return _without_logarithm(before, model) + _dimension_of_classes(graph, criterion, before)
    if kind == "binary_cross_entropy":
        return _without_probability(graph, before, model)
    if kind == "kl_div":
        return _without_logarithm_in_divergence(graph, criterion, model)
    if kind == "binary_cross_entropy_with_logits":
        if name in OUTPUT_FUNCTIONS:
            return _twice(name, "BCEWithLogitsLoss", "BCEWithLogitsLoss applies the sigmoid itself", model)
        if name in ACTIVATIONS:
            return _activation(before, "BCEWithLogitsLoss", model, ACTIVATIONS[name])
    if kind in MARGINS and name in ("Relu", "Hardtanh"):
        return _activation(before, kind, model, ACTIVATIONS[name])
    return []


def _twice(name: str, loss: str, taken: str, model: Any, *, harmless: bool = False) -> list[Finding]:
    function, where = OUTPUT_FUNCTIONS[name], modules_named(model, CLASSES[name])
    if harmless:
        after = (
            "A log_softmax of its own result changes nothing, so training works the same; but the second one is for "
            "nothing, and whoever takes these outputs for logits, or for probabilities, is wrong."
        )
        advice = "Take one of them out: CrossEntropyLoss with raw logits, or NLLLoss with log_softmax in forward."
    elif loss == "BCEWithLogitsLoss":
        after = (
            "The probability that the loss sees then lies between 0.5 and 0.73, whatever the weights are, so it cannot "
            "come near 0, and gradients are small."
        )
        advice = f"Take the {function}{where} out of forward, so that it returns raw logits: BCEWithLogitsLoss applies "
        advice += "sigmoid. Or keep it, and use nn.BCELoss."
    else:
        after = (
            "A softmax of probabilities is nearly even over the classes, whatever the weights are, so the loss cannot "
            "come near 0, and gradients are small."
        )
        applied = "CrossEntropyLoss applies it" if loss == "cross_entropy" else f"{loss} is applied to its result"
        advice = f"Take the {function}{where} out of forward, so that it returns raw logits: {applied}. Where "
        advice += "probabilities are wanted, such as in predictions, apply torch.softmax outside of the loss."
    return finding(
        "output_function_twice", 1.0, f"{function} before {loss}",
        f"The loss's graph has {function}{where} and directly after it {loss}: {taken}. {after}",
        advice, numbers={"function": function, "loss": loss},
    )  # fmt: skip


def _activation(before: Origin, loss: str, model: Any, activation: str) -> list[Finding]:
    name = before.operation.name
    where = modules_named(model, CLASSES.get(name, ""))
    if name in ("Sigmoid", "Hardsigmoid", "Tanh"):
        after = "the logits are then bounded, and no probability can come near 0 or 1."
    elif name in MILD:
        after = "negative logits are then shrunk for no gain."
    else:
        after = "negative logits are then cut off, and where all are, nothing is passed back."
    return finding(
        "activation_on_logits", 1.0, f"{activation} before {loss}",
        f"{loss} takes raw logits, any number, but between the last layer and the loss stands {activation}{where}: "
        f"{after}",
        f"Take the {activation}{where} behind the last layer out of forward, so that it returns raw logits.",
        most="note" if name in MILD else "severe", numbers={"activation": activation, "loss": loss},
    )  # fmt: skip


def _without_logarithm(before: Origin, model: Any) -> list[Finding]:
    """What NLLLoss takes for logarithms of probabilities."""
    name, operation = before.operation.name, before.operation
    if name in ("Softmax", "Sigmoid"):
        function = OUTPUT_FUNCTIONS[name]
        where = modules_named(model, CLASSES[name])
        said = f"it gets those of {function}{where}, probabilities: the loss is −p and not −log p."
        advice = f"Use log_softmax instead of {function}{where} in forward; or raw logits with CrossEntropyLoss."
    elif operation.is_layer and name != "CompiledFunction" and name != "CheckpointFunction":
        said = "it gets raw outputs of the last layer: the loss falls for ever as they grow, and tells nothing apart."
        advice = "Use CrossEntropyLoss, which applies log_softmax; or add F.log_softmax(…, dim=1) to forward."
    elif name in ACTIVATIONS:
        said = f"it gets what {ACTIVATIONS[name]} gives: the loss falls for ever as the outputs grow."
        advice = f"Take {ACTIVATIONS[name]} out of forward, and use CrossEntropyLoss, which applies log_softmax."
    else:
        return []
    return finding(
        "loss_without_output_function", 1.0, "NLLLoss without log_softmax",
        f"NLLLoss takes logarithms of probabilities, but {said}", advice, numbers={"loss": "nll_loss", "input": name},
    )  # fmt: skip


def _without_logarithm_in_divergence(graph: LossGraph, criterion: Criterion, model: Any) -> list[Finding]:
    """What KLDivLoss takes for logarithms of probabilities. The same operations may be another loss by hand."""
    product = next(k for k in graph.operations[criterion.place].inputs if k is not None)
    before = input_of(graph, product)
    if before is None or graph.operations[product].shape != graph.operations[criterion.place].shape:
        return []
    name, t = before.operation.name, criterion.target
    distributions = t is not None and t.ndim > 1 and bool((t >= 0).all()) and bool((t.sum(-1) - 1).abs().max() < 1e-3)
    raw = before.operation.is_layer and name not in ("CompiledFunction", "CheckpointFunction")
    if name not in ("Softmax", "Sigmoid") and not (distributions and (raw or name in ACTIVATIONS)):
        return []
    function = OUTPUT_FUNCTIONS.get(name)
    what = f"those of {function}{modules_named(model, CLASSES[name])}, probabilities" if function else "raw outputs"
    return finding(
        "loss_without_output_function", 1.0, "KLDivLoss without log_softmax",
        "KLDivLoss takes logarithms of probabilities as its first argument, but it gets "
        f"{what}: its least value is then not where the two "
        "distributions are equal.",
        "Give it F.log_softmax(outputs, dim=1), and the target as probabilities (or log_target=True).",
        numbers={"loss": "kl_div", "input": name},
    )  # fmt: skip


def _without_probability(graph: LossGraph, before: Origin, model: Any) -> list[Finding]:
    """What binary cross-entropy takes for probabilities."""
    name = before.operation.name
    if name in ("Sigmoid", "Softmax"):
        second = input_of(graph, before.place)
        if second is not None and second.operation.name in ("Sigmoid", "Softmax"):
            function = OUTPUT_FUNCTIONS[name]
            return _twice(second.operation.name, function, f"{function} is applied after it", model)
        return []
    raw = before.operation.is_layer and name not in ("CompiledFunction", "CheckpointFunction")
    if not raw and name not in ACTIVATIONS and name not in LOGARITHMS:
        return []
    what = "raw outputs of the last layer" if raw else f"what {ACTIVATIONS.get(name) or OUTPUT_FUNCTIONS[name]} gives"
    return finding(
        "loss_without_output_function", 1.0, "BCELoss without sigmoid",
        f"BCELoss takes probabilities between 0 and 1, but it gets {what}.",
        "Use nn.BCEWithLogitsLoss with raw outputs, which applies sigmoid; or add torch.sigmoid to forward.",
        numbers={"loss": "binary_cross_entropy", "input": name},
    )  # fmt: skip


def _dimension(graph: LossGraph, place: int) -> list[Finding]:
    """A softmax whose probabilities add up over the batch, or that has one unit to itself."""
    operation = graph.operations[place]
    shape, dimension = operation.shape, operation.numbers.get("dim")
    if not shape or dimension is None:
        return []
    function, dimension = OUTPUT_FUNCTIONS[operation.name], int(dimension) % len(shape)
    made = input_of(graph, place)
    if made is None or (not made.operation.is_layer and made.operation.name not in (*ACTIVATIONS, *OUTPUT_FUNCTIONS)):
        return []
    if shape[dimension] == 1:
        return finding(
            "softmax_over_wrong_dimension", 1.0, f"{function} over one unit",
            f"{function} adds up over dimension {dimension} of shape {shape}, which has one entry: the output is "
            f"{0 if operation.name == 'LogSoftmax' else 1} whatever the weights are, and every gradient is 0.",
            "For yes or no, use one output with BCEWithLogitsLoss (sigmoid for predictions), or two outputs with "
            "CrossEntropyLoss; for a number, no output function.",
            numbers={"dimension": dimension, "size": 1},
        )  # fmt: skip
    column = made.operation.shape == (*shape, 1) and _goes_to_a_loss(graph, place)
    if len(shape) == 1 and column and shape[0] > 1:
        return _over_the_batch(function, (shape[0], 1))
    if dimension or len(shape) != 2 or shape[1] == 1 or (shape[0] == shape[1] and not _of_classes(graph, place)):
        return []
    return _over_the_batch(function, shape)


def _over_the_batch(function: str, shape: tuple[int, ...]) -> list[Finding]:
    if shape[1] == 1:
        advice = "For yes or no, use one output with BCEWithLogitsLoss (sigmoid for predictions)."
    else:
        advice = f"Write dim=1 (or dim=-1) in {function}."
    return finding(
        "softmax_over_wrong_dimension", 1.0, f"{function} over the batch",
        f"{function} of shape {shape} has dim=0: the probabilities of one class add up to 1 over the {shape[0]} "
        f"examples, instead of those of one example over the {shape[1]} classes, so examples take probability from one "
        "another.",
        advice, numbers={"dimension": 0, "size": shape[0]},
    )  # fmt: skip


def _goes_to_a_loss(graph: LossGraph, place: int) -> bool:
    """Whether a known loss takes it as it is: over the rows of one list, as in ranking, it may be meant."""
    made = (input_of(graph, criterion.place) for criterion in graph.criteria)
    return any(each is not None and each.place == place for each in made)


def _dimension_of_classes(graph: LossGraph, criterion: Criterion, made: Origin) -> list[Finding]:
    """A log_softmax of three dimensions or more that adds up over another one than nll_loss takes for the classes."""
    before = next(k for k in graph.operations[criterion.place].inputs if k is not None)
    given, shape = graph.operations[before].shape or (), made.operation.shape or ()
    dimension = made.operation.numbers.get("dim")
    if made.operation.name != "LogSoftmax" or dimension is None or len(shape) < 3 or not made.only_reshaped:
        return []
    if len(given) > 2 and shape[:2] == given[:2]:
        right = 1
    elif len(given) == 2 and shape[-1] == given[1]:
        right = len(shape) - 1
    else:
        return []
    dimension = int(dimension) % len(shape)
    if dimension == right:
        return []
    return finding(
        "softmax_over_wrong_dimension", 1.0, "log_softmax over the wrong dimension",
        f"log_softmax of shape {shape} adds up over dimension {dimension}, but the {shape[right]} classes that the "
        f"loss takes are in dimension {right}: the probabilities of one place do not add up to 1.",
        f"Write dim={right} in log_softmax.", numbers={"dimension": dimension, "size": shape[dimension]},
    )  # fmt: skip


def _of_classes(graph: LossGraph, place: int) -> bool:
    """Whether an operation's result goes to nll_loss directly."""
    for criterion in graph.criteria:
        made = input_of(graph, criterion.place) if criterion.kind == "nll_loss" else None
        if made is not None and made.place == place:
            return True
    return False
