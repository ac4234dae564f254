"""From what a backward pass shows to findings, by the thresholds of :mod:`backtalk.diagnose`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...core.arrays import Array, to_numpy
from ..diagnose.copies import copies_among
from ..diagnose.finding import Finding, finding
from ..diagnose.rules.layers import lagging, ratio_findings
from ..diagnose.thresholds import LIMITS, RULES
from ..diagnose.words import are, counted, listed, percent
from .layer_statistics import Activity, LayerStatistics, rows_of_units
from .norms import HeardNorms
from .pairs import CapturedPairs

JUDGED = (
    "non_finite", "non_finite_data", "inputs_not_scaled", "inputs_too_small", "symmetry", "dead_units",
    "vanishing_gradient", "exploding_gradient", "layer_not_learning", "dominating_examples", "batch_too_small",
)  # fmt: skip
OF_MODEL = {
    "vanishing_gradient": "Use the initialization of the activation (torch.nn.init has them), relu or tanh "
    "instead of sigmoid, normalization or residual connections, and fewer layers.",
    "exploding_gradient": "Use the initialization of the activation (torch.nn.init has them): these weights are too "
    "large. Else clip the gradient's norm (torch.nn.utils.clip_grad_norm_), and take a smaller learning rate.",
}


def non_finite(pairs: CapturedPairs, name: str, what: str, value: str, examples: Sequence[int]) -> list[Finding]:
    """The first value that is not finite, in the order of computing."""
    of_data = what == "input" and name == next(iter(pairs.calls))
    number = list(pairs.calls).index(name) + 1
    what = "input" if what == "input" else "gradient of the output"
    advice = {
        True: "See where the values come from, and leave these rows out or fill the values in.",
        False: "Scale the inputs and the targets, use a smaller learning rate, or clip the gradient's norm; in float16 "
        "scale the loss (torch.amp.GradScaler), or use bfloat16.",
    }[of_data]
    return finding(
        "non_finite_data" if of_data else "non_finite", len(examples),
        f"the {what} of layer '{name}' is not finite",
        f"The first value that is not finite, in the order of computing, is in the {what} of layer '{name}': {value}, "
        f"in {counted(len(examples), 'example')} of {pairs.count}: {listed(examples)}. Everything that is computed "
        "from it is lost.",
        advice, numbers={"value": value, "examples": len(examples)}, layer=0 if of_data else number, examples=examples,
    )  # fmt: skip


def input_scale(activity: Activity) -> list[Finding]:
    """What the first Linear hears is far larger than 1, or far smaller."""
    first, means, sizes = activity.first, activity.means, activity.sizes
    if first is None:
        return []
    order = np.argsort(-sizes, kind="stable")
    large = [int(k) for k in order if sizes[k] >= (RULES["inputs_not_scaled"].warning or math.inf)]
    overall = float(np.sqrt(np.mean(np.square(sizes))))
    scale = "Subtract the mean and divide by the standard deviation of each, over the training data; where they come "
    scale += "from layers below, put a normalization before this one."
    names = [f"{k} ({sizes[k]:.3g})" for k in large]
    return finding(
        "inputs_not_scaled", float(sizes[order[0]]), "inputs are not scaled",
        f"{counted(len(large), 'input')} of {len(sizes)} of the first Linear, '{first}', are far from the size "
        f"that initial weights are made for: the root of the mean square should be near 1, and it is {listed(names)}. "
        f"The largest has mean {means[order[0]]:.3g}.",
        scale, most="warning", numbers={"columns": len(large), "largest": float(sizes[order[0]])}, layer=0, units=large,
    ) + finding(
        "inputs_too_small", overall if overall > 0 else math.nan, "inputs are very small",
        f"The root of the mean square of what the first Linear, '{first}', hears is {overall:.3g}, where initial "
        "weights are made for inputs near 1.",
        scale, most="warning", numbers={"root_mean_square": overall}, layer=0,
    )  # fmt: skip


def copies(
    pairs: CapturedPairs, layers: Sequence[LayerStatistics], weights: dict[str, tuple[Array, bool]]
) -> list[Finding]:
    """Units with equal incoming weights and equal gradients."""
    found = []
    for layer in layers:
        weight, same = weights[layer.name]
        if layer.outputs < 2 or not same:
            continue
        alike, rows = rows_of_units(pairs, layer.name, weight)
        groups = [[int(alike[k]) for k in group] for group in copies_among(rows)] if len(alike) else []
        units = [unit for group in groups for unit in group]
        if not groups:
            continue
        found += finding(
            "symmetry", len(units) / layer.outputs, f"layer '{layer.name}' has units that are copies of one another",
            f"{counted(len(units), 'unit')} of the {layer.outputs} of layer '{layer.name}' have the same incoming "
            f"weights and the same gradients as another one, in {counted(len(groups), 'group')}; the first is units "
            f"{listed(groups[0])}. Copies stay copies: the layer works as if it had "
            f"{layer.outputs - len(units) + len(groups)}.",
            "Draw the initial weights at random, not all alike and not 0; biases may be 0.",
            numbers={"copies": len(units), "units": layer.outputs, "groups": len(groups)},
            layer=layer.number, units=units,
        )  # fmt: skip
    return found


def dead_units(count: int, layers: Sequence[LayerStatistics]) -> list[Finding]:
    """Units that are 0 where the next layer hears them, and have no gradient, whatever the example."""
    found = []
    for layer in layers:
        dead = layer.dead_units
        found += finding(
            "dead_units", len(dead) / layer.outputs, f"dead units in layer '{layer.name}'",
            f"{counted(len(dead), 'unit')} of {layer.outputs} in layer '{layer.name}' {are(len(dead))} 0 where "
            f"'{layer.heard_by}' hears them, for every one of {count} examples, and hear nothing from the loss: "
            f"{listed(dead)}.",
            "Use a smaller learning rate and scaled inputs, and see that biases did not become very negative; or an "
            "activation that is never flat, such as LeakyReLU.",
            most="severe" if count >= LIMITS.examples else "note",
            numbers={"dead": len(dead), "units": layer.outputs, "share": len(dead) / layer.outputs},
            layer=layer.number, units=dead,
        )  # fmt: skip
    return found


def gradient_ratio(count: int, layers: Sequence[LayerStatistics]) -> list[Finding]:
    """What of the last layer's gradient comes down to each."""
    over = f"over {counted(count, 'example')} (root mean square)"
    names = [f"'{layer.name}'" for layer in layers]
    found = ratio_findings(np.array([layer.grad_a_rms for layer in layers]), over, names=names)
    return [replace(each, advice=OF_MODEL[each.kind], layer=layers[(each.layer or 1) - 1].number) for each in found]


