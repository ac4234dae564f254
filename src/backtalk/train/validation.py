"""The validation set: held out from the examples, or given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.batch import Batch
from ..core.inputs import as_weight
from ..core.network import Network
from ..data.shards import Shard
from ..data.sources import InMemory, Source
from ..distributed import ALONE, Group
from ..engines.passes import weighted_loss
from ..errors import InputError, InputTypeError


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Examples whose weights have the sum 1; ``shared``: over all processes of a group, each of which has some."""

    batch: Batch
    shared: bool = False

    @classmethod
    def of(cls, network: Network, given: Any, group: Group = ALONE) -> Validation:
        """From (X, y), (X, y, sample_weight) or a :class:`~backtalk.Shard`, as the user gives them."""
        if isinstance(given, Shard):
            return cls(given.batch(network, group), shared=group.count > 1)
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise InputTypeError(
                "validation is neither a fraction nor (X, y) nor (X, y, sample_weight): expected one of them."
            )
        return cls(Batch.of(network, *given, takes_labels=False))

    def loss(self, network: Network, group: Group = ALONE) -> float:
        """ℒ of a network, without dropout or penalty: the same number in every process, since it decides."""
        parts = group.all_gather(weighted_loss(network, self.batch))
        return sum(parts) if self.shared else parts[0]


def hold_out(
    network: Network, source: Source, fraction: float, generator: np.random.Generator
) -> tuple[Source, Validation]:
    """What is trained on, and a fraction of the rows, drawn at random, as the validation set."""
    if not isinstance(source, InMemory):
        raise InputError(f"validation is {fraction}, but X is read as a Stream: give a set, as (X, y).")
    count = source.count
    held_out = max(1, round(count * fraction))
    if held_out >= count:
        raise InputError(f"validation is {fraction}, which leaves none of {count} rows to train on.")
    order = generator.permutation(count)
    chosen, rows = np.sort(order[:held_out]), np.sort(order[held_out:])
    if source.rows is not None:
        chosen, rows = source.rows[chosen], source.rows[rows]
    batch = replace(source.batch, weight=source.sample_weight).rows(chosen)  # a validation set knows no class weights
    weight = as_weight(network, batch.weight, held_out)
    return InMemory(source.batch, rows), Validation(replace(batch, y=batch.target(), weight=weight))
