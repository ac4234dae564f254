"""What predicts: the networks of a run, and how a table becomes their inputs and their output becomes the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...core.inputs import as_input
from ...core.losses import Quantiles
from ...core.mean import mean_network, shares_of
from ...core.network import Network
from ...data.streams.rows import InFileRows
from ...engines import passes
from ...errors import InputError
from .preprocessing import Preprocessing
from .target import Target

ROWS_AT_ONCE = 2**14  # of X in a file


@dataclass(frozen=True, eq=False)
class Model:
    """The members of an ensemble, or a single network, with the columns and the target.

    ``weights``: of the members in their mean, if they do not count alike. ``mean_input``: the mean of the encoded
    training rows, beside which predictions are explained; None of a run that an earlier version made.
    ``network``: the mean of the members, one network, for all that asks for gradients.
    """

    members: tuple[Network, ...]
    preprocessing: Preprocessing
    target: Target
    weights: Sequence[float] | None = None
    mean_input: Sequence[float] | None = None

    @cached_property
    def network(self) -> Network:
        """The network whose a_L is the mean of the members'."""
        return mean_network(self.members, self.weights)

    def member(self, number: int) -> Network:
        """The member of this number, from 1."""
        if not 1 <= number <= len(self.members):
            count = len(self.members)
            which = f"{count} networks: expected 1 to {count}" if count > 1 else "1 network: expected 1"
            raise InputError(f"is {number}, but the run has {which}.", argument="member")
        return self.members[number - 1]

    def output_of(self, X: np.ndarray | InFileRows) -> np.ndarray:
        """ŷ (rows, outputs), float32, of the mean of the members."""
        return output_of(self.members, X, self.weights)


def output_of(
    members: Sequence[Network], X: np.ndarray | InFileRows, weights: Sequence[float] | None = None
) -> np.ndarray:
    """ŷ (rows, outputs) of the mean of the members: O(v_1 a_L¹ + … + v_k a_Lᵏ), for some rows at a time.

    The quantiles of a row are put in order, which brings them no further from the truth (Chernozhukov et al. 2010).
    It is that of :func:`~backtalk.mean_network`, which would multiply with the zeros beside its diagonal as well.
    """
    if isinstance(X, InFileRows):
        blocks = (X.read(first, min(first + ROWS_AT_ONCE, len(X))) for first in range(0, len(X), ROWS_AT_ONCE))
        return np.concatenate([output_of(members, block, weights) for block in blocks])
    first = members[0]
    if len(X) == 0:  # a process of a cluster that has none
        return np.empty((0, first.sizes[-1]), first.spec.dtype_name)
    X = np.asarray(as_input(first, X))
    if len(members) == 1:
        return in_order(first, passes.output_of(first, X))
    return in_order(first, np.asarray(first.output.value(end_of(members, X, weights))))


def end_of(members: Sequence[Network], X: np.ndarray, weights: Sequence[float] | None = None) -> np.ndarray:
    """a_L (rows, outputs) of the mean of the members."""
    a = np.zeros((len(X), members[0].sizes[-1]), X.dtype)
    for share, member in zip(shares_of(weights, len(members)).astype(X.dtype), members, strict=True):
        for rows, own, _ in passes.ends_in_blocks(member, X):
            a[rows] += share * own
    return a


def in_order(network: Network, output: np.ndarray) -> np.ndarray:
    """ŷ; quantiles of a row in order."""
    return np.sort(output, axis=1) if isinstance(network.loss, Quantiles) else output
