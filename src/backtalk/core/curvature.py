"""Curvature: the three talks differentiated once more, along one direction of the weights and biases.

Let (V_i, c_i) be a direction, and R{·} the derivative d/dε at ε = 0 of anything that is computed from W_i + εV_i and
b_i + εc_i (Pearlmutter 1994). Each line of forward.py and backward.py has its derivative here, with the line beside it.
R{∇_{W_i}ℒ} and R{∇_{b_i}ℒ} are the product of the Hessian of ℒ with the direction, exact, without the Hessian.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, InputTypeError
from .arrays import Array, namespace
from .backward import Gradients, share, talk_to_hidden
from .forward import Trace
from .layers import Layers
from .network import Network
from .pytrees import note_tree
from .sums import sum_products, sum_rows


@dataclass(frozen=True, slots=True, eq=False)
class HessianProduct:
    """The product of the Hessian of ℒ with a direction v = (V_i, c_i) of the weights and biases.

    ``slope`` is ∇ℒ·v, how ℒ changes along v, a scalar; ``W[i]`` and ``b[i]`` are its gradients by W_i and b_i, so
    that together they are ∇²ℒ v, each of the shape of the thing itself.

    >>> from backtalk import Network, hessian_product
    >>> network = Network([[[2.0]]], [[1.0]], loss="squared_error")
    >>> product = hessian_product(network, [[3.0]], [5.0], ([[[1.0]]], [[0.0]]))
    >>> float(product.slope), product.W[1].tolist(), product.b[1].tolist()  # ℒ = ½(3W + b − 5)²
    (6.0, [[9.0]], [3.0])
    """

    slope: Array
    W: Layers
    b: Layers

    def _repr_html_(self) -> str:
        """What a notebook shows: the norms of the product, layer by layer."""
        from .views import hessian_view

        return hessian_view(self)


note_tree(HessianProduct, ("slope", "W", "b"))


def talk_along(
    network: Network, trace: Trace, grads: Gradients, target: Array, weight: Array, V: Layers, c: Layers
) -> HessianProduct:
    """R{∇ℒ}, from a forward and a backward pass of the same examples, and R{ℒ} = ∇ℒ·v.

    For M directions at once, V_i (M, n_i, n_{i−1}) and c_i (M, n_i), all of it has a first dimension M.
    """
    L = network.depth
    along_a, along_h = _forward_along(network, trace, V, c)
    # backward: ∇_{a_L}ℒ = ∂ℓ/∂a · w
    along = share(network.head.curvature(trace.a[L], trace.output, target, along_a[L]), weight[:, None])
    W, b = {}, {}
    for i in range(L, 0, -1):
        # backward: ∇_{W_i}ℒ = ∇_{a_i}ℒ h_{i-1}ᵀ and ∇_{b_i}ℒ = ∇_{a_i}ℒ, summed over the batch
        W[i], b[i] = _products(along, trace.h[i - 1]), _rows(along)
        if i > 1:
            W[i] = W[i] + _products(grads.a[i], along_h[i - 1])
            along = _hidden_along(network, trace, grads, V, i - 1, along, along_a[i - 1])
    slope = namespace(grads.loss).sum(_rows(grads.a[L] * along_a[L]), axis=-1)
    return HessianProduct(slope, Layers(W[i] for i in range(1, L + 1)), Layers(b[i] for i in range(1, L + 1)))


def _forward_along(network: Network, trace: Trace, V: Layers, c: Layers) -> tuple[dict[int, Array], dict[int, Array]]:
    """R{a_i} for i = 1 … L, and R{h_i} for i = 1 … L − 1; the examples themselves stay as they are."""
    along_a, along_h = {}, {}
    for i in range(1, network.depth + 1):
        # forward: a_i = W_i h_{i-1} + b_i
        along_a[i] = trace.h[i - 1] @ namespace(V[i]).matrix_transpose(V[i]) + c[i][..., None, :]
        if i > 1:
            along_a[i] = along_a[i] + along_h[i - 1] @ network.W[i].T
        if i < network.depth:
            # forward: h_i = g(a_i), or m_i ⊙ g(a_i) with dropout
            along_h[i] = network.activations[i - 1].g_prime(trace.a[i]) * along_a[i]
            if trace.masks is not None:
                along_h[i] = along_h[i] * trace.masks[i]
    return along_a, along_h


def _hidden_along(
    network: Network, trace: Trace, grads: Gradients, V: Layers, i: int, along: Array, along_a: Array
) -> Array:
    """R{∇_{a_i}ℒ} from R{∇_{a_{i+1}}ℒ}, the second talk along the direction."""
    g = network.activations[i - 1]
    # backward: ∇_{h_i}ℒ = W_{i+1}ᵀ ∇_{a_{i+1}}ℒ
    along_grad_h = talk_to_hidden(network, i, along) + grads.a[i + 1] @ V[i + 1]
    # backward: ∇_{a_i}ℒ = ∇_{h_i}ℒ ⊙ g′(a_i), and ⊙ m_i with dropout
    along_grad_a = along_grad_h * g.g_prime(trace.a[i]) + grads.h[i] * g.g_second(trace.a[i]) * along_a
    return along_grad_a if trace.masks is None else along_grad_a * trace.masks[i]


def _products(a: Array, h: Array) -> Array:
    """Σ_n a_n h_nᵀ over the rows of the batch; of each direction if there are several."""
    return sum_products(a, h) if a.ndim == h.ndim == 2 else namespace(a).matrix_transpose(a) @ h


def _rows(a: Array) -> Array:
    """Σ_n a_n over the rows of the batch, the same."""
    return sum_rows(a) if a.ndim == 2 else namespace(a).sum(a, axis=-2)


def as_direction(network: Network, direction: Any) -> tuple[Layers, Layers]:
    """(V, c) from anything with W and b, such as Gradients or a Network, or from a pair of lists; checked."""
    families = (direction.W, direction.b) if hasattr(direction, "W") and hasattr(direction, "b") else direction
    if not isinstance(families, tuple | list) or len(families) != 2:
        raise InputTypeError(
            f"direction is a {type(direction).__name__}, expected something with W and b, such as Gradients or a "
            "Network, or a pair (W, b) of lists of arrays."
        )
    return _family(network, "W", families[0]), _family(network, "b", families[1])


def _family(network: Network, name: str, given: Any) -> Layers:
    own = getattr(network, name)
    arrays = list(given.values()) if isinstance(given, Mapping) else list(given)
    if len(arrays) != len(own):
        raise InputError(f"direction has {len(arrays)} {name}, expected {len(own)}, one for each layer.")
    spec, found = network.spec, []
    for i, (array, like) in enumerate(zip(arrays, own.values(), strict=True), start=1):
        array = spec.cast_finite(spec.receive(array, f"direction.{name}[{i}]"), f"direction.{name}[{i}]")
        if tuple(array.shape) != tuple(like.shape):
            raise InputError(
                f"direction.{name}[{i}] has shape {tuple(array.shape)}, expected {tuple(like.shape)}, as {name}_{i}."
            )
        found.append(array)
    return Layers(found)
