"""The validation set: held out from the examples, or given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.arrays import Array, to_numpy
from ..core.batch import Batch, checked_y
from ..core.inputs import as_input, as_weight
from ..core.network import Network
from ..data.shards import Shard
from ..data.sources import InMemory, Source
from ..data.streams import MemoryMapped
from ..distributed import ALONE, Group
from ..engines.native.passes import ROWS_AT_ONCE
from ..engines.passes import losses_in_blocks
from ..errors import InputError, InputTypeError
from .metric import Metric, truth_of


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Examples whose weights have the sum 1; ``shared``: over all processes of a group, each of which has some.

    ``metric``: what judges them besides the loss.
    """

    batch: Batch
    shared: bool = False
    metric: Metric | None = None

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

    def judge(self, network: Network, group: Group = ALONE) -> tuple[float, float | None]:
        """ℒ of a network, without dropout or penalty, and the metric: the same in every process, since they decide."""
        own, output = _sums(losses_in_blocks(network, self.batch), self.metric is not None)
        parts = group.all_gather(own)
        loss = sum(parts) if self.shared else parts[0]
        if self.metric is None:
            return loss, None
        if output is None:  # a process that has no rows
            output = np.empty((0, network.sizes[-1]), network.spec.dtype_name)
        weight = self.batch.weights()[0] if self.batch.weight is None else self.batch.weight
        y, weight = to_numpy(self.batch.target()), to_numpy(weight)
        if self.shared:
            y, output, weight = group.concatenate(y), group.concatenate(output), group.concatenate(weight)
        return loss, self.metric.value(truth_of(network, y), output, unless_alike(weight))


@dataclass(frozen=True, slots=True, eq=False)
class ValidationInFile:
    """Examples that are read a block at a time whenever their loss is asked for; the weights, of sum 1, are in memory.

    The loss is that of the same examples in memory, to the bit.
    """

    data: MemoryMapped
    weight: Array
    metric: Metric | None = None
    shared = False

    @classmethod
    def of(cls, network: Network, data: MemoryMapped) -> ValidationInFile:
        return cls(data, as_weight(network, data.weights(), data.count))

    def judge(self, network: Network, group: Group = ALONE) -> tuple[float, float | None]:
        """ℒ of a network, without dropout or penalty, and the metric, as each process of a group counts it."""
        targets: list[np.ndarray] = []
        loss, output = _sums(self._blocks(network, targets), self.metric is not None)
        metric = None
        if self.metric is not None and output is not None:
            y = truth_of(network, np.concatenate(targets))
            metric = self.metric.value(y, output, unless_alike(to_numpy(self.weight)))
        return group.all_gather([loss, metric])[0]

    def _blocks(self, network: Network, targets: list[np.ndarray]) -> Iterator[tuple[float, Array]]:
        for first in range(0, self.data.count, ROWS_AT_ONCE):
            last = min(first + ROWS_AT_ONCE, self.data.count)
            X, y = self.data.rows(first, last)
            target = checked_y(network, y, last - first, takes_labels=False)
            if self.metric is not None:
                targets.append(to_numpy(target))
            batch = Batch(network, as_input(network, X), target, self.weight[first:last])
            yield from losses_in_blocks(network, batch)

    def fingerprint(self) -> str:
        """A text that differs if the data do."""
        return self.data.fingerprint()


AnyValidation = Validation | ValidationInFile


def judged_by(validation: AnyValidation | None, metric: Metric | None) -> AnyValidation | None:
    """The same, judged by a metric as well."""
    return validation if validation is None or metric is None else replace(validation, metric=metric)


def _sums(blocks: Iterator[tuple[float, Array]], wants_output: bool) -> tuple[float, np.ndarray | None]:
    """The loss over blocks of examples, and ŷ of all of them if it is wanted and there are any."""
    loss, outputs = 0.0, []
    for part, output in blocks:
        loss += part
        if wants_output:
            outputs.append(to_numpy(output))
    return loss, np.concatenate(outputs) if outputs else None


def unless_alike(weight: np.ndarray) -> np.ndarray | None:
    """The weights, or None if all rows count alike: then a share of the rows is exactly that."""
    return None if (weight == weight[:1]).all() else weight


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
