"""The libraries that are compared, each at its best: warm, and with its own fastest way to take steps.

``python -m benchmarks.peers --serve NAME`` is the process of one, which times work for each line that it reads.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .turns import Part, answer
from .work import EPOCHS, WORKS, Work

BATCHES = 4  # different batches that the steps go through
RATE = 1e-3
Run = Callable[[], Any]


def numpy_product(work: Work) -> Run:
    """Not a peer but the measure: a matrix product of NumPy's, 1024 x 1024."""
    A = np.random.default_rng(0).normal(size=(1024, 1024)).astype(work.dtype)
    out = np.empty_like(A)
    return lambda: np.matmul(A, A, out=out)


def backtalk_train(work: Work, measure_every: int = 0) -> Run:
    import backtalk

    X, y = work.data(work.steps // EPOCHS)
    network = backtalk.Network.create(work.sizes, rng=0, dtype=work.dtype)
    return lambda: backtalk.fit(
        network, X, y, epochs=EPOCHS, batch_size=work.batch, optimizer=f"adam(learning_rate={RATE})", rng=0,
        measure_every=measure_every,
    )  # fmt: skip


LONG = 4  # times as many epochs: what a long run takes beyond a short one is free of what each call of fit costs once


def compiled_train(work: Work, times: int = 1) -> Run:
    """The compiled engine, through fit, as a user calls it."""
    import backtalk

    X, y = work.data(work.steps // EPOCHS)
    network = backtalk.Network.create(work.sizes, rng=0, dtype=work.dtype)
    return lambda: backtalk.fit(
        network, X, y, epochs=times * EPOCHS, batch_size=work.batch, optimizer=f"adam(learning_rate={RATE})", rng=0,
        engine="compiled",
    )  # fmt: skip


def compiled_long(work: Work) -> Run:
    return compiled_train(work, LONG)


def backtalk_measured(work: Work) -> Run:
    return backtalk_train(work, measure_every=1)


def backtalk_gradients(work: Work) -> Run:
    import backtalk

    X, y = work.data(1)
    network = backtalk.Network.create(work.sizes, rng=0, dtype=work.dtype)
    return lambda: backtalk.gradients(network, X, y)


def jax_network(work: Work) -> tuple[Any, Any, Any]:
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    parameters = [
        (jnp.asarray((rng.normal(size=(m, n)) * np.sqrt(2 / m)).astype(work.dtype)), jnp.zeros(n, work.dtype))
        for m, n in zip(work.sizes, work.sizes[1:], strict=False)
    ]

    def loss(parameters: Any, X: Any, y: Any, shifts: Any = None) -> Any:
        h = X if shifts is None else X + shifts[0]
        for i, (W, b) in enumerate(parameters):
            a = h @ W + b
            if shifts is not None:
                a = a + shifts[2 * i + 1]
            if i < len(parameters) - 1:
                h = jax.nn.relu(a)
                if shifts is not None:
                    h = h + shifts[2 * i + 2]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(a), y[:, None], axis=1))

    return jax, parameters, loss


def jax_train(work: Work, shuffled: bool = False) -> Run:
    """All steps of one epoch in one jitted scan, with the parameters and Adam's state donated.

    Its mini-batches are the same ones in each epoch; ``shuffled``: they are drawn anew, by NumPy, as fit does.
    """
    jax, parameters, loss = jax_network(work)
    import jax.numpy as jnp

    rows, labels = work.data(work.steps // EPOCHS)
    rng = np.random.default_rng(0)

    def batches(array: np.ndarray) -> Any:
        return jnp.asarray(array.reshape(work.steps // EPOCHS, work.batch, *array.shape[1:]))

    X, y = batches(rows), batches(labels)
    zeros = jax.tree.map(jnp.zeros_like, parameters)

    def step(carry: Any, batch: Any) -> Any:
        parameters, first, second, t = carry
        value, grads = jax.value_and_grad(loss)(parameters, *batch)
        t = t + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
        rate = RATE / (1 - 0.9**t)
        root = 1 / jnp.sqrt(1 - 0.999**t)
        parameters = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-8), parameters, first, second)
        return (parameters, first, second, t), value

    epoch = jax.jit(lambda carry, X, y: jax.lax.scan(step, carry, (X, y)), donate_argnums=0)
    state = [(parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), work.dtype))]

    def run() -> None:
        given = X, y
        if shuffled:
            order = rng.permutation(len(rows))
            given = batches(rows[order]), batches(labels[order])
        state[0], values = epoch(state[0], *given)
        values.block_until_ready()

    return Part(run, EPOCHS)


