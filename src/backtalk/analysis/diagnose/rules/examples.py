"""The examples: labels that the network contradicts, and a few that drown out the others."""

from __future__ import annotations

import numpy as np

from ....core.network import Network
from ..finding import Finding, finding
from ..measure import Measurements
from ..peers import Peers
from ..thresholds import LIMITS, RULES
from ..words import counted, listed, percent


def find_mislabelled(network: Network, measured: Measurements, peers: Peers | None) -> list[Finding]:
    """Examples of which a network that is usually right, also about their class, is sure that they are of another.

    A note, unless other rows contradict these labels as well.
    """
    targets, share = measured.targets, measured.share_of_baseline
    if targets.given is None or targets.predicted is None or targets.confidence is None or targets.of_given is None:
        return []
    right = float((targets.given == targets.predicted).mean())
    if right < LIMITS.accurate or measured.examples < LIMITS.examples or targets.recall is None:
        return []
    if share is not None and not share <= LIMITS.learned:
        return []  # the confidence of a network that has learned little says nothing
    usual = _usual_confidence(targets.given, targets.of_given, network.sizes[-1])
    against = targets.confidence >= np.minimum(usual[targets.predicted], LIMITS.confident)
    against &= (targets.of_given < LIMITS.contradicted) & (targets.given != targets.predicted)
    # of a class that it hardly knows, as one of few examples, it contradicts the right labels too
    against &= targets.recall[targets.given] >= LIMITS.accurate
    rows = np.flatnonzero(against)
    rows = rows[np.argsort(-measured.losses[rows], kind="stable")]
    shown = [
        f"{measured.number(n)} ({targets.called(int(targets.given[n]))}, "
        f"rather {targets.called(int(targets.predicted[n]))})"
        for n in rows[: LIMITS.listed]
    ]
    return finding(
        "mislabelled_examples", len(rows) / measured.examples, "labels that may be wrong",
        f"The network gets {percent(right)} right, but is sure of another class than the given one for "
        f"{counted(len(rows), 'example')} of {measured.examples} ({percent(len(rows) / measured.examples)}): "
        f"{listed(shown, 5, len(rows))}.",
        "Look at these rows, the first ones first, and correct labels that are wrong. Keep the rows whose labels are "
        "right: there the classes overlap, and more columns, or more such examples, would help.",
        most="warning" if contradicted(peers, against) else "note",
        numbers={"examples": len(rows), "share": len(rows) / measured.examples, "accuracy": right},
        layer=network.depth, examples=measured.rows[rows],
    )  # fmt: skip


def contradicted(peers: Peers | None, accused: np.ndarray) -> bool:
    """Whether wrong labels explain what is accused, and not classes that overlap.

    Where classes overlap, the labels that other rows contradict lie where these rows disagree. Wrong labels lie
    anywhere: then they are about as frequent in the half of the rows whose neighbours are most of one mind.
    """
    if peers is None:
        return False
    t, told = peers.targets, peers.best.predicted
    if t.shape[1] == 1:
        t, told = np.column_stack([1 - t, t]), np.column_stack([1 - told, told])
    wrong, sure = t.argmax(axis=1) != told.argmax(axis=1), told.max(axis=1)
    deep = sure >= np.median(sure)
    both = (wrong & accused[peers.rows]).mean()
    rule = RULES["mislabelled_examples"].warning or 0.0
    return bool(both >= rule / 2 and wrong[deep].mean() >= LIMITS.anywhere * wrong.mean())


def _usual_confidence(given: np.ndarray, of_given: np.ndarray, outputs: int) -> np.ndarray:
    """The mean ŷ of each class over the examples that have it as their label; 1 if none has."""
    sums, counts = (np.bincount(given, weights=weights, minlength=max(2, outputs)) for weights in (of_given, None))
    return np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)


def find_dominating(network: Network, measured: Measurements) -> list[Finding]:
    """A hundredth of the examples with as much say as all others."""
    count = measured.examples
    if count < LIMITS.examples:
        return []
    with np.errstate(all="ignore"):
        say = measured.weights * measured.norms
        say = (say / say.max()) ** 2
        say = say / say.sum()
        loss = measured.weights * measured.losses
    if not np.isfinite(say).all():
        return []
    few = max(1, int(LIMITS.loud * count))
    order = np.argsort(-say, kind="stable")
    rows = order[:few]
    if _of_rare_classes(measured, rows, say):
        return []
    share, part = float(say[rows].sum()), float(loss[rows].sum())
    of_loss, baseline = part / measured.loss if measured.loss > 0 else 0.0, measured.baseline
    heavy = baseline is not None and baseline > 0 and part >= LIMITS.loud_loss * max(baseline, measured.loss)
    loudest = [f"{measured.number(n)} ({percent(float(say[n]))})" for n in rows]
    quieter = "label_smoothing or clip_norm helps"
    if network.output.name == "identity":
        quieter = "a loss that listens to them less (huber, absolute_error), clip_norm, or a logarithm of y helps"
    return finding(
        "dominating_examples", share, "a few examples drown out the others",
        f"{counted(few, 'example')} of {count} have {percent(share)} of the sum of the squares of the gradients' "
        f"norms: {listed(loudest, 5)}. They also have {percent(of_loss)} of the loss.",
        f"Look at these rows for wrong values, in X as in y, and at their weights. If they are right, {quieter}.",
        most="severe" if heavy else "note",
        numbers={"examples": few, "share": share, "share_of_loss": of_loss, "classes": measured.targets.hard},
        layer=network.depth, examples=measured.rows[rows],
    )  # fmt: skip


def _of_rare_classes(measured: Measurements, rows: np.ndarray, say: np.ndarray) -> bool:
    """Whether it is not single examples that are loud, but all of a rare class, most of which the network misses."""
    given, recall, counts = measured.targets.given, measured.targets.recall, measured.targets.counts
    if given is None or recall is None or counts is None:
        return False
    missed = (recall < LIMITS.recall) & (counts <= LIMITS.rare * counts.max())
    return bool(say[rows][missed[given[rows]]].sum() >= 0.5 * say[rows].sum())
