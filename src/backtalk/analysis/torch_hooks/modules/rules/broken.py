"""The first value that is not finite."""

from __future__ import annotations

from ....diagnose.finding import Finding, finding
from ....diagnose.words import counted, listed
from ..statistics import ModelStatistics

OF_DATA = "See where the values come from, and leave these rows out or fill the values in."
STEPS = (
    "Scale the inputs and the targets, use a smaller learning rate, or clip the gradient's norm; in float16 scale the "
)
STEPS += "loss (torch.amp.GradScaler), or use bfloat16."
WEIGHTS = "Go back to weights from before the step that broke them, and train with a smaller learning rate or with "
WEIGHTS += "torch.nn.utils.clip_grad_norm_."
OPERATION = (
    "Keep what it gets within its domain: an ε under a root, in a division or in a logarithm, a mask that leaves at "
)
OPERATION += "least one value, or the function of torch.nn.functional that takes logits."
LOSS = "If the loss has a logarithm, a root or a division, keep what they get away from 0 (clamp, or an ε), or use "
LOSS += "the loss that takes logits (nn.BCEWithLogitsLoss, nn.CrossEntropyLoss)."


def find_non_finite(statistics: ModelStatistics) -> list[Finding]:
    """In the order of computing: of the data, or of the module and operation that made it."""
    broken = statistics.broken
    if broken is None:
        return []
    where = f"'{broken.name}' ({broken.kind})"
    places = {
        "data": "an input of the model",
        "input": f"the input of {where}, which '{broken.operation}' made, or what is between two modules",
        "parameter": f"the parameter '{broken.operation}' of {where}, already before this pass",
        "output": f"the output of {where}, whose inputs and parameters are finite"
        + (f"; its last operation is '{broken.operation}'" if broken.operation else ""),
        "gradient": f"the gradient that arrives at the output of {where}, from "
        + (f"the way down from '{broken.after}'" if broken.after else "the loss"),
        "parameter gradient": f"the gradient of the parameter '{broken.operation}' of {where}",
    }  # fmt: skip
    titles = {
        "data": "an input of the model is not finite",
        "input": f"the input of '{broken.name}' is not finite",
        "parameter": f"a parameter of '{broken.name}' is not finite",
        "output": f"the output of '{broken.name}' is not finite",
        "gradient": f"the gradient of the output of '{broken.name}' is not finite",
        "parameter gradient": f"the gradient of a parameter of '{broken.name}' is not finite",
    }
    of_data = broken.what == "data"
    count = len(broken.examples)
    rows = f", in {counted(count, 'example')} of {statistics.examples}: {listed(row + 1 for row in broken.examples)}"
    of_loss = broken.what == "gradient" and not broken.after
    advice = {
        "gradient": f"{LOSS} {STEPS}" if of_loss else STEPS,
        "data": OF_DATA,
        "parameter": WEIGHTS,
        "input": OPERATION,
        "output": f"{OPERATION} {STEPS}",
    }
    return finding(
        "non_finite_data" if of_data else "non_finite", max(1, count), titles[broken.what],
        f"The first value that is not finite, in the order of computing, is {broken.value} in {places[broken.what]}"
        f"{rows if count else ''}. Everything that is computed from it is lost.",
        advice.get(broken.what, STEPS),
        numbers={"value": broken.value, "examples": count, "module": broken.name, "operation": broken.operation},
        layer=0 if of_data else broken.layer, examples=broken.examples,
    )  # fmt: skip
