"""The verdict on a run, and on another table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ....core.network import Network
from ..parts import Inputs
from ..preprocessing import Preprocessing
from ..target import Target
from .alone import find_giveaways
from .beside import Beside, find_better_baseline, find_simpler
from .classes import find_never_predicted
from .compare import Rows, compare
from .constant import Constant
from .course import find_far_apart, find_few_rows, find_more_inputs_than_rows, find_still_falling
from .remark import NO_BETTER, WELL, Remark

if TYPE_CHECKING:
    from ....train import Training

OUT_OF_FOLD = "out_of_fold"
JUDGED = ("test", OUT_OF_FOLD, "validation", "training")  # the first of these parts that there is, is judged
Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A trained run: ``parts``, truth and output of each part, and its trainings; ``network``: one of its members.

    ``drawn``: the rows of the parts were drawn at random; ``weights``: of the rows of each part, if they have some;
    ``beside``: other models on the rows of the part that is judged.
    """

    target: Target
    network: Network
    preprocessing: Preprocessing
    constant: Constant
    parts: Mapping[str, Arrays]
    trainings: Sequence[Training]
    drawn: bool = True
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    beside: Sequence[Beside] = ()


def judge(run: Judged, inputs: Mapping[str, tuple[Inputs, np.ndarray]]) -> list[Remark]:
    """What there is to say, the most important first; ``inputs``: X and encoded y of each part.

    What makes the scores worthless comes first, and that the network is better than the constant comes last, alone if
    all is well.
    """
    target, network = run.target, run.network
    part = next(name for name in JUDGED if name in run.parts)
    others = {name: arrays for name, arrays in run.parts.items() if name != part}
    rows = Rows(part, *run.parts[part], run.weights.get(part))
    giveaways = find_giveaways(target, run.preprocessing, inputs)
    found = giveaways + find_better_baseline(target, network, run.beside, run.constant.balanced)
    scored = judge_scores(target, network, run.constant, rows, others)
    if not found and any(each.name == WELL for each in scored):
        found += find_simpler(target, network, run.beside, run.constant.balanced)
    found += scored
    found += _still_falling(run.trainings)
    beside = next((name for name in (OUT_OF_FOLD, "validation") if name in run.parts), None)
    if part == "test" and beside is not None:
        validation = Rows(beside, *run.parts[beside])
        found += find_far_apart(target, network, validation, rows, run.drawn)
    if part == "training":
        sentence = "no rows were held out: these scores say nothing about new rows"
        found.append(Remark("nothing_held_out", sentence, "hold some out: --test 0.2"))
    found += find_more_inputs_than_rows(len(run.parts["training"][1]), run.preprocessing.plain_count)
    if all(each.name != NO_BETTER for each in found):
        found += find_few_rows(rows)
    return sorted(found, key=lambda each: each.name == WELL)


def _still_falling(trainings: Sequence[Training]) -> list[Remark]:
    """The remark, if it holds for most of the networks: that of the first of them."""
    found = [find_still_falling(each.losses, each.validation_losses, each.reason) for each in trainings]
    told = [each for each in found if each]
    return told[0] if 2 * len(told) > len(found) else []


def judge_scores(
    target: Target,
    network: Network,
    constant: Constant,
    rows: Rows,
    others: Mapping[str, Arrays] | None = None,
) -> list[Remark]:
    """What rows with a target say by themselves: the comparison with the constant, and classes never predicted."""
    compared = compare(target, network, constant, rows)
    if compared is None:
        return []
    if not target.classifies:
        return [compared]
    never = find_never_predicted(target, network, constant, rows, others or {})
    if compared.name == "classes_no_better" and not never:
        threshold = "set a threshold of your own to what 'backtalk predict' gives for each class"
        weigh = constant.is_uneven and not constant.balanced
        compared = replace(
            compared, advice=f"train with --class-weight balanced, or {threshold}" if weigh else threshold
        )
    return [compared, *never]
