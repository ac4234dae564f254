"""The training loop: shuffle, and take a step for each mini-batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from ..arrays import library_name
from ..engines.kernels import describe, kernels
from ..errors import InputError, InputTypeError, unknown_name
from ..initialization import as_generator
from ..inputs import as_input, as_labels, as_target, as_weight
from ..network import Network
from .batch import Examples
from .formula import FormulaSteps
from .native import NativeSteps, serves
from .optimizers import Optimizer, as_optimizer
from .records import Epoch, Training, TrainingInterrupted

ENGINES = ["auto", "native", "formula"]


def fit(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    epochs: int = 20,
    batch_size: int = 32,
    optimizer: str | Optimizer = "adam",
    rng: np.random.Generator | int | None = None,
    l2_penalty: float = 0.0,
    engine: str = "auto",
    measure_every: int = 0,
    callback: Callable[[Epoch], Any] | None = None,
) -> Training:
    """Train by mini-batches; the network given is not changed.

    Every step takes the gradient of ℒ over its mini-batch, Σ_n w_n ℓ_n with weights of sum 1 within it. The data
    are shuffled anew in each epoch; the last mini-batch may be shorter; one whose weights are all 0 is left out.

    ``X``, ``y``, ``sample_weight``: as for :func:`~backtalk.gradients`. ``optimizer``: 'sgd', 'nesterov', 'adam' or
    'adamw', with parameters such as 'adam(learning_rate=0.01)'. ``rng``: a ``numpy.random.Generator`` or a seed; the
    same one gives the same bits, on any number of threads. ``l2_penalty`` λ: what is minimized, and reported as the
    loss, is ℒ + ½λ Σ_i ‖W_i‖². ``engine``: 'native', the C++ kernels, for NumPy arrays; 'formula', for arrays of any
    library; 'auto', the first where it can. ``measure_every``: in each so-manieth step the norms of every layer are
    measured, and their means given with the epoch; 0 for never. ``callback`` is called with each :class:`Epoch`.

    Raises :class:`~backtalk.errors.DivergedError`, with the step, the layer where it first shows and the last good
    network, when a value is no longer finite; and :class:`TrainingInterrupted` at Ctrl-C, with the network as it was.

    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> net = Network.create([2, 8, 2], activation="tanh", rng=0)
    >>> training = fit(net, X, [0, 1, 1, 0], epochs=200, batch_size=4, optimizer="adam(learning_rate=0.05)", rng=0)
    >>> training.losses[-1] < 0.05
    True
    """
    for name, value, least in (
        ("epochs", epochs, 1),
        ("batch_size", batch_size, 1),
        ("measure_every", measure_every, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise InputTypeError(f"{name} is {value!r}, expected a whole number.")
        if value < least:
            raise InputError(f"{name} is {value}, expected {least} or more.")
    if isinstance(l2_penalty, bool) or not isinstance(l2_penalty, Real):
        raise InputTypeError(f"l2_penalty is {l2_penalty!r}, expected a number.")
    if not 0 <= l2_penalty < math.inf:
        raise InputError(f"l2_penalty is {l2_penalty!r}, expected a finite number of 0 or more.")
    optimizer, generator = as_optimizer(optimizer), as_generator(rng)
    X = as_input(network, X)
    count = X.shape[0]
    weight = None if sample_weight is None else as_weight(network, sample_weight, count)
    kind = _steps_of(engine, network, optimizer)
    labels = as_labels(network, y, count) if kind is NativeSteps else None
    examples = Examples(X, as_target(network, y, count) if labels is None else None, labels, weight)
    steps = kind(network, examples, optimizer, l2_penalty=float(l2_penalty), measure_every=measure_every)
    losses: list[float] = []
    try:
        for number in range(1, epochs + 1):
            losses.append(steps.epoch(generator.permutation(count), batch_size))
            if callback is not None:
                callback(Epoch(number, losses[-1], steps.network, steps.measures()))
    except KeyboardInterrupt:
        raise TrainingInterrupted(Training(steps.network, tuple(losses))) from None
    return Training(steps.network, tuple(losses))


def _steps_of(engine: str, network: Network, optimizer: Optimizer) -> type[FormulaSteps] | type[NativeSteps]:
    """What takes the steps: the kernels where they can, unless the formulas are asked for."""
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    served = serves(network, optimizer)
    if engine == "native" and not served:
        reason = (
            f"the network's arrays are of {library_name(network.home.xp)}, expected NumPy"
            if not isinstance(network.W[1], np.ndarray)
            else f"the kernels are {describe()}"
            if kernels() is None
            else f"the kernels have no form of {network.loss!r} or of {optimizer!r}"
        )
        raise InputError(f"engine is 'native', which cannot train this network: {reason}; use engine='auto'.")
    return NativeSteps if served and engine != "formula" else FormulaSteps
