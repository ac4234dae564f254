"""A training that ends in time."""

from __future__ import annotations

import numpy as np
import pytest

from backtalk import Network, fit, fit_many
from backtalk.apps.tables.time_limit import TimeLimit, seconds_of
from backtalk.errors import InputError, InputTypeError

X, Y = np.eye(4), [0, 1, 0, 1]


class Clock:
    """A second passes whenever somebody looks."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        self.seconds += 1
        return self.seconds


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("1 h 5 min 3 sec", 3903), ("90", 90), ("0.5m", 30),
     (" 2H ", 7200), (45, 45), (np.float32(0.5), 0.5)],
)  # fmt: skip
def test_a_time_is_read_as_people_write_it(written, seconds):
    assert seconds_of(written) == seconds


@pytest.mark.parametrize("written", ["", "m", "10x", "-5s", "0", "0m", "nan", "inf", "5m10", 0, -1, float("inf")])
def test_what_is_no_time_is_refused(written):
    with pytest.raises(InputError, match="time_limit is"):
        seconds_of(written)


@pytest.mark.parametrize("written", [None, True, ["10m"]])
def test_what_is_of_no_kind_that_a_time_has_is_refused(written):
    with pytest.raises(InputTypeError, match="time_limit is"):
        seconds_of(written)


def nets(count):
    return [Network.create([4, 2], rng=seed) for seed in range(count)]


def test_a_training_ends_in_time():
    limit = TimeLimit(20.5, [1], now=Clock())
    training = fit(*nets(1), X, Y, epochs=1000, rng=0, callbacks=limit.watchers)
    assert len(training.losses) == 19  # it ends at 21.5, and began at 2
    assert limit.watchers[0].ended


def test_a_training_that_ends_earlier_does_so():
    limit = TimeLimit(1000, [1], now=Clock())
    assert len(fit(*nets(1), X, Y, epochs=7, rng=0, callbacks=limit.watchers).losses) == 7
    assert not limit.watchers[0].ended


def test_there_is_one_epoch_at_the_least():
    limit = TimeLimit(1e-9, [3])
    each = [{"callbacks": watcher} for watcher in limit.watchers]
    trained = fit_many(nets(3), X, Y, epochs=1000, rng=0, each=each)
    assert [len(training.losses) for training in trained] == [1, 1, 1]


def test_trainings_one_after_the_other_have_equal_shares(monkeypatch):
    monkeypatch.setattr("backtalk.train.many.threads", lambda: 1)
    limit = TimeLimit(300, [4], now=Clock())
    each = [{"callbacks": watcher} for watcher in limit.watchers]
    done = [len(training.losses) for training in fit_many(nets(4), X, Y, epochs=10_000, rng=0, each=each)]
    assert min(done) > 70
    assert sum(done) < 300


def test_stages_share_the_time_by_how_many_trainings_they_have():
    limit = TimeLimit(300, [2, 1], now=Clock())
    done = []
    for stage in limit.stages:
        each = [{"callbacks": watcher} for watcher in stage]
        done.append(sum(len(training.losses) for training in fit_many(nets(len(stage)), X, Y, epochs=1000, each=each)))
    assert 180 < done[0] < 205
    assert 80 < done[1] < 105
