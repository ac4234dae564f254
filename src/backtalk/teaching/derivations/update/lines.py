"""``explain_step``: one update of one weight or bias, from the gradient of the batch to the new number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from ....core.network import Network
from ....errors import InputError
from ..evaluation import evaluate, with_numbers
from ..expressions import Apply, Derivative, Elementwise, Expression, Number, Product, Sum, SumOver, Symbol
from ..quantity import Quantity, symbol_of
from .formulas import Reader
from .result import StepDerivation, UpdateLine
from .rules import NAMES, RULES
from .values import Update


def explain_step(
    network: Network,
    X: Any,
    y: Any,
    optimizer: Any,
    quantity: str | Quantity,
    *,
    sample_weight: Any = None,
    state: Any = None,
    schedule_factor: float = 1.0,
    l2_penalty: float = 0.0,
    clip_norm: float | None = None,
) -> StepDerivation:
    """Derive one update of one weight or bias, with its numbers: from the gradient to the new weight.

    First the gradient of the mini-batch, ∂ℒ/∂θ = Σ_n δ_n · h_n, with the share of the penalty and clipped; then each
    formula of the optimizer, such as the moments of Adam with their bias correction; then θ_t, with the decoupled
    weight decay. :func:`backtalk.explain` derives the gradient itself.

    ``X`` (B, n_0) and ``y``, with ``sample_weight`` (B,): the mini-batch of the update; or one example, (n_0,) and its
    label or target. ``optimizer``: as for :func:`backtalk.fit`. ``quantity``: 'W[1,2,1]' (also written 'W[1][2,1]') or
    'b[1,2]', numbered from 1. ``state``: where an earlier training ended, to derive the update after it: a
    :class:`~backtalk.Training`, its ``state``, or the file of a checkpoint; without it this is update 1.
    ``schedule_factor``: what the schedule multiplies the learning rate by in this update. ``l2_penalty``,
    ``clip_norm``: as for :func:`backtalk.fit`.

    Raises :class:`~backtalk.errors.InputError` for a quantity that is no single weight or bias, for a state of another
    optimizer or network, and if a gradient is not finite. Sources: those of each optimizer.

    >>> net = Network([[[0.5, -1.0]]], [[0.0]], loss="squared_error")
    >>> update = explain_step(net, [[2.0, 1.0], [1.0, 0.0]], [1.0, 0.0], "sgd(learning_rate=0.5)", "W[1][1,2]")
    >>> update.gradient, update.before, update.after
    (-0.5, -1.0, -0.75)
    """
    given = Update(network, X, y, optimizer, quantity, sample_weight, state, schedule_factor, l2_penalty, clip_norm)
    if given.optimizer.name not in RULES:
        raise InputError(
            f"optimizer is {given.optimizer!r}, whose formulas are not known here: use {', '.join(RULES)}."
        )
    lines = tuple(_Lines(given).all())
    before, after = given.entry(given.parameters), given.entry(given.after_parameters)
    return StepDerivation(
        given.network, given.optimizer, given.asked, given.t, given.loss, given.gradient, before, after, lines
    )


class _Lines:
    """The lines of an update; ``values`` holds what each symbol of those so far comes to."""

    def __init__(self, given: Update) -> None:
        self.given, t = given, given.t
        self.theta, self.g = Symbol("theta", None, (t - 1,)), Symbol("g", None, (t,))
        self.of_theta = Derivative(symbol_of(given.network, given.asked))
        scheduled = given.factor != 1
        self.eta = Symbol("eta", None, (t,)) if scheduled else Symbol("eta")
        optimizer = given.optimizer
        parameters = {each.name: getattr(optimizer, each.name) for each in fields(optimizer)}
        self.reader = Reader(t, parameters, {"eta": self.eta})

        def state(family: str, number: int) -> Symbol:
            return Symbol(NAMES.get((optimizer.name, family), family), None, (number,))

        self.values: dict[Any, Any] = {
            **{Symbol(name): value for name, value in parameters.items()},
            **{state(family, t - 1): given.entry(given.before[family]) for family in optimizer.families},
            Symbol("eta"): optimizer.learning_rate,
            Symbol("l2_penalty"): given.l2_penalty,
            Symbol("factor", None, (t,)): given.factor,
        }
        self.known = {  # what the library computes
            **{state(family, t): given.entry(given.after[family]) for family in optimizer.families},
            self.of_theta: given.gradient,
            self.g: given.entry(given.clipped),
            Symbol("theta", None, (t,)): given.entry(given.after_parameters),
            Symbol("norm"): given.norm,
        }

    def all(self) -> Iterator[UpdateLine]:
        yield from self._gradient()
        yield from self._optimizer()
        yield self._new_weight()

    def _line(self, part: str, title: str, reason: str, left: Any, right: Expression) -> UpdateLine:
        """From symbols alone: numbers are put in, and what left comes to is kept for the lines below."""
        computed = float(evaluate(right, self.values))
        value = self.known.get(left, computed)
        self.values[left] = value
        scale = float(evaluate(right, self.values, absolute=True))
        return UpdateLine(part, title, reason, left, right, with_numbers(right, self.values), value, scale)

    def _gradient(self) -> Iterator[UpdateLine]:
        given, asked, theta = self.given, self.given.asked, self.given.entry(self.given.parameters)
        kind = "weight" if given.is_weight else "bias"
        reason = f"θ is {asked}. Its index counts updates: this is the {kind} before update {given.t}."
        self.values[self.theta] = theta
        yield self._line("gradient", f"The {kind} before", reason, self.theta, Number(theta))
        yield self._line("gradient", "Its gradient", self._of_batch(), self.of_theta, self._sum_over_batch())
        own: Expression = self.of_theta
        reason = "This is what the optimizer is given."
        if given.is_weight and given.l2_penalty:
            own = Sum((own, Product((Symbol("l2_penalty"), self.theta))))
            reason = "The L2 penalty adds λ₂ times the weight to its gradient."
        elif given.l2_penalty:
            reason += " A bias has no penalty."
        if given.clip_norm is not None:
            yield self._norm()
            limit = f"{given.clip_norm:g}"
            if given.clips:
                self.values[Symbol("limit")] = given.clip_norm
                own = Product((Elementwise(Symbol("limit"), Symbol("norm"), divide=True), own))
                reason += f" It is scaled down, since ‖∇‖ exceeds c = {limit}: every gradient by the same factor."
            else:
                reason += f" It is not clipped, since ‖∇‖ does not exceed {limit}."
        yield self._line("gradient", "What the optimizer is given", reason, self.g, own)

    def _of_batch(self) -> str:
        asked = self.given.asked
        i, j = asked.layer, asked.indices[0]
        spoken = f"δ is ∂ℒ/∂a[{i},{j}] of an example, its share of the mean over the batch"
        if self.given.is_weight:
            spoken += f", and h is what it hears, h[{i - 1},{asked.indices[1]}] of the same example"
        else:
            spoken += ", and ∂a/∂b is 1"
        if self.given.examples == 1:
            return f"There is one example: {spoken}."
        return f"Summed over the {self.given.examples} examples: {spoken}."

    def _sum_over_batch(self) -> Expression:
        given = self.given
        for n in range(given.examples):
            self.values[Symbol("delta", None, (n + 1,))] = float(given.delta[n])
            if given.heard is not None:
                self.values[Symbol("heard", None, (n + 1,))] = float(given.heard[n])

        def term(n: Any) -> Expression:
            delta = Symbol("delta", None, (n,))
            return Product((delta, Symbol("heard", None, (n,)))) if given.heard is not None else delta

        return SumOver("n", given.examples, term)

    def _norm(self) -> UpdateLine:
        """‖∇‖ of all gradients together, from the norms of each layer's."""
        L = self.given.network.depth
        for k, part in enumerate(self.given.penalized):
            letter = "norm_W" if k < L else "norm_b"
            self.values[Symbol(letter, None, (k % L + 1,))] = float(np.linalg.norm(part))

        def term(i: Any) -> Expression:
            both = (Symbol(letter, None, (i,)) for letter in ("norm_W", "norm_b"))
            return Sum(tuple(Apply("square", norm, np.square) for norm in both))

        reason = "Over all weights and biases" + (", with the penalty's share" if self.given.l2_penalty else "")
        right = Apply("sqrt", SumOver("i", L, term), np.sqrt)
        return self._line("gradient", "The norm of the whole gradient", f"{reason}.", Symbol("norm"), right)

    def _optimizer(self) -> Iterator[UpdateLine]:
        given = self.given
        if given.factor != 1:
            right = Product((Symbol("factor", None, (given.t,)), Symbol("eta")))
            reason = "The schedule multiplies the learning rate by its factor for this update."
            yield self._line("optimizer", "The learning rate", reason, self.eta, right)
        for rule in RULES[given.optimizer.name](given.optimizer, given.t):
            yield self._line("optimizer", rule.title, rule.reason, *self.reader.read(rule.formula))

    def _new_weight(self) -> UpdateLine:
        given = self.given
        decays = given.is_weight and given.optimizer.weight_decay
        kept = "(1 - eta * weight_decay) * theta[t-1]" if decays else "theta[t-1]"
        reason = "The change is added."
        if decays:
            reason = "The weight decays by the share η · λ, apart from the gradient, and the change is added."
        left, right = self.reader.read(f"theta[t] = {kept} + change[t]")
        return self._line("weight", f"The {'weight' if given.is_weight else 'bias'} after", reason, left, right)
