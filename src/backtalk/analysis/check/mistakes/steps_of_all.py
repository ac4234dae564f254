"""Mistakes that can be made in the update rule of every optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from ....core.optimizers import OPTIMIZERS, Optimizer
from .update_rules import (
    COUNT,
    STATE,
    STEP,
    Arrays,
    KnownStep,
    Rule,
    one_by_one,
    right_rule,
    scaled,
    shared_state,
    told,
)


def of_every_optimizer(optimizer: Optimizer) -> Iterator[KnownStep]:
    right, eta = right_rule(optimizer), optimizer.learning_rate
    yield told(
        "ascent",
        "the step goes up: the gradient is added instead of subtracted",
        STEP,
        "subtract: θ ← θ − η∇ …",
        lambda theta, g, state, t: right(theta, [-each for each in g], state, t),
    )
    yield told(
        "learning_rate_left_out",
        "the learning rate is left out",
        STEP,
        "multiply the step by η",
        right_rule(optimizer, 1.0),
    )
    yield told(
        "learning_rate_twice",
        "the learning rate is applied twice",
        STEP,
        "multiply the step by η once",
        right_rule(optimizer, eta * eta),
    )
    yield told(
        "learning_rate_divides",
        "the step is divided by the learning rate",
        STEP,
        "multiply the step by η",
        lambda theta, g, state, t: scaled(right, theta, g, state, t, 1 / eta**2),
    )
    yield told(
        "learning_rate_doubled",
        "the step is 2 times too long",
        STEP,
        "leave the 2 out",
        lambda theta, g, state, t: scaled(right, theta, g, state, t, 2.0),
    )
    yield told(
        "state_not_kept",
        "the state is not kept: every step begins with zeros",
        STATE,
        "return the state, and use it in the next step",
        lambda theta, g, state, t: right(theta, g, None, t),
    )
    yield told(
        "state_not_kept",
        "the state is not kept, nor is t: every step is the first",
        STATE,
        "return the state, and use it in the next step",
        lambda theta, g, state, t: right(theta, g, None, 1),
    )
    yield told(
        "state_shared",
        "parameters of the same shape share one state",
        STATE,
        "keep a state for each parameter",
        shared_state(optimizer),
    )
    yield told(
        "t_from_zero",
        "t counts from 0",
        COUNT,
        "count from 1: at t = 0, 1 − β^t is 0",
        lambda theta, g, state, t: right(theta, g, state, t - 1),
    )
    yield told(
        "t_one_more",
        "t is larger by 1",
        COUNT,
        "count the first step as 1",
        lambda theta, g, state, t: right(theta, g, state, t + 1),
    )
    yield told(
        "t_fixed", "t stays 1", COUNT, "add 1 to t at each step", lambda theta, g, state, t: right(theta, g, state, 1)
    )
    yield told(
        "t_counts_parameters",
        "t grows with each parameter instead of each step",
        COUNT,
        "add 1 to t once for all parameters",
        one_by_one(optimizer, lambda array, k: k, lambda t, k: 4 * (t - 1) + k + 1),
    )
    yield told(
        "t_counts_parameters",
        "t grows with each parameter instead of each step",
        COUNT,
        "add 1 to t once for all parameters",
        one_by_one(optimizer, lambda array, k: k, lambda t, k: t + k + 1),
    )


def of_decay(optimizer: Optimizer) -> Iterator[KnownStep]:
    decay, eta = optimizer.weight_decay, optimizer.learning_rate
    if not decay:
        return
    formula = "θ ← (1 − η·λ)·θ before the change, for weight matrices alone (decoupled)"
    plain = right_rule(replace(optimizer, weight_decay=0.0))

    def before(factor: Callable[[np.ndarray], float]) -> Rule:
        def rule(theta: Arrays, g: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
            changed, state = plain(theta, g, state, t)
            return [factor(old) * old + (new - old) for old, new in zip(theta, changed, strict=True)], state

        return rule

    def coupled(rule: Rule, *, biases: bool) -> Rule:
        def step(theta: Arrays, g: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
            added = [
                each + decay * old if biases or old.ndim == 2 else each for old, each in zip(theta, g, strict=True)
            ]
            return rule(theta, added, state, t)

        return step

    def after(theta: Arrays, g: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
        new, state = plain(theta, g, state, t)
        return [(1 - eta * decay) * each if each.ndim == 2 else each for each in new], state

    yield told("decay_left_out", "the weight decay is left out", formula, "multiply θ by 1 − η·λ first", plain)
    yield told(
        "decay_on_biases",
        "the biases decay as well",
        formula,
        "decay weight matrices alone",
        before(lambda old: 1 - eta * decay),
    )
    yield told(
        "decay_without_rate",
        "the decay is λ and not η·λ",
        formula,
        "multiply λ by η",
        before(lambda old: 1 - decay if old.ndim == 2 else 1.0),
    )
    yield told(
        "decay_sign",
        "the weights grow: the sign of the decay is turned",
        formula,
        "subtract η·λ·θ",
        before(lambda old: 1 + eta * decay if old.ndim == 2 else 1.0),
    )
    yield told(
        "coupled_decay",
        "the decay is coupled: λ·θ is added to the gradient, and goes through the optimizer",
        formula,
        "decay θ itself, apart from the gradient",
        coupled(plain, biases=False),
    )
    yield told(
        "coupled_decay",
        "the decay is coupled: λ·θ is added to the gradient, of the biases as well",
        formula,
        "decay θ itself, apart from the gradient",
        coupled(plain, biases=True),
    )
    yield told(
        "decay_twice",
        "the decay is there twice: in the gradient, and apart from it",
        formula,
        "leave λ·θ out of the gradient",
        coupled(right_rule(optimizer), biases=False),
    )
    yield told("decay_after_step", "the decay comes after the change, on the new θ", formula, "decay θ first", after)


VALUES = (0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)


def of_other_numbers(optimizer: Optimizer) -> Iterator[KnownStep]:
    """Another number, or another optimizer, with the numbers that both have."""
    for each in fields(optimizer):
        held = getattr(optimizer, each.name)
        for value in VALUES:
            if value == held or not isinstance(held, float) or (each.name == "weight_decay" and not held):
                continue
            try:
                other = replace(optimizer, **{each.name: value})
            except ValueError:  # outside the range that it has
                continue
            yield told(
                "other_number",
                f"{each.name} is {value:g} instead of {held:g}",
                f"{optimizer!r}",
                f"use {each.name} = {held:g}",
                right_rule(other),
            )
    for name, kind in OPTIMIZERS.items():
        own = {each.name for each in fields(optimizer)}
        shared = {each.name: getattr(optimizer, each.name) for each in fields(kind) if each.name in own}
        if type(optimizer) is kind:
            continue
        try:
            other = kind(**shared)
        except ValueError:
            continue
        yield told(
            "other_optimizer",
            f"this is the rule of {name}, not of {optimizer.name}",
            f"{optimizer!r}",
            f"write the rule of {optimizer.name}",
            right_rule(other),
        )
