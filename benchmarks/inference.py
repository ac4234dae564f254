"""``python -m benchmarks.inference``: ŷ of one row and of many by backtalk and its peers, in turns, medians.

Each peer runs in a process of its own, with one thread and with all, and the faster one counts; so is backtalk never
given more than all. Each is at its best: float32, its input in its own kind of array, warmed up. onnxruntime runs as
most call it (``run``) and with memory bound before (``bound``); backtalk by a predictor, with and without ``out``, by
``forward`` and by ``MLPClassifier.predict_proba``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from .results import Row, rows_of_calls
from .turns import CORES, Peer, Session

NETWORKS = {"64-32-10": (64, 32, 10), "784-256-128-10": (784, 256, 128, 10)}
ROWS = (1, 32, 4096, 30_000)
OURS = ("predictor", "predictor out", "forward", "predict_proba")
PEERS = ("onnxruntime", "onnxruntime bound", "torch", "jax", "sklearn")
SECONDS = 0.02  # that the calls of one measurement take together, at least
Run = Callable[[], Any]


def _network(sizes: tuple[int, ...]) -> Any:
    import backtalk

    return backtalk.Network.create(sizes, rng=0, dtype="float32")


def by_predictor(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    predictor = _network(sizes).predictor(len(X))
    return lambda: predictor(X)


def by_predictor_into_out(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    predictor, out = _network(sizes).predictor(len(X)), np.empty((len(X), sizes[-1]), np.float32)
    return lambda: predictor(X, out)


def by_forward(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    import backtalk

    network = _network(sizes)
    return lambda: backtalk.forward(network, X)


def by_predict_proba(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    import backtalk

    model = backtalk.MLPClassifier.from_sklearn(backtalk.to_sklearn(_network(sizes)))
    return lambda: model.predict_proba(X)


def _session(sizes: tuple[int, ...]) -> Any:
    import onnxruntime

    import backtalk

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        backtalk.to_onnx(_network(sizes), path)
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def by_onnxruntime(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    session = _session(sizes)
    feed = {session.get_inputs()[0].name: X}
    return lambda: session.run(None, feed)


def by_onnxruntime_bound(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    session, out = _session(sizes), np.empty((len(X), sizes[-1]), np.float32)
    binding = session.io_binding()
    binding.bind_cpu_input(session.get_inputs()[0].name, X)
    binding.bind_output(session.get_outputs()[0].name, "cpu", 0, np.float32, out.shape, out.ctypes.data)

    def run() -> np.ndarray:
        session.run_with_iobinding(binding)
        return out  # which has to live as long as the binding

    return run


def by_torch(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    import torch

    import backtalk

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = torch.nn.Sequential(*backtalk.to_torch(_network(sizes)), torch.nn.Softmax(dim=-1)).eval()
    x = torch.from_numpy(X)

    def run() -> Any:
        with torch.inference_mode():
            return model(x)

    return run


def by_jax(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    import jax
    import jax.numpy as jnp

    network = _network(sizes)
    parameters = [
        (jnp.asarray(W.T), jnp.asarray(b)) for W, b in zip(network.W.values(), network.b.values(), strict=True)
    ]

    @jax.jit
    def output(h: Any) -> Any:
        for W, b in parameters[:-1]:
            h = jax.nn.relu(h @ W + b)
        W, b = parameters[-1]
        return jax.nn.softmax(h @ W + b)

    x = jnp.asarray(X)
    return lambda: output(x).block_until_ready()


def by_sklearn(sizes: tuple[int, ...], X: np.ndarray) -> Run:
    import backtalk

    model = backtalk.to_sklearn(_network(sizes))
    return lambda: model.predict_proba(X)


RUNS: dict[str, Callable[[tuple[int, ...], np.ndarray], Run]] = {
    "predictor": by_predictor, "predictor_out": by_predictor_into_out, "forward": by_forward,
    "predict_proba": by_predict_proba, "onnxruntime": by_onnxruntime, "onnxruntime_bound": by_onnxruntime_bound,
    "torch": by_torch, "jax": by_jax, "sklearn": by_sklearn,
}  # fmt: skip


def serve(name: str) -> None:
    """One peer in a process of its own: a network and rows on a line, answered by the seconds of a call."""

    @cache
    def runner(network: str, rows: int) -> Run:
        X = np.random.default_rng(1).normal(size=(rows, NETWORKS[network][0])).astype(np.float32)
        run = RUNS[name](NETWORKS[network], X)
        for _ in range(3):
            run()
        return run

    def seconds(run: Run, calls: int) -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            run()
        return (time.perf_counter() - begin) / calls

    for line in sys.stdin:
        network, rows = line.split()
        run = runner(network, int(rows))
        calls = max(1, int(SECONDS / 5 / seconds(run, 1)))
        print(statistics.median(seconds(run, calls) for _ in range(5 if calls > 1 else 1)), flush=True)


def measure(
    rounds: int = 5, networks: Any = None, row_counts: Any = ROWS, peers: Any = None, tell: Any = lambda row: None
) -> list[dict[str, Any]]:
    """Seconds of a call: for each network, number of rows, peer and number of threads the median of the rounds.

    Each of these rows is told as soon as it is known.
    """
    networks = list(NETWORKS) if networks is None else list(networks)
    names = [*OURS, *PEERS] if peers is None else list(peers)
    keys = [(name, threads) for name in names for threads in sorted({1, CORES})]
    processes = {
        (name, threads): Peer(name.replace(" ", "_"), threads, "benchmarks.inference") for name, threads in keys
    }
    found = []
    for network in networks:
        for rows in row_counts:
            times: dict[tuple[str, int], list[float]] = {key: [] for key in keys}
            for _ in range(rounds):
                for key in keys:
                    time.sleep(0.3)  # some threads of the peer before still spin for a while
                    times[key].append(float(processes[key].ask(f"{network} {rows}")))
            for (name, threads), each in times.items():
                row = {"network": network, "rows": rows, "peer": name, "threads": threads}
                found.append({**row, "seconds": statistics.median(each)})
                tell(found[-1])
    for process in processes.values():
        process.close()
    return found


QUICK: dict[str, Any] = {
    "row_counts": (1, 32, 4096),
    "peers": ("predictor", "predict_proba", "onnxruntime", "onnxruntime bound", "torch", "sklearn"),
}


def measure_rows(session: Session) -> Iterator[Row]:
    """The same as rows of the benchmark, in which the predictor stands for backtalk."""
    rounds, some = (2, QUICK) if session.quick else (session.rounds, {})
    return rows_of_calls("inference", measure(rounds, **some), "predictor")


def show(console: Console, rows: list[dict[str, Any]]) -> None:
    """A line for each network and number of rows: microseconds, the better of one thread and all."""
    names = list(dict.fromkeys(row["peer"] for row in rows))
    table = Table(title=f"microseconds of a call, the better of 1 thread and {CORES}")
    for column in ("network", "rows", *names):
        table.add_column(column, justify="right")
    for network, count in dict.fromkeys((row["network"], row["rows"]) for row in rows):
        best = {}
        for row in rows:
            if (row["network"], row["rows"]) == (network, count):
                best[row["peer"]] = min(best.get(row["peer"], np.inf), row["seconds"])
        table.add_row(
            network,
            str(count),
            *(f"{1e6 * best[name]:.3g}" if best[name] < 1e-3 else f"{1e6 * best[name]:.0f}" for name in names),
        )
    console.print(table)


def main() -> None:
    """Parse, measure, print."""
    if sys.argv[1:2] == ["--serve"]:
        return serve(sys.argv[2])
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=__doc__)
    parser.add_argument("networks", nargs="*", help=f"which of {list(NETWORKS)} (default: all)")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS, help="rows of a call")
    parser.add_argument("--peers", nargs="*", default=[*OURS, *PEERS])
    parser.add_argument("--rounds", type=int, default=5, help="turns that each peer gets")
    arguments = parser.parse_args()
    unknown = set(arguments.networks) - set(NETWORKS)
    if unknown:
        raise SystemExit(f"networks holds {sorted(unknown)}, expected some of {list(NETWORKS)}.")
    console = Console(width=180)
    show(console, measure(arguments.rounds, arguments.networks or None, arguments.rows, arguments.peers, console.print))
    return None


if __name__ == "__main__":
    main()
