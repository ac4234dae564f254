"""``make bench-gpu``: a step of training on one NVIDIA GPU, by the compiled engine and by PyTorch in three ways.

PyTorch's own loop (``eager``), with ``torch.compile``, and with the whole step captured in a CUDA graph (``graph``).
All in float32 without TF32, Adam (fused in PyTorch), the data on the GPU, the rows shuffled there in each epoch. One
process for each, in turns; microseconds of a step, which are the difference of a long and a short run, so that what a
run costs once is left out. Medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from .peers import RATE, torch_model
from .turns import Peer
from .work import WORKS, Work

BATCH_SIZES = (256, 1024, 4096, 16384, 65536)
BYTES = 2**29  # of the data
OPERATIONS = 2e12  # of the short run, where it is not MOST steps before
MOST = 2000
LONG = 3  # times as many epochs
Run = Callable[[int], Any]  # so many epochs


def mini_batches(work: Work) -> int:
    """In an epoch."""
    return max(2, min(64, BYTES // (4 * work.sizes[0] * work.batch)))


def epochs(work: Work) -> int:
    """Of the short run."""
    return max(1, round(min(MOST, OPERATIONS / work.operations) / mini_batches(work)))


def by_backtalk(work: Work, _: str) -> Run:
    import jax.numpy as jnp

    import backtalk

    X, y = (jnp.asarray(array) for array in work.data(mini_batches(work)))
    network = backtalk.Network.create(work.sizes, rng=0, dtype="float32").to(jnp)
    return lambda epochs: backtalk.fit(
        network, X, y, epochs=epochs, batch_size=work.batch, optimizer=f"adam(learning_rate={RATE})", rng=0,
        engine="compiled",
    )  # fmt: skip


def by_torch(work: Work, device: str, way: str) -> Run:
    torch, model = torch_model(work)
    model = model.to(device)
    X, y = (torch.from_numpy(array).to(device) for array in work.data(mini_batches(work)))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True, capturable=way == "graph")
    forward = torch.compile(model) if way == "compile" else model

    def step(rows: Any, labels: Any) -> None:
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(forward(rows), labels).backward()
        optimizer.step()

    take = _captured(torch, step, X[: work.batch], y[: work.batch]) if way == "graph" else step

    def run(epochs: int) -> None:
        for _ in range(epochs):
            for rows in torch.randperm(len(X), device=device).split(work.batch):
                take(X[rows], y[rows])
        if device != "cpu":
            torch.cuda.synchronize()

    return run


def _captured(torch: Any, step: Callable[[Any, Any], None], X: Any, y: Any) -> Callable[[Any, Any], None]:
    """The step as a CUDA graph, which reads its mini-batch from one place."""
    rows, labels = X.clone(), y.clone()
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # what is allocated and chosen at first must not be captured
        for _ in range(3):
            step(rows, labels)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(rows, labels)

    def replay(given: Any, wanted: Any) -> None:
        rows.copy_(given)
        labels.copy_(wanted)
        graph.replay()

    return replay


PEERS: dict[str, Callable[[Work, str], Run]] = {
    "backtalk": by_backtalk,
    "eager": lambda work, device: by_torch(work, device, "eager"),
    "torch.compile": lambda work, device: by_torch(work, device, "compile"),
    "graph": lambda work, device: by_torch(work, device, "graph"),
}


def serve(name: str) -> None:
    """Answer each line 'row batch device' with the seconds of a step; what was made for a row is kept for the next."""
    held: tuple[str, Run] | None = None
    for line in sys.stdin:
        row, batch, device = line.split()
        work = replace(WORKS[row], batch=int(batch))
        if held is None or held[0] != line:
            held = None  # its memory goes before the next one's comes
            held = (line, PEERS[name](work, device))
            held[1](LONG * epochs(work))
        seconds = []
        for count in (epochs(work), LONG * epochs(work)):
            began = time.perf_counter()
            held[1](count)
            seconds.append(time.perf_counter() - began)
        print((seconds[1] - seconds[0]) / ((LONG - 1) * epochs(work) * mini_batches(work)), flush=True)


def require_gpu() -> str:
    """The GPU's name; ends with a sentence where PyTorch or JAX sees none."""
    try:
        import jax
        import torch
    except ImportError as error:
        raise SystemExit(
            f"benchmarks.gpu needs PyTorch and JAX, but {error.name} is missing: install torch and jax[cuda12]."
        ) from None
    if not torch.cuda.is_available():
        raise SystemExit(
            "benchmarks.gpu needs an NVIDIA GPU, and PyTorch sees none here: run it where nvidia-smi does."
        )
    if jax.default_backend() != "gpu":
        raise SystemExit(f"JAX sees only {jax.default_backend().upper()}s here: pip install 'jax[cuda12]'.")
    return torch.cuda.get_device_name()


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"which of {', '.join(WORKS)} (default: all)")
    parser.add_argument("--batch", type=int, nargs="+", default=BATCH_SIZES)
    parser.add_argument("--rounds", type=int, default=5, help="turns that each gets")
    parser.add_argument("--cpu", action="store_true", help="try this program without a GPU; the figures mean nothing")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(arguments.serve)
    if unknown := set(arguments.rows) - set(WORKS):
        raise SystemExit(f"rows holds {sorted(unknown)}, expected some of {list(WORKS)}.")
    device, where = ("cpu", "the CPU, as a trial") if arguments.cpu else ("cuda", require_gpu())
    names = [name for name in PEERS if name != "graph" or device == "cuda"]
    peers = {
        name: Peer(name, 1, module="benchmarks.gpu", platform="cpu" if arguments.cpu else "cuda") for name in names
    }
    console = Console(width=120)
    table = Table(title=f"µs of a training step on {where}")
    for column in ("work", "batch", *names, *(f"× {name}" for name in names[1:]), "TFLOP/s of backtalk"):
        table.add_column(column, justify="right")
    for row in arguments.rows or WORKS:
        for batch in arguments.batch:
            times: dict[str, list[float]] = {name: [] for name in names}
            for _ in range(arguments.rounds):
                for name, peer in peers.items():
                    times[name].append(float(peer.ask(f"{row} {batch} {device}")))
            medians = {name: statistics.median(each) for name, each in times.items()}
            ours = medians["backtalk"]
            rate = replace(WORKS[row], batch=batch).operations / ours / 1e12
            cells = [row, str(batch), *(f"{1e6 * medians[name]:.1f}" for name in names),
                     *(f"{medians[name] / ours:.2f}" for name in names[1:]), f"{rate:.3g}"]  # fmt: skip
            console.print(", ".join(cells), style="dim")
            table.add_row(*cells)
    for peer in peers.values():
        peer.close()
    return console.print(table)


if __name__ == "__main__":
    main()
