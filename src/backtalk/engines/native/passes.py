"""A network's forward and backward pass by the native kernels.

What this module hands over is checked before: contiguous arrays of the network's dtype, finite, of the right shape.
A network is packed for the kernels once and kept with it, since a network does not change.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.activations import ACTIVATIONS, Activation
from ...core.backward import Gradients
from ...core.batch import Batch
from ...core.curvature import HessianProduct
from ...core.dropout import Dropout
from ...core.forward import Trace
from ...core.layers import Layers
from ...core.losses import LOSSES, Loss, Quantiles
from ...core.network import Network
from ...core.outputs import ElementWise, Output, Softmax
from ...errors import InputError
from .kernels import extension, kernels, threads

if TYPE_CHECKING:
    from ._native import Net32, Net64, Predictor32, Predictor64

HOST = "host"  # an activation of the user's own: its g and g′ are called
ANY_ROWS = 2**62  # of a prediction: it takes them in blocks
ROWS_AT_ONCE = 4096  # of a forward pass whose hidden units nobody keeps


def readable(array: Any, dtype: Any = None) -> np.ndarray:
    """The array as the kernels read it, one number after the other on its natural address; a copy if it is not so."""
    return np.require(array, dtype, ["C", "A"])


def readable_batch(batch: Batch) -> Batch:
    """The same examples as the kernels read them."""
    y = readable(batch.y, np.int64 if batch.labels is not None else None)
    weight = None if batch.weight is None else readable(batch.weight)
    return replace(batch, X=readable(batch.X), y=y, weight=weight)


@cache
def _known() -> dict[Any, tuple[str, str]]:
    """By class, what the kernels compute: its name there, and the attribute that is its parameter, or ''."""
    tables = (ACTIVATIONS, extension.activations()), (LOSSES, extension.losses())
    known: dict[Any, tuple[str, str]] = {Softmax: ("softmax", "")}
    return known | {ours[name]: (name, parameter) for ours, theirs in tables for name, parameter in theirs}


def _functions(network: Network) -> tuple[Activation | Output, ...]:
    """g_1 … g_{L-1}, and the output function: an activation, or softmax."""
    output = network.output
    return *network.activations, output.activation if isinstance(output, ElementWise) else output


def _in_kernels(ours: Activation | Output | Loss) -> tuple[str, float]:
    """The name of an activation or a loss in the kernels, and its parameter; what they do not know is ``HOST``."""
    name, parameter = _known().get(type(ours), (HOST, ""))
    return name, float(getattr(ours, parameter)) if parameter and not isinstance(ours, Quantiles) else 0.0


def serves(network: Network) -> bool:
    """Whether the kernels compute this network: NumPy arrays, and a loss of this package."""
    if network.prepared is not None:
        return True
    return isinstance(network.W[1], np.ndarray) and kernels() is not None and type(network.loss) in _known()


def bends(network: Network) -> bool:
    """Whether the kernels know the second derivatives of this network too, which they serve in float64 alone."""
    return serves(network) and network.W[1].dtype == np.float64 and not _is_hosted(network)


def _is_hosted(network: Network) -> bool:
    return any(_in_kernels(g)[0] == HOST for g in _functions(network))


def described(network: Network) -> dict[str, Any]:
    """What the kernels must know of a network, but for its numbers: sizes, and functions by their names there.

    >>> from backtalk import Network
    >>> described(Network.create([2, 3, 1], "elu(alpha=0.5)", "squared_error"))["activations"]
    ['elu', 'identity']
    """
    activations = [_in_kernels(g) for g in _functions(network)]
    loss, loss_parameter = _in_kernels(network.loss)
    return {
        "sizes": list(network.sizes),
        "activations": [name for name, _ in activations],
        "parameters": [parameter for _, parameter in activations],
        "loss": loss,
        "loss_parameter": loss_parameter,
        "levels": _levels(network),
    }


def prepare(network: Network, *, trains: bool = False, states: int = 0) -> Net32 | Net64:
    """The network in the kernels' own memory; for training, with so many arrays of an optimizer."""
    make = extension.Net32 if network.W[1].dtype == np.float32 else extension.Net64
    net = make(
        variant=kernels() or "",
        **described(network),
        trains=trains,
        states=states,
        input_gradient=not trains,
        host=_Host(_functions(network)) if _is_hosted(network) else None,
    )
    for i in range(1, network.depth + 1):
        net.pack(i - 1, readable(network.W[i]), readable(network.b[i]))
    return net


