"""backtalk train in two processes: exit codes, and what is left where one is stopped or lost.

What they write, and who speaks, is in test_cluster_tables.py.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtalk import load
from limits import LIMIT
from one_network import ALONE_IN_WORDS
from ports import free_port

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
LAUNCHED_BY = ("SLURM_", "OMPI_", "KUBERNETES_", "JOB_COMPLETION_INDEX", "JAX_", "BACKTALK_")
LONG = ("--patience", 0, "--checkpoint-seconds", 0.2)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4)).round(3)
    frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(4)})
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    frame.with_columns(y=pl.Series(np.where(X[:, 0] * X[:, 1] > 0, "up", "down"))).write_parquet(path)
    return path


class Started:
    """Commands that run, each in a process of its own."""

    def __init__(self, *commands: tuple[object, ...], **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHED_BY)}
        code = (
            "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
            "os.execv(sys.executable, [sys.executable, '-m', 'backtalk', *sys.argv[1:]])"
        )
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", code, *map(str, command)],
                env={**kept, "JAX_PLATFORMS": "cpu", "COLUMNS": "100", **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            for command in commands
        ]

    def wait_for(self, seen: Callable[[], bool]) -> None:
        until = time.monotonic() + LIMIT
        while not seen():
            assert all(process.poll() is None for process in self.processes), self.end()
            assert time.monotonic() < until
            time.sleep(0.02)

    def end(self) -> list[tuple[int, str, str]]:
        """Of each, the exit code, and what it said on stdout and stderr."""
        try:
            said = [process.communicate(timeout=LIMIT) for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()
        return [(process.returncode, *each) for process, each in zip(self.processes, said, strict=True)]


def both(*commands: tuple[object, ...]) -> Started:
    """Two processes that train together, by the same command or by one each."""
    place = f"localhost:{free_port()}"
    together = ("--coordinator", place, "--processes", 2, "--process")
    return Started(*((*command, *together, number) for number, command in enumerate(commands * (3 - len(commands)))))


def train(table: Path, out: Path, *options: object) -> tuple[object, ...]:
    return (
        "train",
        table,
        "--target",
        "y",
        "--out",
        out,
        "--engine",
        "compiled",
        "--hidden",
        "8",
        *ALONE_IN_WORDS,
        *options,
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_one_stops_both_and_one_alone_goes_on(table, tmp_path, call, stop):
    folder = tmp_path / "run"
    command = train(table, folder, "--epochs", 150, "--batch-size", 210, *LONG)
    started = both(command)
    started.wait_for((folder / "checkpoint.safetensors").exists)
    started.processes[1].send_signal(stop)
    (first, _, err), second = started.end()
    assert second == (130, "", "")
    assert first == 130
    assert re.fullmatch(r"backtalk: interrupted after \d+ whole epochs?; 'backtalk resume .*run' goes on\.\n", err)
    if stop == signal.SIGINT:
        code, out, err = call("resume", folder)
        assert (code, err) == (0, "")
        assert "150 epochs (" in out
        assert "since it went on)" in out


@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_that_is_killed_ends_the_other_with_a_sentence(table, tmp_path, lost):
    folder = tmp_path / "run"
    started = both(train(table, folder, "--epochs", 100_000, *LONG))
    started.wait_for((folder / "checkpoint.safetensors").exists)
    started.processes[lost].kill()
    code, _, err = started.end()[1 - lost]
    who = "backtalk" if lost else "backtalk, process 1"
    said = rf"{who}: process {lost} no longer answers.*; 'backtalk resume .*run' goes on from the checkpoint of "
    assert re.fullmatch(said + r"\d\d:\d\d:\d\d, with any number of processes\.\n", err)
    assert code == 75
    assert load(folder / "checkpoint.safetensors").sizes[1:] == (8, 2)


def test_what_is_wrong_in_all_is_said_by_all(table, tmp_path):
    first, second = both(("train", table, "--target", "z", "--engine", "compiled", "--out", tmp_path / "run")).end()
    assert first == (2, "", "backtalk: --target is 'z', which is not known. Known are x0, x1, x2, x3, y.\n")
    assert second == (2, "", first[2].replace("backtalk:", "backtalk, process 1:"))
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_missing_for_one_ends_both(table, tmp_path):
    (first, _, err), second = both(*(train(path, tmp_path / "run") for path in (table, tmp_path / "no.parquet"))).end()
    assert (first, second[0]) == (2, 2)
    assert "No such file" in second[2]
    assert len(err.splitlines()) == len(second[2].splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--coordinator", "a:7", "--processes", 2, "--process", 0, "--engine", "auto"),
            "engine is 'auto', but processes",
        ),
        (("--coordinator", "a:7", "--processes", 2, "--process", 2), "process is 2, expected a number from 0 to 1"),
        (("--coordinator", "a", "--processes", 2, "--process", 0), "expected HOST:PORT"),
        (("--processes", 2, "--process", 0), "coordinator is missing"),
        (("--coordinator", "a:7", "--processes", 2), "process is missing"),
        (("--processes", 1, "--process", 1), "process is 1, expected 0"),
        (("--coordinator", "a:7", "--processes", 0, "--process", 0), "processes is 0"),
    ],
)
def test_options_that_do_not_say_who_this_is_are_refused(table, tmp_path, call, options, said):
    code, out, err = call(*train(table, tmp_path / "run", *options))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("backtalk: ")
    assert said in err
    assert not (tmp_path / "run").exists()


def test_what_slurm_says_is_used_by_the_compiled_engine_alone(table, tmp_path, call, monkeypatch):
    told = {"JOB_ID": "7", "STEP_NODELIST": "localhost", "LOCALID": "1", "NTASKS": "2", "PROCID": "1"}
    for name, value in told.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    command = ("train", table, "--target", "y", "--epochs", 1, *ALONE_IN_WORDS)
    code, _, err = call(*command)
    assert (code, "SLURM started 2 processes, each of which would train alone" in err) == (2, True)
    alone = ("--processes", 1)
    for more in (("--out", tmp_path / "a", *alone), ("--out", tmp_path / "b", "--engine", "compiled", *alone)):
        code, out, err = call(*command, *more)
        assert (code, err, "1 epoch in" in out) == (0, "", True)


def test_ctrl_c_is_heard_where_others_do_not_come(table, tmp_path):
    by_hand = ("--coordinator", f"localhost:{free_port()}", "--processes", 2, "--process", 0)
    alone = Started(train(table, tmp_path / "run", *by_hand))
    (process,) = alone.processes
    assert process.stderr is not None
    assert process.stderr.readline().startswith("backtalk: process 0 waits at localhost:")
    process.send_signal(signal.SIGINT)
    assert alone.end() == [(130, "", "backtalk: interrupted.\n")]


def test_ctrl_c_is_heard_where_jax_waits_for_others(table, tmp_path):
    first = 65535 - 2**12 + 1  # the port that JAX makes of the number of the job
    job = next(job for job in range(4000, 4096) if not _is_listened_at(first + job))
    told = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}
    alone = Started(train(table, tmp_path / "run"), **told, OMPI_MCA_orte_hnp_uri=f"{job * 2**12}.0;tcp://127.0.0.1:9")
    alone.wait_for(lambda: _is_listened_at(first + job))
    alone.processes[0].send_signal(signal.SIGINT)
    assert alone.end() == [(130, "", "backtalk: interrupted.\n")]


def _is_listened_at(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
