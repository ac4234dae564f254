"""A network's forward and backward pass by the native kernels.

What this module hands over is checked before: contiguous arrays of the network's dtype, finite, of the right shape.
A network is packed for the kernels once and kept with it, since a network does not change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    GELUTanh,
    Identity,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from ...core.backward import Gradients
from ...core.batch import Batch
from ...core.dropout import Dropout
from ...core.forward import Trace
from ...core.layers import Layers
from ...core.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Loss, PoissonDeviance, SquaredError
from ...core.network import Network
from ...errors import InputError
from .kernels import extension, kernels, threads

# The numbers of native/types.h, and the one parameter that an activation or a loss may have
ACTIVATIONS: dict[type[Activation], tuple[int, Callable[[Any], float]]] = {
    Identity: (0, lambda _: 0.0),
    Sigmoid: (1, lambda _: 0.0),
    Tanh: (2, lambda _: 0.0),
    ReLU: (3, lambda _: 0.0),
    LeakyReLU: (4, lambda g: g.slope),
    ELU: (5, lambda g: g.alpha),
    SELU: (6, lambda _: 0.0),
    GELU: (7, lambda _: 0.0),
    GELUTanh: (8, lambda _: 0.0),
    SiLU: (9, lambda _: 0.0),
    Softplus: (10, lambda _: 0.0),
    Mish: (11, lambda _: 0.0),
}
HOST = 12  # an activation of the user's own: its g and g′ are called
LOSSES: dict[type[Loss], tuple[int, Callable[[Any], float]]] = {
    CrossEntropy: (0, lambda _: 0.0),  # label smoothing is in the target
    BinaryCrossEntropy: (1, lambda _: 0.0),
    SquaredError: (2, lambda _: 0.0),
    AbsoluteError: (3, lambda _: 0.0),
    Huber: (4, lambda loss: loss.delta),
    PoissonDeviance: (5, lambda _: 0.0),
}
ROWS_AT_ONCE = 4096  # of a forward pass whose hidden units nobody keeps


def readable(array: Any, dtype: Any = None) -> np.ndarray:
    """The array as the kernels read it, one number after the other on its natural address; a copy where it is not."""
    return np.require(array, dtype, ["C", "A"])


def readable_batch(batch: Batch) -> Batch:
    """The same examples as the kernels read them."""
    y = readable(batch.y, np.int64 if batch.labels is not None else None)
    weight = None if batch.weight is None else readable(batch.weight)
    return replace(batch, X=readable(batch.X), y=y, weight=weight)


def serves(network: Network) -> bool:
    """Whether the kernels compute this network: NumPy arrays, and a loss of this package."""
    return isinstance(network.W[1], np.ndarray) and kernels() is not None and type(network.loss) in LOSSES


def prepare(network: Network, *, trains: bool = False) -> Any:
    """The network in the kernels' own memory."""
    make = extension().Net32 if network.W[1].dtype == np.float32 else extension().Net64
    forms = [ACTIVATIONS.get(type(g)) for g in network.activations]
    loss, parameter = LOSSES[type(network.loss)]
    net = make(
        variant=kernels(),
        sizes=list(network.sizes),
        activations=[HOST if form is None else form[0] for form in forms],
        parameters=[0.0 if form is None else form[1](g) for form, g in zip(forms, network.activations, strict=True)],
        loss=loss,
        loss_parameter=parameter(network.loss),
        trains=trains,
        input_gradient=not trains,
        host=_Host(network.activations) if None in forms else None,
    )
    for i in range(1, network.depth + 1):
        net.pack(i - 1, readable(network.W[i]), readable(network.b[i]))
    return net


class _Host:
    """Calls an activation of the user's own for the kernels."""

    def __init__(self, activations: tuple[Activation, ...]) -> None:
        self.activations = activations

    def __call__(self, layer: int, derivative: bool, a: np.ndarray) -> np.ndarray:
        activation = self.activations[layer]
        values = activation.g_prime(a) if derivative else activation.g(a)
        try:
            return readable(np.broadcast_to(values, a.shape), a.dtype)
        except ValueError:
            raise InputError(
                f"activation {activation} gives an array of shape {np.shape(values)} for one of shape {a.shape}, "
                f"expected the same shape from {'g_prime' if derivative else 'g'}."
            ) from None


class Prepared:
    """A network in the kernels' memory, with what is asked of it in every call."""

    __slots__ = ("dtype", "inputs", "most_bytes", "net", "shapes", "takes_labels", "units")

    def __init__(self, network: Network) -> None:
        self.net = prepare(network)
        self.dtype = network.W[1].dtype
        self.inputs, *self.units = network.sizes
        self.shapes = [W.shape for W in network.W.values()]
        self.most_bytes = 0
        self.takes_labels = isinstance(network.loss, CrossEntropy) and not network.loss.label_smoothing


def _prepared(network: Network) -> Prepared:
    kept: Prepared | None = network.prepared
    if kept is None:
        kept = Prepared(network)
        object.__setattr__(network, "prepared", kept)
    return kept


