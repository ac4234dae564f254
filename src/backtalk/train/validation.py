"""The validation set: held out from the examples, or given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.arrays import Array
from ..core.batch import Batch, checked_y
from ..core.inputs import as_input, as_weight
from ..core.network import Network
from ..data.shards import Shard
from ..data.sources import InMemory, Source
from ..data.streams import MemoryMapped
from ..distributed import ALONE, Group
from ..engines.native.passes import ROWS_AT_ONCE
from ..engines.passes import weighted_loss
from ..errors import InputError, InputTypeError


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Examples whose weights have the sum 1; ``shared``: over all processes of a group, each of which has some."""

    batch: Batch
    shared: bool = False

    @staticmethod
    def of(network: Network, given: Any, group: Group = ALONE) -> AnyValidation:
        """From (X, y), (X, y, sample_weight) or a :class:`~backtalk.Shard`, as the user gives them; or in files."""
        if isinstance(given, MemoryMapped):
            return ValidationInFile.of(network, given)
        if isinstance(given, Shard):
            return Validation(given.batch(network, group), shared=group.count > 1)
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise InputTypeError(
                "validation is neither a fraction nor (X, y) nor (X, y, sample_weight) nor a MemoryMapped: expected "
                "one of them."
            )
        return Validation(Batch.of(network, *given, takes_labels=False))

    def loss(self, network: Network, group: Group = ALONE) -> float:
        """ℒ of a network, without dropout or penalty: the same number in every process, since it decides."""
        parts = group.all_gather(weighted_loss(network, self.batch))
        return sum(parts) if self.shared else parts[0]


@dataclass(frozen=True, slots=True, eq=False)
class ValidationInFile:
    """Examples that are read a block at a time whenever their loss is asked for; the weights, of sum 1, are in memory.

    The loss is that of the same examples in memory, to the bit.
    """

    data: MemoryMapped
    weight: Array
    shared = False

    @classmethod
    def of(cls, network: Network, data: MemoryMapped) -> ValidationInFile:
        return cls(data, as_weight(network, data.weights(), data.count))

    def loss(self, network: Network, group: Group = ALONE) -> float:
        """ℒ of a network, without dropout or penalty, as each process of a group counts it for itself."""
        return group.all_gather(self._loss(network))[0]

    def _loss(self, network: Network) -> float:
        total = 0.0
        for first in range(0, self.data.count, ROWS_AT_ONCE):
            last = min(first + ROWS_AT_ONCE, self.data.count)
            X, y = self.data.rows(first, last)
            target = checked_y(network, y, last - first, takes_labels=False)
            total += weighted_loss(network, Batch(network, as_input(network, X), target, self.weight[first:last]))
        return total

    def fingerprint(self) -> str:
        """A text that differs if the data do."""
        return self.data.fingerprint()


AnyValidation = Validation | ValidationInFile


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
