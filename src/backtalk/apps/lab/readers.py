"""Processes of their own that read uploads, so that no file can end the lab, or take its memory or its time.

A library that reads a damaged file may end its process, and a small file may unpack to more than there is. One process
is kept warm, since what it imports takes seconds. It reads one file after another, within limits on memory and time,
and ends when the lab does, however that ends: its stdin is closed then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from ...core.losses import as_loss
from ...errors import BacktalkError, FileFormatError
from ..visible import discard
from .datasets import LabData, hold_out
from .upload import read_upload

MOST_BYTES = 3 * 2**29  # of memory that reading a file may take, beyond what a reader takes at rest
MOST_SECONDS = 60.0  # for one file, and for a reader to start
LARGE = 4 * 2**20  # bytes of a file, after which a reader is not kept: it would keep memory

Found = tuple[LabData, list[str], str]  # the examples, the columns of the file, and the one that is the target


class Readers:
    """The processes that read uploads: one that waits, and further ones while several files come in at once."""

    def __init__(self) -> None:
        self._lock, self._closed = threading.Lock(), False
        self._waiting: _Reader | None = None
        self._working: set[_Reader] = set()

    def warm_up(self) -> None:
        """Start a process that waits for a file, if none does."""
        with self._lock:
            if not self._closed and (self._waiting is None or self._waiting.has_ended()):
                self._waiting = _Reader()

    def read(self, path: Path, label: str, target: str | None) -> Found:
        """What :func:`~backtalk.apps.lab.upload.read_upload` finds, in another process.

        Raises :class:`~backtalk.errors.FileFormatError` also for a file over which that process ended, or took more
        memory or time than it may.
        """
        reader, is_whole = self._take(), False
        try:
            found = reader.read(path, label, target)
            is_whole = path.stat().st_size <= LARGE
        finally:
            self._give_back(reader, is_whole)
        return found

    def processes(self) -> list[int]:
        """The numbers of all processes that there are."""
        with self._lock:
            return [reader.number for reader in (*self._working, self._waiting) if reader is not None]

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._closed = True
            readers, self._waiting = [*self._working, self._waiting], None
        for reader in readers:
            if reader is not None:
                reader.end()

    def _take(self) -> _Reader:
        with self._lock:
            reader, self._waiting = self._waiting, None
            if reader is None or reader.has_ended():
                reader = _Reader()
            self._working.add(reader)
        return reader

    def _give_back(self, reader: _Reader, is_whole: bool) -> None:
        """Keep it, or end it and let another one begin to start."""
        with self._lock:
            self._working.discard(reader)
            is_kept = is_whole and self._waiting is None and not self._closed
            if is_kept:
                self._waiting = reader
        if not is_kept:
            reader.end()
            self.warm_up()


class _Reader:
    """One process: a question on its stdin, a line of JSON each, and the answer on its stdout."""

    def __init__(self) -> None:
        places = os.pathsep.join(place or os.getcwd() for place in sys.path)  # it finds what this process finds
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", f"from {__name__} import answer_all; answer_all({MOST_BYTES})"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": places, "RUST_BACKTRACE": "0"},  # to write one takes memory
            start_new_session=True,  # Ctrl-C is for the lab, which ends it
        )

    @property
    def number(self) -> int:
        return self._process.pid

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(OSError):  # it holds a question that nobody reads any more
                stream.close()

    def read(self, path: Path, label: str, target: str | None) -> Found:
        late = threading.Event()
        answer = self._ask({"path": str(path), "label": label, "target": target}, late)
        if answer is None and late.is_set():
            raise FileFormatError(f"takes more than {MOST_SECONDS:g} s to be read: take a part of it.", file=label)
        if answer is None:
            gigabytes = MOST_BYTES / 2**30
            raise FileFormatError(
                f"could not be read as a {path.suffix} file: it is damaged, or needs more than {gigabytes:g} GB of "
                "memory to be read.",
                file=label,
            )
        if "error" in answer:
            raise FileFormatError(answer["error"])
        return _assembled(answer, path.parent)

    def _ask(self, question: dict[str, Any], late: threading.Event) -> dict[str, Any] | None:
        """The answer; None if the process ended over it."""

        def give_up() -> None:
            late.set()
            self._process.kill()

        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(MOST_SECONDS, give_up)
        timer.daemon = True
        timer.start()
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except (OSError, ValueError):  # it ended, or the lab does
            return None
        finally:
            timer.cancel()
        return json.loads(line) if line.endswith(b"\n") else None


# What follows runs in the process that reads.


def answer_all(most_bytes: int) -> None:
    """Answer the questions on stdin until it is closed, with so much memory beyond what is taken at rest."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    discard(1)  # whatever a library prints is no answer
    questions: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=[questions.put], daemon=True).start()
    # What reading a table imports, before the memory is limited and while nobody waits
    from sklearn import impute  # noqa: F401

    from ..tables import preprocessing, reading, target  # noqa: F401

    limit_memory(most_bytes)
    while True:
        answers.write(json.dumps(_answer(**json.loads(questions.get()))) + "\n")
        answers.flush()


def _listen(put: Callable[[str], object]) -> None:
    """Hand over what is asked; if stdin is closed, nobody waits for an answer any more."""
    for line in sys.stdin:
        put(line)
    os._exit(0)


def limit_memory(count: int) -> None:
    """Let this process take so many bytes beyond what it has, where the system can do that; and write no core file."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    except (ImportError, OSError):
        return
    most = pages * resource.getpagesize() + count
    given = resource.getrlimit(resource.RLIMIT_AS)[1]
    if given != resource.RLIM_INFINITY:
        most = min(most, given)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(path: str, label: str, target: str | None) -> dict[str, Any]:
    """The arrays go into files beside the upload, all else into the answer."""
    try:
        data, columns, target = read_upload(Path(path), label, target)
    except BacktalkError as error:
        return {"error": error.message}
    except MemoryError:
        return {"error": f"{label} does not fit in memory: take a part of it."}
    folder = Path(path).parent
    np.save(folder / "X.npy", data.X, allow_pickle=False)
    np.save(folder / "y.npy", data.y, allow_pickle=False)
    names = ("title", "columns", "classes", "outputs", "mean", "scale", "remarks")
    facts = {name: getattr(data, name) for name in names}
    return {"facts": facts | {"loss": repr(data.loss)}, "columns": columns, "target": target}


def _assembled(answer: dict[str, Any], folder: Path) -> Found:
    """The examples of an answer, in the process that asked."""
    facts = answer["facts"]
    X, y = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in "Xy")
    names = {name: tuple(facts[name]) for name in ("columns", "classes")}
    data = LabData(**{**facts, **names, "loss": as_loss(facts["loss"]), "X": X, "y": y, "held_out": hold_out(len(X))})
    return data, answer["columns"], answer["target"]
