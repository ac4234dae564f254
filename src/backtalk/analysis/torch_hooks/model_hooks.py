"""The public ``listen``: capture the calls of a model's layers while a block runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

from ...errors import InputError, InputTypeError, unknown_name
from .captured import Heard
from .hooks import Hooks
from .modules import ModuleHooks

REDUCTIONS = ("mean", "sum")


@contextmanager
def listen(model: Any, *, reduction: str = "mean", batch_dimension: int = 0) -> Iterator[Heard]:
    """Hear the layers of a PyTorch model while your own code runs its forward and backward pass.

    Within ``with listen(model) as heard:`` each call of a layer keeps a reference to its input h and, when
    ``backward()`` comes by, to ∇_a, the gradient of its output a, which is W h + b for a Linear. From these pairs
    ``heard`` gives what :mod:`backtalk.per_example` gives for a network: norms of each example's gradient, clipped
    sums, moments, noise scale, Kronecker factors, importance of units, cosines, Gram matrices, the gradients
    themselves, and findings. The model, its gradients, its hooks and the state of random numbers stay as they are
    without it; after the block no hook is left.

    model: a torch.nn.Module with layers at any depth, also shared ones and such that are called several times: Linear
    with inputs (B, …, n), Conv1d to Conv3d and GroupNorm with (B, C, …), Embedding with indices (B, …), LayerNorm,
    RMSNorm, InstanceNorm. ``heard.unheard`` says which modules with trained parameters were not heard, and why.
    Compiled code is run uncompiled within the block (PyTorch 2.6 or newer). Of several threads a block hears the one
    that opened it.

    ``reduction``: how your loss makes the one scalar s, on which you call ``backward()``, of its examples. With 'mean',
    s = (1/B) Σ_n ℓ_n, and ℓ_n is B times the part of s that goes through row n; with 'sum', s = Σ_n ℓ_n, and ℓ_n is
    that part. Every gradient that ``heard`` names is that of ℓ_n, or of s; what enters s apart from the rows, such as a
    penalty on the weights, belongs to none of them. ``batch_dimension``: which dimension of (B, …, n) counts the
    examples, for all layers: 1 for sequences of shape (T, B, n). Inputs (B, n) and (B, C, …) have only one.

    Raises :class:`~backtalk.errors.InputTypeError` if model is no module, :class:`~backtalk.errors.InputError` if
    it has no such layer, :class:`~backtalk.errors.MissingLibraryError` without PyTorch. Source: Goodfellow 2015,
    "Efficient per-example gradient computations"; for sequences Li et al. 2022, "Large language models can be strong
    differentially private learners", section 4.

    >>> import torch
    >>> from backtalk import listen
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    >>> with listen(model) as heard:
    ...     torch.nn.functional.cross_entropy(model(torch.ones(5, 4)), torch.zeros(5, dtype=torch.long)).backward()
    >>> heard
    Heard 2 layers in 1 backward pass: 0, 2
    >>> heard.norms().whole.shape
    torch.Size([5])
    """
    if reduction not in REDUCTIONS:
        raise unknown_name("reduction", reduction, REDUCTIONS)
    if isinstance(batch_dimension, bool) or not isinstance(batch_dimension, Integral):
        raise InputTypeError(f"batch_dimension is {batch_dimension!r}, expected a whole number of 0 or more.")
    if batch_dimension < 0:
        raise InputError(f"batch_dimension is {batch_dimension}, expected a whole number of 0 or more.")
    hooks, modules = Hooks(model, int(batch_dimension)), ModuleHooks(model)
    try:
        hooks.open()
        modules.open()
        yield Heard(hooks, modules, reduction)
    finally:
        modules.close()
        hooks.close()
