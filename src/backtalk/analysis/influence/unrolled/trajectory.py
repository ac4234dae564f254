"""The steps of a recorded run, taken again by the engine that took them, and read from the last to the first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ....core.network import Network
from ....engines.steps import Steps, StepState
from ....errors import InputError
from ....train.recording import Recording


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Before a step: its rows and learning rate, the network, and the state of the optimizer, whose step counts on."""

    rows: np.ndarray
    rate: float
    network: Network
    state: StepState


WHOLE = 2**26  # bytes of a run that is kept whole: beyond the caches it costs less to take the steps again


def bytes_along(recording: Recording, memory_limit: int) -> tuple[int, int]:
    """The stride between the points that are kept at the same time, and the bytes of all that are.

    All T points, if they take half of the limit and ``WHOLE`` at most; or each √T-th, and those between two of them
    while they are read. Raises :class:`~backtalk.errors.InputError` if the limit is too small for that.
    """
    size = sum(part.nbytes for part in (*recording.start.W.values(), *recording.start.b.values()))
    each = size * (1 + len(recording.settings.optimizer.families))
    count = max(recording.steps, 1)
    stride = math.isqrt(count - 1) + 1
    least = each * min(stride + -(-count // stride), count)
    if least > memory_limit:
        raise InputError(
            f"memory_limit is {memory_limit}, but a run of {count} steps takes {least} bytes at least: "
            "expected as many."
        )
    whole = each * count
    return (count, whole) if whole <= max(min(memory_limit // 2, WHOLE), least) else (stride, least)


class Trajectory:
    """A recorded run, of which each ``stride``-th point is kept, from which the others follow.

    Raises :class:`~backtalk.errors.InputError` if the steps no longer lead to the network that the run gave.
    """

    recording: Recording
    stride: int
    taken: list[tuple[np.ndarray, float]]

    def __init__(self, recording: Recording, stride: int) -> None:
        self.recording, self.stride = recording, stride
        self.taken = list(recording.mini_batches())

    def backwards(self) -> Iterator[Point]:
        """Every step, the last one first."""
        steps = self.recording.begin()
        kept: list[tuple[Network, StepState]] = []
        points: list[Point] = []
        for number, (rows, rate) in enumerate(self.taken):
            if number % self.stride == 0:
                kept.append((steps.network, steps.state()))
            if number >= len(self.taken) - self._last():
                points.append(self._point(steps, rows, rate))
            _take(steps, rows, rate)
        require_the_end(self.recording, steps.network)
        for part in reversed(range(len(kept))):
            if part < len(kept) - 1:
                points = self._between(part, *kept[part])
            yield from reversed(points)

    def _last(self) -> int:
        """How many steps the last part has."""
        return (len(self.taken) - 1) % self.stride + 1

    def _between(self, part: int, network: Network, state: StepState) -> list[Point]:
        steps = self.recording.begin()
        steps.restore(network, state)
        points = []
        for rows, rate in self.taken[part * self.stride : (part + 1) * self.stride]:
            points.append(self._point(steps, rows, rate))
            _take(steps, rows, rate)
        return points

    @staticmethod
    def _point(steps: Steps, rows: np.ndarray, rate: float) -> Point:
        return Point(rows, rate, steps.network, steps.state())


def steps_again(recording: Recording) -> Iterator[tuple[float, Steps]]:
    """After each step of the run, from the first on: its learning rate, and the steps, whose network is the next."""
    steps = recording.begin()
    for rows, rate in recording.mini_batches():
        _take(steps, rows, rate)
        yield rate, steps
    require_the_end(recording, steps.network)


def _take(steps: Steps, rows: np.ndarray, rate: float) -> None:
    steps.take(np.ascontiguousarray(rows), 0, len(rows), np.array([rate]), most=1)


def require_the_end(recording: Recording, network: Network) -> None:
    """Raise :class:`~backtalk.errors.InputError` unless this is the network that the run gave."""
    if not recording.leads_to_its_end(network):
        raise InputError(
            "the steps of the recorded run, taken again, do not lead to the network that it gave: it was recorded "
            "with another version or other kernels, or its examples were changed; train anew with record=True."
        )
