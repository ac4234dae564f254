"""All pages of a lecture, in order: forward, the roadmap, and the three talks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..brief import forward_steps, talk_of, to_output, to_yhat
from ..lit import picture_of
from ..quantity import Quantity
from ..steps import Step
from ..values import AnyValues
from ..view import View
from .board import Board
from .chain import chain, roadmap
from .hidden import again, alternation, in_our_case, missing, multiple_paths, row_by_row, through, two_vectors
from .parameters import to_biases, to_weights


def lecture_steps(values: AnyValues, asked: Quantity, view: View) -> Iterator[Step]:
    """Every step that leads to a quantity, each derived, with the network drawn beside it."""
    board, depth = Board(values, asked, view), values.network.depth
    talk, unit = talk_of(values), asked.indices[:1]
    for step in forward_steps(values, talk):
        yield replace(step, picture=picture_of(step, board.sizes, view))
    yield from roadmap(board)
    yield from chain(board)
    at_output = board.picture(
        {depth: set(unit) if asked.layer == depth and unit else board.all_of(depth), depth + 1: (1,)}
    )
    if asked.family == "h" and asked.layer == depth:
        yield replace(to_yhat(values, talk, unit), picture=at_output)
        return
    last = asked.layer if asked.family != "h" else asked.layer + 1
    own_output = unit if last == depth and asked.family != "h" else ()
    for step in to_output(values, talk, own_output):
        yield replace(step, picture=at_output)
    yield from _hidden(board)
    if asked.family == "W":
        yield from to_weights(board)
    elif asked.family == "b":
        yield from to_biases(board)


def _hidden(board: Board) -> Iterator[Step]:
    """The second talk, from layer L − 1 down; the first layer and the last one are derived in full."""
    asked, top = board.asked, board.depth - 1
    last = asked.layer  # of the layers whose h is needed
    for i in range(top, last - 1, -1):
        own = asked.indices[:1] if i == last else ()
        if i == top:
            yield from multiple_paths(i)
        if i in (top, last):
            yield from in_our_case(board, i, own)
            yield from two_vectors(board, i, own)
            if not own:
                yield from row_by_row(board, i)
        else:
            yield from again(board, i)
        if i == last and asked.family == "h":
            return
        if i == top:
            yield missing(board, i, last)
        yield from through(board, i, own, first=i == top)
        if i == top and last < top:
            yield from alternation(board, top, last)
