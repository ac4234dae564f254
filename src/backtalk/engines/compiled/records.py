"""What the last calls did, so that their steps can be taken again when training diverges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .batches import BatchBlock
from .program import DeviceState

# A copy of the state takes at most about as long as a step: after so many steps it costs less than a hundredth of them,
# and they are soon taken again. It is made earlier if what they read, which is kept until then, has so many bytes.
STEPS_OF_COPY, BYTES_OF_COPY = 128, 2**26


@dataclass(frozen=True, slots=True, eq=False)
class StepRecord:
    """Steps that one call took: what it takes to take them again, and by how much each mini-batch counted.

    ``before``: a copy of the state before them; None if it is that after the steps of the record before this one.
    """

    before: DeviceState | None
    block: BatchBlock
    first: int
    rates: np.ndarray
    masks: list[Any] | None
    counts: np.ndarray

    @property
    def bytes(self) -> int:
        """Of the examples and the masks."""
        return self.block.batches.X.nbytes + sum(mask.nbytes for mask in self.masks or ())


@dataclass(slots=True)
class StepRecords:
    """The last records, one for each call: as many as lead from a copy of the state to the last update."""

    kept: list[StepRecord] = field(default_factory=list)

    def last_copy(self, until: int) -> int:
        """The last of the first ``until`` records that has a copy."""
        return max((number for number in range(until) if self.kept[number].before is not None), default=0)

    def copy_is_due(self) -> bool:
        """Whether the next call begins with a copy of the state."""
        since = self.kept[self.last_copy(len(self.kept)) :]
        steps, held = sum(len(record.counts) for record in since), sum(record.bytes for record in since)
        return not since or steps >= STEPS_OF_COPY or held >= BYTES_OF_COPY

    def add(self, record: StepRecord) -> None:
        """One more. Those before the last copy go, unless the last update is among them."""
        self.kept.append(record)
        since = self.kept[self.last_copy(len(self.kept)) :]
        if any(np.any(each.counts) for each in since):
            self.kept = since

    def last_update(self) -> tuple[int, int] | None:
        """The record of the last update, and its mini-batch in it; None before the first one."""
        for number in reversed(range(len(self.kept))):
            updates = np.flatnonzero(self.kept[number].counts)
            if len(updates):
                return number, int(updates[-1])
        return None
