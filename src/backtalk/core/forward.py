"""Forward: from X to the output, keeping every a_i and h_i on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .arrays import Array
from .dropout import Dropout
from .layers import Layers
from .pytrees import note_tree

if TYPE_CHECKING:
    from .network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The results of a forward pass: ``a[i]`` for i = 1 … L and ``h[i]`` for i = 0 … L, shapes (B, n_i).

    ``masks``: the m_i of dropout for i = 1 … L − 1, with h_i = m_i ⊙ g(a_i); None without dropout.

    >>> from backtalk import Network, forward
    >>> trace = forward(Network([[[2.0]], [[1.0]]], [[0.0], [0.5]], "relu", "squared_error"), [[3.0], [-1.0]])
    >>> trace.a[1].tolist(), trace.h[1].tolist(), trace.output.tolist()
    ([[6.0], [-2.0]], [[6.0], [0.0]], [[6.5], [0.5]])
    """

    a: Layers
    h: Layers
    masks: Layers | None = None

    @property
    def output(self) -> Array:
        """ŷ = h_L, shape (B, k)."""
        return self.h[len(self.a)]

    def _repr_html_(self) -> str:
        """What a notebook shows: a row for each layer."""
        from .views import trace_view

        return trace_view(self)


note_tree(Trace, ("a", "h", "masks"))


def propagate(network: Network, X: Array, dropout: Dropout | None = None) -> Trace:
    """Every a_i and h_i, from an X that is known to fit."""
    a: list[Array] = []
    h: list[Array] = [X]
    masks = None if dropout is None else Layers(dropout.masks(network.sizes, X.shape[0], network.spec))
    for i in range(1, network.depth + 1):
        a.append(pre_activation(network, i, h[-1]))
        h.append(unit_output(network, i, a[-1]))
        if masks is not None and i < network.depth:
            h[i] = h[i] * masks[i]
    return Trace(Layers(a), Layers(h, first=0), masks)


def pre_activation(network: Network, i: int, h: Array) -> Array:
    """a_i = W_i h_{i-1} + b_i; one example a row, so W_i h is h @ W_iᵀ."""
    return h @ network.W[i].T + network.b[i]


def unit_output(network: Network, i: int, a: Array) -> Array:
    """h_i = g_i(a_i), or ŷ = O(a_L) at the last layer."""
    return network.activations[i - 1].g(a) if i < network.depth else network.output.value(a)
