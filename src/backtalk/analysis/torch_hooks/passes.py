"""The backward passes within a block: their numbers, and which of them a checkpoint runs as a part of another."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any


class Passes:
    """Numbers of backward passes, as autograd counts them. ``running``: that of the pass that runs now, or −1."""

    def __init__(self, torch: Any) -> None:
        self.running: Callable[[], int] = torch._C._current_graph_task_id
        self._engine = torch.autograd.Variable._execution_engine
        self._inside: dict[int, int] = {}  # a checkpoint's backward pass, and the one that it is a part of
        self.recomputing: list[int] = []  # backward passes in which a module was called

    def is_of(self, thread: int) -> bool:
        """Whether the call of a module that just ended is of this thread's loop.

        A checkpoint computes again wherever its backward pass runs, for a GPU in a thread of autograd.
        """
        return get_ident() == thread or self.running() != -1

    def enter(self) -> int:
        """For each call of a module: the pass within which a checkpoint computes it again, or −1."""
        task = self.running()
        if task == -1:
            self.recomputing.clear()  # one that ended with an exception tells nobody
        elif task not in self.recomputing:
            if self.recomputing:
                self._inside[task] = self.recomputing[-1]
            self.recomputing.append(task)
            self.at_end(lambda: self._leave(task))
        return task

    def current(self, inside: int) -> int:
        """The number of the pass that runs; for a part that a checkpoint runs, that of the whole.

        ``inside``: what ``enter`` gave for the call whose gradient arrives.
        """
        task = self.running()
        if inside != -1 and inside != task:
            self._inside[task] = inside
        while task in self._inside:
            task = self._inside[task]
        return task

    def at_end(self, call: Callable[[], None]) -> None:
        """Call this when the pass that runs has ended, and all gradients have arrived."""
        self._engine.queue_callback(call)

    def _leave(self, task: int) -> None:
        if task in self.recomputing:
            self.recomputing.remove(task)
