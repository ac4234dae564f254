"""The norm of every example's gradient, and clipped sums, by each library: a kind of work of ``python -m benchmarks``.

One network and 4096 examples, in float32; every library gives the same norms, which is checked. Beside the time of
each stands the peak memory of its first call, and the rate of the same products alone, by NumPy.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .results import OURS, Row
from .turns import CORES, THREADS, Key, Peer, Session, Timer, answer, time_row

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


def clipped_by_backtalk() -> Norms:
    """With half of the examples clipped."""
    from backtalk import Network, per_example

    network = Network(*parameters(), "relu", "cross_entropy")
    X, y = data()
    clip_norm = float(np.median(per_example.norms(network, X, y).whole))
    return lambda: per_example.clipped_sum(network, X, y, clip_norm).norms


def products() -> Norms:
    """The matrix products of the three talks alone, by NumPy; the first layer has no hidden one."""
    W, _ = parameters()
    H = [np.ones((EXAMPLES, n), np.float32) for n in SIZES]
    D, G = [np.empty_like(h) for h in H], [np.empty_like(part) for part in W]

    def multiply() -> None:
        for i, weights in enumerate(W):
            np.matmul(H[i], weights.T, out=D[i + 1])
            if i:
                np.matmul(H[i + 1], weights, out=D[i])
            np.matmul(H[i + 1].T, H[i], out=G[i])

    return multiply


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


NORMS: dict[str, Callable[[], Norms]] = {
    OURS: by_backtalk,
    "BackPACK batch_l2": by_backpack,
    "Opacus ghost norms": by_opacus,
    "torch.func vmap(grad)": by_torch_func,
    "jax jit(vmap(grad))": by_jax,
}
WITH_GRADIENT: dict[str, Callable[[], Norms]] = {
    OURS: lambda: by_backtalk(batch_gradient=True),
    "BackPACK batch_l2": by_backpack,
    "Opacus ghost norms": by_opacus,
    "PyTorch, no norms": plain_backward,
}
ROWS = {"norms": NORMS, "norms_and_gradient": WITH_GRADIENT, "clipped_sum": {OURS: clipped_by_backtalk}}
BARE: dict[str, Callable[[], Norms]] = {"products": products}
NEEDS = {"BackPACK batch_l2": "backpack", "Opacus ghost norms": "opacus"}


def operations(talks: int) -> float:
    """Of the products of all 3 talks, or of the 2 that norms need."""
    pairs = [m * n for m, n in itertools.pairwise(SIZES)]
    return 2.0 * EXAMPLES * (talks * sum(pairs) - pairs[0])


def resident(what: str) -> float:
    """MiB of memory that the system counts for this process, now (VmRSS) or at the most (VmHWM)."""
    found = re.search(rf"^{what}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def memory_of_first(find: Norms) -> float:
    """MiB that a first call takes."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again here
    before = resident("VmRSS")
    find()
    return resident("VmHWM") - before


def measure(session: Session) -> Iterator[Row]:
    """A row for norms, one with the batch's gradient, and one for clipped sums."""
    missing = {name for name, module in NEEDS.items() if find_spec(module) is None}
    if missing:
        print(f"not installed, and left out: {', '.join(sorted(missing))}")

    def peer(name: str, threads: int) -> Peer:
        return session.peer(name, threads, "benchmarks.per_example")

    names = [name for name in NORMS if name not in missing]
    memory = {name: float(peer(name, CORES).ask("memory")) for name in names}
    sums = {name: float(peer(name, CORES).ask("sum")) for name in names}
    wrong = [name for name, found in sums.items() if abs(found / sums[OURS] - 1) > 1e-4]
    assert not wrong, f"{wrong} give other norms than backtalk"
    for row, makers in ROWS.items():
        timers: dict[Key, tuple[Timer, str]] = {
            (name, threads): (peer(name, threads), row)
            for name in (*makers, *BARE) if name not in missing
            for threads in THREADS
        }  # fmt: skip
        timed = time_row(timers, "-", session.peak, session.rounds, session.tries)
        seconds = timed.seconds
        bare = {threads: operations(3) / each / 1e9 for threads, each in seconds.pop("products").items()}
        counted = operations(2 if row == "norms" else 3)
        yield Row(
            "per_example", row, "float32", seconds, counted, timed.peak, timed.missing, timed.tries, bare,
            memory if row == "norms" else {},
        )  # fmt: skip


def main() -> None:
    """Answer the lines of the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.per_example", description=__doc__)
    parser.add_argument("--serve", required=True)
    name = parser.parse_args().serve
    warnings.simplefilter("ignore")  # that the inputs need no gradient
    answer(
        lambda kind, _: (BARE if name in BARE else ROWS[kind])[name](),
        sys.stdin,
        {"memory": lambda: memory_of_first(NORMS[name]()), "sum": lambda: float(np.asarray(NORMS[name]()()).sum())},
    )


if __name__ == "__main__":
    main()
