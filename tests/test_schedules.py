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


def test_schedules_follow_torch():
    torch = pytest.importorskip("torch")
    for text, theirs, steps in (
        ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20), 5),
        ("cosine(end=0.1)", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20, 0.1), 5),
        ("step(every=3, factor=0.5)", lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5), 1),
        ("exponential(factor=0.7)", lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.7), 1),
        ("polynomial", lambda o: torch.optim.lr_scheduler.PolynomialLR(o, 20), 5),
        ("polynomial(power=2.5)", lambda o: torch.optim.lr_scheduler.PolynomialLR(o, 20, 2.5), 5),
        ("cosine_restarts(every=3)", lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3), 1),
        (
            "cosine_restarts(every=2, growth=2, end=0.1)",
            lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 2, 0.1),
            1,
        ),
        ("one_cycle", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1.0, 20), 5),
        (
            "one_cycle(rise=0.45, start=10, end=100)",
            lambda o: torch.optim.lr_scheduler.OneCycleLR(
                o, 1.0, 20, pct_start=0.45, div_factor=10, final_div_factor=100
            ),
            5,
        ),
    ):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
        scheduler, expected = theirs(optimizer), []
        for _ in range(20):
            expected.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if len(expected) < 20:
                scheduler.step()
        np.testing.assert_allclose(factors(text, 20 // steps, steps), expected, rtol=1e-12, atol=1e-15)


def test_one_cycle_rises_to_the_learning_rate_and_falls_far_below_its_start():
    found = factors("one_cycle", epochs=100, steps=10)
    assert found.argmax() == 299
    assert found[299] == 1
    assert found[0] == pytest.approx(1 / 25)
    assert found[-1] == pytest.approx(1 / 25 / 1e4)
    assert (np.diff(found[:300]) > 0).all()
    assert (np.diff(found[299:]) < 0).all()


def test_cosine_restarts_goes_on_within_an_epoch_as_torch_does():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    scheduler, expected = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 2, 2), []
    optimizer.step()
    for epoch in range(4):
        for batch in range(5):
            scheduler.step(epoch + batch / 5)
            expected.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(factors("cosine_restarts(every=2, growth=2)"), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("reduce_on_plateau", {}),
        ("reduce_on_plateau(factor=0.5, patience=2)", {"factor": 0.5, "patience": 2}),
        ("reduce_on_plateau(factor=0.5, patience=0, threshold=0.01, cooldown=3)",
         {"factor": 0.5, "patience": 0, "threshold": 0.01, "cooldown": 3}),
        ("reduce_on_plateau(factor=0.5, patience=1, end=0.3)", {"factor": 0.5, "patience": 1, "min_lr": 0.3}),
    ],
)  # fmt: skip
def test_reduce_on_plateau_follows_torch(text, options):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    schedule, memory, rng = as_schedule(text), ScheduleState(), np.random.default_rng(0)
    losses = np.concatenate([[3, 2, 1.999, 1.9999, 1], 1 + rng.uniform(-0.02, 0.02, 40)])
    for loss in losses:
        theirs.step(float(loss))
        memory = schedule.after_epoch(float(loss), memory)
        assert memory.factor == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
    assert memory.factor < 1


def test_a_plateau_below_zero_is_judged_as_one_above():
    schedule, memory = as_schedule("reduce_on_plateau(patience=0, threshold=0.1)"), ScheduleState()
    for loss in [-1.0, -1.05, -1.2]:
        memory = schedule.after_epoch(loss, memory)
    assert (memory.factor, memory.best) == (0.1, -1.2)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("one_cycle", r"^schedule is one_cycle, which rises in the first 0.3 of the run, but the run has 2 steps"),
        ("cosine(warm_up=3)", r"^schedule is cosine\(warm_up=3.0\), whose warm-up takes 3 steps, but the run has 2"),
    ],
)
def test_a_run_of_too_few_steps_is_refused(schedule, words):
    with pytest.raises(InputError, match=words):
        fit(Network.create([4, 2], rng=0), np.eye(4), [0, 1, 0, 1], epochs=2, schedule=schedule)


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
        ("exponential(factor=1.5)", InputError, "factor of exponential is 1.5"),
        ("polynomial(power=0)", InputError, "power of polynomial is 0.0"),
        ("cosine_restarts(every=0.5)", InputError, "every of cosine_restarts is 0.5"),
        ("reduce_on_plateau(factor=1)", InputError, "factor of reduce_on_plateau is 1.0"),
    ],
)
def test_a_schedule_that_cannot_be_used_is_named(text, error, words):
    with pytest.raises(error, match=words):
        as_schedule(text)
