"""Processes that time work on demand, and the turns that they take, so that the machine's moods fall on all alike.

Each library runs in a process of its own, with one thread or with all, and is warm before it is timed. Between turns
lies a matrix product of NumPy's, whose rate shows what the machine could do at that time: a row during which it fell
is measured again.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
THREADS = sorted({1, CORES})
PAUSE = 0.25  # seconds for which threads of the process before may still spin
SLOWER = 1.2  # times the other count of threads, after which a peer's slower count takes no more turns
DISTURBED = 0.15  # of the machine's peak missing during a row, above which the row is measured again
TRIES = 3  # of a row at most; a quick run has other rows to measure first
PEAK_OPERATIONS = 2 * 1024**3
Key = tuple[str, int]  # a library and its threads
ALL_THREADS = ("backtalk", "products")  # what is timed with each count of threads to the end


class Timer(Protocol):
    """What answers with the median seconds of a run of this kind of work."""

    def seconds(self, kind: str, row: str, least: float = 0.0, /) -> float: ...


class Peer:
    """A process that times work on demand."""

    def __init__(
        self, name: str, threads: int, module: str = "benchmarks.peers", platform: str = "cpu", dtype: str = "float32"
    ) -> None:
        flags = "" if threads > 1 else "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")},
            "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), "XLA_FLAGS": flags,
            "JAX_PLATFORMS": platform, "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            "JAX_ENABLE_X64": str(int(dtype == "float64")),
        }  # fmt: skip
        self.threads = threads
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "--serve", name, *(["--dtype", dtype] if dtype != "float32" else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def seconds(self, kind: str, row: str, least: float = 0.0, /, clock: str = "wall") -> float:
        """The median time of a run of this work, among as many as take ``least`` seconds, and one at the least."""
        return float(self.ask(f"{kind} {row} {least} {clock}"))

    def ask(self, question: str) -> str:
        """A line of the process for a line."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the peer {self.process.args} ended")
        return line

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


class Part(NamedTuple):
    """A part of a run, whose time is multiplied: slow libraries need no whole one."""

    run: Callable[[], object]
    times: float

    def __call__(self) -> None:
        """Run it."""
        self.run()


def answer(
    runner: Callable[[str, str], Callable[[], object]],
    lines: Iterable[str],
    numbers: Mapping[str, Callable[[], float]] | None = None,
) -> None:
    """The other end of :class:`Peer`: time ``runner(kind, row)`` for each line; the first call warms it up.

    ``numbers``: what is asked by a word alone, and answered with a number.
    """
    runs: dict[tuple[str, str], Callable[[], object]] = {}
    for line in lines:
        if numbers and line.strip() in numbers:
            print(numbers[line.strip()](), flush=True)
            continue
        kind, row, least, clock = line.split()
        if (kind, row) not in runs:
            runs[kind, row] = runner(kind, row)
            runs[kind, row]()
        now = time.process_time if clock == "processor" else time.perf_counter
        run, times = runs[kind, row], list[float]()
        while not times or sum(times) < float(least):
            began = now()
            run()
            times.append((now() - began) * (run.times if isinstance(run, Part) else 1))
        print(min(times) if kind == "product" else statistics.median(times), flush=True)


class Peak:
    """The rate of NumPy's matrix product by its threads, GFLOP/s. ``best``: the machine's, the highest so far."""

    def __init__(self, timers: Mapping[int, Timer]) -> None:
        self.timers = timers
        self.best = dict.fromkeys(timers, 0.0)

    def measure(self) -> dict[int, float]:
        """The rates now."""
        rates = {
            threads: PEAK_OPERATIONS / timer.seconds("product", "-", 0.15) / 1e9
            for threads, timer in self.timers.items()
        }
        self.best = {threads: max(rate, self.best[threads]) for threads, rate in rates.items()}
        return rates

    def missing(self, rates: Iterable[Mapping[int, float]]) -> float:
        """The largest share of the machine's peak that was missing at any of these times."""
        return max(1 - each[threads] / best for each in rates for threads, best in self.best.items())


