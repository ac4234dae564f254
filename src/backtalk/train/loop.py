"""The one loop of training, over epochs and chunks of steps: ``fit``, the estimators and the lab drive it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

import numpy as np

from ..core.batch import diverged
from ..data.sources import Order, Source
from ..distributed import ALONE, Group
from ..engines.steps import ENDLESS, Steps
from ..errors import InputError
from .interrupt import held_back


class Event(Enum):
    """What the loop has just done."""

    LOADED = auto()  # the examples of a part of the epoch, whose order is known
    STEPS = auto()  # a chunk of steps
    EPOCH = auto()  # the last step of an epoch


@dataclass(frozen=True, slots=True)
class EpochPosition:
    """Where training stands in an epoch: the ``part`` of the source, the ``row`` in its order, and the sums so far.

    ``loss``/``weight`` is the mean loss. ``epoch_began_at``: updates before the epoch; ``rng_at_epoch``: the state of
    the generator then.
    """

    part: int = 0
    row: int = 0
    loss: float = 0.0
    weight: float = 0.0
    epoch_began_at: int = 0
    rng_at_epoch: dict[str, Any] = field(default_factory=dict)


class Loop:
    """Steps on a source, epoch after epoch.

    ``rates``: called at the beginning of an epoch, gives the learning rate of each of its steps. ``most``: called
    before a chunk, gives how many steps it has at the most. ``position``: where the loop stands; ``epoch_rates``: the
    rates of this epoch; ``order``: the rows of the part at hand; ``rows_before``: how many the parts before it have.
    """

    steps: Steps
    source: Source
    batch_size: int
    generator: np.random.Generator
    rates: Callable[[], np.ndarray]
    most: Callable[[], int]
    group: Group
    position: EpochPosition
    rows_before: int
    epoch_rates: np.ndarray
    order: Order

    def __init__(
        self,
        steps: Steps,
        source: Source,
        batch_size: int,
        generator: np.random.Generator,
        rates: Callable[[], np.ndarray],
        most: Callable[[], int] = lambda: ENDLESS,
        group: Group = ALONE,
    ) -> None:
        self.steps, self.source, self.batch_size, self.generator = steps, source, batch_size, generator
        self.rates, self.most, self.group = rates, most, group
        self.begin_epoch()

    @property
    def steps_per_epoch(self) -> int:
        """How many mini-batches an epoch has."""
        return -(-self.source.count // self.batch_size)

    def begin_epoch(self) -> None:
        """Stand before the first step of an epoch: whoever is told of an epoch's end says so, and has closed it."""
        state = dict(self.generator.bit_generator.state)
        self.position = EpochPosition(epoch_began_at=self.steps.step, rng_at_epoch=state)
        self.rows_before = 0

    def events(self) -> Iterator[Event]:
        """Train, without end: whoever drives the loop leaves it."""
        while True:
            self.epoch_rates, self.rows_before, number = self.rates(), 0, -1
            for number, part in enumerate(self.source.parts(self.generator, self.batch_size)):
                if number >= self.position.part:
                    self._require_position(part.count)
                    batch, self.order = self.group.run(part.load)
                    self.steps.use(batch)
                    yield Event.LOADED
                    while self.position.row < len(self.order):
                        with held_back():
                            self._take()
                        yield Event.STEPS
                    self.position = replace(self.position, part=number + 1, row=0)
                self.rows_before += part.count
            if self.position.part != number + 1:
                self._require_position(0)
            yield Event.EPOCH

    def _require_position(self, count: int) -> None:
        """Refuse a position in a part of ``count`` rows that the updates do not lead to: it was read from a file."""
        done, taken = self.rows_before + self.position.row, self.steps.step - self.position.epoch_began_at
        left = -(-(self.source.count - done) // self.batch_size)  # may be fewer: those whose weights are all 0
        if not count or self.position.row > count or taken + left > self.steps_per_epoch:
            raise InputError(
                f"the checkpoint stands {taken} steps and {done} examples into an epoch of {self.steps_per_epoch} and "
                f"{self.source.count}: it was changed."
            )

    def _take(self) -> None:
        """A chunk of steps."""
        at, steps = self.position, self.steps
        rates = self.epoch_rates[steps.step - at.epoch_began_at :]
        taken = steps.take(self.order, at.row, self.batch_size, rates, most=self.most(), loss=at.loss, weight=at.weight)
        if not math.isfinite(taken.loss):  # each loss is finite, but not their sum, or not with the penalty
            raise diverged(steps.network, None, steps.network, steps.step)
        self.position = replace(at, row=taken.place, loss=taken.loss, weight=taken.weight)
