"""fit_many gives, for each network, what fit gives for it alone, to the bit; how it ends, and what it refuses."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from backtalk import (
    Callback,
    Checkpoint,
    DivergedError,
    InputError,
    InputTypeError,
    Network,
    TrainingInterrupted,
    fit,
    fit_many,
    resume,
)
from backtalk.engines.native import kernels
from backtalk.train import many
from backtalk.train.loggers import JsonLines
from engines import needs_kernels, same_bits

N = 60
X = np.random.default_rng(0).normal(size=(N, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
WEIGHT = np.random.default_rng(1).uniform(0.1, 2, N)
FAST = {"epochs": 4, "batch_size": 8, "rng": 0}


def network(seed: int = 0, **options: Any) -> Network:
    return Network.create([3, 8, 2], activation="tanh", rng=seed, **options)


def equal(one: Any, other: Any) -> bool:
    """Whether two trainings are equal to the bit, with all that they report."""
    states = [[array for family in each.state.arrays.values() for array in family] for each in (one, other)]
    facts = [
        (each.losses, each.validation_losses, each.best_epoch, each.reason, each.state.step) for each in (one, other)
    ]
    return facts[0] == facts[1] and same_bits(one.network, other.network) and all(map(np.array_equal, *states))


def alone(net: Network, given: Any, shared: dict[str, Any], own: dict[str, Any]) -> Any:
    """What fit gives for one of the networks."""
    asked = {"y": Y, "sample_weight": None} | shared | own
    rows = asked.pop("rows", slice(None))
    y, weight = asked.pop("y"), asked.pop("sample_weight")
    return fit(net, given[rows], y[rows], None if weight is None else weight[rows], **asked)


# What several networks have of their own, beside what they share
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "seeds": ({}, [{"rng": seed} for seed in range(5)]),
    "targets and weights": (
        {},
        [{"y": 1 - Y}, {"sample_weight": WEIGHT}, {"y": 1 - Y, "sample_weight": WEIGHT[::-1]}, {}],
    ),
    "a sweep": (
        {"dropout": 0.3, "clip_norm": 1.0},
        [{"optimizer": f"adam(learning_rate={rate})", "l2_penalty": rate / 9} for rate in (0.1, 0.01, 0.001)],
    ),
    "folds": (
        {"class_weight": "balanced", "sample_weight": WEIGHT, "schedule": "cosine"},
        [{"rows": np.delete(np.arange(N), np.s_[first::3])} for first in range(3)],
    ),
    "bootstraps with a part held out": (
        {"validation": 0.2, "patience": 1, "tolerance": 0.01, "epochs": 9, "sample_weight": WEIGHT},
        [{"rows": np.random.default_rng(seed).integers(N, size=N), "rng": seed} for seed in range(3)],
    ),
    "an end of its own for each": (
        {"validation": (X[:9], Y[:9]), "patience": 2},
        [{"epochs": 1}, {"epochs": 7, "optimizer": "sgd(learning_rate=2.0)"}, {"batch_size": 13, "epochs": 3}],
    ),
}


@pytest.mark.parametrize("engine", ["native", "formula"])
@pytest.mark.parametrize("name", CASES)
def test_each_network_is_trained_as_by_fit_to_the_bit(name, engine):
    if engine == "native" and kernels.kernels() is None:
        pytest.skip("no kernels here")
    shared, each = CASES[name]
    shared = FAST | shared | {"engine": engine}
    networks = [network(seed, dtype="float32") for seed in range(len(each))]
    expected = [alone(net, X, shared, own) for net, own in zip(networks, each, strict=True)]
    for threads in (1, 2, 7) if engine == "native" else (2,):
        with threadpoolctl.threadpool_limits(threads, user_api="openmp"):
            found = fit_many(networks, X, **{"y": Y} | shared, each=each)
        assert list(map(equal, found, expected)) == [True] * len(each)


@needs_kernels
def test_networks_take_turns_to_the_bit(monkeypatch):
    monkeypatch.setattr("backtalk.train.team.SECONDS", 0)  # another one after each chunk
    networks = [network(seed) for seed in range(5)]
    seen = []
    with threadpoolctl.threadpool_limits(2, user_api="openmp"):
        each = [{"progress": lambda _, number=number: seen.append(number)} for number in range(5)]
        found = fit_many(networks, X, Y, **FAST, each=each)
    assert all(equal(one, fit(net, X, Y, **FAST)) for one, net in zip(found, networks, strict=True))
    assert seen.index(4) < len(seen) - 1 - seen[::-1].index(0)


def test_arrays_of_other_libraries_are_trained_as_by_fit():
    torch = pytest.importorskip("torch")
    networks = [network(seed).to(torch) for seed in range(2)]
    tensor, each = torch.tensor(X), [{"rows": np.arange(9)}, {"sample_weight": torch.tensor(WEIGHT)}]
    found = fit_many(networks, tensor, torch.tensor(Y), **FAST, each=each)
    expected = [
        fit(networks[0], tensor[:9], torch.tensor(Y)[:9], **FAST),
        fit(networks[1], tensor, torch.tensor(Y), torch.tensor(WEIGHT), **FAST),
    ]
    assert all(one.losses == other.losses for one, other in zip(found, expected, strict=True))


def test_x_is_there_once(monkeypatch):
    used = []
    prepare = many.prepare_run
    monkeypatch.setattr(many, "prepare_run", lambda *given: used.append(given[3][1].batch) or prepare(*given))
    given = np.asfortranarray(X)
    fit_many([network()] * 3, given, Y, **FAST, each=[{"rows": np.arange(20)}, {"y": 1 - Y}, {}])
    assert used[0].X is used[1].X is used[2].X
    assert used[0].y is used[2].y


def test_a_checkpoint_of_each_is_resumed_by_itself(tmp_path):
    rows = [np.arange(0, 40), np.arange(20, 60)]
    files = [tmp_path / "0.safetensors", tmp_path / "1.safetensors"]
    each = [
        {"rows": own, "checkpoint": Checkpoint(file, every_steps=3), "progress": lambda at: at.step >= 7}
        for own, file in zip(rows, files, strict=True)
    ]
    networks = [network(seed) for seed in range(2)]
    stopped = fit_many(networks, X, Y, **FAST, each=each)
    assert [training.reason for training in stopped] == ["callback"] * 2
    for net, own, file in zip(networks, rows, files, strict=True):
        assert equal(resume(file, X[own], Y[own]), fit(net, X[own], Y[own], **FAST))


SEVERAL = r"^2 of 4 networks diverged \(networks\[1\], networks\[3\]\), the first.* training diverged at step"


def test_one_that_diverges_is_named_and_the_others_go_on():
    each = [{}, {"optimizer": "sgd(learning_rate=1e30)"}, {}, {"optimizer": "sgd(learning_rate=1e30)"}]
    networks = [network(seed, loss="squared_error") for seed in range(4)]
    with pytest.raises(DivergedError, match=SEVERAL) as caught:
        fit_many(networks, X, X[:, :2], **FAST, each=each)
    with pytest.raises(DivergedError) as single:
        fit(networks[1], X, X[:, :2], **FAST | each[1])
    error, outcomes = caught.value, caught.value.outcomes
    assert (error.step, error.layer, error.quantity) == (single.value.step, single.value.layer, single.value.quantity)
    assert same_bits(error.network, single.value.network)
    assert [isinstance(each, DivergedError) for each in outcomes] == [False, True, False, True]
    assert equal(outcomes[2], fit(networks[2], X, X[:, :2], **FAST))


def test_an_error_of_a_callback_stops_all_and_says_whose_it_was():
    def fail(_epoch):
        raise RuntimeError("no more room")

    endless = {"epochs": 10**9, "rng": 0}
    with threadpoolctl.threadpool_limits(2, user_api="openmp"), pytest.raises(RuntimeError, match="no more") as caught:
        fit_many([network()] * 3, X, Y, **endless, each=[{}, {"callbacks": fail}, {}])
    assert "networks[1]" in caught.value.__notes__[0]


def test_what_each_network_has_of_its_own_takes_the_place_of_what_would_not_do_for_many():
    own = [{"optimizer": "sgd", "y": Y, "rng": seed, "rows": range(9)} for seed in range(2)]
    shared = {"optimizer": "gd(armijo=0.1)", "rng": np.random.default_rng(0), "rows": [60]}
    networks = [network(seed) for seed in range(2)]
    trainings = fit_many(networks, X, Y + 9, epochs=2, **shared, each=own)
    for net, training, seed in zip(networks, trainings, range(2), strict=True):
        assert equal(training, fit(net, X[:9], Y[:9], epochs=2, optimizer="sgd", rng=seed))
    with pytest.raises(InputError, match=r"optimizer is 'gd.*searches on all examples"):
        fit_many(networks, X, Y, optimizer="gd(armijo=0.1)", each=[{"optimizer": "sgd"}, {}])


class _Interrupts(Callback):
    """Sends Ctrl-C at the end of the second epoch."""

    def on_epoch(self, epoch):
        if epoch.number == 2:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_leaves_every_network_usable_and_its_checkpoint(threads, tmp_path):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    files = [tmp_path / f"{number}.safetensors" for number in range(3)]
    each = [{"checkpoint": Checkpoint(file, every_steps=10**9, every_seconds=None)} for file in files]
    each[1]["callbacks"] = _Interrupts()
    networks, epochs = [network(seed) for seed in range(3)], 10**9 if threads == 2 else 3
    try:
        limit = threadpoolctl.threadpool_limits(threads, user_api="openmp")
        with limit, pytest.raises(TrainingInterrupted) as caught:
            fit_many(networks, X, Y, **FAST | {"epochs": epochs}, each=each)
    finally:
        signal.signal(signal.SIGINT, before)
    outcomes = caught.value.outcomes
    assert len(outcomes) == 3
    assert outcomes[1].reason == caught.value.training.reason == "interrupted"
    for net, file, outcome in zip(networks, files, outcomes, strict=True):
        more = len(outcome.losses) + 2 if outcome.reason == "interrupted" else len(outcome.losses)
        expected = fit(net, X, Y, **FAST | {"epochs": more})
        assert equal(resume(file, X, Y, epochs=more), expected)


@needs_kernels
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_twice_while_networks_are_trained_leaves_their_checkpoints(tmp_path):
    X = np.random.default_rng(0).normal(size=(4000, 32))
    y = np.arange(4000) % 10
    networks = [Network.create([32, 64, 10], rng=seed) for seed in range(3)]
    files = [tmp_path / f"{number}.safetensors" for number in range(3)]
    each = [{"checkpoint": Checkpoint(file, every_steps=10**9, every_seconds=None)} for file in files]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timers = [threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)) for after in (0.3, 0.304)]
    try:
        for timer in timers:
            timer.start()
        limit = threadpoolctl.threadpool_limits(2, user_api="openmp")
        with limit, pytest.raises(TrainingInterrupted) as caught:
            fit_many(networks, X, y, rng=0, epochs=10**6, batch_size=50, each=each)
        for timer in timers:
            timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    for net, file, outcome in zip(networks, files, caught.value.outcomes, strict=True):
        more = len(outcome.losses) + 1
        assert equal(resume(file, X, y, epochs=more), fit(net, X, y, rng=0, epochs=more, batch_size=50))


def test_callbacks_are_told_one_at_a_time():
    inside, most, told = 0, 0, 0

    def tell(_epoch):
        nonlocal inside, most, told
        inside += 1
        time.sleep(0.001)
        most, told, inside = max(most, inside), told + 1, inside - 1

    with threadpoolctl.threadpool_limits(4, user_api="openmp"):
        fit_many([network()] * 4, X, Y, epochs=5, rng=0, callbacks=[tell])
    assert (most, told) == (1, 20)


@needs_kernels
def test_threads_of_python_that_train_share_the_threads_of_the_kernels():
    counts, met, left = [], threading.Barrier(3), threading.Barrier(3)

    def trains():
        with kernels.sharing_threads(), kernels.sharing_threads():
            met.wait()
            counts.append(kernels.threads())
            left.wait()

    with threadpoolctl.threadpool_limits(5, user_api="openmp"):
        helpers = [threading.Thread(target=trains) for _ in range(2)]
        for helper in helpers:
            helper.start()
        met.wait()
        assert kernels.threads() == 1  # it does not train: 5 in three shares, of which the first two have one more
        left.wait()
        for helper in helpers:
            helper.join()
        assert sorted(counts) == [2, 3]
        assert kernels.threads() == 5


def test_what_cannot_be_trained_together_is_refused_in_a_sentence(tmp_path, monkeypatch):
    two = [network(), network(1)]
    generator, file = np.random.default_rng(0), tmp_path / "run.safetensors"
    for expected, kind, networks, arguments in [
        ("networks is empty", InputError, [], {}),
        ("networks is a Network", InputTypeError, network(), {}),
        (r"networks\[1\] is a str", InputTypeError, [network(), "net"], {}),
        (r"networks\[1\] has the sizes \[3, 2\].*\[3, 8, 2\]", InputError, [network(), Network.create([3, 2])], {}),
        (r"networks\[1\] has arrays of float32", InputError, [network(), network(dtype="float32")], {}),
        (r"networks\[1\] has the loss", InputError, [network(), network(loss="squared_error")], {}),
        ("the length of each is 1, but there are 2 networks", InputError, two, {"each": [{}]}),
        ("each is a dict", InputTypeError, two, {"each": {}}),
        (r"each\[1\] is a int", InputTypeError, two, {"each": [{}, 3]}),
        (r"each\[1\] is 'epoch', which is not known: did you mean 'epochs'", InputTypeError, two,
         {"each": [{}, {"epoch": 3}]}),
        ("'learning_rate', which is part of the optimizer", InputTypeError, two, {"learning_rate": 0.1}),
        (r"epochs is 0, expected 1 or more\. It stands in each\[1\]", InputError, two, {"each": [{}, {"epochs": 0}]}),
        (r"epochs is 0, expected 1 or more\.$", InputError, two, {"epochs": 0, "each": [{"rng": 1}, {"rng": 2}]}),
        (r"rows holds 60, but X has 60 rows.*each\[0\]", InputError, two, {"each": [{"rows": [0, 60]}, {}]}),
        (r"rows holds -1, but X", InputError, two, {"each": [{"rows": [0, -1]}, {}]}),
        ("rows is empty", InputError, two, {"each": [{"rows": []}, {}]}),
        ("rows is a slice", InputTypeError, two, {"each": [{"rows": slice(3)}, {}]}),
        ("rows holds parts that differ", InputTypeError, two, {"each": [{"rows": [[1], [1, 2]]}, {}]}),
        ("callbacks holds one logger for several", InputError, two, {"callbacks": JsonLines(tmp_path / "log.jsonl")}),
        (r"rows is an array of bool", InputError, two, {"each": [{"rows": Y > 0}, {}]}),
        (r"y has 3 .*each\[1\]|y has shape .*each\[1\]", InputError, two, {"each": [{}, {"y": [0, 1, 1]}]}),
        ("rng is one Generator for several", InputError, two, {"rng": generator}),
        ("checkpoint is '.*' for several networks", InputError, two, {"checkpoint": file}),
        ("optimizer is 'lbfgs.*searches", InputError, two, {"optimizer": "lbfgs"}),
    ]:  # fmt: skip
        with pytest.raises(kind, match=expected):
            fit_many(networks, X, Y, **arguments)
    with pytest.raises(InputError, match="y is missing"):
        fit_many(two, X)
    monkeypatch.setattr(many, "free_bytes", lambda: 9000.0)
    with pytest.raises(InputError, match=r"holds 4 networks of 50 parameters.*: 2 fit, train so many at a time"):
        fit_many([network()] * 4, X, Y)
    monkeypatch.setattr(many, "free_bytes", lambda: 9.0)
    with pytest.raises(InputError, match="not one fits"):
        fit_many([network()], X, Y)
