"""Whether anything arrives: copies of units, a layer that passes nothing down, layers in a row without activation."""

from __future__ import annotations

import math

import numpy as np

from ....core.activations import Identity
from ....core.network import Network
from ....core.outputs import Softmax
from ..copies import copies_in
from ..finding import Finding, finding
from ..measure import Measurements
from ..telemetry import Start
from ..thresholds import LIMITS
from ..words import counted, listed_from_1
from .layers import BY_SCALE
from .rates import begins_large, usual_sizes

AT_RANDOM = "Draw the initial weights at random (Network.create does), not all alike and not 0; biases may be 0."


def find_symmetry(network: Network, measured: Measurements) -> list[Finding]:
    """Units that are copies of one another now, or were before the first step."""
    return find_copies(network, measured.telemetry.start)


def find_copies(network: Network, start: Start) -> list[Finding]:
    """The same, without the data at hand."""
    found = []
    for i in range(1, network.depth):
        units, groups, before = network.sizes[i], copies_in(network, i), start.copies[i - 1 : i]
        now = bool(groups)
        if before:  # copies that steps have made, as of weights that were thrown out, are no cause
            groups = groups if groups and before[0] else [list(group) for group in before[0]]
        copies = [unit for group in groups for unit in group]
        if not groups:
            continue
        zero = now and not np.any(network.W[i][copies])
        how = "all of their incoming weights are 0" if zero else f"the first group is units {listed_from_1(groups[0])}"
        have = "have" if now else "had, before the first step,"
        found += finding(
            "symmetry", len(copies) / units, f"layer {i} has units that are copies of one another",
            f"{counted(len(copies), 'unit')} of the {units} in layer {i} {have} the weights of another one, in "
            f"{counted(len(groups), 'group')}; {how}. Units that begin alike have gradients that are alike, and stay "
            f"copies, or part only slowly: the layer works as if it had {units - len(copies) + len(groups)}.",
            AT_RANDOM, most="severe" if now else "warning",
            numbers={"copies": len(copies), "units": units, "groups": len(groups)}, layer=i, units=copies,
        )  # fmt: skip
    return found


def find_nothing_arrives(network: Network, measured: Measurements) -> list[Finding]:
    """The gradient is exactly 0 for every example, from some layer down, and no step will change that."""
    stop = next((layer for layer in reversed(measured.layers) if layer.grad_a_rms == 0), None)
    one_softmax = isinstance(network.output, Softmax) and network.sizes[-1] == 1
    if stop is None or not (_is_unsolved(measured) or one_softmax):
        return []
    i, depth = stop.layer, network.depth
    if any(layer.grad_W > 0 for layer in measured.layers[: i + 1]):  # the weights above it will let it through
        return []
    share = sum(layer.grad_W == 0 for layer in measured.layers) / depth
    advice = f"{BY_SCALE}, a smaller learning rate, and an activation that is never flat, such as leaky_relu."
    if i == depth and one_softmax:
        why = "a softmax over 1 output is 1 whatever the weights are"
        advice = "Use output='sigmoid' for a probability, output='identity' for a number, or 2 outputs."
    elif i == depth:
        why = f"every output is on a flat part of {network.output} for every example"
        advice = f"Use output={network.loss.natural_output!r}, which goes with {network.loss}."
    elif not np.any(network.W[i + 1]):
        why = f"all weights of layer {i + 1} are 0"
        advice = AT_RANDOM
    elif not stop.unit_slope.any():
        why = f"all {stop.units} units of layer {i} are on a flat part of {stop.function} for every example"
    else:
        why = f"what layer {i + 1} passes down has become 0"
    return finding(
        "nothing_arrives", 1.0, f"no gradient arrives in layer {i} or below" if i < depth else "no gradient arrives",
        f"The gradient of a is exactly 0 in layer {i}{' and below' if i > 1 else ''}, for each of "
        f"{counted(measured.examples, 'example')}: {why}. No step changes the weights of "
        f"{'any layer' if share == 1 else f'layers 1 to {min(i + 1, depth)}'}.",
        advice, numbers={"layer": i, "share": share}, layer=i, units=stop.dead_units or stop.saturated_units,
    )  # fmt: skip


def _is_unsolved(measured: Measurements) -> bool:
    share = measured.share_of_baseline
    return measured.loss > 0 if share is None else share > LIMITS.small


def find_large_start(network: Network, measured: Measurements) -> list[Finding]:
    """Initial weights far above the usual size, each layer of which multiplies what passes through it."""
    telemetry, usual = measured.telemetry, usual_sizes(network)
    sizes = telemetry.start.sizes
    share = measured.share_of_baseline
    if not begins_large(network, telemetry) or len(sizes) != network.depth or (share or 0.0) <= LIMITS.learned:
        return []
    times = [size / most for size, most in zip(sizes, usual, strict=True)]
    together = math.prod(max(each, 1.0) for each in times)
    worst = int(np.argmax(times)) + 1
    return finding(
        "exploding_gradient", together, "the initial weights are too large",
        f"Before the first step, W_{worst} had {times[worst - 1]:.3g} times the usual size, and all layers together "
        f"multiply what passes through them, and the gradient on its way down, by {together:.3g}.",
        f"{BY_SCALE}: these weights are too large.",
        numbers={"times": times[worst - 1], "together": together}, layer=worst,
    )  # fmt: skip


def find_linear_layers(network: Network, _: object = None) -> list[Finding]:
    """Hidden layers without an activation: each is one linear layer with the next."""
    linear = [i for i in range(1, network.depth) if isinstance(network.activations[i - 1], Identity)]
    # a narrow one that stands alone is a factor of low rank, which is often meant
    narrow = all(
        network.sizes[i] < min(network.sizes[i - 1], network.sizes[i + 1]) and i + 1 not in linear for i in linear
    )
    if not linear:
        return []
    run = longest = 1
    for i in range(1, network.depth):
        run = run + 1 if i in linear else 1
        longest = max(longest, run)
    first = linear[0]
    whole = len(linear) == network.depth - 1
    is_linear = ", so the whole network is linear" if whole else ""
    return finding(
        "linear_layers", longest, "layers in a row without an activation",
        f"{counted(len(linear), 'hidden layer')} of {network.depth - 1} "
        f"{'has' if len(linear) == 1 else 'have'} no activation (identity): {listed_from_1(i - 1 for i in linear)}. "
        f"Layers {first} and {first + 1} together are one linear layer{is_linear}.",
        "Use an activation such as relu or tanh in the hidden layers; if a linear network is what you want, leave the "
        "hidden layers out.",
        most="note" if narrow else "warning",
        numbers={"in_a_row": longest, "linear": len(linear)}, layer=first,
    )  # fmt: skip
