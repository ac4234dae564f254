"""``python -m benchmarks.listen``: what listening costs beside a plain forward and backward pass of PyTorch.

Each step sets the gradients to None, runs the model and ``loss.backward()``; with listening, all of it within
``with backtalk.listen(model)``, opening and closing included, and what was heard is dropped. In turns within one
process, medians, one thread and all. The last column is with reading ``heard.norms()`` after each step.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from .work import WORKS

GOAL = 1.10
ROWS = ("tiny", "small", "mnist", "mnist256", "deep", "wide")


def mlp(sizes: tuple[int, ...], batch: int) -> tuple[Any, Any, Any]:
    """ReLU throughout; the model, X, and labels."""
    import torch

    layers: list[Any] = []
    for n, m in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(n, m), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]), torch.randn(batch, sizes[0]), torch.randint(sizes[-1], (batch,))


def transformer(width: int, places: int, batch: int) -> tuple[Any, Any, Any]:
    """Four encoder layers, and a head on the mean over the places."""
    import torch

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = torch.nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True)
            self.body = torch.nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
            self.head = torch.nn.Linear(width, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.body(x).mean(1))

    return Pooled(), torch.randn(batch, places, width), torch.randint(10, (batch,))


def works(model: Any, X: Any, y: Any) -> dict[str, Callable[[], Any]]:
    """The steps that are compared."""
    import torch

    from backtalk import listen

    def plain() -> None:
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(X), y).backward()

    def listening() -> None:
        model.zero_grad()
        with listen(model):
            torch.nn.functional.cross_entropy(model(X), y).backward()

    def reading() -> None:
        model.zero_grad()
        with listen(model) as heard:
            torch.nn.functional.cross_entropy(model(X), y).backward()
        heard.norms()

    return {"plain": plain, "again": plain, "listen": listening, "read": reading}


def main() -> None:
    """Measure in turns, and print ratios."""
    import torch
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(prog="python -m benchmarks.listen", description=__doc__)
    parser.add_argument("--rounds", type=int, default=41, help="turns that each gets")
    parser.add_argument("--only", nargs="*", help="rows to measure, by the beginning of their names")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    rows = {name: (mlp, (WORKS[name].sizes, WORKS[name].batch)) for name in ROWS}
    rows |= {"transformer 64, 16 places": (transformer, (64, 16, 32)), "transformer 256": (transformer, (256, 64, 16))}
    cores = len(os.sched_getaffinity(0))
    table = Table(title=f"times a plain forward and backward pass, PyTorch {torch.__version__}, {cores} cores")
    for column in ("", "threads", "plain, ms", "plain again", "listen", "of the least", "with norms"):
        table.add_column(column, justify="left" if not column else "right")
    worst = 0.0
    for name, (create, sizes) in rows.items():
        if arguments.only and not name.startswith(tuple(arguments.only)):
            continue
        for threads in sorted({1, cores}):
            torch.set_num_threads(threads)
            seconds = measure(works(*create(*sizes)), arguments.rounds)
            median = {what: statistics.median(times) for what, times in seconds.items()}
            least = {what: min(times) for what, times in seconds.items()}
            plain = median["plain"]
            cells = [f"{median[what] / plain:.3f}" for what in ("again", "listen")]
            cells += [f"{least['listen'] / least['plain']:.3f}", f"{median['read'] / plain:.2f}"]
            table.add_row(name, str(threads), f"{plain * 1e3:.3f}", *cells)
            worst = max(worst, median["listen"] / plain)
    Console(width=140).print(table)
    print(f"goal: at most {GOAL} times; {'met' if worst <= GOAL else 'missed'} with {worst:.3f} at the worst")


def measure(steps: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each turn; what comes before what changes from turn to turn."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 5):
        order = list(steps)[turn % len(steps) :] + list(steps)[: turn % len(steps)]
        for name in order:
            began = time.perf_counter()
            steps[name]()
            if turn >= 5:  # threads start, and memory is found
                seconds[name].append(time.perf_counter() - began)
    return seconds


if __name__ == "__main__":
    main()
