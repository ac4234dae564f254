"""Schedules: the learning rate of every step, against PyTorch's where it has the same, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from backtalk import InputError, Network, UnknownNameError, fit
from backtalk.train.schedules import SCHEDULES, ScheduleState, StepPosition, as_schedule


def factors(text: str, epochs: int = 4, steps: int = 5) -> np.ndarray:
    schedule = as_schedule(text)
    return np.concatenate(
        [
            schedule.factors(StepPosition(n + 1, n * steps, steps, epochs * steps), ScheduleState())
            for n in range(epochs)
        ]
    )


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_starts_no_higher_than_the_learning_rate_and_stays_positive(name):
    found = factors(name)
    assert len(found) == 20
    assert found[0] <= 1
    assert (found > 0).all()


def test_cosine_and_step_follow_torch():
    torch = pytest.importorskip("torch")
    for text, theirs, steps in (
        ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20), 5),
        ("cosine(end=0.1)", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20, 0.1), 5),
        ("step(every=3, factor=0.5)", lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5), 1),
    ):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
        scheduler, expected = theirs(optimizer), []
        for _ in range(20):
            expected.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        np.testing.assert_allclose(factors(text, 20 // steps, steps), expected, rtol=1e-12, atol=1e-15)


def test_one_cycle_rises_to_the_learning_rate_and_falls_far_below_its_start():
    found = factors("one_cycle", epochs=100, steps=10)
    assert found.argmax() == 300
    assert found[300] == 1
    assert found[0] == pytest.approx(1 / 25)
    assert found[-1] < 1e-4
    assert (np.diff(found[:301]) > 0).all()
    assert (np.diff(found[300:]) < 0).all()


def test_warm_up_rises_in_a_straight_line_and_then_is_the_schedule():
    np.testing.assert_allclose(factors("constant(warm_up=10)")[:12], [*np.arange(1, 11) / 10, 1, 1])
    warmed = factors("cosine(warm_up=4)")
    np.testing.assert_allclose(warmed[:4], [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(warmed[4:], (1 + np.cos(np.pi * np.arange(16) / 16)) / 2)


def test_adaptive_lowers_the_rate_when_the_loss_does_not_fall():
    schedule, memory, seen = as_schedule("adaptive(factor=0.5, patience=2, tolerance=0)"), ScheduleState(), []
    for loss in [3, 2, 2.5, 2, 1, 1.5, 1.5, 1.5]:
        memory = schedule.after_epoch(loss, memory)
        seen.append(memory.factor)
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_training_takes_the_rates_of_its_schedule():
    # one step of plain SGD at a rate of η·(1/2) is one at η/2
    X, y = np.eye(4), [0, 1, 0, 1]
    start = Network.create([4, 3, 2], rng=0)
    options = {"epochs": 1, "batch_size": 4, "rng": 0}
    warmed = fit(start, X, y, optimizer="sgd(learning_rate=0.2, momentum=0)", schedule="constant(warm_up=2)", **options)
    plain = fit(start, X, y, optimizer="sgd(learning_rate=0.1, momentum=0)", **options)
    np.testing.assert_allclose(warmed.network.W[1], plain.network.W[1], rtol=1e-14)


def test_the_epoch_says_its_learning_rate():
    seen = []
    fit(
        Network.create([4, 2], rng=0),
        np.eye(4),
        [0, 1, 0, 1],
        epochs=3,
        schedule="step(every=1)",
        callbacks=seen.append,
    )
    np.testing.assert_allclose([epoch.learning_rate for epoch in seen], [1e-3, 1e-4, 1e-5])


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("cosin", UnknownNameError, "did you mean 'cosine'"),
        ("step(every=0)", InputError, r"every of step is 0.0, expected a number in \[1, inf\)"),
        ("one_cycle(rise=1)", InputError, "rise of one_cycle is 1.0"),
        ("constant(warm_up=-1)", InputError, "warm_up of constant is -1.0"),
    ],
)
def test_a_schedule_that_cannot_be_used_is_named(text, error, words):
    with pytest.raises(error, match=words):
        as_schedule(text)
