"""The roadmap, and the chain rule from the loss to the quantity, with the shape and the numbers of every factor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..evaluation import axes_of
from ..expressions import Braced, Derivative, Expression, Listed, Number, Partial, Product, Symbol
from ..quantity import symbol_of
from ..steps import STOPS, Step, make_rule, make_step
from ..text import write_text
from ..values import ExampleValues
from .board import Board

LOSS = Symbol("loss")


@dataclass(frozen=True, slots=True)
class Talk:
    """Factors of the chain under one brace, with what is said there."""

    said: str
    factors: tuple[Partial, ...]


def roadmap(board: Board) -> Iterator[Step]:
    """The three kinds of gradients, in the order in which they are found."""
    depth, title = board.depth, "The roadmap"
    now = {i: board.all_of(i) for i in range(depth + 2)}
    goals = [Derivative(Symbol("a", depth))]
    yield make_rule("roadmap", depth, title, f"First stop: the gradient with respect to {STOPS[0]}.",
                    board.picture(now), Listed(tuple(goals)))  # fmt: skip
    if depth > 1:
        layers = list(range(depth - 1, 0, -1))
        where = "of layer 1" if depth == 2 else f"from layer {depth - 1} down to layer 1"
        goals = [Derivative(Symbol(letter, i)) for i in layers[:3] for letter in "ha"]
        dots = [Symbol("…")] if len(layers) > 3 else []
        yield make_rule("roadmap", depth, title, f"Second stop: {STOPS[1]}, {where}.",
                        board.picture(now), Listed((*goals, *dots)))  # fmt: skip
    if board.asked.family not in "Wb":  # it ends before
        return
    goals = [Derivative(Symbol(letter, i)) for i in range(depth, 0, -1)[:3] for letter in "Wb"]
    dots = [Symbol("…")] if depth > 3 else []
    yield make_rule("roadmap", depth, title, f"Third stop: {STOPS[2]}.", board.picture(now), Listed((*goals, *dots)))


def chain(board: Board) -> Iterator[Step]:
    """∂ℒ/∂(quantity) as a product of slopes, each between neighbours."""
    asked, network = board.asked, board.values.network
    symbol = symbol_of(network, asked)
    if asked.family == "W" and not asked.indices:
        symbol = Symbol("W", asked.layer, (board.first_shown(asked.layer), board.first_shown(asked.layer - 1)))
    left = Derivative(symbol) if symbol.indices else Partial(LOSS, symbol)
    talks = talks_of(board, symbol)
    layers = range(max(asked.layer - (asked.family == "W"), 0), board.depth + 2)
    now = {i: board.all_of(i) for i in layers}
    for i, unit in zip((asked.layer, asked.layer - 1), symbol.indices, strict=False):
        now[i] = {int(unit)}
    picture = board.picture(now)
    title = "The chain, factor by factor"
    reason = (
        f"To learn what {write_text(symbol)} does to the loss, talk to the output layer, which talks to the layer "
        "before it, and so on. Each factor is the slope between two neighbours:"
    )
    if board.asked.family == "h" and asked.layer == board.depth:
        reason = "The output stands next to the loss: one factor is enough."
    braced = Product(tuple(Braced(Product(tuple(map(board_factor(board), t.factors))), (t.said,)) for t in talks))
    if not isinstance(board.values, ExampleValues):
        yield make_rule("roadmap", board.depth, title, reason, picture, left, braced)
        return
    step = make_step(board.values, "roadmap", board.depth, title, reason, left, braced, (), picture)
    numbers = [_with_symbol(board.values, factor) for talk in talks for factor in talk.factors]
    yield Step(step.talk, step.layer, title, reason, left, braced, Product(tuple(numbers)), step.value, (), picture,
               board.values)  # fmt: skip


def talks_of(board: Board, symbol: Symbol) -> list[Talk]:
    """The factors from the loss to a quantity, by the talk to which they belong."""
    depth, asked = board.depth, board.asked
    yhat, a = Symbol("yhat"), Symbol("a", depth)
    if asked.family == "h" and asked.layer == depth:
        return [Talk("talk to the\noutput layer", (Partial(LOSS, symbol),))]
    at_top = asked.layer == depth and asked.family == "a"
    if not board.values.clear:
        factors: tuple[Partial, ...] = (Partial(LOSS, symbol if at_top else a),)
    else:
        factors = (Partial(LOSS, yhat), Partial(yhat, symbol if at_top else a))
    talks = [Talk("talk to the\noutput layer", factors)]
    for i in range(depth - 1, asked.layer - 1, -1):
        own = i == asked.layer and bool(asked.indices)
        h, a = Symbol("h", i), Symbol("a", i)
        if own and asked.family == "h":
            h = symbol
        if own and asked.family == "a":
            a = symbol
        up = Partial(Symbol("a", i + 1), h)
        last = i == asked.layer and asked.family == "h"
        said = "talk to the previous\nhidden layer" if i == depth - 1 else "and to the one\nbefore it"
        if i == 0:
            said = "and now talk\nto the input"
        talks.append(Talk(said, (up,) if last else (up, Partial(h, a))))
    if asked.family in "Wb":
        said = "weights" if asked.family == "W" else "biases"
        talks.append(Talk(f"and now talk\nto the {said}", (Partial(Symbol("a", asked.layer), symbol),)))
    return talks


def board_factor(board: Board) -> Callable[[Partial], Expression]:
    """A factor with its shape below it."""

    def shown(factor: Partial) -> Expression:
        rows, columns = (_size(board, part) for part in (factor.above, factor.below))
        return Braced(factor, (f"{rows}×{columns}",))

    return shown


def _size(board: Board, symbol: Symbol) -> int:
    if symbol.indices or symbol.letter == "loss":
        return 1
    return board.sizes[board.depth if symbol.layer is None else int(symbol.layer)]


def _with_symbol(values: ExampleValues, factor: Partial) -> Expression:
    """The numbers of a factor, and below them which one it is."""
    value = values[factor]
    return Braced(Number(value if np.ndim(value) else np.array([[value]]), axes_of(factor)), (factor,))
