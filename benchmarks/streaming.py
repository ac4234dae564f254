"""``python -m benchmarks.streaming``: what training from files costs beside training in memory, and its peak memory.

Cost: the same rows in memory, in a .npy file and in a Parquet file, in turns, medians; the files are in the page
cache. Memory: one epoch over files of ``--gib`` GiB, each in a process of its own, whose VmHWM is read (Linux).
Everything is written into a temporary folder, which goes at the end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from backtalk import Network, fit
from backtalk.data.streams import MemoryMapped, ParquetFiles

NETWORKS = {(100, 128, 10): 128, (784, 256, 10): 256}  # sizes and batch size
BYTES = 400 * 2**20  # of X where the cost is measured
AT_ONCE = 2**26  # bytes that are drawn and written at a time
ROW_GROUP = 10_000


def write(
    folder: Path,
    columns: int,
    size: int,
    *,
    parquet: bool,
    npy: bool,
    dictionary: bool = True,
    row_group: int = ROW_GROUP,
) -> int:
    """Standard normal X in float32 and labels 0 … 9, ``size`` bytes of X; gives the number of rows."""
    import pyarrow
    import pyarrow.parquet

    rng, rows = np.random.default_rng(0), size // (4 * columns)
    teacher = rng.standard_normal((columns, 10), dtype=np.float32)
    writer, X, y = None, None, None
    step = -(-max(1, AT_ONCE // (4 * columns)) // row_group) * row_group
    if npy:
        X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (rows, columns))
        y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int64, (rows,))
    for first in range(0, rows, step):
        part = rng.standard_normal((min(step, rows - first), columns), dtype=np.float32)
        labels = (part @ teacher).argmax(axis=1)
        if X is not None and y is not None:
            X[first : first + len(part)], y[first : first + len(part)] = part, labels
        if parquet:
            table = pyarrow.table({**{f"x{j}": part[:, j].copy() for j in range(columns)}, "y": labels})
            if writer is None:
                path = folder / "data.parquet"
                kind = {"use_dictionary": dictionary, "compression": "snappy" if dictionary else "none"}
                writer = pyarrow.parquet.ParquetWriter(path, table.schema, **kind)
            writer.write_table(table, row_group_size=row_group)
    if writer is not None:
        writer.close()
    return rows


def peak() -> float:
    """The most memory that this process has had, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise SystemExit("/proc/self/status has no VmHWM: the peak of memory is measured on Linux only.")


def train_once(kind: str, folder: Path, columns: int) -> None:
    """One epoch over a file; prints the peak before and after it, and the seconds."""
    sizes = next(sizes for sizes in NETWORKS if sizes[0] == columns)
    net = Network.create(list(sizes), rng=0, dtype="float32")
    before, began = peak(), time.perf_counter()
    if kind == "memmap":
        X = np.load(folder / "X.npy", mmap_mode="r")
        fit(net, X, np.load(folder / "y.npy", mmap_mode="r"), epochs=1, batch_size=NETWORKS[sizes], rng=0)
    else:
        data = MemoryMapped(folder / "X.npy", folder / "y.npy") if kind == "npy" else ParquetFiles(folder)
        fit(net, data, epochs=1, batch_size=NETWORKS[sizes], rng=0)
    print(f"peak {peak():.0f} MiB ({before:.0f} before training), {time.perf_counter() - began:.1f} s")


def memory(gib: float, columns: int, row_group: int) -> None:
    """The peak of one epoch over files of so many GiB."""
    size = int(gib * 2**30)
    for parquet in (False, True):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if shutil.disk_usage(folder).free < 1.5 * size:
                raise SystemExit(f"{folder} has no room for a file of {gib:g} GiB: set TMPDIR, or give --gib.")
            write(folder, columns, size, parquet=parquet, npy=not parquet, row_group=row_group)
            for kind in ("parquet",) if parquet else ("npy", "memmap"):
                command = [sys.executable, "-m", "benchmarks.streaming", "--child", kind, name, str(columns)]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
                rows = f" with row groups of {row_group} rows" if parquet else ""
                print(f"{gib:g} GiB of X, {columns} columns, {kind}{rows}: {said}", flush=True)


def cost(rounds: int) -> None:
    """Seconds of an epoch, from memory and from files, in turns."""
    for sizes, batch in NETWORKS.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "plain").mkdir()
            rows = write(folder, sizes[0], BYTES, parquet=True, npy=True)
            write(folder / "plain", sizes[0], BYTES, parquet=True, npy=False, dictionary=False)
            X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
            net = Network.create(list(sizes), rng=0, dtype="float32")
            data = {
                "memory": (X, y),
                "npy": (MemoryMapped(folder / "X.npy", folder / "y.npy"),),
                "parquet, snappy": (ParquetFiles(folder),),
                "parquet, plain": (ParquetFiles(folder / "plain"),),
            }
            seconds: dict[str, list[float]] = {kind: [] for kind in data}
            for turn in range(rounds + 1):
                for kind, given in data.items():
                    began = time.perf_counter()
                    fit(net, *given, epochs=2, batch_size=batch, rng=0)
                    if turn:  # the first one warms the page cache
                        seconds[kind].append((time.perf_counter() - began) / 2)
            base = statistics.median(seconds["memory"])
            for kind, times in seconds.items():
                median = statistics.median(times)
                spread = f"{min(times):.3f} to {max(times):.3f}"
                print(
                    f"{list(sizes)} @ {batch}, {rows} rows, {kind}: {median:.3f} s an epoch ({spread}), "
                    f"{rows / median / 1e6:.2f} million rows/s, {median / base - 1:+.1%}",
                    flush=True,
                )


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--what", choices=["cost", "memory", "both"], default="both")
    parser.add_argument("--gib", type=float, default=5.0, help="size of X where the peak of memory is measured")
    parser.add_argument("--columns", type=int, choices=[sizes[0] for sizes in NETWORKS], default=100)
    parser.add_argument("--row-group", type=int, default=ROW_GROUP, help="rows of a row group, there too")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        kind, folder, columns = arguments.child
        train_once(kind, Path(folder), int(columns))
        return
    print(f"{len(os.sched_getaffinity(0))} cores")
    if arguments.what != "memory":
        cost(arguments.rounds)
    if arguments.what != "cost":
        memory(arguments.gib, arguments.columns, arguments.row_group)


if __name__ == "__main__":
    main()
