"""Checkpoints: training that goes on from one equals training that never stopped, to the bit."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backtalk import Checkpoint, FileFormatError, InputError, Network, Training, TrainingInterrupted, fit, load, resume
from backtalk.engines.steps import Measured
from backtalk.errors import InputTypeError
from backtalk.interop import files
from backtalk.train.checkpoint import Writer, read
from limits import LIMIT

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 5))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
ENGINES = ["auto", "formula"]
RECIPES = {
    "plain": {},
    "everything": {
        "dropout": [0.3, 0.1], "validation": 0.2, "patience": 3, "schedule": "adaptive(factor=0.5, patience=1)",
        "l2_penalty": 1e-3, "clip_norm": 0.7, "class_weight": {0: 1.0, 1: 2.0}, "optimizer": "adamw",
    },
    "nesterov": {"optimizer": "nesterov", "schedule": "one_cycle"},
    "sgd": {"optimizer": "sgd(momentum=0)", "schedule": "cosine(warm_up=7)", "class_weight": "balanced"},
}  # fmt: skip


def network(dtype: str = "float64") -> Network:
    return Network.create([5, 12, 7, 2], activation="tanh", rng=1, dtype=dtype)


def same(one: Training, other: Training) -> bool:
    families = (one.network.to_lists(), other.network.to_lists())
    pairs = zip(itertools.chain(*families[0]), itertools.chain(*families[1]), strict=True)
    history = [(each.losses, each.validation_losses, each.best_epoch, each.reason) for each in (one, other)]
    return history[0] == history[1] and all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)


def stop_after(steps: int):
    return lambda progress: progress.step >= steps


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_training_goes_on_to_the_bit(tmp_path, recipe, dtype, engine):
    options = {"epochs": 6, "batch_size": 16, "rng": 4, "engine": engine, **RECIPES[recipe]}
    whole = fit(network(dtype), X, Y, **options)
    for stop in (1, 5, 6, 13):
        place = Checkpoint(tmp_path / "run.safetensors", every_steps=1)
        part = fit(network(dtype), X, Y, checkpoint=place, progress=stop_after(stop), **options)
        assert part.reason == "callback"
        assert same(resume(place.path, X, Y), whole)


@pytest.mark.parametrize("engine", ["formula", "native"])
def test_the_measures_of_an_epoch_go_on_within_it(tmp_path, engine):
    options = {"epochs": 3, "batch_size": 8, "rng": 0, "measure_every": 2, "engine": engine}
    whole, epochs = [], []
    fit(network(), X, Y, callbacks=whole.append, **options)
    place = Checkpoint(tmp_path / "run.safetensors", every_steps=3)
    steps = []

    def stop(progress):
        steps.append(progress.step)
        if progress.step >= 5:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        fit(network(), X, Y, checkpoint=place, callbacks=epochs.append, progress=stop, **options)
    assert steps[-1] % -(-len(X) // 8)  # within an epoch
    resume(place, X, Y, callbacks=epochs.append)
    assert [epoch.measures for epoch in epochs] == [epoch.measures for epoch in whole]


def test_a_state_to_begin_from_brings_no_measures_of_its_epoch(tmp_path):
    def stop(progress):
        if progress.step >= 3:
            raise KeyboardInterrupt

    options = {"epochs": 1, "batch_size": 8, "rng": 0, "measure_every": 1}
    with pytest.raises(TrainingInterrupted) as stopped:
        fit(network(), X, Y, progress=stop, checkpoint=Checkpoint(tmp_path / "c", every_steps=1), **options)
    training = stopped.value.training
    assert training.state.measured.steps > 0
    with_sums, without = [], []
    fit(training.network, X, Y, state=training.state, callbacks=with_sums.append, **options)
    fit(training.network, X, Y, state=replace(training.state, measured=Measured()), callbacks=without.append, **options)
    assert with_sums[0].measures == without[0].measures


def test_the_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    fit(network(), X, Y, epochs=1, checkpoint=Checkpoint(path, run="one"), rng=0)
    with pytest.raises(FileFormatError, match=r"is of another run than was expected \(one, not two\)"):
        resume(Checkpoint(path, run="two"), X, Y, epochs=2)
    resume(Checkpoint(path), X, Y, epochs=2)
    resume(Checkpoint(path, run="one"), X, Y, epochs=3)
    with pytest.raises(InputTypeError, match="run is 5"):
        Checkpoint(path, run=5)  # pyright: ignore


def test_a_run_that_had_ended_gives_its_result_again_and_can_be_made_longer(tmp_path):
    path = tmp_path / "run.safetensors"
    options = {"batch_size": 16, "rng": 4}
    ended = fit(network(), X, Y, epochs=3, checkpoint=path, **options)
    assert same(resume(path, X, Y), ended)
    assert same(resume(path, X, Y, epochs=5), fit(network(), X, Y, epochs=5, **options))


def test_a_checkpoint_is_a_network_that_load_reads(tmp_path):
    path = tmp_path / "run.safetensors"
    trained = fit(network(), X, Y, epochs=2, checkpoint=path, rng=0).network
    np.testing.assert_array_equal(load(path).W[2], trained.W[2])


def test_a_validation_set_of_its_own_is_given_again(tmp_path):
    path, own = tmp_path / "run.safetensors", (X[:20], Y[:20])
    options = {"epochs": 5, "batch_size": 16, "rng": 4, "validation": own, "patience": 2}
    whole = fit(network(), X, Y, **options)
    fit(network(), X, Y, checkpoint=Checkpoint(path, every_steps=1), progress=stop_after(8), **options)
    with pytest.raises(InputError, match="validation is missing, expected the validation set of that run"):
        resume(path, X, Y)
    assert same(resume(path, X, Y, validation=own), whole)


def test_other_data_are_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    fit(network(), X, Y, epochs=1, checkpoint=path, rng=0)
    with pytest.raises(InputError, match="not those that this run was trained on"):
        resume(path, X + 1, Y)
    with pytest.raises(InputError, match="not those that this run was trained on"):
        resume(path, X, Y, np.arange(90.0))


@pytest.mark.parametrize("bits", ["MT19937", "Philox", "SFC64", "PCG64DXSM"])
def test_every_generator_of_numpy_goes_on(tmp_path, bits):
    def generator():
        return np.random.Generator(getattr(np.random, bits)(3))

    place = Checkpoint(tmp_path / "run.safetensors", every_steps=1)
    options = {"epochs": 3, "batch_size": 16, "dropout": 0.2}
    whole = fit(network(), X, Y, rng=generator(), **options)
    fit(network(), X, Y, rng=generator(), checkpoint=place, progress=stop_after(8), **options)
    assert same(resume(place.path, X, Y), whole)


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
def test_networks_of_other_libraries_go_on(tmp_path, library):
    xp = pytest.importorskip(library)
    data = xp.asarray(X), xp.asarray(Y)
    start = network().to(xp)
    place = Checkpoint(tmp_path / "run.safetensors", every_steps=1)
    whole = fit(start, *data, epochs=2, rng=0)
    fit(start, *data, epochs=2, rng=0, checkpoint=place, progress=stop_after(2))
    again = resume(place.path, *data)
    assert type(again.network.W[1]) is type(start.W[1])
    assert again.losses == whole.losses


KILLED = """
import sys, numpy as np
from pathlib import Path
from backtalk import Checkpoint, fit, resume
import test_checkpoint as t
folder = Path(sys.argv[1])
place = Checkpoint(folder / "run.safetensors", every_steps=3)
options = dict(epochs=150, batch_size=16, rng=4, **(t.RECIPES["everything"] | {"patience": None}))
slow = lambda progress: __import__("time").sleep(0.0005)
if place.path.exists():
    result = resume(place, t.X, t.Y, progress=slow)
