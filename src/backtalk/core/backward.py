"""Backward: the three talks. To the output units, to the hidden units, to the weights and biases."""

from __future__ import annotations

from dataclasses import dataclass

from .arrays import Array, namespace
from .forward import Trace
from .layers import Layers
from .network import Network
from .pytrees import note_tree
from .sums import sum_products, sum_rows


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Every gradient of ℒ, each of the shape of the thing itself, and ℒ itself.

    ``a[i]`` is ∇_{a_i}ℒ for i = 1 … L; ``h[i]`` is ∇_{h_i}ℒ for i = 0 … L, where h_0 is the input and h_L the
    output ŷ; ``W[i]`` and ``b[i]`` are ∇_{W_i}ℒ and ∇_{b_i}ℒ. ℒ is the weighted mean over the batch, so row n
    of ``a[i]`` and ``h[i]`` holds example n's share of it: w_n (1/B without weights) times its own gradient.

    >>> from backtalk import Network, gradients
    >>> grads = gradients(Network([[[2.0]]], [[1.0]], loss="squared_error"), [[3.0], [0.0]], [5.0, 0.0])
    >>> float(grads.loss)  # ½ (2² + 1²) / 2
    1.25
    >>> grads.a[1].tolist(), grads.W[1].tolist(), grads.b[1].tolist()
    ([[1.0], [0.5]], [[3.0]], [1.5])
    """

    loss: Array
    a: Layers
    h: Layers
    W: Layers
    b: Layers

    def _repr_html_(self) -> str:
        """What a notebook shows: the norm of each gradient, layer by layer."""
        from .views import gradients_view

        return gradients_view(self)


note_tree(Gradients, ("loss", "a", "h", "W", "b"))


def talk_back(network: Network, trace: Trace, target: Array, weight: Array) -> Gradients:
    """Every gradient, from a target (B, k) and weights (B,) that are known to fit."""
    L = network.depth
    loss, grad_yhat, grad_output = talk_to_output(network, trace, target, weight)
    grad_a, grad_h = talk_down(network, trace, grad_output)
    grad_h[L] = grad_yhat
    talks = [talk_to_weights(grad_a[i], trace.h[i - 1]) for i in range(1, L + 1)]
    return Gradients(
        loss=loss,
        a=Layers(grad_a[i] for i in range(1, L + 1)),
        h=Layers((grad_h[i] for i in range(L + 1)), first=0),
        W=Layers(grad_W for grad_W, _ in talks),
        b=Layers(grad_b for _, grad_b in talks),
    )


def talk_to_output(network: Network, trace: Trace, target: Array, weight: Array) -> tuple[Array, Array, Array]:
    """The first talk: ℒ, ∇_ŷℒ and ∇_{a_L}ℒ = Jᵀ ∇_ŷℒ; for softmax with cross-entropy it is (ŷ − e(y)) · w."""
    a, yhat = trace.a[network.depth], trace.output
    loss = namespace(a).sum(share(network.head.value(a, yhat, target), weight))
    w = weight[:, None]
    grad_yhat = share(network.head.output_gradient(a, yhat, target), w)
    return loss, grad_yhat, share(network.head.gradient(a, yhat, target), w)


def share(value: Array, w: Array) -> Array:
    """Each example's value times its weight: one without weight has no part, also of inf."""
    return namespace(value).where(w > 0, value, w) * w


def talk_down(
    network: Network, trace: Trace, grad_output: Array, lowest: int = 0
) -> tuple[dict[int, Array], dict[int, Array]]:
    """From ∇_{a_L} to every ∇_{a_i} and to ∇_{h_i} for i < L, layer by layer, down to h_lowest."""
    grad_a, grad_h = {network.depth: grad_output}, {}
    for i in range(network.depth - 1, lowest - 1, -1):
        grad_h[i] = talk_to_hidden(network, i, grad_a[i + 1])
        if i > 0:
            # forward: h_i = g(a_i), or m_i ⊙ g(a_i) with dropout, element by element
            grad_a[i] = grad_h[i] * network.activations[i - 1].g_prime(trace.a[i])
            if trace.masks is not None:
                grad_a[i] = grad_a[i] * trace.masks[i]
    return grad_a, grad_h


def talk_to_hidden(network: Network, i: int, grad_a: Array) -> Array:
    """The second talk: ∇_{h_i}ℒ = W_{i+1}ᵀ ∇_{a_{i+1}}ℒ, one example a row."""
    # forward: a_{i+1} = W_{i+1} h_i + b_{i+1}; every path from h_ij leads through column j of W_{i+1}
    return grad_a @ network.W[i + 1]


def talk_to_weights(grad_a: Array, h: Array) -> tuple[Array, Array]:
    """The third talk: ∇_{W_i}ℒ = ∇_{a_i}ℒ h_{i-1}ᵀ and ∇_{b_i}ℒ = ∇_{a_i}ℒ, summed over the batch."""
    # forward: a_i = W_i h_{i-1} + b_i; every example of the batch hears the same W_i and b_i
    return sum_products(grad_a, h), sum_rows(grad_a)
