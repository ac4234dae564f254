"""The output function: one that the loss, or the targets, cannot use."""

from __future__ import annotations

import math

import numpy as np

from ....core.losses import CategoricalHinge, CrossEntropy, Focal, KLDivergence, SquaredError
from ....core.network import Network
from ....core.outputs import Softmax
from ..finding import Finding, finding
from ..measure import Measurements
from ..thresholds import LIMITS


def find_wrong_output(network: Network, measured: Measurements) -> list[Finding]:
    """The output function gives numbers that the loss is not made for, or cannot give the targets."""
    found = _one_softmax(network) or _outside_of_the_domain(network) or _out_of_reach(network, measured)
    found = found or _not_a_distribution(network) or _no_margin(network) or _slow_squares(network, measured)
    if found is None:
        return []
    most, said, advice = found
    return finding(
        "wrong_output", 1.0, f"{network.output} does not suit {network.loss}", said, advice, most=most,
        numbers={"output": repr(network.output), "loss": repr(network.loss)}, layer=network.depth,
    )  # fmt: skip


Said = tuple[str, str, str]  # the most that it is, what is wrong, what to do


def _one_softmax(network: Network) -> Said | None:
    # with cross-entropy it is a finding about the loss
    if network.sizes[-1] > 1 or not isinstance(network.output, Softmax) or isinstance(network.loss, CrossEntropy):
        return None
    said = "A softmax over 1 output is 1 whatever the weights are, so every gradient is 0."
    return "severe", said, "Use output='sigmoid' for a probability, output='identity' for a number, or 2 outputs."


def _outside_of_the_domain(network: Network) -> Said | None:
    (low, high), (least, most) = network.loss.domain, network.output.range
    if least >= low and most <= high:
        return None
    said = (
        f"{network.loss} is defined for outputs {_between(low, high)}, but {network.output} gives numbers "
        f"{_between(least, most)}: where it leaves the domain the loss is infinite, and training stops."
    )
    return "severe", said, f"Use output={network.loss.natural_output!r}, which goes with {network.loss}."


def _out_of_reach(network: Network, measured: Measurements) -> Said | None:
    least, most = network.output.range
    targets = measured.targets
    with np.errstate(invalid="ignore"):
        beyond = np.flatnonzero((targets.least < least) | (targets.most > most))
    if not len(beyond) or network.loss.takes_classes or network.loss.name == "gaussian_nll":
        return None
    worst = int(beyond[0])
    said = (
        f"The targets of output {worst + 1} reach from {targets.least[worst]:.4g} to {targets.most[worst]:.4g}, but "
        f"{network.output} gives numbers {_between(least, most)}: no weights reach the others, and a unit that tries "
        "saturates."
    )
    return "severe", said, "Use output='identity', or scale the targets into the range of the output function."


def _not_a_distribution(network: Network) -> Said | None:
    logs = isinstance(network.loss, CrossEntropy | KLDivergence | Focal)
    if not logs or isinstance(network.output, Softmax):
        return None
    said = (
        f"{network.loss} looks at the output of the right class alone, and trusts that all outputs add up to 1. Those "
        f"of {network.output} do not: if every output grows, the loss falls, and nothing is told apart."
    )
    advice = "Use output='softmax'; for labels that may hold together, loss='binary_cross_entropy' with 'sigmoid'."
    return "severe", said, advice


def _no_margin(network: Network) -> Said | None:
    if not isinstance(network.loss, CategoricalHinge):
        return None
    least, most = network.output.range
    if most - least > 1:
        return None
    said = (
        f"The hinge wants the right output to lead by 1, but those of {network.output} lie {_between(least, most)}: no "
        "example ever gets there, and each goes on pulling."
    )
    return "warning", said, "Use output='identity' with it, or loss='cross_entropy'."


def _slow_squares(network: Network, measured: Measurements) -> Said | None:
    """Squared error of probabilities, on classes."""
    targets = measured.targets
    probabilities = isinstance(network.output, Softmax) or network.output.name == "sigmoid"
    zero_or_one = bool((targets.least >= 0).all() and (targets.most <= 1).all()) and targets.whole
    if not probabilities or not isinstance(network.loss, SquaredError) or not zero_or_one:
        return None
    said = (
        f"With squared error the gradient of the pre-activations has the slope of {network.output} as a factor, which "
        "is nearly 0 where the network is sure: an example that is wrong by far is corrected most slowly."
    )
    better = "cross_entropy" if isinstance(network.output, Softmax) else "binary_cross_entropy"
    share = measured.share_of_baseline
    slow = measured.telemetry.epochs > 0 and share is not None and share >= LIMITS.learned
    return "warning" if slow else "note", said, f"With loss={better!r} the slope cancels, and the gradient is ŷ − t."


def _between(least: float, most: float) -> str:
    if math.isinf(least) and math.isinf(most):
        return "of any size"
    if math.isinf(most):
        return f"of {least:g} or more"
    return f"between {least:g} and {most:g}" if not math.isinf(least) else f"up to {most:g}"