def _levels(network: Network) -> list[float]:
    """The level of each output, if the loss is that of several quantiles."""
    if not isinstance(network.loss, Quantiles):
        return []
    levels = network.loss.levels
    return np.repeat(levels, network.sizes[-1] // len(levels)).tolist()


class _Host:
    """Calls an activation of the user's own for the kernels."""

    def __init__(self, activations: tuple[Any, ...]) -> None:
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

    __slots__ = (
        "dtype",
        "hosted",
        "inputs",
        "most_bytes",
        "net",
        "predictor",
        "rooms",
        "shapes",
        "takes_labels",
        "units",
    )

    net: Net32 | Net64
    dtype: np.dtype[Any]
    inputs: int
    units: list[int]
    shapes: list[tuple[int, ...]]
    most_bytes: int
    takes_labels: bool
    hosted: bool
    predictor: Predictor32 | Predictor64 | None
    rooms: int

    def __init__(self, network: Network) -> None:
        self.net = prepare(network)
        self.dtype = network.W[1].dtype
        self.inputs, *self.units = network.sizes
        self.shapes = [W.shape for W in network.W.values()]
        self.most_bytes = 0
        self.takes_labels = network.head.is_softmax_of_labels
        self.hosted = _is_hosted(network)
        self.predictor = None  # for any number of rows, made when it is needed
        self.rooms = 0  # of that: how many threads it serves


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


def predictor(network: Network, rows: int) -> Any:
    """A function of x and out that gives ŷ, or None if they do not fit; or None if the kernels do not serve."""
    if not serves(network) or _prepared(network).hosted:
        return None
    predict = _predictor(_prepared(network), min(rows, ANY_ROWS), threads()).predict
    return lambda x, out: predict(x, out, None) if _is_own(x) and (out is None or _is_own(out)) else None


def _is_own(array: Any) -> bool:
    """Whether it is a NumPy array whose numbers are all there is to it."""
    return type(array) is np.ndarray or isinstance(array, np.memmap)


def _predictor(kept: Prepared, rows: int, rooms: int) -> Predictor32 | Predictor64:
    make: Any = extension.Predictor32 if kept.dtype == np.float32 else extension.Predictor64
    return make(net=kept.net, rows=rows, rooms=rooms, empty=np.empty, dtype=kept.dtype, threads=threads)


def ends(network: Network, X: np.ndarray, a: np.ndarray | None = None) -> np.ndarray:
    """ŷ for the rows of X, at least one; a_L goes into ``a``. No hidden unit is kept."""
    kept = _prepared(network)
    if kept.hosted:
        trace = forward(network, X)
        if a is not None:
            a[...] = trace.a[network.depth]
        return trace.output
    if kept.predictor is None or kept.rooms < threads():
        kept.rooms = threads()
        kept.predictor = _predictor(kept, ANY_ROWS, kept.rooms)
    output: Any = kept.predictor.predict(X, None, a)
    if output is None:
        output = kept.predictor.predict(readable(X), None, a)
    return output


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
    """The same, if X and y are just what the kernels take; None if they are not, or hold what is refused."""
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


def hessian_product(
    network: Network,
    X: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    V: Layers,
    c: Layers,
    dropout: Dropout | None = None,
) -> HessianProduct:
    """The product of the Hessian with a direction, for a weight of sum 1."""
    kept = _prepared(network)
    W, b = [np.empty((1, *shape)) for shape in kept.shapes], [np.empty((1, units)) for units in kept.units]
    slope, drawn = np.empty(1), None if dropout is None else _drawn(network, dropout)
    net: Any = kept.net
    extension.Sweep(net, kernels() or "", 1).product(
        readable(X), None, readable(target), readable(weight), [readable(each)[None] for each in V.values()],
        [readable(each)[None] for each in c.values()], W, b, slope, threads(), drawn,
    )  # fmt: skip
    return HessianProduct(slope[0], Layers(each[0] for each in W), Layers(each[0] for each in b))


def pairs(
    network: Network, X: np.ndarray, labels: np.ndarray | None, target: np.ndarray | None
) -> tuple[Layers, Layers, np.ndarray]:
    """h_0 … h_{L−1}, ∇_{a_1}ℓ_n … ∇_{a_L}ℓ_n and ℓ_n: one row for each example, of its own loss."""
    kept, count = _prepared(network), len(X)
    X, labels, target = readable(X), _readable_or_none(labels, np.int64), _readable_or_none(target)
    h = [np.empty((count, units), kept.dtype) for units in kept.units[:-1]]
    grad_a = [np.empty((count, units), kept.dtype) for units in kept.units]
    losses = np.empty(count, kept.dtype)
    kept.net.pairs(X, labels, target, losses, threads(), h=[*h, None], grad_a=grad_a)
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
    if its norm exceeds ``most_norm`` (0: none is scaled down).
    """
    kept, count = _prepared(network), len(X)
    X, labels, target = readable(X), _readable_or_none(labels, np.int64), _readable_or_none(target)
    h, a = np.empty((network.depth, count)), np.empty((network.depth, count))
    losses = np.empty(count, kept.dtype)
    W = [np.empty(shape, kept.dtype) for shape in kept.shapes] if sums else []
    b = [np.empty(units, kept.dtype) for units in kept.units] if sums else []
    kept.net.pairs(
        X,
        labels,
        target,
        losses,
        threads(),
        norms_h=list(h),
        norms_a=list(a),
        grad_W=W if sums else None,
        grad_b=b if sums else None,
        parts=parts,
        most_norm=most_norm,
    )
    return h, a, losses, W, b


def _readable_or_none(array: np.ndarray | None, dtype: Any = None) -> np.ndarray | None:
    return None if array is None else readable(array, dtype)


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
