"""What the figures are to reach: shares of the peak, and how many times as fast as others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .results import Row

Measure = Callable[[Row], float | None]


def of_peak(row: Row) -> float | None:
    """With all threads."""
    return row.of_peak(row.threads) if row.peak and row.operations else None


def of_peak_alone(row: Row) -> float | None:
    """With one thread, where there are more."""
    return row.of_peak(1) if row.peak and row.operations and row.threads > 1 else None


def of_products(row: Row) -> float | None:
    """Of the rate of the same products alone."""
    return row.rate(row.threads) / row.bare[row.threads] if row.bare else None


def times_jax(row: Row) -> float | None:
    """As fast as JAX."""
    return row.times("jax") if "jax" in row.seconds else None


def times_torch(row: Row) -> float | None:
    """As fast as the better one of PyTorch and torch.compile."""
    return min((row.times(name) for name in ("torch", "torch.compile") if name in row.seconds), default=None)


def times_onnxruntime(row: Row) -> float | None:
    """As fast as ONNX Runtime, called as it is fastest."""
    return min((row.times(name) for name in row.seconds if name.startswith("onnxruntime")), default=None)


def times_fastest(row: Row) -> float | None:
    """As fast as the fastest library that predicts."""
    names = ("onnxruntime", "onnxruntime bound", "torch", "jax", "sklearn")
    return min((row.times(name) for name in names if name in row.seconds), default=None)


SHARES: tuple[tuple[str, Measure], ...] = (
    ("of peak", of_peak),
    ("of peak with one thread", of_peak_alone),
    ("of the products' rate", of_products),
)
TIMES: tuple[tuple[str, Measure], ...] = (
    ("× JAX", times_jax),
    ("× PyTorch's better", times_torch),
    ("× ONNX Runtime", times_onnxruntime),
    ("× the fastest", times_fastest),
)
WORDS = {measure: words for words, measure in (*SHARES, *TIMES)}

# The goals of one training step in float32, on AVX2: of peak, × JAX's scan, × PyTorch's better
TRAINING = {
    "tiny": (0.28, 2.5, 45),
    "small": (0.85, 2.5, 6.5),
    "mnist": (0.97, 1.5, 2.0),
    "mnist256": (0.95, 1.25, 1.35),
    "deep": (0.95, 1.3, 1.4),
    "wide": (0.95, 1.08, 1.08),
}
GRADIENTS = {"small": 0.70, "mnist": 0.85, "mnist256": 0.85, "deep": 0.85, "wide": 0.85}
PER_EXAMPLE = {"norms": 0.90, "clipped_sum": 0.85}
PREDICTED = ("[64, 32, 10]", "[784, 256, 128, 10]")


class Goal(NamedTuple):
    """The least that a measure of a row is to be."""

    kind: str
    work: str
    measure: Measure
    least: float


GOALS = [
    *(Goal("training", work, of_peak, goals[0]) for work, goals in TRAINING.items()),
    *(Goal("training", work, of_peak_alone, goals[0]) for work, goals in TRAINING.items()),
    *(Goal("training", work, times_jax, goals[1]) for work, goals in TRAINING.items()),
    *(Goal("training", work, times_torch, goals[2]) for work, goals in TRAINING.items()),
    *(Goal("gradients", work, of_peak, least) for work, least in GRADIENTS.items()),
    *(Goal("per_example", work, of_products, least) for work, least in PER_EXAMPLE.items()),
    *(Goal("inference", f"{work} @ 1", times_onnxruntime, 2.0) for work in PREDICTED),
    *(Goal("inference", f"{work} @ {rows}", times_fastest, 1.0) for work in PREDICTED for rows in (32, 4096, 30_000)),
]


def judge(row: Row) -> list[tuple[Goal, float]]:
    """The goals of a row, each with what it reached; in float64 those that are relative to its peak."""
    goals = [goal for goal in GOALS if (goal.kind, goal.work) == (row.kind, row.work)]
    if row.dtype != "float32":
        goals = [goal for goal in goals if goal.measure in (of_peak, of_peak_alone)]
    found = [(goal, goal.measure(row)) for goal in goals]
    return [(goal, value) for goal, value in found if value is not None]


def say(goal: Goal, value: float) -> str:
    """A goal and what was reached, such as 'tiny 15 % of peak (28 %)'."""
    if goal.measure in dict(SHARES).values():
        return f"{goal.work} {value:.0%} {WORDS[goal.measure]} ({goal.least:.0%})".replace("%", " %")
    return f"{goal.work} {WORDS[goal.measure]} {value:.2f} ({goal.least:g})"
