"""In which order the blocks of a file are read, and which of them make a part of an epoch.

A file has groups of rows. A group is read from its first row to its last, in blocks; the groups come in random order.
Several groups are open at a time, the lanes, and each next block is of one of them, drawn at random. So the blocks of
an epoch are one sequence of rows, and its parts are cut from that sequence, all of the same size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np


class Block(NamedTuple):
    """So many ``rows`` of a group, from its row ``first`` on."""

    group: int
    first: int
    rows: int


def draw_blocks(groups: Sequence[int], block_rows: int, lanes: int, rng: np.random.Generator) -> list[Block]:
    """Every row of the groups, whose sizes are given, once, in blocks of at most ``block_rows``.

    >>> blocks = draw_blocks([2, 5, 3], 2, 2, np.random.default_rng(0))
    >>> sorted(blocks)
    [Block(group=0, first=0, rows=2), Block(group=1, first=0, rows=2), Block(group=1, first=2, rows=2),
     Block(group=1, first=4, rows=1), Block(group=2, first=0, rows=2), Block(group=2, first=2, rows=1)]
    """
    waiting = rng.permutation(len(groups)).tolist()[::-1]
    draws = iter(rng.random(sum(-(-rows // block_rows) for rows in groups)).tolist())
    lanes_open: list[tuple[int, int]] = []
    blocks = []
    for draw in draws:
        while waiting and len(lanes_open) < lanes:
            lanes_open.append((waiting.pop(), 0))
        lane = int(draw * len(lanes_open))
        group, first = lanes_open[lane]
        count = min(block_rows, groups[group] - first)
        blocks.append(Block(group, first, count))
        if first + count < groups[group]:
            lanes_open[lane] = (group, first + count)
        else:
            del lanes_open[lane]
    return blocks


def cut(blocks: Sequence[Block], size: int) -> Iterator[list[Block]]:
    """The sequence of rows in parts of ``size`` each, the last one of what is left; a block may be cut in two.

    >>> [[tuple(block) for block in part] for part in cut([Block(1, 0, 2), Block(0, 0, 2), Block(2, 0, 1)], 3)]
    [[(1, 0, 2), (0, 0, 1)], [(0, 1, 1), (2, 0, 1)]]
    """
    part, room = [], size
    for group, first, count in blocks:
        while count >= room:
            part.append(Block(group, first, room))
            yield part
            first, count = first + room, count - room
            part, room = [], size
        if count:
            part.append(Block(group, first, count))
            room -= count
    if part:
        yield part
