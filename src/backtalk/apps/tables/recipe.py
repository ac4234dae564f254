"""Which networks a run trains unless a user asks for one: of two kinds, since their mean is better than each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .options import Options

BATCH_SIZES = 16, 256  # at the least and at the most
MOST_MEMBERS = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """A kind of network, and how it is trained; ``steps``: about how many there are in an epoch."""

    hidden: tuple[int, ...] = (64, 32)
    activation: str = "mish"
    optimizer: str = "adam"
    schedule: str = "constant"
    epochs: int = 200
    patience: int = 20
    steps: int = 50

    def batch_size(self, rows: int) -> int:
        """How many of the rows to train on are in a mini-batch: a power of 2.

        >>> Recipe().batch_size(1600), Recipe().batch_size(100), Recipe().batch_size(10**6)
        (32, 16, 256)
        """
        least, most = BATCH_SIZES
        return min(most, max(least, 2 ** round(math.log2(rows / self.steps))))


SMALL = Recipe()
WIDE = Recipe((128, 128), optimizer="adam(learning_rate=0.003)", schedule="cosine", epochs=60, patience=15, steps=30)
ONE_KIND = "hidden", "activation", "optimizer", "schedule"  # if one of these is asked for, all networks are alike


def recipes_of(options: Options) -> tuple[Recipe, ...]:
    """Those of a run: what a user asks for of each kind replaces its part."""
    return (SMALL,) if any(getattr(options, name) is not None for name in ONE_KIND) else (SMALL, WIDE)
