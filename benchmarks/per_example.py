"""``python -m benchmarks.per_example``: the norm of every example's gradient, by each library.

One network and 4096 examples, in float32; every peer gives the same norms, which is checked. One process for each,
with one thread and with all, of which the faster counts; in turns, medians. Then the peak memory of each.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIZES = (784, 256, 128, 10)
EXAMPLES = 4096
CHUNK = 256  # of torch.func's vmap: the fastest of 64, 128, 256, 512 and 1024 here
Norms = Callable[[], Any]


def data() -> tuple[np.ndarray, np.ndarray]:
    """X and labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(EXAMPLES, SIZES[0])).astype(np.float32), rng.integers(SIZES[-1], size=EXAMPLES)


def parameters() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """W and b, the same for all."""
    rng = np.random.default_rng(1)
    W = [rng.normal(size=(n, m)).astype(np.float32) * np.sqrt(2 / m) for m, n in itertools.pairwise(SIZES)]
    return [part.astype(np.float32) for part in W], [np.zeros(n, np.float32) for n in SIZES[1:]]


def by_backtalk(batch_gradient: bool = False) -> Norms:
    from backtalk import Network, per_example

    network = Network(*parameters(), "relu", "cross_entropy")
    X, y = data()
    return lambda: per_example.norms(network, X, y, batch_gradient=batch_gradient).whole


def by_backtalk_with_gradient() -> Norms:
    return by_backtalk(batch_gradient=True)


def torch_model() -> tuple[Any, Any, Any, Any]:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    layers: list[Any] = []
    for W, b in zip(*parameters(), strict=True):
        layer = torch.nn.Linear(W.shape[1], W.shape[0])
        layer.weight.data, layer.bias.data = torch.from_numpy(W), torch.from_numpy(b)
        layers += [layer, torch.nn.ReLU()]
    X, y = data()
    return torch, torch.nn.Sequential(*layers[:-1]), torch.from_numpy(X), torch.from_numpy(y)


def by_torch_func() -> Norms:
    """vmap(grad), a chunk of examples at a time."""
    torch, model, X, y = torch_model()
    weights = {name: part.detach() for name, part in model.named_parameters()}

    def own_loss(weights: Any, x: Any, label: Any) -> Any:
        output = torch.func.functional_call(model, weights, (x[None],))
        return torch.nn.functional.cross_entropy(output, label[None])

    def own_norm(weights: Any, x: Any, label: Any) -> Any:
        grads = torch.func.grad(own_loss)(weights, x, label)
        return torch.sqrt(sum((part**2).sum() for part in grads.values()))

    find = torch.func.vmap(own_norm, in_dims=(None, 0, 0), chunk_size=CHUNK)
    return lambda: find(weights, X, y)


def by_jax() -> Norms:
    """jit(vmap(grad)); the compiler may form no gradient at all."""
    import jax
    import jax.numpy as jnp

    W, b = parameters()
    X, y = map(jnp.asarray, data())

    def own_loss(W: Any, b: Any, x: Any, label: Any) -> Any:
        for i in range(len(W)):
            a = W[i] @ x + b[i]
            x = jax.nn.relu(a)
        return -jax.nn.log_softmax(a)[label]

    def own_norm(W: Any, b: Any, x: Any, label: Any) -> Any:
        grads = jax.grad(own_loss, (0, 1))(W, b, x, label)
        return jnp.sqrt(sum((part**2).sum() for part in jax.tree.leaves(grads)))

    find = jax.jit(jax.vmap(own_norm, (None, None, 0, 0)))
    return lambda: find(W, b, X, y).block_until_ready()


def by_backpack() -> Norms:
    """batch_l2, beside the batch's gradient, which it always computes."""
    import backpack

    torch, model, X, y = torch_model()
    model, loss = backpack.extend(model), backpack.extend(torch.nn.CrossEntropyLoss(reduction="sum"))

    def find() -> Any:
        model.zero_grad()
        with backpack.backpack(backpack.extensions.BatchL2Grad()):
            loss(model(X), y).backward()
        return torch.sqrt(sum(part.batch_l2 for part in model.parameters()))

    return find