def forward(network: Network, X: np.ndarray, dropout: Dropout | None = None) -> Trace:
    """Every a_i and h_i for the rows of X; with dropout, those of the network with its masks."""
    kept, count = _prepared(network), len(X)
    masks = None if dropout is None else Layers(dropout.masks(network.sizes, count, network.spec))
    X = readable(X)
    a, h = ([np.empty((count, units), kept.dtype) for units in kept.units] for _ in range(2))
    for first in range(0, count, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        drawn = None if dropout is None else _drawn(network, dropout, first)
        kept.net.forward(X[rows], [part[rows] for part in a], [part[rows] for part in h], threads(), drawn)
    return Trace(Layers(a), Layers((X, *h), first=0), masks)


def _drawn(network: Network, dropout: Dropout, first: int = 0) -> tuple[list[int], int, int, int]:
    """Dropout as the kernels take it, for a batch whose row 0 is row ``first`` of the masks."""
    return dropout.levels(network.depth - 1), dropout.seed, dropout.step, first


def gradients(
    network: Network,
    X: np.ndarray,
    labels: np.ndarray | None,
    target: np.ndarray | None,
    weight: np.ndarray | None,
    trace: Trace | None = None,
    dropout: Dropout | None = None,
) -> Gradients:
    """The loss and every gradient, for labels (int64), or for a target; the weight has sum 1, or is None."""
    drawn = None if dropout is None else _drawn(network, dropout)
    found = _gradients(_prepared(network), X, labels, target, weight, trace, drawn)
    assert found is not None
    return found


def gradients_at_once(network: Network, X: Any, y: Any) -> Gradients | None:
    """The same, where X and y are just what the kernels take; None where they are not, or hold what is refused."""
    kept: Prepared | None = network.prepared
    if (
        kept is not None
        and type(X) is type(y) is np.ndarray
        and kept.takes_labels
        and X.dtype == kept.dtype
        and y.dtype == np.int64
        and X.ndim == 2
        and X.shape[1] == kept.inputs
        and y.shape == (len(X),)
        and len(X) > 0
        and X.flags.c_contiguous
        and y.flags.c_contiguous
        and X.flags.aligned
        and y.flags.aligned
    ):
        return _gradients(kept, X, y, None, None, None)
    return None


def _gradients(
    kept: Prepared, X: Any, labels: Any, target: Any, weight: Any, trace: Trace | None, drawn: Any = None
) -> Gradients | None:
    count, dtype, empty = len(X), kept.dtype, np.empty
    _keep_memory(kept, count)
    grad_a = [empty((count, units), dtype) for units in kept.units]
    grad_h = [empty(X.shape, dtype), *(empty((count, units), dtype) for units in kept.units)]
    grad_W = [empty(shape, dtype) for shape in kept.shapes]
    grad_b = [empty(units, dtype) for units in kept.units]
    given_a = None if trace is None else [readable(a, kept.dtype) for a in trace.a.values()]
    weight_sum = count if weight is None else 1.0
    loss = kept.net.gradients(
        X, given_a, labels, target, weight, weight_sum, grad_a, grad_h, grad_W, grad_b, threads(), drawn
    )
    if loss is None:
        return None
    return Gradients(dtype.type(loss), Layers(grad_a), Layers(grad_h, first=0), Layers(grad_W), Layers(grad_b))


def pairs(
    network: Network, X: np.ndarray, labels: np.ndarray | None, target: np.ndarray | None
) -> tuple[Layers, Layers, np.ndarray]:
    """h_0 … h_{L−1}, ∇_{a_1}ℓ_n … ∇_{a_L}ℓ_n and ℓ_n: one row for each example, of its own loss."""
    kept, count = _prepared(network), len(X)
    X = readable(X)
    h = [np.empty((count, units), kept.dtype) for units in kept.units[:-1]]
    grad_a = [np.empty((count, units), kept.dtype) for units in kept.units]
    losses = np.empty(count, kept.dtype)
    _talk(kept, X, labels, target, losses, h=[*h, None], grad_a=grad_a)
    return Layers((X, *h), first=0), Layers(grad_a), losses


def row_norms(
    network: Network,
    X: np.ndarray,
    labels: np.ndarray | None,
    target: np.ndarray | None,
    *,
    sums: bool = False,
    parts: np.ndarray | None = None,
    most_norm: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Of each example's own loss: ‖h_{i−1}‖ and ‖∇_{a_i}ℓ_n‖ for i = 1 … L, shape (L, B), and ℓ_n.

    With ``sums``, also Σ_n c_n ∇ℓ_n for each W_i and b_i, where c_n is its part (1 without ``parts``), and less
    where its norm exceeds ``most_norm`` (0: none is scaled down).
    """
    kept, count = _prepared(network), len(X)
    h, a = np.empty((network.depth, count)), np.empty((network.depth, count))
    losses = np.empty(count, kept.dtype)
    W = [np.empty(shape, kept.dtype) for shape in kept.shapes] if sums else []
    b = [np.empty(units, kept.dtype) for units in kept.units] if sums else []
    wanted: dict[str, Any] = {"grad_W": W, "grad_b": b, "parts": parts, "most_norm": most_norm} if sums else {}
    _talk(kept, readable(X), labels, target, losses, norms_h=list(h), norms_a=list(a), **wanted)
    return h, a, losses, W, b


def _talk(kept: Prepared, X: np.ndarray, labels: Any, target: Any, losses: np.ndarray, **wanted: Any) -> None:
    names = ("h", "grad_a", "norms_h", "norms_a", "grad_W", "grad_b", "parts")
    arguments = dict.fromkeys(names) | {"most_norm": 0.0} | wanted
    labels = None if labels is None else readable(labels, np.int64)
    target = None if target is None else readable(target)
    kept.net.pairs(X, labels, target, losses=losses, threads=threads(), **arguments)


def _keep_memory(kept: Prepared, count: int) -> None:
    """Tell malloc how much the results of a call take together.

    glibc hands freed memory back to the system beyond twice the largest block that was freed so far, and the system
    gives it out again page by page: for large networks that costs more than a tenth of the call.
    """
    units = 2 * sum(kept.units) + kept.inputs
    total = kept.dtype.itemsize * (count * units + sum(rows * columns for rows, columns in kept.shapes))
    if total > kept.most_bytes:
        kept.most_bytes = total
        np.empty(total, np.uint8)
