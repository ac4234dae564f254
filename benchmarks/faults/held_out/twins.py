"""A program of PyTorch and its repaired twin, which are one function with a flag."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from ..program import Program

Run = Callable[..., Any]  # (watch, *, repaired) → doctor


def twins(
    run: Run, name: str, source: str, description: str, causes: tuple[str, ...], fixes: tuple[str, ...], **more: Any
) -> Program:
    """``run(watch, repaired=False)`` and ``run(watch, repaired=True)`` as a :class:`Program`."""
    faulty, repaired = partial(run, repaired=False), partial(run, repaired=True)
    return Program(name, source, description, causes, fixes, faulty, repaired, **more)


def tensors(rows: tuple[Any, ...]) -> list[torch.Tensor]:
    """X, y, X_test, y_test as tensors: numbers as float32, classes as int64."""
    return [
        torch.as_tensor(np.asarray(part, np.float32 if np.asarray(part).dtype.kind == "f" else np.int64))
        for part in rows
    ]


def accuracy(outputs: torch.Tensor, classes: torch.Tensor) -> float:
    """The share of rows whose largest output is that of their class; of one output, whether it is above 0."""
    guesses = outputs.argmax(1) if outputs.ndim == 2 and outputs.shape[1] > 1 else (outputs.flatten() > 0).long()
    return (guesses == classes.flatten().long()).float().mean().item()


def r_squared(outputs: torch.Tensor, y: torch.Tensor) -> float:
    """1 − Σ (ŷ − y)² / Σ (y − mean)²."""
    y = y.reshape(outputs.shape)
    return (1 - ((outputs - y) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()).item()
