"""What of the gradient arrives: nothing, next to nothing, or far too much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ....diagnose.finding import Finding, finding
from ....diagnose.rules.layers import lagging
from ....diagnose.words import counted
from ..statistics import ModelStatistics, ModuleStatistics

VANISHING = "Use the initialization of the activation (torch.nn.init has them), relu or tanh instead of sigmoid, "
VANISHING += "normalization or residual connections, and fewer layers."
EXPLODING = (
    "Use the initialization of the activation (torch.nn.init has them): these weights are too large. Else clip the "
)
EXPLODING += "gradient's norm (torch.nn.utils.clip_grad_norm_), and take a smaller learning rate."


def find_nothing(statistics: ModelStatistics) -> list[Finding]:
    """All weights have a gradient of exactly 0."""
    if statistics.reach.trained and not statistics.reach.reached:
        return finding(
            "nothing_arrives", 1.0, "no gradient arrives at the model",
            "A backward pass was run, and none of the trained parameters got a gradient: the loss does not depend on "
            "what the model computed.",
            "Compute the loss from the model's outputs themselves, without detach(), .data, .item(), NumPy, "
            "torch.tensor(…), torch.no_grad(), argmax, round or a comparison between the two.",
            numbers={"layers": 0},
        )  # fmt: skip
    known = [module for module in statistics.modules if module.weights_hear is not None]
    deaf = [module for module in known if not module.weights_hear]
    if not known or not statistics.stop:
        return []
    stop = statistics.stop
    return finding(
        "nothing_arrives", len(deaf) / len(known), "no gradient arrives at the weights",
        f"The gradient of the weights of {'all ' if len(known) > 1 else ''}{counted(len(deaf), 'layer')} is exactly 0: "
        f"no step changes them. It stops above '{stop.below}': {stop.why}.",
        stop.advice,
        numbers={"layers": len(deaf), "module": stop.below, "above": stop.name}, layer=stop.layer,
    )  # fmt: skip


def find_gradient_ratio(statistics: ModelStatistics) -> list[Finding]:
    """What of the upper layers' gradient comes down to the first.

    Vanishing: the first layer hears far less than the layer above that hears most. Exploding: far more than the
    last third of the layers, in their middle. So a side branch that hears little by itself is no reason.
    """
    layers = [module for module in statistics.modules if _is_layer(module)]
    sizes = np.array([module.grad_norm for module in layers], dtype=np.float64)
    if len(layers) < 2 or not sizes.max() > 0:
        return []
    last = sizes[-math.ceil(len(sizes) / 3) :]
    found = []
    if sizes[0] > 0 or _unexplained(statistics):
        found += _told(
            "vanishing_gradient", layers, sizes, float(sizes[0] / sizes[1:].max()) if sizes[1:].any() else 1.0
        )
    if np.median(last) > 0:
        found += _told("exploding_gradient", layers, sizes, float(sizes[0] / np.median(last)))
    return found


def _told(kind: str, layers: Sequence[ModuleStatistics], sizes: np.ndarray, ratio: float) -> list[Finding]:
    vanishes = kind == "vanishing_gradient"
    with np.errstate(all="ignore"):
        steps = np.nan_to_num(np.log(sizes[:-1]) - np.log(sizes[1:]), nan=0.0, posinf=0.0, neginf=-700.0)
    step = int(np.argmin(steps) if vanishes else np.argmax(steps))
    factor = math.exp(steps[step])
    first = layers[0]
    return finding(
        kind, ratio, f"the gradient {'vanishes' if vanishes else 'explodes'} on its way down to layer '{first.name}'",
        f"The gradient of the output of layer '{first.name}' has {ratio:.3g} times the norm that "
        f"{'the loudest layer above it has' if vanishes else 'is usual in the last layers'}. On its way down it "
        f"{'loses' if vanishes else 'gains'} most between layers '{layers[step + 1].name}' and '{layers[step].name}', "
        f"by a factor of {factor:.3g}.",
        VANISHING if vanishes else EXPLODING,
        numbers={"ratio": ratio, "step": factor, "module": first.name}, layer=first.layer,
    )  # fmt: skip


def _unexplained(statistics: ModelStatistics) -> bool:
    """A gradient of exactly 0 that no layer of zeros and no dead layer is the reason of: it ran out of digits."""
    layers = [module for module in statistics.modules if _is_layer(module)]
    return not any(
        module.weight_norm == 0 or (module.constant and module.units > 1) or len(module.dead_units) == module.units
        for module in layers
    )


def find_layers_not_learning(statistics: ModelStatistics) -> list[Finding]:
    """Layers that hear next to nothing for their size."""
    known = [module for module in statistics.modules if module.ratio is not None and _is_layer(module)]
    if len(known) < 2:
        return []
    ratios = np.array([module.ratio for module in known], dtype=np.float64)
    found = lagging(ratios, "has a gradient of", names=[f"'{module.name}'" for module in known])
    return [_of_module(each, known[(each.layer or 1) - 1]) for each in found]


def _of_module(each: Finding, module: ModuleStatistics) -> Finding:
    return replace(each, layer=module.layer, numbers={**each.numbers, "module": module.name})


def _is_layer(module: ModuleStatistics) -> bool:
    """It has a weight matrix, and its output has a gradient."""
    return module.weights_hear is not None and module.grad_norm is not None
