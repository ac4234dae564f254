"""The columns of the Gauss-Newton matrices of examples, as pairs (h, ∇_a) in float64."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....core.backward import talk_down
from ....core.batch import Batch
from ....core.forward import Trace
from ....core.network import Network
from ..own_gradients import Talks, wide


def columns(network: Network, trace: Trace, examples: Batch) -> Iterator[Talks]:
    """Γ_r = J_nᵀ γ_r for each output r, whose Σ_r Γ_r Γ_rᵀ is J_nᵀ (∂²ℓ_n/∂a_L²) J_n, the Gauss-Newton matrix of ℓ_n.

    The γ_r are the eigenvectors of ∂²ℓ/∂a_L² times the roots of its eigenvalues; one below 0 counts as 0. With
    cross-entropy this is the Fisher matrix, and no label is drawn for it.
    """
    L = network.depth
    a, target = trace.a[L], wide(examples.target())
    k = a.shape[1]
    units = np.broadcast_to(np.eye(k)[:, None, :], (k, *a.shape))
    curvature = np.moveaxis(network.head.curvature(a, trace.output, target, units), 0, 1)
    values, vectors = np.linalg.eigh((curvature + np.swapaxes(curvature, 1, 2)) / 2)
    roots = np.sqrt(np.maximum(values, 0))
    for r in range(k):
        yield talk_down(network, trace, roots[:, r, None] * vectors[:, :, r], lowest=1)[0]