else:
    result = fit(t.network(), t.X, t.Y, checkpoint=place, progress=slow, **options)
W, b = result.network.to_lists()
parameters = {f"p{i}": part for i, part in enumerate(W + b)}
np.savez(folder / "unfinished.npz", losses=result.losses, validation=result.validation_losses, **parameters)
(folder / "unfinished.npz").rename(folder / "result.npz")
"""


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_a_run_that_is_killed_ten_times_ends_as_if_it_never_was(tmp_path):
    draw = random.Random(0)
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    kills = resumed = 0
    for _ in range(60):
        before = (tmp_path / "run.safetensors").read_bytes() if (tmp_path / "run.safetensors").exists() else b""
        process = subprocess.Popen(command, env=environment)
        if kills < 10:
            path, begun = tmp_path / "run.safetensors", time.monotonic()
            while process.poll() is None and time.monotonic() < begun + 30:  # until it has gone on a little
                if path.exists() and path.read_bytes() != before:
                    break
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
        process.wait(LIMIT)
        kills += process.returncode == -signal.SIGKILL
        resumed += bool(before)
        if (tmp_path / "result.npz").exists():
            break
        load(tmp_path / "run.safetensors")  # whole, at any moment
    assert kills == 10
    assert resumed >= 9
    options = {"epochs": 150, "batch_size": 16, "rng": 4, **(RECIPES["everything"] | {"patience": None})}
    whole = fit(network(), X, Y, **options)
    found = np.load(tmp_path / "result.npz")
    assert tuple(found["losses"]) == whole.losses
    assert tuple(found["validation"]) == whole.validation_losses
    W, b = whole.network.to_lists()
    assert all(np.array_equal(found[f"p{i}"], part) for i, part in enumerate(W + b))


def test_a_full_disk_leaves_the_checkpoint_before_and_training_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    options = {"epochs": 4, "batch_size": 16, "rng": 4}
    fit(network(), X, Y, checkpoint=Checkpoint(path, every_steps=1), progress=stop_after(7), **options)
    before = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", full)
        with pytest.warns(UserWarning, match="run.safetensors was not written .No space left on device"):
            ended = resume(path, X, Y)
    assert same(ended, fit(network(), X, Y, **options))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.safetensors"]  # no half of a file
    assert same(resume(path, X, Y), ended)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_checkpoint_is_named(tmp_path, share):
    path = tmp_path / "run.safetensors"
    fit(network(), X, Y, epochs=1, checkpoint=path, rng=0)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(FileFormatError, match="truncated, damaged or not a safetensors file"):
        resume(path, X, Y)


def test_a_network_is_no_checkpoint_and_a_lacking_part_is_named(tmp_path):
    path = tmp_path / "model.safetensors"
    files.save(network(), path)
    with pytest.raises(FileFormatError, match="is a network without the state of its training"):
        resume(path, X, Y)
    fit(network(), X, Y, epochs=1, checkpoint=path, rng=0)
    trained, facts, arrays = files.load_with(path)
    del arrays["m.1"]
    files.save_with(trained, path, facts, **arrays)
    with pytest.raises(FileFormatError, match=r"lacks a part of the state of training \('m.1'\)"):
        resume(path, X, Y)
    for found, words in (
        ({**facts, "version": 99}, "is of version 99, this backtalk reads up to 1: update backtalk"),
        ({**facts, "version": -1}, "is of version -1, which does not exist: the file was edited or is damaged"),
        ({**facts, "version": None}, "'version' is null, expected a whole number"),
        ([], "'training' is a list of 0, expected an object"),
    ):
        files.save_with(trained, path, found, **arrays)
        with pytest.raises(FileFormatError, match=words):
            resume(path, X, Y)


@pytest.fixture(scope="module")
def changeable(tmp_path_factory):
    """A checkpoint after some steps, and its parts."""
    path = tmp_path_factory.mktemp("run") / "run.safetensors"
    options = {"epochs": 6, "batch_size": 16, "rng": np.random.Generator(np.random.MT19937(4)), "validation": 0.2}
    fit(network(), X, Y, checkpoint=Checkpoint(path, every_steps=1), progress=stop_after(7), **options)
    return path, files.load_with(path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("step", "7", "'step' is \"7\", expected a whole number"),
        ("step", 2**63, "'step' is a number of many digits, expected a whole number"),
        ("step", 2, "'step' is 2, which comes before the beginning of its epoch or its run"),
        ("origin", 9, "'step' is 7, which comes before the beginning of its epoch or its run"),
        ("row", 16.5, "'training.row' is 16.5, expected a whole number"),
        ("row", -16, "'row' is -16, expected 0 or more"),
        ("row", 10**6, "the checkpoint stands 2 steps and 1000000 examples into an epoch of 5 and 72"),
        ("row", 16, "the checkpoint stands 2 steps and 16 examples into an epoch of 5 and 72"),
        ("row", 17, "the checkpoint stands 2 steps and 17 examples into an epoch of 5 and 72"),
        ("part", 3, "the checkpoint stands 2 steps and 104 examples into an epoch of 5 and 72"),
        ("loss", None, "'training.loss' is null, expected a number"),
        ("weight", float("nan"), "'weight' is nan, expected 0 or more"),
        ("losses", [0.5, "x"], "'losses\\[1\\]' is \"x\", expected a number"),
        ("losses", [0.5] * 3, "'losses' has 3 epochs, which is not as many as the others tell of"),
        ("best_epoch", 5, "'losses' has 1 epochs, which is not as many as the others tell of"),
        ("memory", {"factor": "a"}, "'memory.factor' is \"a\", expected a number"),
        ("memory", [], "'memory' is a list of 0, expected an object"),
        ("plan", None, "'plan' is null, expected an object"),
        ("rng_at_start", {}, "'rng_at_start' is the state of no random generator"),
        ("rng_at_epoch", {"bit_generator": "MT19937", "state": {"pos": 10**6, "key": [0] * 624}}, "pos is beyond 624"),
        ("reason", 3, "'reason' is 3, expected text"),
        ("data", None, "are not those that this run was trained on"),
    ],
)
def test_a_state_of_training_that_was_changed_is_refused_by_its_field(tmp_path, changeable, name, value, words):
    path, (trained, facts, arrays) = tmp_path / "run.safetensors", changeable[1]
    files.save_with(trained, path, {**facts, name: value}, **arrays)
    with pytest.raises(InputError, match=words):
        resume(path, X, Y)
    assert facts is not None
    files.save_with(trained, path, {each: kept for each, kept in facts.items() if each != name}, **arrays)
    with pytest.raises(FileFormatError, match=rf"run\.safetensors lacks the field '{name}'"):
        resume(path, X, Y)


def test_ctrl_c_writes_a_checkpoint_that_goes_on(tmp_path):
    path = tmp_path / "run.safetensors"
    options = {"epochs": 6, "batch_size": 16, "rng": 4}

    def interrupt(progress):
        if progress.step >= 9:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        fit(network(), X, Y, checkpoint=path, progress=interrupt, **options)
    assert caught.value.training.reason == "interrupted"
    assert same(resume(path, X, Y), fit(network(), X, Y, **options))


def test_a_checkpoint_every_so_many_seconds(tmp_path):
    place = Checkpoint(tmp_path / "run.safetensors", every_seconds=1e-9)
    seen = []
    fit(network(), X, Y, epochs=1, rng=0, checkpoint=place, progress=lambda _: seen.append(place.path.exists()))
    assert seen[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"every_steps": 0}, "every_steps is 0"),
        ({"every_steps": 1.5}, "every_steps is 1.5"),
        ({"every_seconds": 0}, "every_seconds is 0"),
        ({"every_seconds": float("nan")}, "every_seconds is nan"),
    ],
)
def test_numbers_that_cannot_be_used_are_named(arguments, words):
    with pytest.raises(InputError, match=words):
        Checkpoint("x", **arguments)


def test_the_facts_are_plain_json(tmp_path):
    path = tmp_path / "run.safetensors"
    fit(network(), X, Y, epochs=2, checkpoint=path, rng=0, class_weight={np.int64(1): np.float32(2)})
    json.dumps(files.load_with(path)[1])


def test_a_single_wrong_bit_is_found(tmp_path):
    path = tmp_path / "run.safetensors"
    fit(network(), X, Y, epochs=2, checkpoint=path, rng=0)
    whole = path.read_bytes()
    for place in range(8, len(whole), 97):
        spoilt = bytearray(whole)
        spoilt[place] ^= 16
        path.write_bytes(bytes(spoilt))
        with pytest.raises(FileFormatError):
            resume(path, X, Y)


def test_a_file_that_is_no_checkpoint_is_not_replaced(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="a file that is no checkpoint: remove it, or name another"):
        fit(network(), X, Y, epochs=1, checkpoint=path)
    assert path.read_text() == "a,b\n1,2\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_no_checkpoint_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="a file that is no checkpoint: remove it, or name another"):
        fit(network(), X, Y, epochs=1, checkpoint=tmp_path / "pipe")
    with pytest.raises(FileFormatError, match="is no ordinary file but a pipe or a device"):
        resume(tmp_path / "pipe", X, Y)


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    real, link = tmp_path / "real.safetensors", tmp_path / "link.safetensors"
    link.symlink_to(real)
    fit(network(), X, Y, epochs=1, checkpoint=link, rng=0)
    assert link.is_symlink()
    assert load(real).sizes == (5, 12, 7, 2)


def test_what_a_killed_run_left_half_written_is_cleared_away(tmp_path):
    path = tmp_path / "run.st"
    (tmp_path / ".run.st.~abc12345").write_bytes(b"half")
    for name in (".run.st.bak", ".run.st.original", ".run.st.~mine"):
        (tmp_path / name).write_bytes(b"a user's own")
    fit(network(), X, Y, epochs=1, checkpoint=path, rng=0)
    assert sorted(os.listdir(tmp_path)) == [".run.st.bak", ".run.st.original", ".run.st.~mine", "run.st"]


def test_fewer_epochs_than_were_done_are_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    fit(network(), X, Y, epochs=3, checkpoint=path, rng=0)
    with pytest.raises(InputError, match="epochs is 2, but this run has done 3"):
        resume(path, X, Y, epochs=2)


def test_a_writer_knows_a_checkpoint_that_another_run_wrote(tmp_path):
    """A process of a cluster that slept, while others went on from the checkpoint, does not write over theirs."""
    path = tmp_path / "run.safetensors"
    writer = Writer(Checkpoint(path))
    assert not writer.was_replaced()
    fit(network(), X, Y, epochs=1, checkpoint=path, rng=0)
    assert writer.was_replaced()
    writer = Writer(Checkpoint(path))
    writer.write(read(path))
    assert not writer.was_replaced()
    fit(network(), X, Y, epochs=1, checkpoint=path, rng=0)
    assert writer.was_replaced()
