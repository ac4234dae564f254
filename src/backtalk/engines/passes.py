"""The public ``forward``, ``backward`` and ``gradients``: check the input, choose the engine, compute.

NumPy arrays are computed by the native kernels where they are installed, and arrays of other libraries by the
formulas of :mod:`backtalk.forward` and :mod:`backtalk.backward`; the results agree, and mean the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.arrays import Array, namespace, refuse_non_finite
from ..core.backward import Gradients, talk_back
from ..core.batch import Batch
from ..core.curvature import HessianProduct, as_direction, talk_along
from ..core.dropout import Dropout
from ..core.forward import Trace, propagate
from ..core.inputs import as_input, as_labels, as_target, as_weight, require_network
from ..core.network import Network
from ..core.predictor import register_engine
from ..errors import InputError, InputTypeError
from .native import passes as native


def forward(network: Network, X: Any, *, dropout: Dropout | None = None) -> Trace:
    """Run the examples X through the network.

    h_0 = X; a_i = h_{i-1} W_iᵀ + b_i; h_i = g_i(a_i) for i < L; h_L = O(a_L), for all rows of X together.
    With ``dropout``, h_i = m_i ⊙ g_i(a_i) for the masks m_i that it draws (:class:`~backtalk.Dropout`).

    X: shape (B, n_0), converted to the network's dtype. Raises :class:`~backtalk.errors.InputError` for values that
    are not finite, or an array of another library or device. Source: notation, section 2.

    >>> net = Network([[[2.0]], [[1.0]]], [[0.0], [0.5]], "relu", "squared_error")
    >>> trace = forward(net, [[3.0], [-1.0]])
    >>> trace.h[1]
    array([[6.],
           [0.]])
    >>> trace.output
    array([[6.5],
           [0.5]])
    """
    X = as_input(network, X)
    _require_dropout(network, dropout)
    return native.forward(network, X, dropout) if native.serves(network) else propagate(network, X, dropout)


def forward_in_blocks(network: Network, X: Array) -> Iterator[tuple[slice, Trace]]:
    """The forward pass of an X that is known to fit, so many rows at a time."""
    kernels = native.serves(network)
    for first in range(0, X.shape[0], native.ROWS_AT_ONCE):
        rows = slice(first, first + native.ROWS_AT_ONCE)
        with np.errstate(over="ignore", invalid="ignore"):
            trace = native.forward(network, X[rows, :]) if kernels else propagate(network, X[rows, :])
        yield rows, trace


def ends_in_blocks(network: Network, X: Array) -> Iterator[tuple[slice, Array, Array]]:
    """a_L and ŷ of an X that is known to fit, so many rows at a time: no hidden unit is kept."""
    if not native.serves(network):
        for rows, trace in forward_in_blocks(network, X):
            yield rows, trace.a[network.depth], trace.output
        return
    for first in range(0, X.shape[0], native.ROWS_AT_ONCE):
        part = X[first : first + native.ROWS_AT_ONCE]
        a = np.empty((len(part), network.sizes[-1]), part.dtype)
        yield slice(first, first + len(part)), a, native.ends(network, part, a)


def output_of(network: Network, X: Array) -> Array:
    """ŷ for the rows, at least one, of an X that is known to fit: no hidden unit is kept."""
    if native.serves(network):
        return native.ends(network, X)
    return namespace(X).concat([trace.output for _, trace in forward_in_blocks(network, X)])


register_engine(native.predictor)


def weighted_loss(network: Network, batch: Batch) -> float:
    """Σ_n w_n ℓ_n of a network, without dropout or penalty; w is 1/N without weights."""
    total = 0.0
    for part, _ in losses_in_blocks(network, batch):
        total += part
    return total


def losses_in_blocks(network: Network, batch: Batch) -> Iterator[tuple[float, Array]]:
    """Σ w_n ℓ_n over some rows at a time, and their ŷ; without dropout or penalty, w is 1/N without weights."""
    if not batch.count:
        return
    weights, target = as_weight(network, None, batch.count) if batch.weight is None else batch.weight, batch.target()
    for rows, a, yhat in ends_in_blocks(network, batch.X):
        with np.errstate(over="ignore", invalid="ignore"):
            values, weight = network.head.value(a, yhat, target[rows, :]), weights[rows]
            xp = namespace(values)
            part = float(xp.sum(xp.where(weight > 0, values, weight) * weight))
        yield part, yhat


def gradients(
    network: Network, X: Any, y: Any, sample_weight: Any = None, *, dropout: Dropout | None = None
) -> Gradients:
    """The loss and every gradient of it, in one forward and one backward pass.

    ℒ = Σ_n w_n ℓ_n, with w = sample_weight / Σ sample_weight (1/B without), ℓ_n the loss of example n.

    X: (B, n_0). y: as the loss takes it (labels (B,), or (B, k)). sample_weight: (B,), 0 or more, not all 0.
    With ``dropout``, ℒ is the loss of the network with those masks, and every gradient is a gradient of that ℒ.
    The results are arrays of the network's library. Raises :class:`~backtalk.errors.InputError` or
    :class:`~backtalk.errors.InputTypeError` for input that does not fit. Source: notation, section 2.

    >>> import numpy as np
    >>> net = Network.create([3, 4, 2], activation="tanh", loss="cross_entropy", rng=0)
    >>> grads = gradients(net, np.eye(3), [0, 1, 1])
    >>> grads.W[1].shape, grads.h[1].shape
    ((4, 3), (3, 4))
    """
    if sample_weight is None and dropout is None and isinstance(network, Network):
        found = native.gradients_at_once(network, X, y)
        if found is not None:
            return found
    X = as_input(network, X)
    _require_dropout(network, dropout)
    if native.serves(network):
        return _by_kernels(network, X, y, sample_weight, None, dropout)
    target = as_target(network, y, X.shape[0])
    weight = as_weight(network, sample_weight, X.shape[0])
    return talk_back(network, propagate(network, X, dropout), target, weight)


def hessian_product(
    network: Network, X: Any, y: Any, direction: Any, sample_weight: Any = None, *, dropout: Dropout | None = None
) -> HessianProduct:
    """The product of the Hessian of ℒ, by all weights and biases, with a direction v: exact, for some three passes.

    ∇²ℒ v = d/dε ∇ℒ(θ + εv) at ε = 0, by the three talks differentiated once more along v; the Hessian itself is never
    formed. At a kink of an activation or loss it is the derivative from one side: of a ReLU network, ℒ between kinks.

    ``direction``: anything with ``W`` and ``b``, such as Gradients or another Network, or a pair of lists. X, y,
    sample_weight, dropout: as for :func:`gradients`, and so are the errors;
    :class:`~backtalk.errors.InputError` also for a direction of other shapes, and for an activation or a loss of the
    user's own, unless that activation was registered with ``g_second``. Source: Pearlmutter 1994, "Fast exact
    multiplication by the Hessian".

    >>> import numpy as np
    >>> from backtalk import Network, gradients, hessian_product
    >>> network = Network.create([3, 4, 2], "tanh", rng=0)
    >>> grads = gradients(network, np.eye(3), [0, 1, 1])
    >>> product = hessian_product(network, np.eye(3), [0, 1, 1], grads)  # along the gradient itself
    >>> squares = sum((part**2).sum() for part in (*grads.W.values(), *grads.b.values()))
    >>> bool(np.isclose(product.slope, squares)), product.W[1].shape
    (True, (4, 3))
    """
    X = as_input(network, X)
    _require_dropout(network, dropout)
    V, c = as_direction(network, direction)
    target = as_target(network, y, X.shape[0])
    weight = as_weight(network, sample_weight, X.shape[0])
    if native.bends(network):
        return native.hessian_product(network, X, target, weight, V, c, dropout)
    trace = propagate(network, X, dropout)
    return talk_along(network, trace, talk_back(network, trace, target, weight), target, weight, V, c)


def backward(network: Network, trace: Trace, y: Any, sample_weight: Any = None) -> Gradients:
    """The same as :func:`gradients`, from the trace of a forward pass.

    trace: what ``forward(network, X)`` returned. y, sample_weight: as for :func:`gradients`.

    >>> net = Network([[[1.0]]], [[0.0]], loss="squared_error")
    >>> backward(net, forward(net, [[3.0]]), [1.0]).W[1]
    array([[6.]])
    """
    require_network(network)
    if not isinstance(trace, Trace):
        raise InputTypeError(f"trace is a {type(trace).__name__}, expected what forward(network, X) gives.")
    refuse_non_finite(network.spec.receive(trace.h[0], "trace"), "trace.h[0]")
    widths = tuple(int(h.shape[-1]) for h in trace.h.values())
    if widths != network.sizes:
        raise InputError(f"trace has layers of {widths} units, but the network has {network.sizes}: expected its own.")
    if native.serves(network) and trace.masks is None:  # the kernels draw masks, and take none
        return _by_kernels(network, trace.h[0], y, sample_weight, trace, None)
    count = trace.h[0].shape[0]
    target = as_target(network, y, count)
    return talk_back(network, trace, target, as_weight(network, sample_weight, count))


def _require_dropout(network: Network, dropout: Any) -> None:
    if dropout is None:
        return
    if not isinstance(dropout, Dropout):
        raise InputTypeError(f"dropout is {dropout!r}, expected a backtalk.Dropout.")
    dropout.levels(network.depth - 1)


def _by_kernels(
    network: Network, X: Array, y: Any, sample_weight: Any, trace: Trace | None, dropout: Dropout | None
) -> Gradients:
    count = X.shape[0]
    labels = as_labels(network, y, count)
    target = None if labels is not None else native.readable(as_target(network, y, count))
    weight = None if sample_weight is None else as_weight(network, sample_weight, count)
    if labels is not None:
        labels = native.readable(labels, np.int64)
    return native.gradients(network, native.readable(X, network.W[1].dtype), labels, target, weight, trace, dropout)
