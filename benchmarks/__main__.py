"""``make bench``: backtalk and its peers on the same work, in turns, one process for each, medians.

Prints GFLOP/s of the matrix products in a step, and how many times as fast backtalk is as each peer. Each peer is
run with one thread and with all, and the faster one counts; so is backtalk never given more than all. The compiled
engine, which JAX compiles, is one of the peers; ``python -m benchmarks.compiled`` puts it beside JAX's scan alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from .work import WORKS, Work

CORES = len(os.sched_getaffinity(0))


class Peer:
    """A process that times work on demand."""

    def __init__(self, name: str, threads: int, module: str = "benchmarks.peers", platform: str = "cpu") -> None:
        flags = "" if threads > 1 else "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")},
            "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), "XLA_FLAGS": flags,
            "JAX_PLATFORMS": platform, "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *(["--serve"] if module != "benchmarks.peers" else []), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def seconds(self, kind: str, row: str, repeats: int, clock: str = "wall") -> float:
        """The median time of a run of this work, among some in a row."""
        return float(self.ask(f"{kind} {row} {repeats} {clock}"))

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


def compare(work: Work, kind: str, rivals: list[str], rounds: int) -> dict[str, float]:
    """Seconds of a run by each peer, the better of one thread and all, and of the product under 'peak'."""
    peers = {(name, threads): Peer(name, threads) for name in rivals for threads in {1, CORES}}
    peers["backtalk", CORES] = Peer("backtalk", CORES)
    if kind == "train":
        peers["measured", CORES] = peers["backtalk", CORES]
    peers["peak", CORES] = Peer("numpy", CORES)
    times: dict[tuple[str, int], list[float]] = {key: [] for key in peers}
    repeats = 1 if kind == "train" else 5 if work.operations > 1e9 else 50
    for _ in range(rounds):
        for key, peer in peers.items():
            what = {"peak": "product", "measured": "measured"}.get(key[0], kind)
            time.sleep(0.3)  # some threads of the peer before still spin for a while
            times[key].append(peer.seconds(what, work.name, repeats))
    for peer in peers.values():
        peer.close()
    medians = {key: statistics.median(values) for key, values in times.items()}
    return {name: min(value for key, value in medians.items() if key[0] == name) for name, _ in medians}


def show(console: Console, kind: str, rows: list[str], rounds: int) -> None:
    """The table of one kind of work."""
    rivals = ["jax", "compiled", "torch", "sklearn", "torch.compile"] if kind == "train" else ["torch", "jax"]
    what = "one training step" if kind == "train" else "gradients() with every hidden gradient"
    table = Table(title=f"{what}, {CORES} threads")
    for column in ("work", "peak GFLOP/s", "backtalk", "of peak", *(f"× {name}" for name in rivals)):
        table.add_column(column, justify="right")
    if kind == "train":
        table.add_column("measured every step")
    for row in rows:
        work = WORKS[row]
        times = compare(work, kind, rivals, rounds)
        operations = work.operations * work.steps
        if kind == "gradients":  # the input's gradient too
            operations = work.operations + 2 * work.batch * work.sizes[0] * work.sizes[1]
        rate, peak = operations / times["backtalk"] / 1e9, 2 * 1024**3 / times["peak"] / 1e9
        ratios = [f"{times[name] / times['backtalk']:.2f}" for name in rivals]
        cells = [work.name, f"{peak:.0f}", f"{rate:.1f}", f"{rate / peak:.0%}", *ratios]
        if kind == "train":
            cells.append(f"{times['measured'] / times['backtalk'] - 1:+.1%}")
        table.add_row(*cells)
        console.print(f"{kind} {row}: " + ", ".join(cells[1:]), style="dim")
    console.print(table)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help="which rows (default: all)")
    parser.add_argument("--kind", choices=["train", "gradients", "both"], default="both")
    parser.add_argument("--rounds", type=int, default=7, help="turns that each peer gets")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - set(WORKS)
    if unknown:
        raise SystemExit(f"rows holds {sorted(unknown)}, expected some of {list(WORKS)}.")
    console = Console(width=140)
    for kind in ("train", "gradients") if arguments.kind == "both" else (arguments.kind,):
        show(console, kind, arguments.rows or list(WORKS), arguments.rounds)


if __name__ == "__main__":
    main()
