"""The course of the training, and the rows: still falling, validation far from test, few rows."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.network import Network
from ....pages.page import number_text
from ..target import Target
from .chance import differ
from .compare import Rows, errors_of, words_of
from .remark import FEW_TEST_ROWS, Remark

FALL = 0.01  # of the least loss so far, by which it fell in the last tenth of the epochs
MATTERS = 0.002  # of the first epoch's loss: what falls by less has nothing left to learn
FEW_ROWS = 20  # of a part, to be compared with another


def find_still_falling(losses: Sequence[float], validation_losses: Sequence[float], reason: str) -> list[Remark]:
    """The epochs ended, and the best was among the last."""
    watched, what = (validation_losses, "validation loss") if validation_losses else (losses, "loss")
    epochs = len(losses)
    if reason != "epochs" or not watched:
        return []
    advice = f"train for more epochs: --epochs {max(2 * epochs, 10)}"
    if epochs == 1:
        return [Remark("still_falling", "there was 1 epoch only", advice)]
    last = max(1, epochs // 10)
    before, least = min(watched[:-last]), min(watched)
    if not before - least > max(FALL * abs(before), MATTERS * abs(watched[0])):
        return []
    after = f"from {number_text(before)} to {number_text(least)} in the last {last} of {epochs} epochs"
    if last == 1:
        after = f"from {number_text(before)} to {number_text(least)} in the last of {epochs} epochs"
    return [Remark("still_falling", f"the {what} was still falling: {after}", advice)]


def find_far_apart(target: Target, network: Network, validation: Rows, test: Rows, drawn: bool) -> list[Remark]:
    """Test rows that go much better or worse than the validation rows; ``drawn``: both were drawn at random."""
    if min(len(validation.truth), len(test.truth)) < FEW_ROWS:
        return []
    pairs = list(zip(errors_of(target, network, validation), errors_of(target, network, test), strict=True))
    apart = [k for k, (a, b) in enumerate(pairs) if min(len(a), len(b)) >= FEW_ROWS and differ(a, b)]
    if not apart:
        return []
    name = ["share of wrong classes", "log loss"][apart[0]] if target.classifies else "mean absolute error"
    a, b = (float(each.mean()) for each in pairs[apart[0]])
    sentence = (
        f"the test rows go {'worse' if b > a else 'better'} than the {words_of(validation.part)} rows: {name} "
        f"{number_text(b)} on {test}, {number_text(a)} on {validation}, further apart than chance allows"
    )
    advice = (
        "rows of one time, or rows that belong together, may differ: hold them out by --split time=COLUMN or --split "
        "group=COLUMN"
        if drawn
        else "the rows were not drawn at random: what holds for those of one time, group or file does not hold for "
        "those of another; trust the test rows, and train on rows like the ones to come"
    )
    return [Remark("validation_far_from_test", sentence, advice)]


def find_more_inputs_than_rows(training: int, inputs: int) -> list[Remark]:
    """The rows to learn from are fewer than the inputs."""
    if inputs <= training:
        return []
    sentence = f"{inputs:,} inputs, but {training:,} training rows: the network can learn each row by heart"
    advice = "fewer columns, more rows, or a simpler network: --hidden '' --l2-penalty 0.1"
    return [Remark("more_inputs_than_rows", sentence, advice)]


def find_few_rows(rows: Rows) -> list[Remark]:
    """Rows to judge by that are so few that chance moves the scores far."""
    if len(rows.truth) >= FEW_TEST_ROWS:
        return []
    return [
        Remark("few_rows", f"only {rows}: the scores hang on a few rows", "see how far they move with another --seed")
    ]
