"""The targets: of another kind than the loss's, not scaled, all the same, or of rare classes."""

from __future__ import annotations

import math

import numpy as np

from ....core.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, PoissonDeviance, SquaredError
from ....core.network import Network
from ....core.outputs import Softmax
from ..finding import Finding, finding
from ..measure import Measurements
from ..thresholds import LIMITS
from ..words import are, counted, listed, percent

NUMERIC = (SquaredError, AbsoluteError, Huber, PoissonDeviance)


def find_one_target(_: Network, measured: Measurements) -> list[Finding]:
    """Every example has the same target."""
    targets, count = measured.targets, measured.examples
    if count < 2 or not (targets.least == targets.most).all():
        return []
    what = "class" if targets.counts is not None else "target"
    value = listed(f"{t:.6g}" for t in targets.least)
    if targets.counts is not None:
        value = int(np.argmax(targets.counts))
    called = targets.called(value) if isinstance(value, int) else value
    return finding(
        "one_target", 1.0, f"every example has the same {what}",
        f"All {count} examples have {what} {called}: a bias alone reaches the least loss, and X teaches nothing.",
        "See where y comes from: a filter, a join, or the order of the rows may have left one kind only.",
        most="severe" if count >= LIMITS.examples else "note", numbers={"examples": count, what: value},
        layer=measured.layers[-1].layer,
    )  # fmt: skip


def find_wrong_loss(network: Network, measured: Measurements) -> list[Finding]:
    """The loss is made for targets of another kind."""
    loss, outputs, targets = network.loss, network.sizes[-1], measured.targets
    title, most, advice = f"{loss} does not suit these targets", "warning", ""
    softmax = isinstance(network.output, Softmax)
    said, probabilities = "", network.output.range == (0.0, 1.0)
    enough = measured.examples >= LIMITS.examples and measured.targets.levels is not None
    if isinstance(loss, CrossEntropy) and softmax and outputs == 1:
        most = "severe"
        said = "A softmax over 1 output is 1 whatever the weights are: the loss is 0, and so is every gradient."
        advice = "For yes or no, use loss='binary_cross_entropy' with 1 output, or 'cross_entropy' with 2."
    elif enough and isinstance(loss, BinaryCrossEntropy) and not softmax and targets.one_hot and _several(measured):
        said = (
            f"Each of the {measured.examples} rows of y has one 1 among {outputs}, so the classes exclude one another; "
            f"{loss} takes each output for a question of its own, and its outputs need not add up to 1."
        )
        advice = "Use loss='cross_entropy', whose softmax gives one probability to each class."
    elif enough and isinstance(loss, NUMERIC) and targets.one_hot and _several(measured) and not probabilities:
        said = (
            f"Each of the {measured.examples} rows of y has one 1 among {outputs}: these are classes. {loss} takes "
            "them for quantities, its outputs are no probabilities, and an example that is wrong by far is hardly "
            "corrected sooner than one that is nearly right."
        )
        advice = "Use loss='cross_entropy'."
    elif enough and isinstance(loss, SquaredError | AbsoluteError | Huber) and outputs == 1:
        said, advice = _labels_as_numbers(measured, repr(loss))
    if not said:
        return []
    return finding(
        "wrong_loss", 1.0, title, said, advice, most=most,
        numbers={"loss": repr(loss), "outputs": outputs, "levels": targets.levels}, layer=network.depth,
    )  # fmt: skip


def _labels_as_numbers(measured: Measurements, loss: str) -> tuple[str, str]:
    """Whole numbers 0, 1, … without a gap, of which each is there often."""
    targets, levels = measured.targets, measured.targets.levels or 0
    least, most = float(targets.least[0]), float(targets.most[0])
    labels = targets.whole and least == 0 and most == levels - 1 and 2 <= levels <= LIMITS.classes
    if not labels or measured.examples < LIMITS.examples_of_class * levels:
        return "", ""
    if levels == 2:
        said = (
            f"y holds nothing but 0 and 1, in {measured.examples} rows: yes or no, which {loss} takes for a quantity."
        )
        return said, "Use loss='binary_cross_entropy' with 1 output, or 'cross_entropy' with 2."
    said = (
        f"y holds nothing but the whole numbers 0 to {levels - 1}, in {measured.examples} rows. If they are classes, "
        f"{loss} takes class 2 for the mean of 1 and 3."
    )
    return said, (
        f"For classes, use loss='cross_entropy' with {levels} outputs; for counts, loss='poisson_deviance'; for "
        "grades on a scale this loss may stay."
    )


