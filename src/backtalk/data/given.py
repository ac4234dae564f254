"""What a user gives as X, y and weights, as a source of examples."""

from __future__ import annotations

from typing import Any

from ..core.arrays import Array
from ..core.batch import Batch, checked_y
from ..core.inputs import as_input, as_weight
from ..core.network import Network
from ..distributed import Group
from ..errors import InputError
from .class_weights import class_weights
from .sources import InMemory, Source, Stream


def as_source(
    network: Network, X: Any, y: Any, sample_weight: Any, class_weight: Any, takes_labels: bool, group: Group
) -> Source:
    """The examples, checked: arrays, or a :class:`~backtalk.data.sources.Stream` instead of X."""
    if isinstance(X, Stream):
        if y is not None or sample_weight is not None:
            raise InputError("X is a Stream, which holds y and the weights itself: leave them out.")
        return X.source(network, takes_labels, class_weight, group)
    if y is None:
        raise InputError("y is missing: expected one target for each row of X.")
    X = as_input(network, X)
    weight, plain = weights_of(network, sample_weight, class_weight, y, X.shape[0])
    return InMemory(Batch(network, X, checked_y(network, y, X.shape[0], takes_labels), weight), sample_weight=plain)


def weights_of(
    network: Network, sample_weight: Any, class_weight: Any, y: Any, count: int
) -> tuple[Array | None, Array | None]:
    """The weights of ``count`` examples, (N,), times those of their classes; and without them."""
    by_class = class_weights(network, class_weight, y)
    plain = weight = None if sample_weight is None else as_weight(network, sample_weight, count)
    if by_class is not None:
        spec = network.spec
        of_rows = as_weight(network, spec.xp.asarray(by_class, dtype=spec.dtype, device=spec.device), count)
        weight = of_rows if weight is None else as_weight(network, weight * of_rows, count)
    return weight, plain
