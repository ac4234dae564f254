"""The loss on a validation set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .. import distributed as cluster
from ..core.arrays import Array, namespace
from ..core.inputs import as_input, as_target, as_weight
from ..core.network import Network
from ..data.shards import Shard, targets_of
from ..engines.passes import forward_in_blocks
from ..errors import InputError, InputTypeError


@dataclass(frozen=True, slots=True, eq=False)
class ValidationSet:
    """X (N, n_0), the target (N, k) and the weights (N,), of sum 1.

    ``shared``: each process of a cluster holds some of the examples, and the sum is that of the weights of all.
    """

    X: Array
    target: Array
    weight: Array
    shared: bool = False

    @classmethod
    def of(cls, network: Network, given: Any) -> ValidationSet:
        """From (X, y) or (X, y, sample_weight), as the user gives them."""
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise InputTypeError(
                "validation is neither a fraction nor (X, y) nor (X, y, sample_weight): expected one of them."
            )
        X = as_input(network, given[0])
        weight = as_weight(network, given[2] if len(given) == 3 else None, X.shape[0])
        return cls(X, as_target(network, given[1], X.shape[0]), weight)

    def loss(self, network: Network) -> float:
        """ℒ = Σ_n w_n ℓ_n of a network, without dropout or penalty; where ``shared``, this process' part of the sum."""
        total = 0.0
        if not self.X.shape[0]:
            return total
        for rows, trace in forward_in_blocks(network, self.X):
            with np.errstate(over="ignore", invalid="ignore"):
                values = network.loss.value(trace.a[network.depth], trace.output, self.target[rows, :])
                weight = self.weight[rows]
                total += float(namespace(values).sum(namespace(values).where(weight > 0, values, weight) * weight))
        return total


def validation_of(network: Network, shard: Shard, together: bool) -> ValidationSet:
    """A validation set of which this process holds some rows; with ``together``, each holds others."""
    X, y, weight = shard.checked_alike(network, together)
    count, dtype = len(X), X.dtype
    work = partial(targets_of, network, y, count, labels=False)
    target = (cluster.together(work) if together else work())[1]
    own = np.ones(count) if weight is None else weight
    sum_here = float(np.sum(own, dtype=np.float64))
    total = sum(cluster.gather(sum_here)) if together else sum_here
    if not total > 0:
        raise InputError("validation has no row with a weight above 0 in any process, expected at least one.")
    spec = network.spec
    arrays = (spec.xp.asarray(each, device=spec.device) for each in (X, target, (own / total).astype(dtype)))
    return ValidationSet(*arrays, shared=together)
