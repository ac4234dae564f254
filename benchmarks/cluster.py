"""``python -m benchmarks.cluster``: one process on both cores, and two processes on one core each.

The same network, data and mini-batches, through ``fit`` with the compiled engine; each process of the two holds half of
the rows, or, with ``--everywhere``, all of them, so that none go from one to the other. In turns; milliseconds of a
step on the wall's clock, from the difference of a long run and a short one, so that compiling is left out; medians.

``efficiency``: the time of one process over that of two. ``processor``: the same of the processor's time, summed over
the processes, in which nobody waits. ``sum``: of the gradients alone. ``model``: what one process on one core needs for
half of the mini-batch, and that sum, over the time of two processes: near 1 where the model of docs/scale.md holds.
``curve``: the largest relative difference of the losses of all epochs.

``--curve`` compares the losses of 1, 2, 3 and 4 processes, and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from .peers import RATE
from .work import WORKS, Work

ROWS = ("tiny", "small", "mnist", "mnist256")
BATCH_SIZES = (128, 512, 2048, 8192)
BYTES, OPERATIONS = 2**27, 2e10  # of the data, and of the short run
LONG = 3  # times as many epochs


def mini_batches(work: Work) -> int:
    """In an epoch."""
    return max(2, min(64, BYTES // (4 * work.sizes[0] * work.batch), round(OPERATIONS / work.operations)))


class Processes:
    """Processes that train together, each on its cores."""

    def __init__(self, cores: list[list[int]]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.cluster", "--serve",
                 json.dumps({"port": port, "processes": len(cores), "process": number, "cores": each})],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "JAX_PLATFORMS": "cpu"},
            )
            for number, each in enumerate(cores)
        ]  # fmt: skip

    def ask(self, **question: Any) -> list[dict[str, Any]]:
        """What each process answers."""
        for process in self.processes:
            assert process.stdin
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
        answers = []
        for process in self.processes:
            assert process.stdout
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"a process ended: {process.args}")
            answers.append(json.loads(line))
        return answers

    def close(self) -> None:
        """End the processes."""
        for process in self.processes:
            assert process.stdin
            process.stdin.close()
        for process in self.processes:
            process.wait(timeout=60)


def serve(port: int, processes: int, process: int, cores: list[int]) -> None:
    """Answer questions; what C++ prints does not get between the answers."""
    os.sched_setaffinity(0, cores)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from backtalk.distributed.join import join

    join(f"127.0.0.1:{port}", processes, process)
    works: dict[str, Callable[..., dict[str, Any]]] = {"fit": train, "sum": add_up}
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(works[question.pop("do")](**question)), file=answers)


def train(row: str, batch: int, batches: int, epochs: int, everywhere: bool = False) -> dict[str, Any]:
    """Seconds of a run, of the wall and of the processor, and the losses of its epochs."""
    from backtalk import Network, Shard, fit
    from backtalk.distributed import joined_group

    work = replace(WORKS[row], batch=batch)
    X, y = work.data(batches)
    rows = joined_group().share(len(X))
    data = (X, y) if everywhere else (Shard(X[rows].copy(), y[rows]),)
    network = Network.create(work.sizes, rng=0, dtype="float32")
    began, busy = time.perf_counter(), time.process_time()
    training = fit(
        network, *data, epochs=epochs, batch_size=batch, optimizer=f"adam(learning_rate={RATE})", rng=0,
        engine="compiled",
    )  # fmt: skip
    wall, processor = time.perf_counter() - began, time.process_time() - busy
    return {"wall": wall, "processor": processor, "losses": training.losses}


def add_up(numbers: int, times: int = 200) -> dict[str, Any]:
    """Seconds of one sum of so many numbers over all processes; the median of some runs of them in a row."""
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    mesh = Mesh(np.array(jax.devices()), "processes")
    split, same = PartitionSpec("processes"), PartitionSpec()

    def sums(x: Any, times: Any) -> Any:
        count = len(jax.devices())
        return jax.lax.fori_loop(0, times, lambda _, x: jax.lax.psum(x, "processes") / count, x)

    run = jax.jit(jax.shard_map(sums, mesh=mesh, in_specs=(split, same), out_specs=split, check_vma=False))
    here = np.ones((1, numbers), np.float32)
    x = jax.make_array_from_process_local_data(NamedSharding(mesh, split), here)
    seconds = []
    for turn in range(6):
        began = time.perf_counter()
        jax.block_until_ready(run(x, times))
        if turn:
            seconds.append((time.perf_counter() - began) / times)
    return {"wall": statistics.median(seconds)}


def measure(groups: dict[str, Processes], work: Work, rounds: int, everywhere: bool) -> dict[str, Any]:
    """Seconds of a step by each group, of the wall and of the processor, and the losses; ``half``: of half a batch."""
    batches = mini_batches(work)
    epochs = max(4, round(OPERATIONS / work.operations / batches))
    steps = (LONG - 1) * epochs * batches
    found: dict[str, Any] = {f"{name} {clock}": [] for name in groups for clock in ("wall", "processor")}
    for turn in range(rounds + 1):  # the first one compiles
        for name, group in groups.items():
            batch = work.batch // 2 if name == "half" else work.batch
            short, long = (
                group.ask(do="fit", row=work.name, batch=batch, batches=batches, epochs=count, everywhere=everywhere)
                for count in (epochs, LONG * epochs)
            )
            found[f"{name} losses"] = long[0]["losses"]
            if turn:
                for clock, over in (("wall", max), ("processor", sum)):
                    beyond = over(each[clock] for each in long) - over(each[clock] for each in short)
                    found[f"{name} {clock}"].append(beyond / steps)
    return {key: each if "losses" in key else statistics.median(each) for key, each in found.items()}


def scale(console: Console, works: list[Work], rounds: int, everywhere: bool, cores: list[int]) -> None:
    """The table."""
    groups = {"one": Processes([cores]), "two": Processes([[core] for core in cores]), "half": Processes([cores[:1]])}
    table = Table(title=f"ms of a step: one process on cores {cores}, two on one each")
    columns = ("work", "batch", "one", "two", "efficiency", "processor", "sum", "model", "curve")
    for column in columns:
        table.add_column(column, justify="right")
    for work in works:
        found = measure(groups, work, rounds, everywhere)
        numbers = sum(n * (m + 1) for m, n in zip(work.sizes, work.sizes[1:], strict=False))
        summed = statistics.median(groups["two"].ask(do="sum", numbers=numbers)[0]["wall"] for _ in range(3))
        one, two, half = (found[f"{name} wall"] for name in groups)
        curve = difference(found["one losses"], found["two losses"])
        cells = [work.name, str(work.batch), f"{1e3 * one:.3f}", f"{1e3 * two:.3f}", f"{one / two:.0%}",
                 f"{found['one processor'] / found['two processor']:.0%}", f"{1e3 * summed:.3f}",
                 f"{(half + summed) / two:.2f}", f"{curve:.1e}"]  # fmt: skip
        console.print(", ".join(cells), style="dim")
        table.add_row(*cells)
    for group in groups.values():
        group.close()
    console.print(table)


def difference(losses: list[float], others: list[float]) -> float:
    """The largest one, relative."""
    return float(np.max(np.abs(np.divide(others, losses) - 1)))


def compare(console: Console, works: list[Work], cores: list[int]) -> None:
    """The losses of 1 to 4 processes, as many as there are, all on the same cores."""
    alone: dict[str, list[float]] = {}
    for processes in (1, 2, 3, 4):
        group = Processes([cores] * processes)
        for work in works:
            answers = group.ask(do="fit", row=work.name, batch=work.batch, batches=mini_batches(work), epochs=4)
            losses = answers[0]["losses"]
            alone.setdefault(f"{work}", losses)
            same = all(answer["losses"] == losses for answer in answers)
            console.print(
                f"{work.name} @ {work.batch}, {processes} processes: losses {losses[0]:.6f} to {losses[-1]:.6f}, "
                f"{'the same in all' if same else 'NOT the same in all'}, "
                f"largest relative difference from one process {difference(alone[f'{work}'], losses):.1e}"
            )
        group.close()


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"which of {', '.join(WORKS)} (default: {', '.join(ROWS)})")
    parser.add_argument("--batch", type=int, nargs="+", default=BATCH_SIZES)
    parser.add_argument("--rounds", type=int, default=5, help="turns that each gets")
    parser.add_argument("--everywhere", action="store_true", help="each process holds all rows")
    parser.add_argument("--curve", action="store_true", help="compare the losses of 1 to 4 processes")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(**json.loads(arguments.serve))
    if unknown := set(arguments.rows) - set(WORKS):
        raise SystemExit(f"rows holds {sorted(unknown)}, expected some of {list(WORKS)}.")
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2 and not arguments.curve:
        raise SystemExit("benchmarks.cluster needs 2 cores, and this process may use one.")
    works = [replace(WORKS[row], batch=batch) for row in arguments.rows or ROWS for batch in arguments.batch]
    console = Console(width=120)
    if arguments.curve:
        return compare(console, works, cores)
    return scale(console, works, arguments.rounds, arguments.everywhere, cores)


if __name__ == "__main__":
    main()
