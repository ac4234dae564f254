"""The steps of a derivation in brief: what the network computed, and the three talks in their shortest form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .expressions import Apply, Derivative, Elementwise, Expression, Partial, Product, Sum, SumOver, Symbol, Transposed
from .functions import formulas_of, said_of_output
from .losses_in_words import said_of_loss
from .outputs import OutputTalk, Placed, output_function, output_talk
from .quantity import Quantity, symbol_of
from .steps import Remark, Step, make_step
from .text import write_text
from .values import AnyValues


def talk_of(values: AnyValues) -> OutputTalk:
    """The formulas of the first talk."""
    talk = output_talk(values.network.head, values.network.sizes[-1], values.target, values.yhat)
    return replace(talk, slope=talk.slope.at(values.network.depth)) if isinstance(talk.slope, Placed) else talk


def brief_steps(values: AnyValues, asked: Quantity) -> Iterator[Step]:
    """What the network computed, and the talks to the quantity, each as one equation or two."""
    depth = values.network.depth
    talk = talk_of(values)
    yield from forward_steps(values, talk)
    unit = asked.indices[:1]  # of the layer that is talked to last
    if asked.family == "h" and asked.layer == depth:
        yield to_yhat(values, talk, unit)
        return
    last = asked.layer if asked.family != "h" else asked.layer + 1
    yield from to_output(values, talk, unit if last == depth and asked.family != "h" else ())
    for i in range(depth - 1, last - 1, -1):
        own = unit if i == last and asked.family != "h" else ()
        yield to_hidden(values, i, own)
        yield from through_activation(values, i, own)
    if asked.family == "h":
        yield to_hidden(values, asked.layer, unit)
    elif asked.family == "W":
        yield to_weights(values, asked)
    elif asked.family == "b":
        yield to_biases(values, asked)


def forward_steps(values: AnyValues, talk: OutputTalk) -> Iterator[Step]:
    """What the network computed, layer by layer, and the loss."""
    network, depth = values.network, values.network.depth
    for i in range(1, depth + 1):
        a, heard = Symbol("a", i), Symbol("h", i - 1)
        what = "the input" if i == 1 else f"layer {i - 1}"
        reason = f"Each unit of layer {i} sums what it hears from {what}, times its weights, and adds its bias."
        if i == 1:
            reason += " h[0] is the input x."
        right = Sum((Product((Symbol("W", i), heard)), Symbol("b", i)))
        yield make_step(values, "forward", i, f"The pre-activations of layer {i}", reason, a, right)
        if i < depth:
            right = activation_of(values, i, "g", a)
            reason = f"The activation of layer {i}, {network.activations[i - 1]}, is applied element by element."
            yield make_step(values, "forward", i, f"The hidden units of layer {i}", reason, Symbol("h", i), right)
    function, yhat = output_function(network.head), Symbol("yhat")
    a = Symbol("a", depth)
    if function is None:
        yield make_step(values, "forward", depth, "The output", "The output function is the identity.", yhat, a)
    else:
        reason = f"The output function turns the last pre-activations into ŷ. It is {said_of_output(network.output)}."
        yield make_step(values, "forward", depth, "The output", reason, yhat, replace(function, of=a))
    if values.clear:
        reason = said_of_loss(network.head, values.target, values.yhat)
        yield make_step(values, "forward", depth, "The loss", reason, Symbol("loss"), talk.loss)


def to_yhat(values: AnyValues, talk: OutputTalk, unit: tuple[int, ...]) -> Step:
    title = "To the outputs themselves" if not unit else f"To the output ŷ[{unit[0]}] itself"
    reason = "The loss is a function of ŷ: this is its derivative, with every other ŷ held constant."
    right = talk.grad_yhat(unit[0] if unit else None)
    if "⊘" in write_text(right):
        reason += " ⊘ divides element by element."
    return make_step(
        values, "output", values.network.depth, title, reason, Derivative(Symbol("yhat", None, unit)), right
    )


def to_output(values: AnyValues, talk: OutputTalk, unit: tuple[int, ...]) -> Iterator[Step]:
    """∂ℒ/∂ŷ, the derivative of the output function, the chain rule, and what it collapses to."""
    depth, name = values.network.depth, values.network.output.name
    a, left = Symbol("a", depth, unit), Derivative(Symbol("a", depth, unit))
    j = unit[0] if unit else None
    why = talk.why
    if values.clear and talk.slope is not None:
        yield to_yhat(values, talk, () if talk.coupled else unit)
        yield from _output_slope(values, talk, unit)
        title = "The chain rule through ŷ"
        if talk.coupled:
            k = values.network.sizes[-1]
            reason = f"A change of {said(a)} reaches the loss through each of the {k} outputs: the paths add up."
            if k == 1:
                reason = f"A change of {said(a)} reaches the loss through the one output."
            right = _through_every_yhat(a, k) if unit else _through_jacobian(depth)
        else:
            reason = "Each output depends on its own pre-activation alone, so there is one path, element by element."
            right = _along_own(Symbol("yhat"), a)
        yield make_step(values, "output", depth, title, reason, left, right)
        title = "What it collapses to"
    elif talk.slope is not None:
        title = "To the output units"
        why = (
            f"ŷ has rounded to an end of its range, where ∂ℒ/∂ŷ is no number; {name} and the loss, differentiated as "
            f"one, still give one. {talk.why} ℒ, computed so as well, is {_loss_text(values)}."
        )
    else:
        title = "To the output units"
    if talk.collapsed is not None:
        yield make_step(values, "output", depth, title, why, left, talk.collapsed(j))


def _loss_text(values: AnyValues) -> str:
    return "" if values.loss is None else f"{values.loss:.6g}"


def _output_slope(values: AnyValues, talk: OutputTalk, unit: tuple[int, ...]) -> Iterator[Step]:
    assert talk.slope is not None
    depth, name = values.network.depth, values.network.output.name
    yhat, a = Symbol("yhat"), Symbol("a", depth, unit)
    j = unit[0] if unit else None
    if talk.coupled:
        title = f"The derivative of {name}"
        reason = f"Each ŷ depends on every pre-activation of layer {depth}, because {name} divides by the sum of all."
        yield make_step(values, "output", depth, title, reason, Partial(yhat, a), talk.slope(j))
    else:
        index = unit or ("j",)
        left = Partial(Symbol("yhat", None, index), Symbol("a", depth, index))
        reason = f"{name} is applied element by element, so each ŷ depends on its own pre-activation alone."
        yield make_step(values, "output", depth, f"The derivative of {name}", reason, left, talk.slope(j))


def _through_every_yhat(a: Symbol, k: int) -> Expression:
    def term(m: Any) -> Expression:
        yhat = Symbol("yhat", None, (m,))
        return Product((Derivative(yhat), Partial(yhat, a)))

    return SumOver("m", k, term, "yhat")


def _through_jacobian(depth: int) -> Expression:
    yhat = Symbol("yhat")
    return Product((Transposed(Partial(yhat, Symbol("a", depth))), Derivative(yhat)))


def _along_own(above: Symbol, below: Symbol) -> Expression:
    """∂ℒ/∂above times ∂above/∂below, element by element."""
    if below.indices:
        own = replace(above, indices=below.indices)
        return Product((Derivative(own), Partial(own, below)))
    each = ("j",)
    return Elementwise(Derivative(above), Partial(replace(above, indices=each), replace(below, indices=each)))


def to_hidden(values: AnyValues, i: int, unit: tuple[int, ...]) -> Step:
    """The second talk: along every path from h_{ij} to layer i + 1."""
    h, above = Symbol("h", i, unit), i + 1
    width = values.network.sizes[above]
    reason = f"The chain rule along the one path: {said(h)} reaches the loss through the one unit of layer {above}."
    if width > 1:
        reason = (
            f"The chain rule along multiple paths: a change of {said(h)} reaches the loss through each of the {width} "
            f"units of layer {above}, with the weight between them as factor, and the paths add up."
        )
    if unit:

        def term(m: Any) -> Expression:
            return Product((Derivative(Symbol("a", above, (m,))), Symbol("W", above, (m, unit[0]))))

        right: Expression = SumOver("m", width, term, above)
    else:
        right = Product((Transposed(Symbol("W", above)), Derivative(Symbol("a", above))))
    heard = (
        f"{'input' if i == 0 else 'hidden unit'} {unit[0]}" if unit else "the input" if i == 0 else "the hidden units"
    )
    title = f"Layer {above} talks to {heard}{f' of layer {i}' if i else ''}"
    return make_step(values, "hidden", i, title, reason, Derivative(h), right)


def through_activation(values: AnyValues, i: int, unit: tuple[int, ...]) -> Iterator[Step]:
    """From h_i to a_i, element by element."""
    activation = values.network.activations[i - 1]
    h, a = Symbol("h", i, unit), Symbol("a", i, unit)
    index = unit or ("j",)
    left = Partial(replace(h, indices=index), replace(a, indices=index))
    formulas = formulas_of(activation)
    reason = "h = g(a) is element-wise, so each hidden unit depends on its own pre-activation alone. g is "
    reason += f"{activation}: {formulas}." if formulas else f"{activation}."
    remarks = [
        Remark(f"At its kink, a = {kink:g}, the derivative from the left is taken.", a, kink)
        for kink in activation.kinks
    ]
    if unit:
        remarks.insert(0, Remark("This unit is silent: its slope is 0, and nothing passes through it.", left, 0.0))
    title = f"The slope of the activation in layer {i}"
    slope = activation_of(values, i, "g′", a)
    yield make_step(values, "hidden", i, title, reason, left, slope, remarks=tuple(remarks))
    reason = "The chain rule along the one path through h = g(a), element by element."
    if not unit:
        reason += " ⊙ multiplies element by element."
    slope = activation_of(values, i, "g′", a, as_value=True)
    right = Product((Derivative(h), slope)) if unit else Elementwise(Derivative(h), slope)
    title = f"Through the activation of layer {i}"
    yield make_step(values, "hidden", i, title, reason, Derivative(a), right)


def to_weights(values: AnyValues, asked: Quantity) -> Step:
    """The third talk, to a weight or to the matrix."""
    i = asked.layer
    left = Derivative(symbol_of(values.network, asked))
    if asked.indices:
        j, k = asked.indices
        a, h = Symbol("a", i, (j,)), Symbol("h", i - 1, (k,))
        reason = (
            f"W[{i},{j},{k}] reaches the loss through a[{i},{j}] alone, where it stands as the factor of "
            f"h[{i - 1},{k}]: that is ∂a[{i},{j}]/∂W[{i},{j},{k}]."
        )
        title = f"Unit {j} of layer {i} talks to its weight for {'input' if i == 1 else 'unit'} {k}"
        return make_step(values, "weights", i, title, reason, left, Product((Derivative(a), h)))
    reason = (
        f"Each weight stands in its unit's a as the factor of what that unit hears: the outer product of ∇a[{i}] and "
        f"h[{i - 1}]."
    )
    right = Product((Derivative(Symbol("a", i)), Transposed(Symbol("h", i - 1))))
    return make_step(values, "weights", i, f"Layer {i} talks to its weights", reason, left, right)


def to_biases(values: AnyValues, asked: Quantity) -> Step:
    """The third talk, to a bias or to all of a layer."""
    i = asked.layer
    left = Derivative(symbol_of(values.network, asked))
    reason = "The bias is added to a, so that ∂a/∂b is 1."
    title = (
        f"Layer {i} talks to its biases"
        if not asked.indices
        else f"Unit {asked.indices[0]} of layer {i} talks to its bias"
    )
    return make_step(values, "weights", i, title, reason, left, Derivative(Symbol("a", i, asked.indices)))


def activation_of(values: AnyValues, i: int, name: str, of: Symbol, as_value: bool = False) -> Apply:
    """g_i or g′_i of a symbol."""
    activation = values.network.activations[i - 1]
    function = activation.g if name == "g" else activation.g_prime
    return Apply(name, of, _on_numbers(function), i, str(activation), as_value)


def _on_numbers(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of arrays for numbers and columns alike."""

    def applied(value: Any) -> Any:
        given = np.atleast_2d(np.asarray(value, dtype=np.float64))
        found = np.broadcast_to(np.asarray(function(given)), given.shape)
        return float(found[0, 0]) if np.ndim(value) == 0 else found

    return applied


def said(symbol: Symbol) -> str:
    """A symbol in a sentence."""
    if symbol.indices:
        return f"{symbol.letter}[{symbol.layer},{symbol.indices[0]}]"
    return f"each unit of {symbol.letter}[{symbol.layer}]"
