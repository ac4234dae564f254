"""``python -m benchmarks.compiled``: a step of the compiled engine beside the same step in a hand-written JAX scan.

Microseconds of a step, of the processor's time on one core, which other programs on the machine hardly change; in
turns, medians. ``scan``: peers.py's, whose mini-batches are the same in each epoch. ``shuffled``: the same, with
mini-batches drawn anew in each epoch by NumPy, as ``fit`` does. ``fit``: a run of 4 epochs, and what it costs to begin
one. ``steady``: what a step takes in a long run, from the difference of a long one and a short one.
"""

from __future__ import annotations

import argparse
import os
import statistics

from rich.console import Console
from rich.table import Table

from .peers import LONG
from .turns import Peer
from .work import WORKS, Work

GOAL = 1.05  # times the scan


def measure(work: Work, rounds: int, threads: int, clock: str) -> dict[str, float]:
    """Seconds of a step of each kind; medians over rounds, and of the differences for ``steady``."""
    peers = {"jax": Peer("jax", threads), "compiled": Peer("compiled", threads)}
    kinds = {"scan": ("jax", "train"), "shuffled": ("jax", "shuffled"), "fit": ("compiled", "train"),
             "long": ("compiled", "long")}  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, (peer, kind) in kinds.items():
            times[name].append(peers[peer].seconds(kind, work.name, 0.1, clock=clock) / work.steps)
    for peer in peers.values():
        peer.close()
    beyond = [(long - short) / (LONG - 1) for long, short in zip(times.pop("long"), times["fit"], strict=True)]
    return {name: statistics.median(each) for name, each in {**times, "steady": beyond}.items()}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compiled", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"which of {', '.join(WORKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=9, help="turns that each gets")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=["processor", "wall"], default="processor")
    arguments = parser.parse_args()
    if unknown := set(arguments.rows) - set(WORKS):
        raise SystemExit(f"rows holds {sorted(unknown)}, expected some of {list(WORKS)}.")
    if arguments.threads == 1:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])  # what is started from here keeps to it
    console = Console(width=120)
    table = Table(title=f"µs of a step, {arguments.clock} time, {arguments.threads} thread(s)")
    columns = ("work", "scan", "shuffled", "fit", "steady", "fit ÷ scan", "steady ÷ scan", "steady ÷ shuffled")
    for column in columns:
        table.add_column(column, justify="right")
    worst = [0.0, 0.0]
    for row in arguments.rows or WORKS:
        times = measure(WORKS[row], arguments.rounds, arguments.threads, arguments.clock)
        ratios = [times[a] / times[b] for a, b in (("fit", "scan"), ("steady", "scan"), ("steady", "shuffled"))]
        cells = [row, *(f"{1e6 * each:.1f}" for each in times.values()), *(f"{each:.3f}" for each in ratios)]
        console.print(", ".join(cells), style="dim")
        table.add_row(*cells)
        worst = [max(pair) for pair in zip(worst, ratios[1:], strict=True)]
    console.print(table)
    for name, ratio in zip(("scan", "shuffling scan"), worst, strict=True):
        verdict = "met" if ratio <= GOAL else "missed"
        console.print(f"goal: steady at most {GOAL} times the {name} in every row; {verdict}, the worst is {ratio:.3f}")


if __name__ == "__main__":
    main()
