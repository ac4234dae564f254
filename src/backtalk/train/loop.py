"""The training loop: shuffle, take a mini-batch, talk back, take a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, Home, namespace
from ..backward import talk_back
from ..errors import DivergedError, InputError, InputTypeError
from ..forward import Trace, propagate
from ..initialization import as_generator
from ..inputs import as_input, as_target, as_weight
from ..network import Network
from .optimizers import Optimizer, as_optimizer


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """One pass over the data: its ``number`` from 1, the mean ``loss`` while it ran, the ``network`` after it."""

    number: int
    loss: float
    network: Network


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """What training made: the ``network`` and the ``losses``, one for each epoch."""

    network: Network
    losses: tuple[float, ...]


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
    callback: Callable[[Epoch], Any] | None = None,
) -> Training:
    """Train by mini-batches; the network given is not changed.

    Every step takes the gradient of ℒ over its mini-batch, Σ_n w_n ℓ_n with weights of sum 1 within it. The data
    are shuffled anew in each epoch; the last mini-batch may be shorter; one whose weights are all 0 is left out.

    ``X``, ``y``, ``sample_weight``: as for :func:`~backtalk.gradients`. ``optimizer``: 'sgd' or 'adam', with
    parameters such as 'adam(learning_rate=0.01)'. ``rng``: a ``numpy.random.Generator`` or a seed; the same one
    gives the same bits. ``callback`` is called with each :class:`Epoch`.

    Raises :class:`~backtalk.errors.DivergedError`, with the step, the layer where it first shows and the last good
    network, when a value is no longer finite.

    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> net = Network.create([2, 8, 2], activation="tanh", rng=0)
    >>> training = fit(net, X, [0, 1, 1, 0], epochs=200, batch_size=4, optimizer="adam(learning_rate=0.05)", rng=0)
    >>> training.losses[-1] < 0.05
    True
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise InputTypeError(f"{name} is {value!r}, expected a whole number.")
        if value < 1:
            raise InputError(f"{name} is {value}, expected 1 or more.")
    optimizer = as_optimizer(optimizer)
    generator = as_generator(rng)
    X = as_input(network, X)
    count = X.shape[0]
    target, weight = as_target(network, y, count), as_weight(network, sample_weight, count)
    state = optimizer.start([*network.W.values(), *network.b.values()])
    good, step, losses = network, 0, []
    for number in range(1, epochs + 1):
        total = 0.0
        for batch, part in _batches(generator, batch_size, network.home, X, target, weight):
            step += 1
            with np.errstate(over="ignore", invalid="ignore"):  # said in full below
                trace = propagate(network, batch[0])
                grads = talk_back(network, trace, batch[1], batch[2])
                loss = float(grads.loss)
                if not np.isfinite(loss):
                    raise _diverged(network, trace, good, step)
                good = network
                total += loss * part
                parameters, state = optimizer.step(
                    [*network.W.values(), *network.b.values()], [*grads.W.values(), *grads.b.values()], state
                )
            network = network.replace(parameters[: network.depth], parameters[network.depth :])
        if _first_non_finite(network, None) is not None:
            raise _diverged(network, None, good, step)
        losses.append(total)
        if callback is not None:
            callback(Epoch(number, total, network))
    return Training(network, tuple(losses))


def _batches(
    rng: np.random.Generator, size: int, home: Home, X: Array, target: Array, weight: Array
) -> Iterator[tuple[tuple[Array, Array, Array], float]]:
    """Shuffled mini-batches, with weights of sum 1, and each one's share of the whole weight."""
    xp = home.xp
    order = rng.permutation(X.shape[0])
    for start in range(0, len(order), size):
        rows = xp.asarray(order[start : start + size], device=home.device)
        x, t, w = (xp.take(part, rows, axis=0) for part in (X, target, weight))
        part = float(xp.sum(w))
        if part > 0:
            yield (x, t, w / part), part


def _first_non_finite(network: Network, trace: Trace | None) -> tuple[str, int] | None:
    """The first of W_i, b_i, a_i, h_i, layer by layer, that holds a value that is not finite."""
    families = [("W", network.W), ("b", network.b)]
    if trace is not None:
        families += [("a", trace.a), ("h", trace.h)]
    for i in range(1, network.depth + 1):
        for name, family in families:
            xp = namespace(family[i])
            if not bool(xp.all(xp.isfinite(family[i]))):
                return name, i
    return None


def _diverged(network: Network, trace: Trace | None, good: Network, step: int) -> DivergedError:
    quantity, layer = _first_non_finite(network, trace) or ("loss", network.depth)
    place = "the loss" if quantity == "loss" else f"{quantity}[{layer}]"
    return DivergedError(
        f"training diverged at step {step}: {place} is the first value that is not finite; "
        "use a smaller learning rate, or scale the inputs (the last good network is in the error's .network).",
        network=good,
        step=step,
        quantity=quantity,
        layer=layer,
    )
