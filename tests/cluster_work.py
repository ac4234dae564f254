"""What each process of a cluster does in the tests: it joins, does some work and prints a line of JSON for each piece.

python cluster_work.py PROCESS PROCESSES PORT FOLDER WORK…
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from backtalk import (
    BacktalkError,
    Checkpoint,
    InputError,
    MemoryMapped,
    Network,
    ParquetFiles,
    Shard,
    fit,
    resume,
)
from backtalk.data.streams.columns import ParquetFile
from backtalk.distributed import joined_group
from backtalk.distributed.join import join
from limits import LIMIT

FOLDER = Path(sys.argv[4]) if len(sys.argv) > 4 else Path()  # where checkpoints and data lie
ROWS = 203
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(ROWS, 6)), RNG.integers(3, size=ROWS)
WEIGHT = RNG.random(ROWS)
WEIGHT[:40] = 0
PLAIN = {"epochs": 3, "batch_size": 32, "optimizer": "adam(learning_rate=0.01)", "rng": 3, "engine": "compiled"}


def network(dtype: str = "float64", seed: int = 1) -> Network:
    return Network.create([6, 8, 7, 3], "tanh", rng=seed, dtype=dtype)


def told(training) -> dict:
    parts = [*training.network.W.values(), *training.network.b.values()]
    return {
        "losses": training.losses,
        "validation": training.validation_losses,
        "reason": training.reason,
        "parameters": np.concatenate([part.reshape(-1) for part in parts]).tolist(),
    }


def own(*bounds: int) -> slice:
    """This process' share of the rows, or of those up to the bounds that are given."""
    every = list(bounds) or [ROWS * k // joined_group().count for k in range(joined_group().count + 1)]
    return slice(every[joined_group().index], every[joined_group().index + 1])


def arrays():
    return fit(network(), X, Y, **PLAIN)


def many_settings():
    extras = {"dropout": 0.2, "l2_penalty": 0.01, "clip_norm": 0.5, "validation": 0.2, "patience": 2}
    return fit(network(), X, Y, WEIGHT, class_weight="balanced", **extras, **PLAIN)


def single_precision():
    return fit(network("float32"), X, Y, **PLAIN)


def shards():
    """Of different sizes; the last process has none of the validation set."""
    rows, held_out = (
        own(),
        own(*np.linspace(0, 60, joined_group().count).astype(int), 60) if joined_group().count > 1 else own(0, 60),
    )
    validation = Shard(X[held_out], Y[held_out], WEIGHT[held_out] + 1)
    shard = Shard(X[rows], Y[rows], WEIGHT[rows])
    return fit(network(), shard, class_weight="balanced", dropout=0.2, validation=validation, **PLAIN)


def parquet():
    return fit(network(), ParquetFiles(FOLDER / "data", target="kind", buffer_bytes=6 * 8 * 90), **PLAIN)


def memory_mapped():
    data = MemoryMapped(FOLDER / "X.npy", FOLDER / "y.npy", WEIGHT, buffer_bytes=6 * 8 * 64)
    return fit(network(), data, class_weight={0: 2.0, 1: 1.0}, **PLAIN)


def groups_read():
    """The row groups of the Parquet file that this process decodes in an epoch."""
    read, batches = set(), ParquetFile.batches

    def noted(self, group, columns, rows):
        if "x0" in columns:  # every process reads all of the target, to know its classes
            read.add(group)
        return batches(self, group, columns, rows)

    ParquetFile.batches = noted
    try:
        fit(network(), ParquetFiles(FOLDER / "data", target="kind"), **(PLAIN | {"epochs": 1}))
    finally:
        ParquetFile.batches = batches
    return {"groups": sorted(read)}


def parameters_in_parts():
    os.environ["BACKTALK_DEVICE_BYTES"] = "1000"
    try:
        return fit(network(), X, Y, l2_penalty=0.01, clip_norm=0.5, **PLAIN)
    finally:
        del os.environ["BACKTALK_DEVICE_BYTES"]


def cut_short():
    """Leaves a checkpoint in the middle of an epoch."""
    rows = own()
    checkpoint = Checkpoint(FOLDER / f"of-{joined_group().count}.safetensors", every_steps=4)
    stop = {"progress": lambda progress: progress.step >= 9}
    return fit(network(), Shard(X[rows], Y[rows]), checkpoint=checkpoint, **stop, **PLAIN)


def gone_on():
    """From the checkpoints of runs with another number of processes."""
    rows = own()
    return resume(FOLDER / f"of-{2 if joined_group().count == 1 else 1}.safetensors", Shard(X[rows], Y[rows]))


def held_by_one():
    """Process 0 has all rows."""
    rows = slice(0, ROWS if joined_group().index == 0 else 0)
    return fit(network(), Shard(X[rows], Y[rows]), **PLAIN)


def stopped_by_one():
    """The last process alone says so."""
    last = joined_group().index == joined_group().count - 1
    return fit(network(), X, Y, callbacks=[lambda epoch: last and epoch.number == 2], **PLAIN)


def interrupted_in_one():
    def progress(progress):
        if joined_group().index == joined_group().count - 1 and progress.step >= 8:
            os.kill(os.getpid(), signal.SIGTERM if joined_group().count > 1 else signal.SIGINT)

    try:
        fit(network(), X, Y, progress=progress, checkpoint=FOLDER / "interrupted.safetensors", **PLAIN)
    except KeyboardInterrupt as error:
        return {"error": type(error).__name__, "step": error.training.state.step}  # pyright: ignore


def differing():
    """Each attempt differs in one thing between the processes."""
    odd = int(joined_group().index == joined_group().count - 1 and joined_group().count > 1)
    attempts: dict[str, Callable] = {
        "weights": lambda: fit(network(seed=1 + odd), X, Y, **PLAIN),
        "settings": lambda: fit(network(), X, Y, l2_penalty=0.1 * odd, **PLAIN),
        "data": lambda: fit(network(), X + odd, Y, **PLAIN),
        "layers": lambda: fit(Network.create([6, 4 + odd, 3], rng=0), X, Y, **PLAIN),
        "validation": lambda: fit(network(), X, Y, validation=(X[odd:], Y[odd:]), **PLAIN),
        "rows of one": lambda: fit(network(), Shard(X * (np.nan if odd else 1), Y), **PLAIN),
        "labels of one": lambda: fit(network(), Shard(X, Y + 9 * odd), **PLAIN),
        "a callback": lambda: fit(network(), X, Y, callbacks=[refuses if odd else accepts], **PLAIN),
        "progress": lambda: fit(network(), X, Y, progress=refuses if odd else accepts, **PLAIN),
        "engine": lambda: fit(network(), Shard(X, Y), **(PLAIN | {"engine": "auto"})),
    }
    return {name: error_of(attempt) for name, attempt in attempts.items()}


def accepts(_) -> None:
    pass


def refuses(_) -> None:
    raise InputError("this one does not like it")


def error_of(attempt: Callable) -> str:
    try:
        attempt()
    except BacktalkError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def diverging():
    rows = own()
    try:
        net = Network.create([6, 8, 7, 3], "relu", rng=1, dtype="float32")
        fit(net, Shard(X[rows], Y[rows]), **(PLAIN | {"optimizer": "sgd(learning_rate=1e12)"}))
    except ArithmeticError as error:
        return {"step": error.step, "quantity": error.quantity, "layer": error.layer}  # pyright: ignore


def seeds():
    """No seed is given, so that of process 0 counts for all."""
    return fit(network(), X, Y, **(PLAIN | {"rng": None, "epochs": 1}))


def together():
    """What the functions of the package answer."""
    number = joined_group().index
    rows = np.arange(6.0).reshape(3, 2)[:number] + number / 3
    return {
        "gather": joined_group().all_gather({"number": number, "third": number / 3}),
        "concatenate": joined_group().concatenate(rows).tolist(),
        "any_of": joined_group().any_of([number == 0, number == 1, False]),
    }


def killed():
    """The process that the folder's name says is killed in its third epoch."""

    def kill(epoch):
        if epoch.number == 3 and joined_group().index == int(FOLDER.name):
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoint = Checkpoint(FOLDER / "run.safetensors", every_steps=4)
    rows = own()
    settings = PLAIN | {"epochs": 6}
    return {
        "error": error_of(
            lambda: fit(network(), Shard(X[rows], Y[rows]), checkpoint=checkpoint, callbacks=[kill], **settings)
        )
    }


def answer(work: str) -> dict:
    """What the work of this name gives."""
    found = globals()[work]()
    return found if isinstance(found, dict) else told(found)


def main(process: int, processes: int, port: int, works: list[str]) -> None:
    join(f"127.0.0.1:{port}", processes, process, timeout=LIMIT)
    for work in works:
        print(json.dumps({work: answer(work)}), flush=True)
    if works == ["killed"]:
        os._exit(0)  # JAX would wait for the other, which is gone


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[5:])
