"""The examples that steps are taken on, and the error for a loss that is not finite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DivergedError
from .arrays import Array, namespace
from .dropout import Dropout
from .forward import Trace, propagate
from .network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """X (N, n_0); y as the target t (N, k), or as ``labels`` (N,) of a one-hot one where the kernels take it so;
    and the weight of each example (N,), of any scale, or None: 1 for each.

    ``owner``: where each process of a cluster holds some of the examples, the process that holds each, (N,); X and the
    others then have the rows that this one holds, in their order. None where they are all here.
    """

    X: Array
    target: Array | None
    labels: Array | None
    weight: Array | None
    owner: np.ndarray | None = None

    @property
    def count(self) -> int:
        """N, the number of examples."""
        return self.X.shape[0]

    def take(self, rows: np.ndarray) -> tuple[Array, Array, Array, float]:
        """X, t and w of some rows, w with sum 1, and the weight that they have together."""
        xp, device = namespace(self.X), getattr(self.X, "device", None)
        index = xp.asarray(rows, device=device)
        X, target = xp.take(self.X, index, axis=0), xp.take(self.target, index, axis=0)
        if self.weight is None:
            return X, target, xp.full((len(rows),), 1 / len(rows), dtype=X.dtype, device=device), float(len(rows))
        weight = xp.take(self.weight, index, axis=0)
        together = float(xp.sum(weight))
        return X, target, weight / together if together > 0 else weight, together


def first_non_finite(network: Network, trace: Trace | None) -> tuple[str, int] | None:
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


def diverged(
    network: Network, X: Array | None, good: Network, step: int, dropout: Dropout | None = None
) -> DivergedError:
    """The error for ``network``, whose loss on the mini-batch X, or whose parameters, are not finite."""
    with np.errstate(all="ignore"):
        trace = None if X is None else propagate(network, X, dropout)
    quantity, layer = first_non_finite(network, trace) or ("loss", network.depth)
    place = "the loss" if quantity == "loss" else f"{quantity}[{layer}]"
    return DivergedError(
        f"training diverged at step {step}: {place} is the first value that is not finite; "
        "use a smaller learning rate, or scale the inputs (the last good network is in the error's .network).",
        network=good,
        step=step,
        quantity=quantity,
        layer=layer,
    )
