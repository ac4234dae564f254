"""The layers: units that are dead or saturated, gradients that vanish or explode on the way down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ....core.network import Network
from ..finding import SEVERITIES, Finding, finding
from ..measure import LayerMeasurement, Measurements
from ..thresholds import LIMITS
from ..words import are, counted, listed_from_1, percent

SILENT = ("dead_units", "saturated_units")
BY_SCALE = "Use the initialization of the activation (Network.create's own)"


def find_silent_units(_: Network, measured: Measurements) -> list[Finding]:
    """Dead and saturated units of each hidden layer."""
    found = []
    for layer in measured.layers:
        # with few examples a unit may be silent by chance, but not a whole layer of them
        most = "severe" if measured.examples >= LIMITS.examples else "note"
        found += _dead(layer, measured.examples, most) + _saturated(layer, measured.examples, most)
    return milder_where_learned(found, measured.share_of_baseline, is_right=_is_right(measured))


def milder_where_learned(found: Sequence[Finding], share: float | None, *, is_right: bool = False) -> list[Finding]:
    """Findings of silent units beside ``share``, the loss over that of the best constant output; None if not known."""
    if share is None or not share <= LIMITS.small:
        return list(found)
    # they did not keep it from learning; and where nothing is left to learn, they cost no more than their width
    most = "note" if share <= LIMITS.solved or is_right else "warning"
    return [
        replace(each, severity=max(each.severity, most, key=SEVERITIES.index)) if each.kind in SILENT else each
        for each in found
    ]


def _is_right(measured: Measurements) -> bool:
    targets = measured.targets
    if targets.given is None or targets.predicted is None:
        return False
    return float((targets.given == targets.predicted).mean()) >= LIMITS.right


def _dead(layer: LayerMeasurement, examples: int, most: str) -> list[Finding]:
    i, units = layer.layer, layer.dead_units
    return finding(
        "dead_units", len(units) / layer.units, f"dead units in layer {i}",
        f"{counted(len(units), 'unit')} of {layer.units} in layer {i} ({layer.function}) {are(len(units))} silent "
        f"for every one of {counted(examples, 'example')}, and hear{'s' if len(units) == 1 else ''} nothing from the "
        f"loss: {listed_from_1(units)}.",
        "Use a smaller learning rate and scaled inputs, and see that biases did not become very negative; or an "
        "activation that is never flat, such as leaky_relu.",
        most=most, numbers={"dead": len(units), "units": layer.units, "share": len(units) / layer.units},
        layer=i, units=units,
    )  # fmt: skip


def _saturated(layer: LayerMeasurement, examples: int, most: str) -> list[Finding]:
    i, units = layer.layer, layer.saturated_units
    flat = float(layer.unit_flat[list(units)].mean()) if units else 0.0
    return finding(
        "saturated_units", len(units) / layer.units, f"saturated units in layer {i}",
        f"{counted(len(units), 'unit')} of {layer.units} in layer {i} ({layer.function}) {are(len(units))} at an end "
        f"of the range for {percent(flat) if flat else 'all'} of {examples} examples: {listed_from_1(units)}. The "
        f"standard deviation of a is {layer.a_std:.3g} in this layer, where about 1 is usual.",
        f"Scale the inputs, use a smaller learning rate, or smaller weights. {BY_SCALE}; l2_penalty keeps them small.",
        most=most,
        numbers={"saturated": len(units), "units": layer.units, "share": len(units) / layer.units,
            "a_std": layer.a_std},
        layer=i, units=units,
    )  # fmt: skip


def find_gradient_ratio(network: Network, measured: Measurements) -> list[Finding]:
    """What of the output's gradient comes down to each layer."""
    sizes = np.array([layer.grad_a_rms for layer in measured.layers])
    over = f"over {counted(measured.examples, 'example')} (root mean square)"
    return ratio_findings(sizes, over, measured.telemetry.growth(network))


def ratio_findings(
    sizes: np.ndarray, over: str, growth: float = 1.0, names: Sequence[str] | None = None
) -> list[Finding]:
    """Vanishing or exploding, from ‖∇_{a_i}‖ for layers 1, 2, …, the last of them being the measure.

    ``growth``: of the weights while they were trained. Where steps have blown them up, what explodes is their doing.
    ``names``: what to call the layers, by default by their numbers.
    """
    last = len(sizes)
    if last < 2 or not np.isfinite(sizes).all() or not sizes[-1] > 0:
        return []
    called = ["", *(names or map(str, range(1, last + 1)))]
    ratios = sizes[:-1] / sizes[-1]
    steps = sizes[:-1] / np.where(sizes[1:] > 0, sizes[1:], 1)
    least, most = int(np.argmin(ratios)) + 1, int(np.argmax(ratios)) + 1
    found = []
    for kind, i, word, place in (("vanishing_gradient", least, "loses", 0), ("exploding_gradient", most, "gains", -1)):
        step = int(np.argsort(steps)[place]) + 1
        ratio = float(ratios[i - 1])
        said = (
            f"‖∇a‖ of layer {called[i]} is {ratio:.3g} times that of layer {called[last]}, {over}. On its way down it "
            f"{word} most between layers {called[step + 1]} and {called[step]}, by a factor of {steps[step - 1]:.3g}."
        )
        title = f"the gradient {'vanishes' if place == 0 else 'explodes'} on its way down to layer {called[i]}"
        advice = (
            f"{BY_SCALE}, relu or tanh instead of sigmoid, and fewer layers."
            if place == 0
            else f"{BY_SCALE}: these weights are too large. Else use clip_norm, and a smaller learning rate."
        )
        numbers = {"ratio": ratio, "step": float(steps[step - 1]), "step_layer": step, "last": last}
        grown = kind == "exploding_gradient" and growth >= LIMITS.growth
        if grown:
            said += f" The weights became {growth:.3g} times as large in training."
        found += finding(kind, ratio, title, said, advice, most="note" if grown else "severe", numbers=numbers, layer=i)
    return found


def find_layer_not_learning(network: Network, measured: Measurements) -> list[Finding]:
    """A layer that hears next to nothing; what it did in the run says more, if that was told."""
    if any(len(ways) == network.depth for ways in measured.telemetry.moved):
        return []
    return lagging(
        np.array([np.nan if layer.ratio is None else layer.ratio for layer in measured.layers]),
        "has a gradient of",
    )


def lagging(ways: np.ndarray, verb: str, of: str = " of its size", names: Sequence[str] | None = None) -> list[Finding]:
    """The layers whose number is far below the median of the others'; ``names``: as for ratio_findings.

    ``verb`` and ``of`` stand before and behind the number.
    """
    found = []
    called = ["", *(names or map(str, range(1, len(ways) + 1)))]
    for i in range(1, len(ways) + 1):
        others = np.delete(ways, i - 1)
        usual = float(np.median(others)) if len(others) else 0.0
        if not (usual > LIMITS.moves and np.isfinite(usual)):  # if none moves, none lags
            continue
        weights = f"W of layer {called[i]}" if names else f"W_{i}"
        found += finding(
            "layer_not_learning", float(ways[i - 1] / usual), f"layer {called[i]} does not learn",
            f"{weights} {verb} {ways[i - 1]:.3g}{of}; the other layers' median is {usual:.3g}.",
            "See that this layer's weights are among those that the optimizer changes, that they are not far larger "
            "than the other layers', and that the layer above passes its gradient down.",
            numbers={"way": float(ways[i - 1]), "others": usual}, layer=i,
        )  # fmt: skip
    return found
