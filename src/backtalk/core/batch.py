"""A batch: examples that were checked against a network; and the error for a loss that is not finite."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DivergedError
from .arrays import Array, namespace
from .dropout import Dropout
from .forward import Trace, propagate
from .inputs import as_input, as_labels, as_target, as_weight
from .network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """N examples for a network: X (N, n_0); y as the loss's target t (N, k), or as the labels (N,) of a one-hot one;
    and the weight of each example (N,), of any scale, or None: 1 for each.

    ``owner``: if each process of a group holds some of the examples, the process that holds each, (N,); X and
    the others then have the rows that this one holds, in their order. None if they are all here.

    >>> batch = Batch.of(Network.create([2, 3], rng=0), [[0.0, 1.0], [1.0, 0.0]], [2, 0])
    >>> batch.rows([1]).target()
    array([[1., 0., 0.]])
    """

    network: Network
    X: Array
    y: Array
    weight: Array | None = None
    owner: np.ndarray | None = None

    @classmethod
    def of(cls, network: Network, X: Any, y: Any, sample_weight: Any = None, *, takes_labels: bool = True) -> Batch:
        """From what the user gives; raises as :func:`backtalk.gradients` does.

        ``takes_labels``: whether y stays labels if the target is just their one-hot form.
        """
        X = as_input(network, X)
        count = X.shape[0]
        weight = None if sample_weight is None else as_weight(network, sample_weight, count)
        return cls(network, X, checked_y(network, y, count, takes_labels), weight)

    @property
    def count(self) -> int:
        """N, the number of examples."""
        return self.X.shape[0]

    @property
    def labels(self) -> Array | None:
        """y if it holds labels."""
        return self.y if self.y.ndim == 1 else None

    @property
    def arrays(self) -> tuple[Array, Array | None, Array | None, Array | None]:
        """X, t if it is given as such, the labels if not, and the weights."""
        labels = self.labels
        return self.X, None if labels is not None else self.y, labels, self.weight

    def target(self) -> Array:
        """t, shape (N, k), also of labels."""
        return self.y if self.labels is None else as_target(self.network, self.y, self.y.shape[0])

    def weights(self) -> tuple[Array, float]:
        """w, shape (N,), of sum 1, and the weight that all examples have together."""
        xp, spec = namespace(self.X), self.network.spec
        if self.weight is None:
            return xp.full((self.count,), 1 / self.count, dtype=spec.dtype, device=spec.device), float(self.count)
        total = float(xp.sum(self.weight))
        return (self.weight / total if total > 0 else self.weight), total

    def rows(self, rows: Any) -> Batch:
        """Some of the examples: a slice, or their numbers."""
        if isinstance(rows, slice):
            X, y, weight = (None if each is None else each[rows, ...] for each in (self.X, self.y, self.weight))
        else:
            xp = namespace(self.X)
            index = xp.asarray(rows, device=getattr(self.X, "device", None))
            parts = (self.X, self.y, self.weight)
            X, y, weight = (None if each is None else xp.take(each, index, axis=0) for each in parts)
        return replace(self, X=X, y=y, weight=weight)


def checked_y(network: Network, y: Any, count: int, takes_labels: bool = True) -> Array:
    """y as labels (N,) if they are taken and the target is just their one-hot form; else as the target (N, k)."""
    labels = as_labels(network, y, count) if takes_labels else None
    return as_target(network, y, count) if labels is None else labels


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


def _leaves_domain(network: Network, trace: Trace) -> bool:
    low, high = network.loss.domain
    yhat = trace.output
    least, most = network.output.range
    return (least < low or most > high) and bool(namespace(yhat).any((yhat <= low) | (yhat >= high)))


def diverged(
    network: Network, X: Array | None, good: Network, step: int, dropout: Dropout | None = None
) -> DivergedError:
    """The error for ``network``, whose loss on the mini-batch X, or whose parameters, are not finite."""
    with np.errstate(all="ignore"):
        trace = None if X is None else propagate(network, X, dropout)
    quantity, layer = first_non_finite(network, trace) or ("loss", network.depth)
    place = "the loss" if quantity == "loss" else f"{quantity}[{layer}]"
    advice = "use a smaller learning rate, or scale the inputs"
    if quantity == "loss" and trace is not None and _leaves_domain(network, trace):
        low, high = network.loss.domain
        place = f"{network.output} gives an output that is not between {low:g} and {high:g}, as {network.loss} needs: ℒ"
        advice = f"use output={network.loss.natural_output!r}"
    return DivergedError(
        f"training diverged at step {step}: {place} is the first value that is not finite; {advice}.",
        hint="the last good network is in the error's .network",
        network=good,
        step=step,
        quantity=quantity,
        layer=layer,
    )