def not_learning(layers: Sequence[LayerStatistics]) -> list[Finding]:
    """Layers that hear next to nothing for their size."""
    known = [layer for layer in layers if layer.ratio is not None]
    ratios = np.array([layer.ratio for layer in known], dtype=np.float64)
    found = lagging(ratios, "has a gradient of", names=[f"'{layer.name}'" for layer in known])
    return [replace(each, layer=known[(each.layer or 1) - 1].number) for each in found]


def dominating(found: HeardNorms) -> list[Finding]:
    """A hundredth of the examples with as much say as all others: a note, since their losses are not known."""
    norms = to_numpy(found.whole).astype(np.float64)
    count = len(norms)
    if count < LIMITS.examples or not norms.max() > 0:
        return []
    say = (norms / norms.max()) ** 2
    say = say / say.sum()
    few = max(1, int(LIMITS.loud * count))
    rows = np.argsort(-say, kind="stable")[:few]
    share = float(say[rows].sum())
    loudest = [f"{n} ({percent(float(say[n]))})" for n in rows]
    return finding(
        "dominating_examples", share, "a few examples drown out the others",
        f"{counted(few, 'example')} of {count} have {percent(share)} of the sum of the squares of the gradients' "
        f"norms: {listed(loudest, 5)}.",
        "Look at these examples for wrong values, in the inputs as in the targets. If they are right, a loss that "
        "listens to them less, or clip_grad_norm_, helps.",
        most="note", numbers={"examples": few, "share": share}, examples=rows,
    )  # fmt: skip


def noisy(count: int, noise: float | None) -> list[Finding]:
    """The noise of the batch's gradient: a note, since every run ends there once its gradient vanishes."""
    if noise is None or count < LIMITS.examples:
        return []
    much = f"{noise:.3g} examples" if math.isfinite(noise) else "too large to be told from one batch"
    found = finding(
        "batch_too_small", noise / count, "the batch's gradient is mostly noise",
        f"The gradient noise scale is {much}, and the batch has {count}: one such batch hardly shows the "
        "direction in which the mean loss falls. That is usual where training is nearly done.",
        "If the loss still has to fall, use larger batches, or a smaller learning rate.",
        numbers={"noise_scale": noise, "batch": count},
    )  # fmt: skip
    return [replace(each, severity="note") for each in found]
