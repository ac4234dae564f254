"""A target: something of backtalk that reads bytes from outside, with files that it reads well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

Mutation = Callable[[bytes, Random], bytes]
FORGED = 0.7  # of the mutations, if parts guard one another


@dataclass(frozen=True)
class Target:
    """``read`` is called with a file named ``name`` + ``suffix``; ``make_seeds`` gives the contents of whole files.

    ``damage`` changes bytes; ``forge`` changes parts, and makes anew the lengths and the check sums that guard them.
    ``guarded``: a check sum guards the content. Then ``read`` gives its meaning, as bytes, and what was damaged must be
    refused, or mean what a seed means. ``may_abort``: a library aborts over some files, which ends the process; whoever
    reads them sees to that.
    """

    name: str
    suffix: str
    make_seeds: Callable[[], list[bytes]]
    read: Callable[[Path], Any]
    damage: Mutation
    forge: Mutation | None = None
    guarded: bool = False
    may_abort: bool = False

    @cached_property
    def seeds(self) -> list[bytes]:
        """Whole files."""
        return self.make_seeds()

    def draw(self, draw: Random) -> tuple[bytes, bool]:
        """A mutated file, and whether its guards were made anew."""
        return self.change(draw.choice(self.seeds), draw)

    def change(self, content: bytes, draw: Random) -> tuple[bytes, bool]:
        """A mutation of a content, and whether its guards were made anew."""
        if self.forge is not None and draw.random() < FORGED:
            return self.forge(content, draw), True
        return self.damage(content, draw), False
