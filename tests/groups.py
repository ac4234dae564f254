"""The processes of a group, played by threads of this one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backtalk.distributed import ALONE, Group

WAIT = 60.0


class Board:
    """Where the threads put what they give, and take what the others gave."""

    def __init__(self, count: int) -> None:
        self.given: list[Any] = [None] * count
        self.barrier = threading.Barrier(count)

    def exchange(self, index: int, value: Any) -> list[Any]:
        """The values of all."""
        self.given[index] = value
        self.barrier.wait(WAIT)
        every = list(self.given)
        self.barrier.wait(WAIT)
        return every


@dataclass(frozen=True)
class ThreadGroup(Group):
    """A group whose arrays go through the memory of this process."""

    board: Board = field(default_factory=lambda: Board(1), compare=False)

    def _all_gather_array(self, array: np.ndarray) -> np.ndarray:
        return np.stack(self.board.exchange(self.index, array))

    def shift(self, block: np.ndarray, by: int) -> np.ndarray:
        return self.board.exchange(self.index, block.copy())[(self.index - by) % self.count]


def call(count: int, work: Callable[[Group], Any]) -> list[Any]:
    """What the work gives in each of so many processes, called with its group; or its error."""
    board = Board(count)

    def run_as(index: int) -> Any:
        try:
            return work(ThreadGroup(index, count, board) if count > 1 else ALONE)
        except BaseException as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run_as, range(count)))
