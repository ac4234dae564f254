"""The network beside other models, row by row: whether one of them does better by more than chance allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ....core.network import Network
from ..metrics import gives_shares
from ..target import Target
from .chance import Difference
from .compare import Measure, Numbers, Rows, are_known, log_losses, measures_of_numbers, numbers_of
from .remark import Remark

WORSE = "worse_than_baseline"
AS_GOOD = "baseline_as_good"
LEAST_GAIN = 0.002  # of a log loss


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Another model by its ``name``, its outputs for rows beside the network's, and the ``advice`` if it is better.

    ``is_simpler``: than a network, so that it is to be preferred if it is as good.
    """

    name: str
    rows: Rows
    output: Numbers
    advice: str = ""
    is_simpler: bool = False


def find_better_baseline(
    target: Target, network: Network, others: Sequence[Beside], balanced: bool = False
) -> list[Remark]:
    """The model that does best, if it is better than the network by more than chance allows.

    ``balanced``: each class counts as much as another. First compared is what the network learns: log loss, or squares
    (distances, if its loss is of these). If chance allows that difference, the other score is compared.
    """
    better: list[tuple[Beside, Measure]] = []
    for other in others:
        for measure in measures_beside(target, network, other, balanced):
            if measure.gain.is_less and _matters(measure):
                better.append((other, measure))
            if measure.gain.is_less or measure.gain.is_more:
                break
    if not better:
        return []
    best, measure = min(better, key=lambda each: each[1].gain.mean)
    chance = "" if measure.name.startswith("root") else f" ({measure.chance})"
    sentence = (
        f"{best.name} {'do' if best.name.endswith('s') else 'does'} better than the network: {measure} on {best.rows}, "
        f"a difference larger than chance{chance}"
    )
    return [Remark(WORSE, sentence, best.advice)]


def find_simpler(target: Target, network: Network, others: Sequence[Beside], balanced: bool = False) -> list[Remark]:
    """A simpler model than which the network is no better by more than chance allows; to be asked if none is better."""
    for other in others:
        measures = measures_beside(target, network, other, balanced) if other.is_simpler else []
        if measures and not any(measure.gain.is_more for measure in measures):
            figures = ", ".join(map(str, measures))
            sentence = (
                f"{other.name} is simpler and does as well as the network: {figures} on {other.rows}, "
                "too close to tell apart"
            )
            return [Remark(AS_GOOD, sentence, other.advice)]
    return []


def _matters(measure: Measure) -> bool:
    """Whether a difference is one that anybody could notice: both may be nearly perfect."""
    return measure.name != "log loss" or abs(measure.gain.mean) > LEAST_GAIN


def measures_beside(target: Target, network: Network, other: Beside, balanced: bool = False) -> list[Measure]:
    """Scores of the other model and of the network; the ``gain`` is by how much the network does better."""
    theirs = replace(other.rows, output=other.output)
    if not target.classifies:
        known = are_known(target, other.rows) & are_known(target, theirs)
        y, own, weight = numbers_of(target, _some(other.rows, known))
        _, predicted, _ = numbers_of(target, _some(theirs, known))
        found = measures_of_numbers(network, y, own, weight, (other.name, predicted), (other.name, predicted))
        return [replace(each, own=each.other, other=each.own) for each in found] if len(y) else []
    group = other.rows.truth if balanced else None

    def add(name: str, given: Numbers, own: Numbers, sign: int) -> Measure:
        first, second = (Difference.of(each, group, other.rows.weight).mean for each in (given, own))
        return Measure(name, other.name, first, second, Difference.of(sign * (own - given), group, other.rows.weight))

    right = [
        1.0 * (theirs.output.argmax(axis=1) == theirs.truth),
        1.0 * (target.labels_of(other.rows.output) == other.rows.truth),
    ]
    measures = [add("balanced accuracy" if balanced else "accuracy", *right, sign=1)]
    if gives_shares(network):
        measures.insert(0, add("log loss", log_losses(theirs), log_losses(other.rows), sign=-1))
    return measures


def _some(rows: Rows, chosen: Numbers) -> Rows:
    weight = None if rows.weight is None else rows.weight[chosen]
    return Rows(rows.part, rows.truth[chosen], rows.output[chosen], weight)
