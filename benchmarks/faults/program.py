"""A program of the suite: what it trains, what is wrong with it, and what would mend it.

A program of PyTorch gets ``watch``, which is :func:`backtalk.watch`, as an argument, writes its own training loop
within ``with watch(model, optimizer) as doctor:``, calls ``doctor.step(loss)`` after each step, and returns the
doctor. A program of backtalk is a :class:`Recipe`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

DEVELOPMENT, HELD_OUT = "development", "held out"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A network of backtalk and its training. ``data``: a function that gives X, y, of training rows and held-out rows.

    ``network``: arguments of :meth:`backtalk.Network.create`; ``training``: arguments of :func:`backtalk.fit`.
    ``change``: what is done to the initial network, as a layer of constant weights.
    """

    data: Callable[[], tuple[Any, Any, Any, Any]]
    sizes: tuple[int, ...]
    network: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    change: Callable[[Any], Any] | None = None


Torch = Callable[[Any], Any]  # a program of PyTorch: watch → doctor


@dataclass(frozen=True, slots=True)
class Program:
    """``faulty`` and ``repaired``, and what the doctor should say of the first: nothing of the second.

    ``source``: where a public program of this kind is described: benchmark and number; ``description``: in one
    sentence, what it trains and what is wrong. ``causes``: the kinds of finding that name the cause; ``fixes``: words,
    one of which has to stand in the advice. ``mistake``: the number, from 1, in :data:`MISTAKES`, of one that only
    code of PyTorch can make.
    """

    name: str
    source: str
    description: str
    causes: tuple[str, ...]
    fixes: tuple[str, ...]
    faulty: Recipe | Torch
    repaired: Recipe | Torch
    mistake: int | None = None


@dataclass(frozen=True, slots=True)
class Healthy:
    """A program without a fault, of which the doctor should say nothing above a note."""

    name: str
    description: str
    run: Recipe | Torch


MISTAKES = (
    "softmax before CrossEntropyLoss",
    "log_softmax before CrossEntropyLoss",
    "sigmoid before BCEWithLogitsLoss",
    "softmax over the batch",
    "softmax over one unit",
    "output (N, 1) against target (N,)",
    "ReLU on the logits",
    "NLLLoss of raw outputs",
    "reduction='sum' with a rate made for a mean",
    "binary cross-entropy with targets outside of 0 to 1",
    "an optimizer that holds a part of the parameters",
    "an optimizer of another model",
    "a layer replaced after the optimizer was made",
    "layers in a Python list",
    "a leftover requires_grad=False",
    "eval() that is never undone",
    "evaluation in training mode",
    "no optimizer.step()",
    "zero_grad() between backward() and step()",
    "no zero_grad()",
    "the sign of the loss",
    "weight_decay as large as the signal",
    "detach() in the middle",
    "NumPy in the middle",
    "argmax on the way to the loss",
    "a layer that forward does not use",
    "a schedule stepped at every batch",
    "clipping to a tiny norm",
    "batches sorted by class",
    "dropout of 0.9 and more, or of the outputs",
    "a graph kept over steps",
)
