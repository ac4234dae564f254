"""The gradients of each example's own loss, as pairs (h, ∇_a), in float64 whatever the network counts in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...core.backward import talk_down, talk_to_output
from ...core.batch import Batch
from ...core.dropout import Dropout
from ...core.forward import Trace, propagate
from ...core.network import Network

Talks = Mapping[int, np.ndarray]
ALL = slice(None)


def own_gradients(network: Network, examples: Batch, dropout: Dropout | None = None) -> tuple[Trace, Talks, Talks]:
    """The forward pass, and ∇_{a_i}ℓ_n and ∇_{h_i}ℓ_n of each example's own loss; ``network`` in float64."""
    trace = propagate(network, wide(examples.X), dropout)
    _, _, grad_output = talk_to_output(network, trace, wide(examples.target()), np.ones(examples.count))
    return trace, *talk_down(network, trace, grad_output, lowest=1)


def widened(network: Network) -> Network:
    """The same in float64."""
    if network.W[1].dtype == np.float64:
        return network
    W, b = ([wide(part) for part in family.values()] for family in (network.W, network.b))
    return Network(W, b, network.activations, network.loss, output=network.output)


def wide(array: np.ndarray) -> np.ndarray:
    """The same in float64."""
    return np.asarray(array, dtype=np.float64)


def with_one(h: np.ndarray) -> np.ndarray:
    """h with a 1 beside it, which the bias multiplies."""
    return np.concatenate([h, np.ones((len(h), 1))], axis=1)
