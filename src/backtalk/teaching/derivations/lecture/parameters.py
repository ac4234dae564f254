"""The third talk: to a weight, to the whole matrix as an outer product, to the biases, and over a batch."""

from __future__ import annotations

from collections.abc import Iterator

from ..expressions import Derivative, Expression, Grid, OfExample, Partial, Product, Sum, SumOver, Symbol, Transposed
from ..picture import Picture
from ..steps import Step, make_rule
from .board import Board, stacked, told, weight


def to_weights(board: Board) -> Iterator[Step]:
    """∂a/∂W is what the unit hears; for the matrix, the outer product."""
    i, indices = board.asked.layer, board.asked.indices
    j, k = indices or (board.first_shown(i), board.first_shown(i - 1))
    title = f"One weight: W[{i},{j},{k}]"
    a, W, h = Symbol("a", i, (j,)), weight(i, j, k), Symbol("h", i - 1, (k,))
    picture = board.picture({i - 1: {k}, i: {j}}, [h, a])
    reason = f"Unit {j} of layer {i} sums what it hears, each times its weight:"
    heard = SumOver("k", board.sizes[i - 1], lambda k: Product((weight(i, j, k), Symbol("h", i - 1, (k,)))))
    yield make_rule("weights", i, title, reason, picture, a, Sum((heard, Symbol("b", i, (j,)))))
    reason = (
        f"So W[{i},{j},{k}] has the slope h[{i - 1},{k}] there, and 0 in every other unit: one path leads to the loss."
    )
    rights = (Product((Derivative(a), Partial(a, W))), Product((Derivative(a), h)))
    yield board.step("weights", i, title, reason, picture, Derivative(W), *rights)
    if not indices:
        yield _outer_product(board, i)
    yield _over_a_batch(board, "W", picture)


def _outer_product(board: Board, i: int) -> Step:
    title = f"All weights of layer {i}: an outer product"
    picture = board.picture({i - 1: board.all_of(i - 1), i: board.all_of(i)})
    reason = f"Write row j for unit j and column k for what it hears: a column, ∇a[{i}], times a row, h[{i - 1}]ᵀ:"

    def entry(j: int, k: int) -> Expression:
        return Product((told(i, j), Symbol("h", i - 1, (k,))))

    shape = board.sizes[i], board.sizes[i - 1]
    product = Product((Derivative(Symbol("a", i)), Transposed(Symbol("h", i - 1))))
    left = Derivative(Symbol("W", i))
    return board.step("weights", i, title, reason, picture, left, Grid(entry, shape, (i, i - 1)), product)


def to_biases(board: Board) -> Iterator[Step]:
    """∂a/∂b is 1."""
    i, indices = board.asked.layer, board.asked.indices
    j = indices[0] if indices else board.first_shown(i)
    a, b = Symbol("a", i, (j,)), Symbol("b", i, (j,))
    picture = board.picture({i: {j}}, [a])
    title = f"One bias: b[{i},{j}]"
    reason = "The bias is added to a, with the slope 1, and reaches the loss through its own unit alone:"
    rights = (Product((Derivative(a), Partial(a, b))), Derivative(a))
    yield board.step("weights", i, title, reason, picture, Derivative(b), *rights)
    if not indices:
        picture = board.picture({i: board.all_of(i)})
        title = f"All biases of layer {i}"
        rights = (stacked(lambda j: told(i, j), board.sizes[i], i), Derivative(Symbol("a", i)))
        yield board.step("weights", i, title, "Stacked:", picture, Derivative(Symbol("b", i)), *rights)
    yield _over_a_batch(board, "b", picture)


def _over_a_batch(board: Board, family: str, picture: Picture) -> Step:
    """The sum over the examples, in symbols: here there is one example."""
    i, indices = board.asked.layer, board.asked.indices
    a, h = Symbol("a", i), Symbol("h", i - 1)
    if indices:
        a, h = Symbol("a", i, indices[:1]), Symbol("h", i - 1, indices[1:])

    def term(_: object) -> Expression:
        gradient = OfExample(Derivative(a))
        if family == "b":
            return gradient
        return Product((gradient, OfExample(h) if indices else Transposed(OfExample(h))))

    reason = (
        f"A {'bias' if family == 'b' else 'weight'} is the same for every example. ℒ of a batch is the weighted mean "
        "of the losses, so the gradient is a sum over the examples n = 1 … B, each with its weight, such as 1/B, in "
        "∂ℒ/∂a. Here B is 1."
    )
    left = Derivative(Symbol(family, i, indices))
    return make_rule("weights", i, "Over a batch", reason, picture, left, SumOver("n", "B", term))