def find_target_scale(network: Network, measured: Measurements) -> list[Finding]:
    """Numeric targets far larger or smaller than 1."""
    if not isinstance(network.loss, NUMERIC):
        return []
    targets = measured.targets
    with np.errstate(all="ignore"):
        sizes = np.hypot(targets.mean, targets.std)
    if np.isnan(sizes).any():
        return []
    worst = int(np.argmax(sizes))
    share = measured.share_of_baseline
    learned = share is not None and share <= LIMITS.learned
    if learned and not measured.telemetry.epochs:  # a network that was handed over: nothing is known of its training
        return []
    numbers = {
        "root_mean_square": float(sizes[worst]),
        "mean": float(targets.mean[worst]),
        "std": float(targets.std[worst]),
        "output": worst,
    }
    of_output = f" of output {worst + 1}" if len(sizes) > 1 else ""
    said = (
        f"The targets{of_output} have mean {targets.mean[worst]:.3g} and standard deviation {targets.std[worst]:.3g}; "
        f"the root of their mean square is {sizes[worst]:.3g}, where initial outputs, and the steps of an optimizer, "
        "are made for numbers near 1."
    )
    scaled = "Subtract their mean and divide by their standard deviation, and scale the predictions back."
    if isinstance(network.loss, PoissonDeviance):
        scaled = "Divide them by their mean, and multiply the predictions by it."
    rest = {"most": "warning" if learned else "severe", "numbers": numbers, "layer": network.depth}
    size = float(sizes[worst])
    return finding("targets_not_scaled", size, "targets are not scaled", said, scaled, **rest) + finding(
        "targets_too_small", size if size > 0 else math.nan, "targets are very small", said, scaled, **rest
    )


def find_missing_classes(network: Network, measured: Measurements) -> list[Finding]:
    """Outputs whose class no example has; fewer examples than classes must leave some out, which tells nothing."""
    targets, counts = measured.targets, measured.targets.counts
    if counts is None or network.sizes[-1] == 1 or measured.examples < len(counts):
        return []
    missing = np.flatnonzero(counts == 0)
    enough = measured.examples >= LIMITS.examples_of_class * len(counts)
    return finding(
        "missing_classes", len(missing), "classes that never occur",
        f"{counted(len(missing), 'class')} of {len(counts)} {are(len(missing))} the class of no example: "
        f"{listed(map(targets.called, missing.tolist()))}.",
        "Give the network as many outputs as there are classes, numbered from 0; or see whether a part of the data "
        "was left out, such as where rows are sorted by class.",
        most="warning" if enough else "note", numbers={"missing": len(missing), "classes": len(counts)},
        layer=network.depth, units=missing,
    )  # fmt: skip


def find_class_imbalance(network: Network, measured: Measurements) -> list[Finding]:
    """One class has far more weight than another."""
    targets = measured.targets
    if targets.counts is None or targets.shares is None or targets.recall is None:
        return []
    present = np.flatnonzero((targets.counts > 0) & (targets.shares > 0))
    if len(present) < 2 or measured.examples < LIMITS.examples:
        return []
    rare, common = (int(present[place(targets.shares[present])]) for place in (np.argmin, np.argmax))
    balanced = measured.telemetry.settings.get("class_weight") is not None  # what was trained with had other weights
    ratio, recall = float(targets.shares[common] / targets.shares[rare]), float(targets.recall[rare])
    times = f"{ratio:,.0f}" if ratio >= 1000 else f"{ratio:.3g}"
    return finding(
        "class_imbalance", ratio, "classes of very different weight",
        f"Class {targets.called(common)} has {times} times the weight of class {targets.called(rare)}: "
        f"{targets.counts[common]} examples against "
        f"{targets.counts[rare]}. The network gets {percent(recall)} of the rare class right, and "
        f"{percent(float(targets.recall[common]))} of the common one.",
        "Train with class_weight='balanced', judge by each class's recall rather than by accuracy, and look for more "
        f"examples of class {targets.called(rare)}.",
        most="note" if recall >= LIMITS.recall or balanced else "severe",
        numbers={"ratio": ratio, "rare": rare, "common": common, "recall": recall},
        layer=network.depth, units=(rare,),
    )  # fmt: skip


def _several(measured: Measurements) -> bool:
    """Whether at least two of the outputs are ever 1."""
    return int((measured.targets.most == 1).sum()) > 1
