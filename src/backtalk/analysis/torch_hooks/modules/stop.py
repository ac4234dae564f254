"""Where a gradient becomes exactly 0 on its way down, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .calls import Call
from .kinds import BOUNDED, RECTIFIERS, matrices
from .measures import Measures
from .statistics import Stop

SOFTMAX = ("SoftmaxBackward0", "LogSoftmaxBackward0")
FLAT = (
    "Begin with initial weights and biases for which it is active (the initialization of PyTorch is), scaled inputs "
    "and a smaller learning rate; LeakyReLU is never flat."
)
# What the loss does to the output of the model, and what to do
ONE_UNIT = (
    "the loss passes a gradient of exactly 0 to the one unit of the model's output, as behind a softmax, which is 1 "
    "whatever the weights are",
    "For one output use a sigmoid (nn.BCEWithLogitsLoss), or two outputs with nn.CrossEntropyLoss.",
)
BEHIND = (
    "the loss passes a gradient of exactly 0 to the model's output: what follows the model is flat for every example, "
    "or does not depend on its output",
    "Look at the way from the model's output to the loss: a softmax, ReLU or clamp of what it gives, or a factor of 0.",
)


def find_stop(
    calls: Sequence[Call], tasks: set[int], measures: Measures, modules: Mapping[str, Any], layer_of: Mapping[str, int]
) -> Stop | None:
    """The last call that hears anything before those that hear nothing; None if all outputs hear something."""
    heard = []
    for call in calls:
        gradients = [gradient for each in call.outputs for gradient in each.of(tasks)]
        if gradients:
            heard.append((call, any(measures.norm(gradient) != 0 for gradient in gradients)))
    silent = [k for k, (_, hears) in enumerate(heard) if not hears]
    if not silent:
        return None
    place = silent[-1]
    below = heard[place][0]
    above = next((call for call, hears in heard[place + 1 :] if hears), None)
    layer = layer_of.get(below.name, 0)
    if above is None:
        value = below.outputs[0].value
        return Stop("", below.name, layer, *(ONE_UNIT if value.ndim > 1 and value.shape[-1] == 1 else BEHIND))
    return Stop(above.name, below.name, layer, *_reason(above, modules[above.name]))


def _reason(call: Call, module: Any) -> tuple[str, str]:
    """Why nothing comes through this call, and what to do."""
    output = call.outputs[0]
    kind = type(module).__name__
    if output.operation in SOFTMAX:
        dimension = getattr(module, "dim", None)
        dimension = output.value.ndim - 1 if dimension is None else dimension
        if output.value.ndim and output.value.shape[dimension] == 1:
            return (
                f"'{call.name}' ({kind}) is a softmax over one unit, which is 1 whatever the weights are",
                "For one output use a sigmoid (nn.BCEWithLogitsLoss takes it without one), or two outputs with "
                "nn.CrossEntropyLoss.",
            )
        return f"the softmax of '{call.name}' ({kind}) is flat for every example", "Scale its inputs."
    if output.operation in RECTIFIERS:
        what = RECTIFIERS[output.operation]
        return f"the {what} of '{call.name}' ({kind}) is flat for every example", FLAT
    if output.operation in BOUNDED:
        what = BOUNDED[output.operation][0]
        return (
            f"the {what} of '{call.name}' ({kind}) is at an end of its range for every example, where it is flat",
            "Scale the inputs, and use smaller initial weights and a smaller learning rate.",
        )
    weights = matrices(module)
    if weights and not any(bool(each.detach().any()) for each in weights.values()):
        return f"the weights of '{call.name}' ({kind}) are all 0", "Draw the initial weights at random."
    return (
        f"what happens between '{call.name}' ({kind}) and what it hears passes nothing back",
        "Look there for a function that is flat for every example, such as a ReLU, clamp, round or a factor of 0.",
    )
