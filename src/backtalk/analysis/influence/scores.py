"""One number for each training example: how hard it was to learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.arrays import Array, to_numpy
from ...core.head import as_head
from ...core.network import Network
from ...engines.passes import ends_in_blocks
from ..per_example.gradient_norms import norms_of
from ..per_example.pairs import MEMORY_LIMIT
from .checkpoints import Moment, as_moments, as_unrated, batches_of, layers_of_each, refuse
from .methods import Several, method_of, recordings_of, refuse_damping


def self_influence(
    networks: Any,
    X: Any,
    y: Any,
    *,
    method: str = "tracin",
    damping: float | None = None,
    learning_rates: Any = None,
    layers: Any = None,
    memory_limit: int | None = None,
) -> np.ndarray:
    """The influence of each example on itself, shape (N,): Σ_t η_t ‖∇ℓ(θ_t, z)‖², or as another ``method`` gives it.

    It is large for an example that the network could not learn from others: mislabelled, or rare. ℓ is the example's
    own loss. ``networks``, ``method``, ``damping``, ``learning_rates``, ``layers``, ``memory_limit``: as for
    :func:`influence`; with recorded trainings ``X`` and ``y`` are what they were trained on. The result is of NumPy, in
    float64. Raises :class:`~backtalk.errors.InputError` if a gradient is not finite; the error names network and
    example.

    Source: Pruthi, Liu, Kale, Sundararajan 2020, "Estimating training data influence by tracing gradient descent".

    >>> from backtalk import Network
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> self_influence([(net, 0.1), (net, 0.2)], [[1.0], [2.0]], [1.0, -1.0]).round(4)
    array([0.6, 1.5])
    """
    if method != "tracin" or recordings_of(networks):
        return _diagonal(
            method, networks, (X, y),
            damping=damping, learning_rates=learning_rates, layers=layers, memory_limit=memory_limit,
        )  # fmt: skip
    refuse_damping(damping)
    moments = as_moments(networks, learning_rates)
    total = np.zeros(())
    limit = MEMORY_LIMIT if memory_limit is None else memory_limit
    for moment, norm in zip(moments, _norms(moments, X, y, layers, limit), strict=True):
        with np.errstate(over="ignore"):
            total = total + moment.rate * norm**2
        _require_finite(total, moment, "self-influence", "sum over the networks so far")
    return total


def _diagonal(method: str, networks: Any, examples: tuple[Any, Any], **options: Any) -> np.ndarray:
    chosen, limit = method_of(method, networks, examples, examples, **options)
    if isinstance(chosen, Several):
        return chosen.diagonal(limit)
    found = np.empty(len(examples[0]))
    for rows, blocks in chosen.blocks(limit):
        for columns, block in blocks:
            own = np.arange(max(rows.start, columns.start), min(rows.stop, columns.stop))
            found[own] = block[own - rows.start, own - columns.start]
    return found


def grand(networks: Any, X: Any, y: Any, *, layers: Any = None, memory_limit: int = MEMORY_LIMIT) -> np.ndarray:
    """GraNd, shape (N,): the mean over networks of ‖∇ℓ(θ_t, z)‖, the norm of the gradient of the example's own loss.

    The paper's networks come from several initializations, each early in training (some epochs). ``networks``: as for
    :func:`influence`, without the learning rates. ``layers``, ``memory_limit``: as there. The result is of NumPy, in
    float64. Raises :class:`~backtalk.errors.InputError` if a gradient is not finite; the error names network and
    example.

    Source: Paul, Ganguli, Dziugaite 2021, "Deep learning on a data diet: finding important examples early in training".

    >>> from backtalk import Network
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> grand(net, [[0.0], [1.0]], [2.0, -2.0]).round(4)
    array([2.    , 2.8284])
    """
    moments = as_unrated(networks)
    parts = [norm / len(moments) for norm in _norms(moments, X, y, layers, memory_limit)]  # so that no sum overflows
    return np.sum(parts, axis=0)


def el2n(networks: Any, X: Any, y: Any) -> np.ndarray:
    """EL2N, shape (N,): the mean over networks of ‖ŷ − t‖₂, how far an example's output is from its target.

    With softmax, whatever the loss, ŷ is the probabilities and t the one-hot target; with cross-entropy ŷ − t is the
    gradient ∇_{a_L} of the example's own loss. With label smoothing t is the smoothed target, the one of the loss. With
    other output functions ŷ and t are on the scale of the output: numbers in the units of y, and rates for the Poisson
    deviance; with the Gaussian likelihood ŷ is the means. The paper has softmax with cross-entropy alone.

    ``networks``: as for :func:`grand`. The result is of NumPy, in float64. Raises
    :class:`~backtalk.errors.InputError` if an output is not finite; the error names network and example.

    Source: Paul, Ganguli, Dziugaite 2021, "Deep learning on a data diet: finding important examples early in training".

    >>> from backtalk import Network
    >>> net = Network([[[0.0], [0.0]]], [[0.0, 0.0]])
    >>> el2n(net, [[1.0]], [0]).round(4)
    array([0.7071])
    """
    moments = as_unrated(networks)
    found = []
    for moment, batch in zip(moments, batches_of(moments, X, y), strict=True):
        distances = np.empty(batch.count)
        for rows, a, yhat in ends_in_blocks(moment.network, batch.X):
            errors = _errors(moment.network, a, yhat, batch.rows(rows).target())
            distances[rows] = _lengths(errors)
        _require_finite(distances, moment, "output", "distance from the target")
        found.append(distances)
    return np.mean(found, axis=0)


def _errors(network: Network, a: Array, yhat: Array, target: Array) -> Array:
    """ŷ − t: the squared error's gradient by ŷ, whose closed forms keep the digits that ŷ has rounded away."""
    with np.errstate(over="ignore", invalid="ignore"):
        return network.loss.prediction(as_head("squared_error", network.output).output_gradient(a, yhat, target))


def _lengths(errors: Array) -> np.ndarray:
    values = to_numpy(errors).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.linalg.norm(values, axis=1)


def _norms(moments: list[Moment], X: Any, y: Any, layers: Any, memory_limit: int) -> list[np.ndarray]:
    """‖∇ℓ‖ over the layers that count, in float64, for each network."""
    found = []
    batches = batches_of(moments, X, y)
    for moment, chosen, batch in zip(moments, layers_of_each(layers, moments), batches, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            each = norms_of(batch, memory_limit)
            # ‖∇_{W_i}‖² + ‖∇_{b_i}‖² = ‖δ‖²(‖h‖² + 1)
            parts = [_wide(each.a[i]) * np.hypot(_wide(each.h[i - 1]), 1) for i in chosen]
            found.append(np.hypot.reduce(parts))
        _require_finite(found[-1], moment, "gradient", "norm")
    return found


def _wide(norm: Array) -> np.ndarray:
    return to_numpy(norm).astype(np.float64)


def _require_finite(values: np.ndarray, moment: Moment, quantity: str, what: str) -> None:
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise refuse(moment, row, "X", f"its {what} is {values[row]}", quantity)
