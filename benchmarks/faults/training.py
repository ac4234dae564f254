"""What the programs of PyTorch share: tensors, mini-batches and scores on held-out rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .data import Data


def tensors(data: Data) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """float32 for numbers, int64 for classes."""
    return tuple(_tensor(each) for each in data)  # pyright: ignore[reportReturnType]


def _tensor(values: np.ndarray) -> Tensor:
    return torch.as_tensor(values, dtype=torch.int64 if values.dtype.kind in "iu" else torch.float32)


def batches(count: int, size: int = 32) -> Iterator[Tensor]:
    """The rows of an epoch's mini-batches, shuffled; a last one of a single row is left out."""
    for rows in torch.randperm(count).split(size):
        if len(rows) > 1:
            yield rows


@torch.no_grad()
def accuracy(model: nn.Module, X: Tensor, y: Tensor) -> float:
    """The share of the rows that are right, in evaluation mode; one output is a logit."""
    training = model.training
    out = model.eval()(X)
    model.train(training)
    guess = (out.reshape(len(X)) > 0).long() if out.numel() == len(X) else out.argmax(dim=-1)
    return float((guess == y).double().mean())


@torch.no_grad()
def determination(model: nn.Module, X: Tensor, y: Tensor) -> float:
    """R², 1 for what is exact and 0 for the mean, in evaluation mode."""
    training = model.training
    out = model.eval()(X).reshape(y.shape)
    model.train(training)
    return float(1 - (out - y).square().sum() / (y - y.mean(dim=0)).square().sum())


def put(model: nn.Module, **change: Any) -> nn.Module:
    """Set every weight matrix, or bias, by a function of the tensor: ``put(model, weight=nn.init.zeros_)``."""
    for name, parameter in model.named_parameters():
        for kind, function in change.items():
            if name.endswith(kind):
                function(parameter.data)
    return model
