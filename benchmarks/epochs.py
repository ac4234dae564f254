"""``python -m benchmarks.epochs``: what a row costs in an epoch of 10³ to 10⁷ rows, and the memory that a run takes.

A small network, mini-batches of 32, float32, one thread; nanoseconds of the processor's time for each row, from the
difference of a run of twice as many epochs and one, so that what a call costs once stands apart. Medians of turns.
Memory: what the first run takes beyond X and y, at the most, for each row. ``--chart`` draws the cost as an SVG.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from backtalk import Network, fit

from .per_example import resident

BATCH, HIDDEN, CLASSES = 32, 32, 10
LEAST = 200_000  # rows of a run
AT_ONCE = 2**20  # rows that are drawn at a time
WIDTH, HEIGHT, EDGE = 560, 300, 48
COLOURS = ("#3f6fd8", "#d9622b", "#2a9d6f", "#9a5fc4")
Line = dict[int, float]  # rows → nanoseconds of one


def draw(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal X in float32, and labels."""
    rng = np.random.default_rng(0)
    X = np.empty((rows, columns), np.float32)
    for first in range(0, rows, AT_ONCE):
        rng.standard_normal(out=X[first : first + AT_ONCE], dtype=np.float32)
    return X, rng.integers(CLASSES, size=rows)


def seconds_of(network: Network, X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """Of a run."""
    began = time.process_time()
    fit(network, X, y, epochs=epochs, batch_size=BATCH, optimizer="adam(learning_rate=0.001)", rng=0)
    return time.process_time() - began


def measure(columns: int, counts: list[int], rounds: int) -> tuple[Line, Line, Line]:
    """Nanoseconds of a row in an epoch, and in what a call does once; and bytes that a run takes, for each row."""
    X, y = draw(max(counts), columns)
    network = Network.create([columns, HIDDEN, CLASSES], rng=0, dtype="float32")
    seconds_of(network, X[:1000], y[:1000], 1)
    epochs, calls, memory = {}, {}, {}
    times: dict[int, list[tuple[float, float]]] = {rows: [] for rows in counts}
    for turn in range(rounds):
        for rows in counts if turn == 0 else [rows for rows in counts if rows < 10**7]:
            number = max(1, LEAST // rows)
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins again here
            before = resident("VmRSS")
            once = seconds_of(network, X[:rows], y[:rows], number)
            memory.setdefault(rows, (resident("VmHWM") - before) * 2**20 / rows)
            both = seconds_of(network, X[:rows], y[:rows], 2 * number)
            times[rows].append((1e9 * (both - once) / (number * rows), 1e9 * max(0.0, 2 * once - both) / rows))
    for rows, found in times.items():
        epochs[rows], calls[rows] = (statistics.median(each) for each in zip(*found, strict=True))
    return epochs, calls, memory


def chart(lines: dict[str, Line]) -> str:
    """The cost of a row, relative to the cheapest of its line, over the rows of an epoch, as an SVG."""
    ratios = {name: {rows: each / min(line.values()) for rows, each in line.items()} for name, line in lines.items()}
    counts = sorted({rows for line in ratios.values() for rows in line})
    most = max(2.0, max(max(line.values()) for line in ratios.values()))

    def x(rows: int) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * math.log(rows / counts[0]) / math.log(counts[-1] / counts[0])

    def y(ratio: float) -> float:
        return HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * ratio / most

    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' font-family='sans-serif' "
        "font-size='12'><rect width='100%' height='100%' fill='white'/>",
        f"<text x='{EDGE}' y='18'>cost of a row in an epoch, relative to the cheapest of its line</text>",
        f"<text x='{WIDTH / 2}' y='{HEIGHT - 10}' text-anchor='middle'>rows</text>",
    ]
    for ratio in range(int(most) + 1):
        parts.append(f"<line x1='{EDGE}' x2='{WIDTH - EDGE}' y1='{y(ratio)}' y2='{y(ratio)}' stroke='#ccc'/>")
        parts.append(f"<text x='{EDGE - 8}' y='{y(ratio) + 4}' text-anchor='end'>{ratio}</text>")
    for rows in counts:
        power = f"10<tspan dy='-5' font-size='9'>{round(math.log10(rows))}</tspan>"
        parts.append(f"<text x='{x(rows):.0f}' y='{HEIGHT - EDGE + 18}' text-anchor='middle'>{power}</text>")
    for k, (name, line) in enumerate(ratios.items()):
        path = " ".join(f"{x(rows):.0f},{y(ratio):.0f}" for rows, ratio in sorted(line.items()))
        parts.append(f"<polyline points='{path}' fill='none' stroke='{COLOURS[k]}' stroke-width='2'/>")
        parts.append(f"<text x='{EDGE + 12}' y='{HEIGHT - EDGE - 12 - 16 * k}' fill='{COLOURS[k]}'>{name}</text>")
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.epochs", description=__doc__)
    parser.add_argument("--columns", type=int, nargs="+", default=[4, 64, 784])
    parser.add_argument("--gib", type=float, default=4.0, help="the largest X")
    parser.add_argument("--most", type=int, default=10**7, help="the most rows")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each number of rows below 10⁷ gets")
    parser.add_argument("--chart", type=Path, help="file for the SVG")
    arguments = parser.parse_args()
    lines: dict[str, Line] = {}
    for columns in arguments.columns:
        most = min(arguments.most, int(arguments.gib * 2**30 / (4 * columns)))
        counts = [10**power for power in range(3, 9) if 10**power <= most]
        epochs, calls, memory = measure(columns, counts, arguments.rounds)
        lines[f"{columns} columns"] = epochs
        for rows in counts:
            print(
                f"{columns} columns, {rows} rows: {epochs[rows]:.0f} ns a row and epoch, "
                f"{epochs[rows] / min(epochs.values()):.2f} times the cheapest; {calls[rows]:.1f} ns a row for the "
                f"call; {memory[rows]:.0f} bytes a row beyond X and y",
                flush=True,
            )
    if arguments.chart:
        arguments.chart.write_text(chart(lines))


if __name__ == "__main__":
    main()
