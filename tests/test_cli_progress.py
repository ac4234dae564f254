"""The line that says how far training is."""

from __future__ import annotations

from backtalk.apps.cli.progress import TrainingState
from backtalk.apps.tables.members import MemberProgress


def told(state, now, member, epoch, examples=0, ended=(), left=None, loss=0.5):
    whole = {"epochs": 100, "count": 200, "step": 1, "members": 3, "ended": ended, "seconds_left": left}
    state.note(MemberProgress(epoch=epoch, examples=examples, loss=loss, member=member, **whole), now)
    return state


def test_the_time_left_is_the_longest_until_a_network_has_ended():
    state = told(TrainingState(), 0.0, 1, 1)
    told(state, 10.0, 1, 11)
    assert state.done == 2000
    assert state.words == "loss 0.5  200 examples/s  4:50 left at most"
    assert state.epoch == "0 of 3 networks, epoch 11/100"


def test_then_the_others_are_expected_to_take_as_long():
    state = told(TrainingState(), 0.0, 1, 1)
    told(state, 10.0, 2, 6)
    told(state, 40.0, 1, 21)
    told(state, 60.0, 2, 11, ended=(1,))
    assert state.left == 2000 + 4000
    assert state.words == "loss 0.5  100 examples/s  about 1:00 left"


def test_a_time_limit_that_comes_earlier_is_the_time_left():
    state = told(TrainingState(), 0.0, 1, 1)
    told(state, 10.0, 1, 11, left=30.0)
    assert state.words.endswith("  30 s left")


def test_the_line_does_not_jump_from_one_network_to_another():
    state, epochs, losses = TrainingState(), [], []
    for now, (member, epoch, loss) in enumerate([(1, 3, 1.0), (2, 5, 0.5), (3, 2, 0.75), (1, 4, 1.0), (2, 5, 0.5)]):
        told(state, 0.01 * now, member, epoch, loss=loss)
        epochs.append(state.epoch)
        losses.append(state.words)
    assert epochs == ["0 of 3 networks, epoch 3/100"] * 5
    assert losses[2:] == ["loss 0.75"] * 3
