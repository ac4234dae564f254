"""``python -m benchmarks.watch``: what watch costs beside the plain loop, in processor time.

An MLP, a small transformer and a CNN, with steps of 5 ms and more. Each turn trains ten steps of the plain loop and ten
of the watched one, whose block stays open, with ``every=10``, so that each turn has one measured step; what comes first
changes from turn to turn. The ratio is that of the processor times of all turns, after those in which the first steps
were measured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from .listen import mlp, transformer

GOAL = 1.10
STEPS = 10
WARM = 2  # turns that are not counted


def cnn(batch: int) -> tuple[Any, Any, Any]:
    """Four convolutions with batch norm on pictures of 32 × 32; the model, X, and labels."""
    import torch

    layers: list[Any] = []
    for n, m in ((3, 16), (16, 16), (16, 32), (32, 32)):
        layers += [torch.nn.Conv2d(n, m, 3, padding=1), torch.nn.BatchNorm2d(m), torch.nn.ReLU()]
    layers += [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(32, 10)]
    return torch.nn.Sequential(*layers), torch.randn(batch, 3, 32, 32), torch.randint(10, (batch,))


ROWS: dict[str, Callable[[], tuple[Any, Any, Any]]] = {
    "MLP 784-512-512-10, 128 rows": lambda: mlp((784, 512, 512, 10), 128),
    "transformer of 4 layers, 64 units": lambda: transformer(64, 16, 32),
    "CNN of 4 convolutions, 16 pictures": lambda: cnn(16),
}


def steps(model: Any, X: Any, y: Any, kept: ExitStack | None) -> Iterator[None]:
    """A loop, step by step; watched if there is a stack to keep the block open."""
    import torch

    from backtalk import watch

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    if kept is not None:
        kept.enter_context(watch(model, optimizer, every=STEPS))
    while True:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()
        yield


def measure(create: Callable[[], tuple[Any, Any, Any]], seconds: float) -> tuple[float, float]:
    """Milliseconds of processor time of a plain step, and how many times as long a watched one takes."""
    with ExitStack() as kept:
        loops = {"plain": steps(*create(), None), "watched": steps(*create(), kept)}
        times, turn, began = dict.fromkeys(loops, 0.0), 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            for name in list(loops) if turn % 2 else reversed(loops):
                start = time.process_time()
                for _ in range(STEPS):
                    next(loops[name])
                if turn >= WARM:
                    times[name] += time.process_time() - start
            turn += 1
    return 1e3 * times["plain"] / (STEPS * max(1, turn - WARM)), times["watched"] / times["plain"]


def main() -> None:
    """Measure each row, and print ratios."""
    import torch

    parser = argparse.ArgumentParser(prog="python -m benchmarks.watch", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="for each row")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    worst = 0.0
    for name, create in ROWS.items():
        plain, ratio = measure(create, arguments.seconds)
        worst = max(worst, ratio)
        print(f"{name:<36} {plain:7.2f} ms a step, watched {ratio:.3f} times")
    print(f"goal: at most {GOAL} times; {'met' if worst <= GOAL else 'missed'} with {worst:.3f} at the worst")


if __name__ == "__main__":
    main()
