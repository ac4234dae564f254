"""One case: a file is read, and what came of it is judged."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backtalk.errors import BacktalkError

from .target import Target

SECONDS = 10.0  # that a case may take
MEMORY = 300 * 2**20  # bytes that it may take besides ten times the size of its file
LONGEST = 2000  # letters of a sentence
ROOM = 4 * 2**30  # bytes of addresses, beyond which no memory is given; libraries reserve more than they use


@dataclass(frozen=True)
class Failure:
    """What went wrong: ``kind`` in a word, ``told`` in full. Failures of one ``signature`` are one fault."""

    kind: str
    told: str
    signature: str


class TooSlow(BaseException):
    """The case took more than its seconds. No ``Exception``, so that what is tried does not catch it."""


class Case:
    """Runs the cases of a target, each with a file in ``folder``."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target, self.path = target, folder / f"{target.name}{target.suffix}"
        self.meanings: set[Any] = set()
        for seed in target.seeds:  # and what is loaded lazily is loaded, before memory and time are measured
            self.path.write_bytes(seed)
            with _quiet():
                meaning = target.read(self.path)
            if target.guarded:
                self.meanings.add(meaning)

    def run(self, content: bytes, forged: bool = True) -> Failure | None:
        """The failure of a content, if it is one."""
        self.path.write_bytes(content)
        before = _resident()
        try:
            with _quiet(), _within(SECONDS):
                meaning = self.target.read(self.path)
        except BacktalkError as error:
            return self._judge_sentence(error) or self._judge_memory(before, len(content))
        except OSError as error:
            if error.strerror is None:
                return _failure("internal error", error)
        except TooSlow as error:
            return _failure("hang", error)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # PanicException of polars is no Exception
            return _failure("internal error", error)
        else:
            if self.target.guarded and not forged and meaning not in self.meanings:
                return Failure("wrong load", f"{meaning!r:.300}", f"wrong load {self.target.name}")
        return self._judge_memory(before, len(content))

    def _judge_sentence(self, error: BacktalkError) -> Failure | None:
        text = str(error)
        if "internal error" in text:
            return Failure("internal error", text, text[:60])
        if len(text) > LONGEST:
            return Failure("long sentence", f"{len(text)} letters: {text[:200]}", f"long {type(error)} {_place(error)}")
        return None

    def _judge_memory(self, before: int, size: int) -> Failure | None:
        peak = _peak()
        if peak - before > MEMORY + 10 * size:
            return Failure("memory", f"{(peak - before) / 2**20:.0f} MB for {size} bytes", f"memory {self.target.name}")
        return None


def limit_memory() -> None:
    """Beyond what is in use now, and some room, memory is refused to this process."""
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, resource.getrlimit(resource.RLIMIT_AS)[1]))


def name_of(failure: Failure, content: bytes) -> str:
    """A name for the file of a failure."""
    return f"{failure.kind.replace(' ', '-')}-{hashlib.sha256(content).hexdigest()[:10]}"


def _failure(kind: str, error: BaseException) -> Failure:
    told = "".join(traceback.format_exception(error, limit=-12))
    return Failure(kind, told, f"{kind} {type(error).__name__} {_place(error)}")


def _place(error: BaseException) -> str:
    """Where in backtalk it came up."""
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
              if "backtalk" in frame.filename]  # fmt: skip
    return places[-1] if places else ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooSlow(f"more than {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _resident() -> int:
    """Bytes of memory in use; and the record of :func:`_peak` begins anew, where the system lets us."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    if not os.path.exists("/proc/self/status"):
        return 0
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(name))
    return 1024 * int(line.split()[1])