def jax_shuffled(work: Work) -> Run:
    return jax_train(work, shuffled=True)


def jax_gradients(work: Work) -> Run:
    """Every gradient in one jitted call; the hidden ones through zero shifts, which the compiler folds away."""
    jax, parameters, loss = jax_network(work)
    import jax.numpy as jnp

    X, y = work.data(1)
    X, y = jnp.asarray(X), jnp.asarray(y)
    widths = [work.sizes[0]]
    for n in work.sizes[1:-1]:
        widths += [n, n]
    widths += [work.sizes[-1]]

    @jax.jit
    def both(parameters: Any, X: Any, y: Any) -> Any:
        shifts = [jnp.zeros((work.batch, n), work.dtype) for n in widths]
        return jax.value_and_grad(loss, argnums=(0, 3))(parameters, X, y, shifts)

    return lambda: jax.block_until_ready(both(parameters, X, y))


def torch_model(work: Work) -> tuple[Any, Any]:
    import torch

    torch.manual_seed(0)
    layers: list[Any] = []
    for m, n in zip(work.sizes, work.sizes[1:], strict=False):
        layers += [torch.nn.Linear(m, n, dtype=getattr(torch, work.dtype)), torch.nn.ReLU()]
    return torch, torch.nn.Sequential(*layers[:-1])


def torch_train(work: Work, compiled: bool = False) -> Run:
    torch, model = torch_model(work)
    X, y = work.data(BATCHES)
    X, y = torch.from_numpy(X).split(work.batch), torch.from_numpy(y).split(work.batch)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    forward = torch.compile(model) if compiled else model
    steps = max(BATCHES, work.steps // 8)

    def run() -> None:
        for i in range(steps):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(forward(X[i % BATCHES]), y[i % BATCHES]).backward()
            optimizer.step()

    return Part(run, work.steps / steps)


def torch_compiled(work: Work) -> Run:
    return torch_train(work, compiled=True)


def torch_gradients(work: Work) -> Run:
    """Every gradient: retain_grad on every a_i and h_i, and on the input."""
    torch, model = torch_model(work)
    X, y = work.data(1)
    X, y = torch.from_numpy(X).requires_grad_(), torch.from_numpy(y)

    def run() -> list[Any]:
        model.zero_grad(set_to_none=True)
        X.grad = None
        kept, h = [], X
        for layer in model:
            h = layer(h)
            h.retain_grad()
            kept.append(h)
        torch.nn.functional.cross_entropy(h, y).backward()
        return [part.grad for part in kept]

    return run


def sklearn_train(work: Work) -> Run:
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    X, y = work.data(work.steps // EPOCHS)
    y[: work.sizes[-1]] = np.arange(work.sizes[-1])
    model = MLPClassifier(
        work.sizes[1:-1], batch_size=work.batch, max_iter=EPOCHS // 2, alpha=0.0, learning_rate_init=RATE, tol=0.0
    )
    return Part(lambda: model.fit(X, y), 2)


PEERS: dict[str, dict[str, Callable[[Work], Run]]] = {
    "numpy": {"product": numpy_product},
    "backtalk": {"train": backtalk_train, "measured": backtalk_measured, "gradients": backtalk_gradients},
    "compiled": {"train": compiled_train, "long": compiled_long},
    "jax": {"train": jax_train, "shuffled": jax_shuffled, "gradients": jax_gradients},
    "torch": {"train": torch_train, "gradients": torch_gradients},
    "torch.compile": {"train": torch_compiled},
    "sklearn": {"train": sklearn_train},
}


def main() -> None:
    """Answer the lines of the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--serve", required=True, choices=list(PEERS))
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    arguments = parser.parse_args()
    name = arguments.serve
    if name.startswith("torch"):
        import torch

        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    works = {row: replace(work, dtype=arguments.dtype) for row, work in WORKS.items()}
    works["-"] = works["tiny"]  # of the product, which has no row
    answer(lambda kind, row: PEERS[name][kind](works[row]), sys.stdin)


if __name__ == "__main__":
    main()
