"""Uploads that would end the process that reads them, or take its memory or time: the lab says so and lives on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtalk.apps.lab import readers as module
from backtalk.apps.lab.readers import Readers
from backtalk.apps.lab.upload import read_upload
from backtalk.errors import FileFormatError, InputError
from lab_page import serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited, and processes are listed, on Linux")


@pytest.fixture(scope="module")
def readers():
    found = Readers()
    found.warm_up()
    yield found
    found.close()


def is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def waits(condition) -> bool:
    until = time.monotonic() + 30
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return condition()


def test_what_another_process_reads_is_what_this_one_reads(readers, tmp_path):
    table = tmp_path / "upload.csv"
    table.write_text("a,b,c\n" + "".join(f"{k / 7},{'xy'[k % 2]},{k * k / 3}\n" for k in range(50)))
    arrays = tmp_path / "upload.npz"
    np.savez(arrays, X=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 3)
    for path, target in ((table, None), (table, "b"), (arrays, None)):
        (data, *names), (same, *same_names) = readers.read(path, "t", target), read_upload(path, "t", target)
        assert names == same_names
        for field in data.__slots__:
            mine, theirs = getattr(data, field), getattr(same, field)
            assert type(mine) is type(theirs)
            assert np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else repr(mine) == repr(theirs), field
            assert getattr(mine, "dtype", None) == getattr(theirs, "dtype", None)


def test_a_file_that_ends_the_process_that_reads_it_is_a_sentence(readers, tmp_path):
    path = tmp_path / "upload.csv"
    os.mkfifo(path)  # the process that reads it waits
    before = readers.processes()
    timer = threading.Timer(1, lambda: [os.kill(each, signal.SIGABRT) for each in readers.processes()])
    timer.start()
    with pytest.raises(FileFormatError, match=r"^t\.csv could not be read as a \.csv file: it is damaged, or needs"):
        readers.read(path, "t.csv", None)
    assert not set(map(is_there, before)) - {False}
    assert waits(lambda: readers.processes() and not set(before) & set(readers.processes()))
    assert not any(map(is_there, before))


def test_a_file_that_takes_too_long_is_given_up(readers, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_SECONDS", 0.01)
    path = tmp_path / "upload.csv"
    path.write_bytes(b"x,y\n" + b"1,2\n" * 1_000_000)
    with pytest.raises(FileFormatError, match=r"^t takes more than 0\.01 s to be read: take a part of it\."):
        readers.read(path, "t", None)


def test_a_file_that_takes_too_much_memory_is_refused_and_the_lab_lives_on(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 2**25)
    narrow = Readers()
    path = tmp_path / "large.npz"
    np.savez_compressed(path, X=np.zeros((2**22, 2)), y=np.zeros(2**22))
    with serving(readers=narrow) as lab, lab.page() as page:
        answer = lab.upload(page.session, "large.npz", path.read_bytes())
        assert answer.status_code == 400
        assert "memory" in answer.json()["error"]
        assert page.configure()[0]["type"] == "setup"
        processes = narrow.processes()
        assert len(processes) == 1
    assert not any(map(is_there, processes))


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit()"])
def test_no_reader_outlives_the_lab_however_that_ends(tmp_path, end):
    os.mkfifo(tmp_path / "upload.csv")
    code = f"""
import os, signal, sys, threading, time
from pathlib import Path
from backtalk.apps.lab.readers import Readers
readers = Readers()
readers.warm_up()
threading.Thread(target=readers.read, args=[Path({str(tmp_path / "upload.csv")!r}), "t", None], daemon=True).start()
time.sleep(0.2)
readers.warm_up()
print(*readers.processes(), flush=True)
{end}
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    processes = [int(each) for each in said.stdout.split()]
    assert len(processes) == 2, said.stderr
    assert waits(lambda: not any(map(is_there, processes)))


def test_a_small_file_of_many_long_texts_is_refused_before_they_are_made(tmp_path):
    path = tmp_path / "upload.parquet"
    long = pl.Series("s", ["x" * 100_000]).new_from_index(0, 60_000).cast(pl.Categorical)
    pl.DataFrame([long, pl.Series("y", [0, 1] * 30_000)]).write_parquet(path, compression="zstd")
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match=r"t\.parquet holds 572\d MB"):
        read_upload(path, "t.parquet", None)
