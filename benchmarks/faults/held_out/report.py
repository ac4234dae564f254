"""Where the programs of PyTorch put what people print at the end: the result on rows that training has not seen."""

from __future__ import annotations

REPORTED: list[float] = []  # of each program run, in order: accuracy, R² or another score; higher is better


def report(result: float) -> None:
    """Put down the held-out result of the program that is running."""
    REPORTED.append(float(result))
