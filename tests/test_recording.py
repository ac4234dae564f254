"""Recordings in files: read again, they are the run to the bit, or are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backtalk import (
    FileFormatError,
    InputError,
    InputTypeError,
    Network,
    Recording,
    fit,
    fit_many,
    hypergradients,
    influence,
    load,
    resume,
    retrain,
    save,
    score_influence,
)
from backtalk.interop.files import save_with
from engines import needs_kernels

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
START = Network.create([4, 6, 2], "tanh", rng=1)
TEST = (RNG.normal(size=(3, 4)), [0, 1, 1])
BASE: dict[str, Any] = {"epochs": 3, "batch_size": 7, "rng": 0}
RUNS: dict[str, dict[str, Any]] = {
    "adam": {"dropout": 0.3, "sample_weight": RNG.random(24) + 0.2, "class_weight": "balanced"},
    "sgd": {"optimizer": "sgd", "validation": 0.2, "patience": 1, "clip_norm": 0.3, "l2_penalty": 0.01},
    "gradient descent": {"optimizer": "gd(learning_rate=0.3)", "batch_size": None, "dropout": [0.5]},
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("engine", ["formula", pytest.param("native", marks=needs_kernels)])
def test_a_recording_that_was_read_is_the_run(tmp_path, run, engine):
    path = tmp_path / "run.safetensors"
    first = fit(START, X, Y, **BASE | RUNS[run])
    training = fit(first.network, X, Y, **BASE | RUNS[run], engine=engine, record=path, state=first.state)
    read = Recording.load(path, X, Y)
    assert repr(read) == repr(training.record)
    for one, other in zip(retrain(training, [[], [2, 5]]), retrain(read, [[], [2, 5]]), strict=True):
        assert all(np.array_equal(one.W[i], other.W[i]) for i in one.W)
    assert np.array_equal(hypergradients(training, TEST).examples, hypergradients(read, TEST).examples)
    assert np.array_equal(load(path).W[2], training.network.W[2])


def test_recordings_from_files_are_asked_as_trainings_are(tmp_path):
    own: list[dict[str, Any]] = [BASE | {"rng": seed, "record": tmp_path / f"{seed}"} for seed in range(2)]
    trainings = [fit(START, X, Y, **each) for each in own]
    read = [Recording.load(tmp_path / f"{seed}", X, Y) for seed in range(2)]
    for method in ("tracin", "ekfac", "unrolled"):
        one, other = (influence(each, (X, Y), TEST, method=method, agreement=3) for each in (trainings, read))
        assert np.array_equal(one.proponent_scores, other.proponent_scores)
        assert one.agreement == other.agreement
    scores = [score_influence(each, (X, Y), TEST, "ekfac", sets=4, leave_one_out=4) for each in (trainings, read)]
    assert scores[0]["ekfac"].lds == scores[1]["ekfac"].lds


def test_fit_many_records_each_run(tmp_path):
    each = [{"rows": range(k, 24, 2), "record": tmp_path / f"{k}"} for k in range(2)]
    for k, training in enumerate(fit_many([START, START], X, Y, **BASE, each=each)):
        assert training.record is not None
        assert repr(Recording.load(tmp_path / f"{k}", X, Y)) == repr(training.record)
    with pytest.raises(InputError, match=r"record is .* for several networks"):
        fit_many([START, START], X, Y, each=[{"rng": 0}, {"rng": 1}], record=tmp_path / "both")


def test_other_data_and_other_files_are_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    training = fit(START, X, Y, **BASE, record=path)
    for other in ((X + 1e-9, Y), (X, 1 - Y), (X[:-1], Y[:-1])):
        with pytest.raises(InputError, match="X and y are not those of the run"):
            Recording.load(path, *other)
    with pytest.raises(InputError, match="X"):
        Recording.load(path, X[:, :3], Y)
    with pytest.raises(InputError, match="test: X"):
        influence(training, (X, Y), (TEST[0][:, :3], TEST[1]), method="unrolled")
    save(START, tmp_path / "network")
    with pytest.raises(FileFormatError, match="is no recording of a run"):
        Recording.load(tmp_path / "network", X, Y)
    with pytest.raises(FileFormatError, match="recording of a run, without the state"):
        resume(path, X, Y)
    with pytest.raises(InputError, match=r"record is .*, which is a folder"):
        fit(START, X, Y, record=tmp_path)
    with pytest.raises(InputTypeError, match="record is 3"):
        fit(START, X, Y, record=3)  # pyright: ignore[reportArgumentType]
    (tmp_path / "table.csv").write_text("a,b\n")
    with pytest.raises(InputError, match="a file that is no record"):
        fit(START, X, Y, record=tmp_path / "table.csv")


def test_steps_that_lead_elsewhere_are_refused(tmp_path):
    """As those of other kernels do, in the last digit."""
    path = tmp_path / "run.safetensors"
    training = fit(START, X, Y, **BASE, record=True)
    assert training.record is not None
    nudged = training.network.replace(
        [np.nextafter(W, 1) for W in training.network.W.values()], list(training.network.b.values())
    )
    replace(training.record, end=nudged).save(path)
    with pytest.raises(
        InputError, match=r"was recorded by backtalk .*, and here backtalk .* takes its steps to another"
    ):
        Recording.load(path, X, Y)


@pytest.mark.parametrize("facts", [3, "recording", ["recording"]])
def test_a_file_whose_facts_are_no_object_is_refused(tmp_path, facts):
    path = tmp_path / "run.safetensors"
    save_with(START, path, facts, run=None)
    for read in (lambda: resume(path, X, Y), lambda: Recording.load(path, X, Y)):
        with pytest.raises(FileFormatError, match="training"):
            read()


def test_a_recording_of_a_newer_version_or_without_a_part_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    training = fit(START, X, Y, **BASE, record=True)
    assert training.record is not None
    monkeypatch.setattr("backtalk.train.recording.VERSION", 2)
    training.record.save(path)
    monkeypatch.undo()
    with pytest.raises(FileFormatError, match="of version 2, this backtalk reads up to 1"):
        Recording.load(path, X, Y)
    replace(training.record, batch_size=0).save(path)
    with pytest.raises(FileFormatError, match="lacks a part of a recording"):
        Recording.load(path, X, Y)


def test_a_recording_that_cannot_be_written_stays_in_memory(tmp_path, monkeypatch):
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backtalk.interop.files.write_atomically", refuse)
    with pytest.warns(UserWarning, match=r"was not written .*: training\.record\.save"):
        training = fit(START, X, Y, **BASE, record=tmp_path / "run.safetensors")
    assert training.record is not None
