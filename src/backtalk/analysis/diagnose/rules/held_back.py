"""What holds a network back on purpose, but too much: a penalty, or dropout."""

from __future__ import annotations

import math

import numpy as np

from ....core.network import Network
from ....core.optimizers import SGD, GradientDescent, Optimizer
from ....engines.passes import gradients
from ....errors import BacktalkError
from ..examples import Examples
from ..finding import Finding, finding
from ..measure import Measurements
from ..telemetry import Telemetry
from ..thresholds import LIMITS, RULES
from ..words import percent
from .fit import optimizer_of


def find_penalty_too_strong(
    network: Network, measured: Measurements, examples: Examples, *, is_behind: bool
) -> list[Finding]:
    """Its gradient beside that of the data, for weights as they are initialized; if little was learned (``is_behind``).

    At the end of training both are equal, whatever the penalty: so it is the start that tells.
    """
    share, settings = measured.share_of_baseline, measured.telemetry.settings
    penalty, optimizer = settings.get("l2_penalty"), optimizer_of(measured.telemetry)
    penalty = float(penalty) if isinstance(penalty, int | float) else 0.0
    decay = 0.0 if optimizer is None else optimizer.weight_decay
    if share is None or share <= LIMITS.small or not (penalty > 0 or decay > 0):
        return []
    fresh = start_of(network)
    sizes = math.sqrt(sum(float((W**2).sum()) for W in fresh.W.values()))
    heard = _gradient(fresh, examples)
    by_penalty = penalty * sizes / heard if heard else 0.0
    by_decay = 0.0
    if optimizer is not None and decay > 0:
        by_decay = decay * _strength(optimizer, sizes, heard, sum(W.size for W in fresh.W.values()))
    name, value, ratio = max(("l2_penalty", penalty, by_penalty), ("weight_decay", decay, by_decay), key=lambda x: x[2])
    # ½λ Σ_i ‖W_i‖² of weights that it has shrunk, and it is still larger than the loss of the examples
    now = sum(layer.W**2 for layer in measured.layers)
    beside = 0.5 * penalty * now / measured.loss if measured.loss > 0 and now <= (LIMITS.shrunk * sizes) ** 2 else 0.0
    warning = RULES["penalty_too_strong"].warning or 1.0
    outweighs = f" It is now {beside:.2g} times the loss of the examples." if beside >= 1 else ""
    if not (is_behind or share >= LIMITS.learned or ratio >= 1):
        return []
    return finding(
        "penalty_too_strong", max(ratio, warning * beside), "the penalty is too strong",
        f"With {name}={value:.3g}, the penalty pulls weights of the usual initial size towards 0 with {ratio:.2g} "
        f"times the strength with which the examples pull them.{outweighs} The loss of the examples is "
        f"{percent(share)} of that of the best constant output.",
        f"Try {name}={value / LIMITS.weaker:.2g}, or none.",
        numbers={"ratio": ratio, name: value},
    )  # fmt: skip


def start_of(network: Network) -> Network:
    """One of the same layers with the usual initial weights."""
    return Network.create(
        network.sizes, list(network.activations), network.loss, output=network.output, rng=0, dtype=network.spec.dtype
    )


def _gradient(fresh: Network, examples: Examples) -> float:
    """‖∇_W ℒ‖ over some examples; 0 if it cannot be told."""
    rows = np.flatnonzero(~examples.unknown & np.isfinite(examples.X).all(axis=1) & (examples.weight > 0))
    rows = rows[:: max(1, len(rows) // LIMITS.gradient_examples)]
    if not len(rows):
        return 0.0
    try:
        grads = gradients(fresh, examples.X[rows], examples.y[rows], examples.weight[rows])
    except BacktalkError:
        return 0.0
    size = math.sqrt(sum(float((G.astype(np.float64) ** 2).sum()) for G in grads.W.values()))
    return size if math.isfinite(size) else 0.0


def _strength(optimizer: Optimizer, sizes: float, heard: float, weights: int) -> float:
    """‖W‖ over the change that the optimizer makes for the data, both per learning rate."""
    if isinstance(optimizer, SGD | GradientDescent):  # momentum adds up the gradients of 1/(1 − m) steps
        momentum = getattr(optimizer, "momentum", 0.0)
        return sizes * (1 - momentum) / heard if heard else 0.0
    return sizes / math.sqrt(weights)  # the others make steps of about the learning rate for each weight


def find_dropout_too_strong(network: Network, telemetry: Telemetry) -> list[Finding]:
    """A rate that leaves too few units, or often none."""
    given = telemetry.settings.get("dropout") or 0.0
    rates = [given] * (network.depth - 1) if isinstance(given, int | float) else list(given)
    if len(rates) != network.depth - 1 or not all(isinstance(rate, int | float) for rate in rates):
        return []
    # a layer of n units is dropped as a whole with a probability of rateⁿ
    none = [rate ** network.sizes[i] for i, rate in enumerate(rates, start=1)]
    values = [max(rate, LIMITS.dropped * gone / LIMITS.all_dropped) for rate, gone in zip(rates, none, strict=True)]
    if not values:
        return []
    k = int(np.argmax(values))
    rate, units = rates[k], network.sizes[k + 1]
    return finding(
        "dropout_too_strong", values[k], "dropout leaves too few units",
        f"Dropout of {rate:.2g} leaves {(1 - rate) * units:.2g} of the {units} units of layer {k + 1} in a step, and "
        f"none in {percent(none[k])} of the steps.",
        "Use dropout=0.5 or less, or none for a layer of few units.",
        numbers={"rate": rate, "units": units, "none": none[k]}, layer=k + 1,
    )  # fmt: skip
