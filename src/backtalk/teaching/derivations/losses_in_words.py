"""A loss in words: what it compares, what t is, and the letters of its formula."""

from __future__ import annotations

import numpy as np

from ...core.head import Head
from ...core.losses import Huber, PoissonDeviance
from ...core.losses.classes import CategoricalHinge, Focal, KLDivergence
from ...core.losses.numeric import GaussianNLL, Quantile, Quantiles
from ...core.outputs import Softmax
from .text import number_text

MOST = 8  # numbers of t that are shown
STEP = "H(r) is 1 where r > 0, else 0."
UNIT = "e_j is the column with 1 in row j and 0 elsewhere."


def said_of_loss(head: Head, target: np.ndarray | None, yhat: np.ndarray | None) -> str:
    """The sentences before ℒ: of one example with target t and ŷ, shape (k,), or of any if None.

    >>> from backtalk import Network
    >>> head = Network.create([2, 2], loss="cross_entropy", rng=0).head
    >>> said_of_loss(head, np.array([0.0, 1.0]), np.array([0.5, 0.5])).partition(". ")[2]
    't is e(y) = [0, 1]: 1 at output 2, which is label 1, and 0 at the others.'
    """
    loss = head.loss
    sentences = [f"The loss, {loss}, compares ŷ with the target t.", _said_of_target(head, target)]
    match loss:
        case Huber():
            sentences.append("ρ(r) is ½r² where |r| ≤ δ, and δ(|r| − ½δ) elsewhere.")
        case Focal(gamma):
            sentences.append(
                f"The logarithm has the factor 1 − ŷ to the power γ = {gamma:g}: an output that is nearly right counts "
                "little."
            )
        case CategoricalHinge():
            sentences.append(_said_of_hinge(target, yhat))
        case Quantile(level):
            sentences.append(
                f"An output below t costs q = {level:g} for each unit that it lacks, and one above costs 1 − q = "
                f"{1 - level:g}. {STEP}"
            )
        case Quantiles(levels):
            said = ", ".join(f"{level:g}" for level in levels)
            sentences.append(
                f"As many outputs in turn are quantiles of the levels q = {said}: "
                f"one below t costs q for each unit that it lacks, and one above costs 1 − q. {STEP}"
            )
        case GaussianNLL():
            sentences.append(
                "The first half of ŷ are means μ, the second half logarithms of variances, s = log σ²; the last term "
                "of each pair is the logarithm of 2π."
            )
        case PoissonDeviance() | KLDivergence() if target is not None and np.any(target == 0):
            sentences.append("0 · log 0 counts as 0.")
    return " ".join(filter(None, sentences))


def _said_of_target(head: Head, target: np.ndarray | None) -> str:
    """What t is; for a label, which output it is."""
    if target is None:
        return ""
    t = head.loss.prediction(target[None])[0]
    written = [number_text(value) for value in t]
    vector = "" if len(t) > MOST else written[0] if len(t) == 1 else f"[{', '.join(written)}]"
    smoothed = getattr(head.loss, "label_smoothing", 0.0) > 0
    of_classes = head.loss.takes_classes or isinstance(head.output, Softmax)
    one = _label(t) if of_classes else None
    if one is None or not (smoothed or t[one] == 1):
        return f"t is {vector}{', smoothed' if smoothed else ''}." if vector else ""
    which = f"{written[one]} at output {one + 1}, which is label {one}, and {written[one - 1]} at the others"
    name = f"e(y), smoothed{f', {vector}' if vector else ''}" if smoothed else f"e(y){f' = {vector}' if vector else ''}"
    return f"t is {name}: {which}."


def _label(t: np.ndarray) -> int | None:
    """The place of the one number that is larger than the others, which are equal."""
    one = int(t.argmax())
    others = np.delete(t, one)
    return one if len(others) and np.ptp(others) == 0 and t[one] > others[0] else None


def _said_of_hinge(target: np.ndarray | None, yhat: np.ndarray | None) -> str:
    if target is None or yhat is None:
        return f"y is the output of the label, and r the first of the largest others. {STEP} {UNIT}"
    rival = int(np.where(target == 1, -np.inf, yhat).argmax()) + 1
    return f"ŷ of the label should lead by 1; the largest other, or the first of them, is output {rival}. {STEP} {UNIT}"