def by_opacus() -> Norms:
    """Ghost norms, beside the batch's gradient, which it always computes."""
    from opacus.grad_sample.grad_sample_module_fast_gradient_clipping import GradSampleModuleFastGradientClipping

    torch, model, X, y = torch_model()
    model = GradSampleModuleFastGradientClipping(
        model, max_grad_norm=1e9, use_ghost_clipping=True, loss_reduction="sum"
    )
    loss = torch.nn.CrossEntropyLoss(reduction="sum")

    def find() -> Any:
        model.zero_grad()
        loss(model(X), y).backward()
        return model.get_norm_sample()

    return find


def plain_backward() -> Norms:
    """No norms: PyTorch's forward and backward pass for the batch's gradient alone."""
    torch, model, X, y = torch_model()
    loss = torch.nn.CrossEntropyLoss(reduction="sum")

    def find() -> Any:
        model.zero_grad()
        loss(model(X), y).backward()

    return find


def plain_forward() -> Norms:
    """The forward pass alone, with what a backward pass needs kept, as a measure of memory."""
    import backtalk

    network = backtalk.Network(*parameters(), "relu", "cross_entropy")
    X, _ = data()
    return lambda: backtalk.forward(network, X)


PEERS = {
    "backtalk": by_backtalk,
    "backtalk, with the batch's gradient": by_backtalk_with_gradient,
    "BackPACK batch_l2": by_backpack,
    "Opacus ghost norms": by_opacus,
    "torch.func vmap(grad)": by_torch_func,
    "jax jit(vmap(grad))": by_jax,
    "PyTorch plain backward": plain_backward,
    "backtalk plain forward": plain_forward,
}
GIVE_NONE = ("PyTorch plain backward", "backtalk plain forward")


def resident(what: str) -> float:
    """MiB of memory that the system counts for this process, now (VmRSS) or at the most (VmHWM)."""
    found = re.search(rf"^{what}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def serve(name: str) -> None:
    """Answer each line: the norms' sum for 'check', MiB that a first call takes for 'memory', or seconds of a call."""
    warnings.simplefilter("ignore")  # that the inputs need no gradient
    find = PEERS[name]()
    for line in sys.stdin:
        kind, _, repeats = line.split()
        if kind == "memory":
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins again here
            before = resident("VmRSS")
            find()
            print(resident("VmHWM") - before, flush=True)
            continue
        if kind == "check":
            print(0.0 if name in GIVE_NONE else float(np.asarray(find()).sum()), flush=True)
            continue
        times = []
        for _ in range(int(repeats)):
            begin = time.perf_counter()
            find()
            times.append(time.perf_counter() - begin)
        print(statistics.median(times), flush=True)


def main() -> None:
    """Measure in turns, and print ratios."""
    from rich.console import Console
    from rich.table import Table

    from .__main__ import CORES, Peer

    parser = argparse.ArgumentParser(prog="python -m benchmarks.per_example", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="turns that each peer gets")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(arguments.serve)
    peers = {(name, threads): Peer(name, threads, "benchmarks.per_example") for name in PEERS for threads in {1, CORES}}
    memory = {key: float(peer.ask("memory - 1")) for key, peer in peers.items()}
    sums = {key: float(peer.ask("check - 1")) for key, peer in peers.items() if key[0] not in GIVE_NONE}
    expected = sums["backtalk", CORES]
    wrong = [key for key, found in sums.items() if abs(found / expected - 1) > 1e-4]
    assert not wrong, f"{wrong} give other norms than backtalk"
    times: dict[tuple[str, int], list[float]] = {key: [] for key in peers}
    for _ in range(arguments.rounds):
        for key, peer in peers.items():
            time.sleep(0.2)  # some threads of the peer before still spin for a while
            times[key].append(peer.seconds("norms", "-", 1 if "vmap" in key[0] else 5))
    for peer in peers.values():
        peer.close()
    table = Table(title=f"norms of {EXAMPLES} examples' gradients, {list(SIZES)}, {CORES} threads")
    for column in ("", "ms", "× backtalk", "× with the batch's gradient", "MiB of the first call"):
        table.add_column(column, justify="left" if not column else "right")
    best = {name: min(statistics.median(times[name, t]) for t in {1, CORES}) for name in PEERS}
    for name, seconds in best.items():
        ours, both = best["backtalk"], best["backtalk, with the batch's gradient"]
        cells = [f"{seconds * 1e3:.2f}", f"{seconds / ours:.2f}", f"{seconds / both:.2f}"]
        table.add_row(name, *cells, f"{memory[name, CORES]:.0f}")
    Console(width=140).print(table)
    return None


if __name__ == "__main__":
    main()
