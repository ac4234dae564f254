"""What happens to ``.grad`` between one step and the next: who adds to it, and whether it is cleared, and when.

Told by which tensor a gradient is and how often it was changed in place, of a few parameters: nothing is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TRACKED = 8


class Gradients:
    """``uncleared``: steps in a row whose gradient holds what an earlier step used; ``emptied``: steps in a row that
    found their gradient gone.
    """

    uncleared: int
    emptied: int

    def __init__(self) -> None:
        self.uncleared = self.emptied = 0
        self._tracked: list[Any] = []
        self._before: list[Any] = []  # a backward pass
        self._made: list[Any] = []  # by the last one
        self._used: list[Any] = []  # as a step left them, as long as they were not cleared; empty if they were
        self._stale = False  # whether the backward passes since the last step added to what it used

    def choose(self, parameters: Sequence[Any]) -> None:
        """Look at a few of these from now on."""
        trained = [p for p in parameters if p.requires_grad and not hasattr(p, "materialize")]  # not of a lazy layer
        reached = [p for p in trained if p.grad is not None] or trained
        stride = max(1, -(-len(reached) // TRACKED))
        chosen = dict.fromkeys([*reached[::stride], *reached[-1:]])
        self._tracked, self._used, self._made = sorted(chosen, key=lambda p: p.numel()), [], []

    def before_backward(self) -> None:
        """Whether the last step's gradient was cleared since."""
        self._before = [_state(p) for p in self._tracked]
        if self._used and self._cleared():
            self._used = []

    def reached(self) -> bool:
        """Whether the backward pass that ended added to the gradients of the model."""
        made = [_state(p) for p in self._tracked]
        if made == self._before:
            return False
        self._made = made
        if self._used:
            self._used, self._stale = made, True
        return True

    def before_step(self, *, measured: bool) -> None:
        """A step that a backward pass has reached begins; whether its gradient is 0 is seen in measured ones alone."""
        states = [_state(p) for p in self._tracked]
        if all(state is None for state in states) or (measured and states != self._made and self._are_zero()):
            self.emptied, self.uncleared = self.emptied + 1, 0
        else:
            self.emptied = 0 if measured else self.emptied
            self.uncleared = self.uncleared + 1 if self._stale and self._used else 0

    def after_step(self) -> None:
        """What the step used is now known."""
        self._stale = False
        self._used = [_state(p) for p in self._tracked]
        if all(state is None for state in self._used):
            self._used = []

    def _are_zero(self) -> bool:
        return not any(_any(p.grad) for p in self._tracked if p.grad is not None)

    def _cleared(self) -> bool:
        left = [(p, used) for p, used in zip(self._tracked, self._used, strict=True) if used is not None]
        if any(_state(p) != used for p, used in left):
            return True
        return not any(_any(p.grad) for p, _ in left)  # .grad.data.zero_() changes no version


def _state(p: Any) -> Any:
    gradient = p.grad
    return None if gradient is None else (id(gradient), gradient._version)


def _any(gradient: Any) -> bool:
    return gradient.is_sparse or bool(gradient.any())