@dataclass(frozen=True)
class Timed:
    """Seconds of a run by library, then threads; the peak meanwhile, by threads, and what was missing of it."""

    seconds: dict[str, dict[int, float]]
    peak: dict[int, float]
    missing: float
    tries: int


def time_row(
    timers: Mapping[Key, tuple[Timer, str]],
    row: str,
    peak: Peak,
    rounds: int,
    most_tries: int = TRIES,
    *,
    pause: float = PAUSE,
) -> Timed:
    """Medians over turns of each timer and its kind of work; again while the peak was disturbed, so often at most.

    Of several tries the least disturbed one counts.
    """
    tries: list[tuple[list[dict[int, float]], dict[Key, float]]] = []
    for _ in range(most_tries):
        rates = [peak.measure()]
        times: dict[Key, list[float]] = {key: [] for key in timers}
        slower: set[Key] = set()
        for _ in range(rounds):
            for key, (timer, kind) in timers.items():
                if key not in slower:
                    times[key].append(timer.seconds(kind, row, 0.05))
                    time.sleep(pause if key[1] > 1 else 0)
            slower = slower_counts(times)
            rates.append(peak.measure())
        tries.append((rates, {key: statistics.median(each) for key, each in times.items()}))
        if peak.missing(rates) <= DISTURBED:
            break
    rates, seconds = min(tries, key=lambda each: peak.missing(each[0]))
    middle = {threads: statistics.median(each[threads] for each in rates) for threads in peak.best}
    return Timed(by_library(seconds), middle, peak.missing(rates), len(tries))


def slower_counts(times: Mapping[Key, list[float]]) -> set[Key]:
    """The counts of threads with which a peer is clearly slower than with another."""
    medians = {key: statistics.median(each) for key, each in times.items()}
    best: dict[str, float] = {}
    for (name, _), seconds in medians.items():
        best[name] = min(seconds, best.get(name, seconds))
    return {key for key, seconds in medians.items() if key[0] not in ALL_THREADS and seconds > SLOWER * best[key[0]]}


def by_library(seconds: Mapping[Key, float]) -> dict[str, dict[int, float]]:
    """The seconds of each library, by its threads."""
    found: dict[str, dict[int, float]] = {}
    for (name, threads), each in seconds.items():
        found.setdefault(name, {})[threads] = each
    return found


class Session:
    """The processes, each started when it is first needed, for one dtype at a time."""

    def __init__(self, rounds: int, quick: bool, works: list[str]) -> None:
        self.rounds, self.quick, self.works, self.dtype = rounds, quick, works, "float32"
        self.tries = 1 if quick else TRIES
        self._peers: dict[tuple[str, str, int], Peer] = {}
        self.peaks: dict[str, Peak] = {}

    def use(self, dtype: str) -> None:
        """The dtype of what follows; the machine's peak in it is measured first."""
        if dtype != self.dtype:
            self.close()
        self.dtype = dtype
        timers = {threads: self.peer("numpy", threads) for threads in THREADS}
        if dtype not in self.peaks:
            self.peaks[dtype] = Peak(timers)
            for _ in range(5):
                self.peaks[dtype].measure()
        self.peaks[dtype].timers = timers

    @property
    def peak(self) -> Peak:
        """In the dtype at hand."""
        return self.peaks[self.dtype]

    def peer(self, name: str, threads: int, module: str = "benchmarks.peers") -> Peer:
        """The process of a library."""
        key = (module, name, threads)
        if key not in self._peers:
            self._peers[key] = Peer(name, threads, module, dtype=self.dtype)
        return self._peers[key]

    def close(self) -> None:
        """End the processes."""
        for peer in self._peers.values():
            peer.close()
        self._peers.clear()
