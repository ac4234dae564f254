"""Starts the processes that run cases, and watches them: one that dies or hangs is counted, and another one begins."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .cases import SECONDS, Failure, name_of
from .target import Target

START = 120.0  # seconds for the first report
SILENT = 3 * SECONDS  # seconds without a report, after which a process hangs where Python cannot stop it
TESTS = Path(__file__).parents[1]


@dataclass
class Outcome:
    """How many cases were run, and how often each failure came, with the name of a file of it.

    ``aborts``: how often a library ended the process that may.
    """

    count: int = 0
    aborts: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)


def fuzz(target: Target, seconds: float, seed: int, found: Path, guided: bool) -> Outcome:
    """Run cases of a target for so many seconds."""
    outcome, until = Outcome(), time.monotonic() + seconds
    while (left := until - time.monotonic()) > 1:
        shared = Path("/dev/shm")
        with tempfile.TemporaryDirectory(prefix="fuzz-", dir=shared if shared.is_dir() else None) as folder:
            _watch(target, seed, left, Path(folder), found, guided, outcome)
        seed += 1_000_003
    return outcome


def _watch(
    target: Target, seed: int, seconds: float, folder: Path, found: Path, guided: bool, outcome: Outcome
) -> None:
    """One process, to its end."""
    paths = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2"}
    module = "fuzz.guided" if guided else "fuzz.worker"
    until = time.time() + seconds
    command = [sys.executable, "-m", module, target.name, str(seed), f"{until:.1f}", str(folder), str(found)]
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, cwd=folder)
    heard, count = [time.monotonic()], 0

    def end_if_silent() -> None:
        while process.poll() is None:
            if time.monotonic() > heard[0] + (SILENT if count else START):
                process.kill()
            time.sleep(0.2)

    watcher = threading.Thread(target=end_if_silent, daemon=True)
    watcher.start()
    assert process.stdout is not None
    for line in process.stdout:
        heard[0] = time.monotonic()
        try:
            told = json.loads(line)
        except ValueError:
            continue
        count = told.get("count", count)
        if "failure" in told:
            outcome.failures[told["failure"]] += 1
            if told["new"]:
                outcome.names.setdefault(told["failure"], told["name"])
    code = process.wait()
    watcher.join()
    outcome.count += count
    if code == -signal.SIGABRT and target.may_abort:
        outcome.aborts += 1
    elif code not in (0, None) and not (guided and count and time.time() > until - 2):
        _note_death(target, code, folder, found, outcome)


def _note_death(target: Target, code: int, folder: Path, found: Path, outcome: Outcome) -> None:
    path = folder / f"{target.name}{target.suffix}"
    content = path.read_bytes() if path.exists() else b""
    kind = "hang" if code == -signal.SIGKILL else "crash"
    errors = (folder / "stderr").read_text(errors="replace")[-3000:]
    failure = Failure(kind, f"exit code {code}\n{errors}", f"{kind} {target.name} {code} {errors.strip()[-80:]}")
    outcome.failures[failure.signature] += 1
    name = name_of(failure, content)
    outcome.names.setdefault(failure.signature, name)
    found.mkdir(parents=True, exist_ok=True)
    if path.exists():
        shutil.copy(path, found / (name + target.suffix))
    (found / f"{name}.txt").write_text(f"{failure.signature}\n{failure.told}", errors="replace")
