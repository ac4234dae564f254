"""The folder of a run: one process writes it, an earlier run stays until the new one is whole, nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import warnings

import numpy as np
import polars as pl
import pytest

from backtalk import DivergedError, Network, TrainingInterrupted, load
from backtalk.apps.tables import evaluate, predict, resume, train
from backtalk.apps.tables import lock as locks
from backtalk.apps.tables import results as results_module
from backtalk.apps.tables.folder import (
    BEFORE,
    CHECKPOINT,
    HISTORY,
    LOCK,
    METRICS,
    MODEL,
    PREPROCESSING,
    REPORT,
    RUN,
    Folder,
)
from backtalk.apps.tables.lock import Lock
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.weights import validation_of
from backtalk.core import files
from backtalk.errors import FileFormatError, InputError
from backtalk.interop.files import facts_of_run, load_with, save_with
from backtalk.train import resume as go_on
from one_network import Options

needs_flock = pytest.mark.skipif(locks.fcntl is None, reason="Windows has no flock")
OPTIONS = Options("y", hidden=(4,), epochs=4, patience=0, checkpoint_seconds=1e-9)
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    a, b = np.random.default_rng(0).normal(size=(2, 120)).round(3)
    pl.DataFrame({"a": a, "b": b, "y": np.where(a > b, "more", "less"), "z": a - b}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def whole(table):
    """The files of a run that nothing disturbed, by name."""
    train(table, table.parent / "run", OPTIONS)
    return contents(table.parent / "run")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def stop_in(epoch, error):
    def progress(now):
        if now.epoch == epoch:
            raise error

    return progress


# Errors while a run is made


@pytest.mark.parametrize("error", [SystemExit(1), BrokenPipeError(errno.EPIPE, "Broken pipe"), MemoryError(), FULL])
def test_a_run_with_a_checkpoint_stays_whatever_ends_it_and_goes_on_to_the_same_bits(table, whole, tmp_path, error):
    with pytest.raises(type(error)) as raised:
        train(table, tmp_path / "run", OPTIONS, progress=stop_in(3, error))
    assert (tmp_path / "run" / CHECKPOINT).exists()
    assert not (tmp_path / "run" / LOCK).exists()
    if isinstance(error, Exception):
        assert raised.value.__notes__ == [
            f"What was trained is kept: 'backtalk resume {tmp_path / 'run'}' goes on with it."
        ]
        del error.__notes__
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == whole


def test_a_run_without_a_checkpoint_goes_and_what_was_there_before_stays(table, tmp_path):
    late = Options("y", hidden=(4,), epochs=4, checkpoint_seconds=1e9)
    with pytest.raises(MemoryError):
        train(table, tmp_path / "run", late, progress=stop_in(2, MemoryError()))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(MemoryError):
        train(table, tmp_path / "empty", late, progress=stop_in(2, MemoryError()))
    assert list((tmp_path / "empty").iterdir()) == []


def test_training_that_diverges_after_a_checkpoint_keeps_it(table, tmp_path):
    last = Network.create([2, 4, 2], rng=0)
    error = DivergedError("training diverged", network=last, step=9, quantity="the loss", layer=0)
    with pytest.raises(DivergedError) as raised:
        train(table, tmp_path / "run", OPTIONS, progress=stop_in(3, error))
    assert raised.value.__notes__ == [f"The last checkpoint before that is kept: {tmp_path / 'run' / CHECKPOINT}."]
    load(tmp_path / "run" / CHECKPOINT)


def test_ctrl_c_while_results_are_written_leaves_a_run_that_goes_on(table, whole, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(results_module, "write_report", interrupt)
        with pytest.raises(TrainingInterrupted):
            train(table, tmp_path / "run", OPTIONS)
    assert (tmp_path / "run" / MODEL).read_bytes() == whole[MODEL]  # results come first
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == whole


def test_a_page_that_fails_is_a_warning_and_the_run_is_there(table, whole, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("a picture of nothing")

    monkeypatch.setattr(results_module, "write_report", fail)
    with pytest.warns(UserWarning, match=r"report.html was not written \(ZeroDivisionError: a picture of nothing\)"):
        result = train(table, tmp_path / "run", OPTIONS)
    assert len(result.unwritten) == 1
    assert contents(tmp_path / "run") == {name: content for name, content in whole.items() if name != REPORT}


def test_lines_of_the_history_that_cannot_be_written_are_one_warning_and_are_written_later(
    table, whole, tmp_path, monkeypatch
):
    real, failed = os.write, []

    def full(descriptor, content):
        if b'"epoch"' in content and len(failed) < 3:
            failed.append(real(descriptor, content[:20]))  # as a disk does: a part, and then an error
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, content)

    monkeypatch.setattr(files.os, "write", full)
    with pytest.warns(UserWarning, match="history.jsonl was not written") as warned:
        result = train(table, tmp_path / "run", OPTIONS)
    assert (len(warned), result.unwritten, contents(tmp_path / "run")) == (1, [], whole)


def test_a_write_that_fails_loses_nothing(table, whole, tmp_path, monkeypatch):
    """Every seventh one of a run over an earlier one; ``make torture`` has each, as the system itself refuses it."""
    train(table, tmp_path / "earlier", Options("z", hidden=(3,), epochs=1))
    earlier, place, number, done = contents(tmp_path / "earlier"), tmp_path / "run", 0, 0
    named = []

    def full(function, names_file):
        def called(path, *arguments, **settings):
            nonlocal done
            done += function is not real["open"] or bool(arguments[0] & os.O_CREAT)
            if done == number:
                done += 1
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *[str(path)] * names_file)
            return function(path, *arguments, **settings)

        return called

    real = {name: getattr(os, name) for name in ("open", "write", "fsync", "replace", "mkdir")}
    while done >= number:
        number, done = number + 7, 0
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(tmp_path / "earlier", place)
        with monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, function in real.items():
                patch.setattr(os, name, full(function, name not in ("write", "fsync")))
            try:
                result = train(table, place, OPTIONS, overwrite=True)
                assert result.unwritten == [] or number > 20
            except OSError as error:
                named.append(str(error.filename))
        found = {path.read_bytes() for path in place.rglob("*") if path.is_file()}
        assert set(earlier.values()) <= found or (place / MODEL).read_bytes() == whole[MODEL]
        if (place / RUN).read_bytes() == earlier[RUN]:
            train(table, place, OPTIONS, overwrite=True)
        else:
            resume(place)
        assert contents(place) == whole
    assert number > 40
    assert [name for name in named if not name.startswith(str(place))] == []


# One process at a time


def test_two_runs_into_one_folder_are_refused_with_the_process_that_writes(table, tmp_path):
    place = tmp_path / "run"

    def other(_):
        for command in (lambda: train(table, place, OPTIONS, overwrite=True), lambda: resume(place)):
            with pytest.raises(InputError) as refused:
                command()
            told = f"run is being written by process {os.getpid()} on {socket.gethostname()}: wait until it has ended"
            assert told in str(refused.value)
        return True

    train(table, place, OPTIONS, progress=other)
    assert not (place / LOCK).exists()


def test_a_folder_instead_of_a_lock_is_refused_with_what_to_do(tmp_path):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(InputError, match="is a folder, expected the file that locks a run: remove it"):
        Lock(tmp_path / LOCK).take()


def test_the_lock_of_a_process_that_was_killed_is_none(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from backtalk.apps.tables.lock import Lock;"
        "Lock(Path(sys.argv[1])).take(); os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / LOCK], check=False)
    assert json.loads((tmp_path / LOCK).read_text())["host"] == socket.gethostname()
    again = Lock(tmp_path / LOCK)
    again.require_free()
    again.take()
    with pytest.raises(InputError, match=f"process {os.getpid()} on"):
        Lock(tmp_path / LOCK).take()
    again.release()
    assert list(tmp_path.iterdir()) == []


@needs_flock
@pytest.mark.parametrize(
    ("owner", "free"),
    [
        ({"process": 2**22 + 1, "host": socket.gethostname(), "start": "a boot 1"}, True),  # has ended
        ({"process": os.getpid(), "host": socket.gethostname(), "start": "another boot 1"}, True),  # the number again
        ({"process": os.getpid(), "host": socket.gethostname()}, False),
        ({"process": 1, "host": "another machine", "start": "a boot 1"}, False),
        ("half a", True),
        ([1], True),
    ],
)
def test_without_locks_of_the_file_system_number_host_and_start_decide(tmp_path, monkeypatch, owner, free):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    lock = Lock(tmp_path / LOCK)
    lock.path.write_text(owner if isinstance(owner, str) else json.dumps(owner))
    if free:
        lock.take()
        lock.release()
        assert not lock.path.exists()
    else:
        with pytest.raises(InputError, match="if that process has ended, remove"):
            lock.take()
        assert json.loads(lock.path.read_text()) == owner


@needs_flock
def test_a_lock_that_was_removed_while_it_was_waited_for_is_taken_anew(tmp_path, monkeypatch):
    first, second, real = Lock(tmp_path / LOCK), Lock(tmp_path / LOCK), locks.fcntl.flock
    first.take()

    def late(descriptor, how):
        if first._descriptor is not None:
            first.release()
        return real(descriptor, how)

    monkeypatch.setattr(locks.fcntl, "flock", late)
    second.take()
    assert second.path.exists()
    second.release()


# Files of two runs


def test_files_of_two_runs_are_refused(table, whole, tmp_path):
    train(table, tmp_path / "other", Options("y", hidden=(5,), epochs=2))
    for name, use in (
        (MODEL, lambda place: predict(place, table)),
        (PREPROCESSING, lambda place: evaluate(place, table)),
        (PREPROCESSING, resume),
        (CHECKPOINT, resume),
        (HISTORY, resume),
    ):
        place = tmp_path / "mixed"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(tmp_path / "other", place)
        (place / name).write_bytes(whole[name])
        with pytest.raises(FileFormatError, match=f"{name}.* of another run"):
            use(place)


def test_what_was_learned_of_the_table_must_be_what_the_model_was_trained_with(table, whole, tmp_path):
    train(table, tmp_path / "run", OPTIONS)
    text = (tmp_path / "run" / PREPROCESSING).read_text()
    (tmp_path / "run" / PREPROCESSING).write_text(text.replace('"less",', '"fewer",'))
    with pytest.raises(FileFormatError, match=r"preprocessing.json is not the one with which .* was trained"):
        predict(tmp_path / "run", table)
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == whole


def test_runs_of_the_first_days_without_an_id_are_used_and_go_on(table, tmp_path):
    place = tmp_path / "run"
    train(table, place, OPTIONS)
    for name in (RUN, PREPROCESSING, METRICS):
        facts = json.loads((place / name).read_text())
        del facts["run"]
        (place / name).write_text(json.dumps(facts))
    lines = [json.loads(line) for line in (place / HISTORY).read_text().splitlines()]
    old = [{name: value for name, value in line.items() if name not in ("run", "version")} for line in lines]
    (place / HISTORY).write_text("".join(json.dumps(line) + "\n" for line in old))
    for path in (place / MODEL, place / CHECKPOINT):
        network, facts, arrays = load_with(path)
        save_with(network, path, facts, **arrays)
    before = predict(place, table)[0]
    evaluate(place, table)
    resume(place)
    assert predict(place, table)[0].equals(before)
    assert [json.loads(line) for line in (place / HISTORY).read_text().splitlines()] == old


def test_a_checkpoint_of_a_run_goes_on_without_its_id_too(table, tmp_path):
    """As by :func:`backtalk.resume`, which then writes the same id."""
    with pytest.raises(TrainingInterrupted):
        train(table, tmp_path / "run", OPTIONS, progress=stop_in(2, KeyboardInterrupt()))
    run = facts_of_run(tmp_path / "run" / CHECKPOINT)["id"]
    ready = prepare(table, OPTIONS)
    go_on(tmp_path / "run" / CHECKPOINT, *ready.parts["training"], validation=validation_of(ready, OPTIONS))
    assert facts_of_run(tmp_path / "run" / CHECKPOINT)["id"] == run


# Leftovers, links, and an earlier run


def test_an_earlier_run_stays_until_the_new_one_is_whole_also_over_a_second_failed_try(table, whole, tmp_path):
    place = tmp_path / "run"
    train(table, place, Options("z", hidden=(3,), epochs=1))
    earlier = contents(place)
    for _ in range(2):
        with pytest.raises(MemoryError):
            train(table, place, OPTIONS, overwrite=True, progress=stop_in(3, MemoryError()))
        assert contents(place / BEFORE) == earlier
        assert (place / CHECKPOINT).exists()
    with pytest.raises(InputError, match=rf"goes on with it; the earlier run lies in {place / BEFORE}"):
        predict(place, table)
    predict(place / BEFORE, table)
    resume(place)
    assert contents(place) == whole
    assert not (place / BEFORE).exists()


@pytest.mark.parametrize("end", ["kept", "abandoned"])
def test_from_whatever_a_killed_process_left_one_run_is_whole(tmp_path, monkeypatch, end):
    """Before each file operation of moving a run aside, of a new run, and of its end, the folder is copied."""
    earlier = {name: f"earlier {name}".encode() for name in (RUN, MODEL, CHECKPOINT, METRICS, HISTORY)}
    path, copies = tmp_path / "run", []
    path.mkdir()
    for name, content in earlier.items():
        (path / name).write_bytes(content)
    operations = {name: getattr(os, name) for name in ("open", "replace", "mkdir", "unlink", "rmdir")}

    def copying(operation):
        def called(*arguments, **settings):
            copies.append({file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()})
            return operation(*arguments, **settings)

        return called

    with monkeypatch.context() as patch:
        for name, operation in operations.items():
            patch.setattr(os, name, copying(operation))
        place = Folder(path)
        place.begin(overwrite=True)
        place.write_text(RUN, "new")
        place.write_text(METRICS, "new")
        if end == "kept":
            place.write_text(MODEL, "new")
            place.keep()
        else:
            place.abandon()
    assert len(copies) > 20
    for copy in copies:
        shutil.rmtree(path)
        (path / BEFORE).mkdir(parents=True)
        for name, content in copy.items():
            (path / name).write_bytes(content)
        place = Folder(path)
        place.go_on()
        place.leave()
        found = contents(path)
        if found.get(MODEL) == b"new":
            assert found == {RUN: b"new", METRICS: b"new", MODEL: b"new"}
            assert not (path / BEFORE).exists()
        elif found[RUN] == b"new":
            assert contents(path / BEFORE) == earlier
        else:
            assert found == earlier


def test_what_killed_runs_left_is_cleared_away_and_what_is_a_users_own_is_not(table, whole, tmp_path):
    place = tmp_path / "run"
    place.mkdir()
    for name in (".run.json.~abcd1234", f".{CHECKPOINT}.abcd1234", LOCK):  # the second as the first days named it
        (place / name).write_bytes(b"half")
    train(table, place, OPTIONS)
    assert contents(place) == whole
    for name in (f".{RUN}.bak", f".{CHECKPOINT}.~mine"):
        (place / name).write_bytes(b"mine")
        with pytest.raises(InputError, match=f"also holds {name}"):
            train(table, place, OPTIONS, overwrite=True)
        resume(place)
        assert (place / name).read_bytes() == b"mine"
        (place / name).unlink()


def test_out_may_be_a_link_to_a_folder_and_a_link_that_leads_nowhere_is_refused(table, whole, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to("disk")
    with pytest.raises(MemoryError):
        train(table, tmp_path / "run", Options("y", epochs=4), progress=stop_in(2, MemoryError()))
    for _ in range(2):
        train(table, tmp_path / "run", OPTIONS, overwrite=True)
        assert contents(tmp_path / "disk") == whole
    (tmp_path / "lost").symlink_to("nowhere")
    with pytest.raises(InputError, match="is a link that leads nowhere"):
        train(table, tmp_path / "lost", OPTIONS)
    assert (tmp_path / "run").is_symlink()


def test_a_folder_with_a_model_but_no_run_is_not_written_into(table, whole, tmp_path):
    (tmp_path / MODEL).write_bytes(whole[MODEL])
    with pytest.raises(InputError, match="holds other files"):
        train(table, tmp_path, OPTIONS, overwrite=True)
    assert contents(tmp_path) == {MODEL: whole[MODEL]}
