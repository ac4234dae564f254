"""The second talk: the chain rule along multiple paths, one sum, two vectors, and row by row the whole layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..brief import activation_of, through_activation
from ..expressions import (
    Braced,
    Call,
    Derivative,
    Dot,
    Elementwise,
    Expression,
    Index,
    Number,
    Partial,
    Product,
    Sum,
    SumOver,
    Symbol,
    Transposed,
)
from ..picture import Picture, paths_picture
from ..steps import Step, make_rule
from ..values import ExampleValues
from .board import Board, column_of, count_text, product_with_transpose, stacked, sum_over_paths, told, weight

P, Z = Symbol("p"), Symbol("z")


def multiple_paths(i: int) -> Iterator[Step]:
    """The rule for any function: p(z) = p(q_1(z), …, q_M(z))."""
    title, picture = "The chain rule along multiple paths", paths_picture()
    q = {m: Symbol("q", None, (m,)) for m in ("m", 1, 2, "M")}
    reason = "Take any function p that depends on z through M functions of z:"
    inner = (*(Call(q[m], (Z,)) for m in (1, 2)), Symbol("…"), Call(q["M"], (Z,)))
    yield make_rule("hidden", i, title, reason, picture, Call(P, (Z,)), Call(P, inner))
    reason = (
        "A small change of z changes each q_m, and each of these changes p. There is a path through each; they add up:"
    )
    total = SumOver(
        "m", "M", lambda m: Product((Partial(P, Symbol("q", None, (m,))), Partial(Symbol("q", None, (m,)), Z)))
    )
    yield make_rule("hidden", i, title, reason, picture, Partial(P, Z), total)


def in_our_case(board: Board, i: int, unit: tuple[int, ...]) -> Iterator[Step]:
    """p is ℒ, z is h_{ij}, q_m is a_{i+1,m}; and what one path carries."""
    j: Index = unit[0] if unit else "j"
    own = unit[0] if unit else board.first_shown(i)
    h, above, width = Symbol("h", i, (j,)), i + 1, board.sizes[i + 1]
    picture = board.picture({i: {own}, above: board.all_of(above)}, [Symbol("h", i, (own,))])
    said = f"h[{i},{j}]"
    what = "the input" if i == 0 else "the hidden unit"
    title = f"In our case: {said}"
    reason = f"p is ℒ, z is {what} {said}, and q_m is a[{above},m], of which there are {width}:"
    yield make_rule("hidden", i, title, reason, picture, Derivative(h), _slopes(above, width, h))
    reason = f"Layer {above} hears {said} through its weights:"
    heard = Sum((Product((Symbol("W", above), Symbol("h", i))), Symbol("b", above)))
    yield make_rule("hidden", i, title, reason, picture, Symbol("a", above), heard)
    reason = f"In a[{above},m] it stands once, with the factor W[{above},m,{j}], which is therefore the slope:"
    slope = Partial(Symbol("a", above, ("m",)), h)
    yield make_rule("hidden", i, title, reason, picture, slope, weight(above, "m", j))
    title = f"The sum over every path from {said}"
    reason = f"{count_text(width, 'path')}, each with what unit m of layer {above} was told, times the weight:"
    rights = (_slopes(above, width, h), sum_over_paths(above, width, j))
    if unit:
        yield board.step("hidden", i, title, reason, picture, Derivative(h), *rights)
    else:
        yield make_rule("hidden", i, title, reason, picture, Derivative(h), *rights)


def two_vectors(board: Board, i: int, unit: tuple[Index, ...]) -> Iterator[Step]:
    """∇_{a_{i+1}}ℒ and the j-th column of W_{i+1}, and that their dot product is the sum; j may be a letter."""
    own: Index = unit[0] if unit else board.first_shown(i)
    above, width = i + 1, board.sizes[i + 1]
    h = Derivative(Symbol("h", i, (own,)))
    gradient, column = Derivative(Symbol("a", above)), column_of(above, own)
    lit = {own} if isinstance(own, int) else board.all_of(i)
    picture = board.picture({i: lit, above: board.all_of(above)}, [h.of])
    title = "Two vectors, side by side"
    begin = "" if unit else f"Take unit {own}. "
    reason = f"{begin}Write what layer {above} was told beside column {own} of W[{above}]:"
    columns = Dot(
        Braced(stacked(lambda m: told(above, m), width, above), (gradient,)),
        Braced(stacked(lambda m: weight(above, m, own), width, above), (column,)),
    )
    yield board.step("hidden", i, title, reason, picture, h, columns)
    reason = "Their dot product is the sum over the paths:"
    yield board.step("hidden", i, title, reason, picture, h, Dot(gradient, column), sum_over_paths(above, width, own))


def row_by_row(board: Board, i: int) -> Iterator[Step]:
    """Stacking j = 1 … n_i, until it is W_{i+1}ᵀ ∇_{a_{i+1}}ℒ."""
    above, count = i + 1, board.sizes[i]
    gradient = Derivative(Symbol("a", above))
    picture = board.picture({i: board.all_of(i), above: board.all_of(above)})
    title = "Row by row, the whole layer"
    n = f"j = 1 … {count}" if count > 1 else "the only unit"
    reason = f"Stack these dot products for {n}. Row j is column j of W[{above}], transposed, times ∇a[{above}]:"

    def row(j: int) -> Expression:
        return Transposed(column_of(above, j))

    rights = (
        stacked(lambda j: Derivative(Symbol("h", i, (j,))), count, i),
        stacked(lambda j: Product((row(j), gradient)), count, i),
        Product((Braced(stacked(row, count, i), (Transposed(Symbol("W", above)),)), gradient)),
    )
    left = Derivative(Symbol("h", i))
    step = board.step("hidden", i, title, reason, picture, left, *rights, product_with_transpose(above))
    yield step if step.values is None else replace(step, numbers=_rows_times(step.values, above))


def _rows_times(values: ExampleValues, above: int) -> Expression:
    """The numbers of W_{i+1}ᵀ, its rows as they were stacked, times those of ∇_{a_{i+1}}ℒ."""
    rows = Number(values.network.W[above].T, (above - 1, above))
    return Product((rows, Number(values[Derivative(Symbol("a", above))], (above, None))))


def again(board: Board, i: int) -> Iterator[Step]:
    """A layer between the first and the asked one: the same, at once."""
    above = i + 1
    picture = board.picture({i: board.all_of(i), above: board.all_of(above)})
    reason = f"The same sum over the paths through layer {above}, for every unit of layer {i} at once:"
    title = f"Layer {above} talks to the hidden units of layer {i}"
    yield board.step("hidden", i, title, reason, picture, Derivative(Symbol("h", i)), product_with_transpose(above))


def missing(board: Board, i: int, last: int) -> Step:
    """We are almost done: what is still unknown."""
    known, wanted = f"∇h[{i}]", f"∇a[{i}]"
    picture = board.picture({i: board.all_of(i)})
    title = "We are almost done"
    if last < i:
        left: Expression = Derivative(Symbol("h", i - 1))
        right = Product((Transposed(Symbol("W", i)), Braced(Derivative(Symbol("a", i)), ("not known yet",))))
        reason = f"{known} is known, but for the layer below we need {wanted}, and so far only ∇a[{i + 1}] is known:"
        return make_rule("hidden", i, title, reason, picture, left, right)
    reason = f"{known} is known, but {wanted} is needed: one link is missing, the activation between them."
    left, right = Symbol("h", i), activation_of(board.values, i, "g", Symbol("a", i))
    return make_rule("hidden", i, title, reason, picture, left, right)


def through(board: Board, i: int, unit: tuple[int, ...], *, first: bool) -> Iterator[Step]:
    """∂ℒ/∂a_{ij} = ∂ℒ/∂h_{ij} · g′(a_{ij}), stacked, and then with ⊙."""
    own = unit[0] if unit else board.first_shown(i)
    count = board.sizes[i]
    lit = set(unit) or board.all_of(i)
    slope, _ = through_activation(board.values, i, unit)
    title = f"Through the activation of layer {i}"
    a, h = Symbol("a", i, (own,)), Symbol("h", i, (own,))
    picture = board.picture({i: lit}, [a] if unit else [])
    yield _on_page(slope, title, picture)

    def of_unit(j: Index, as_value: bool = False) -> Expression:
        slope = activation_of(board.values, i, "g′", Symbol("a", i, (j,)), as_value)
        return Product((Derivative(Symbol("h", i, (j,))), slope))

    if unit or first:
        begin = "" if unit else f"Take unit {own}. "
        reason = f"{begin}From a[{i},{own}] there is one path, through h[{i},{own}]:"
        one = board.picture({i: {own}}, [a])
        rights = (Product((Derivative(h), Partial(h, a))), of_unit(own, as_value=True))
        yield board.step("hidden", i, title, reason, one, Derivative(a), *rights)
    if unit:
        return
    title = f"{title}, row by row" if first else title
    reason = "Stacked, every row is a product of two numbers; ⊙ multiplies element by element:"
    rights = (
        stacked(of_unit, count, i),
        Elementwise(Derivative(Symbol("h", i)), activation_of(board.values, i, "g′", Symbol("a", i), as_value=True)),
    )
    yield board.step(
        "hidden", i, title, reason, picture, Derivative(Symbol("a", i)), *(rights if first else rights[1:])
    )


def alternation(board: Board, top: int, last: int) -> Iterator[Step]:
    """How the two formulas alternate from layer L − 1 down to the last one that is needed."""
    title = "How the two alternate, down to " + (f"layer {last}" if last else "the input")
    now = {i: board.all_of(i) for i in range(last, board.depth + 1)}
    picture = board.picture(now)
    for i in range(top, last - 1, -1):
        h, a = Derivative(Symbol("h", i)), Derivative(Symbol("a", i))
        reason = ""
        if i == top:
            reason = "Now both formulas are there. Each gives what the other needs next, layer after layer:"
        yield make_rule("hidden", i, title, reason, picture, h, product_with_transpose(i + 1))
        if i > last or (board.asked.family != "h" and i > 0):
            slope = activation_of(board.values, i, "g′", Symbol("a", i))
            yield make_rule("hidden", i, title, "", picture, a, Elementwise(h, slope))


def _slopes(above: int, width: int, h: Symbol) -> SumOver:
    """Σ_m ∂ℒ/∂a_{i+1,m} · ∂a_{i+1,m}/∂h_{ij}."""

    def term(m: Index) -> Expression:
        return Product((told(above, m), Partial(Symbol("a", above, (m,)), h)))

    return SumOver("m", width, term, above)


def _on_page(step: Step, title: str, picture: Picture) -> Step:
    """A step of the brief derivation, on a page of the lecture."""
    return replace(step, title=title, picture=picture)
