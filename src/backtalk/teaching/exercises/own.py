"""What a question of its own kind needs to be marked: the student's numbers above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Guess = tuple[str, Callable[[], np.ndarray]]  # what was likely done, in words, and what comes of it


class Own(Protocol):
    """The student's numbers; where there are none, what follows from those above."""

    def h(self, i: int) -> np.ndarray:
        """h_i, (n_i, 1); ŷ for i = L."""
        ...

    def gradient(self, family: str, i: int) -> np.ndarray:
        """∇ℒ of a, h or b as a column, of W as a matrix."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Further:
    """How the answer follows from the numbers above it, the mistakes that are likely, and whether it is a matrix."""

    follows: Callable[[Own], np.ndarray]
    guesses: Callable[[Own], Sequence[Guess]]
    is_matrix: bool = True
