"""What each optimizer does with a gradient g: its formulas, in their order, the last one the change of the weight.

A name is a parameter of the optimizer, a family of its state, or a result of a line above. θ[t-1] is the weight before
update t, and the names of states are those of ``Optimizer.families``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """One formula, its title, and a sentence about it."""

    title: str
    formula: str
    reason: str


Rules = tuple[Rule, ...]

PLAIN = Rule("The change", "change[t] = -(eta * g[t])", "The weight moves against its gradient, at the learning rate.")
VELOCITY = Rule(
    "The velocity",
    "velocity[t] = momentum * velocity[t-1] - eta * g[t]",
    "What is left of the velocity before, and the push of this gradient.",
)


def sgd(optimizer: Any) -> Rules:
    if not optimizer.momentum:
        return (PLAIN,)
    return VELOCITY, Rule("The change", "change[t] = velocity[t]", "The weight moves by the velocity.")


def nesterov(optimizer: Any) -> Rules:
    if not optimizer.momentum:
        return (PLAIN,)
    reason = "The weight moves on by the velocity's next share, and by this gradient once more: it looks ahead."
    return VELOCITY, Rule("The change", "change[t] = momentum * velocity[t] - eta * g[t]", reason)


FIRST = Rule(
    "The first moment",
    "m[t] = beta_1 * m[t-1] + (1 - beta_1) * g[t]",
    "A moving average of the gradients: their direction, without their noise.",
)
SECOND = Rule(
    "The second moment",
    "v[t] = beta_2 * v[t-1] + (1 - beta_2) * g[t]**2",
    "A moving average of their squares: how large they are.",
)
FIRST_HAT = Rule(
    "The first moment, corrected",
    "m_hat[t] = m[t] / (1 - beta_1**t)",
    "The average began at 0, and so it is too small by this factor in the first updates.",
)
SECOND_HAT = Rule(
    "The second moment, corrected", "v_hat[t] = v[t] / (1 - beta_2**t)", "The same for the average of the squares."
)
BY_SIZE = "The direction, divided by the size of the gradients: a step of about the learning rate, whatever their size."


def adam(_: Any) -> Rules:
    change = "change[t] = -(eta * m_hat[t] / (sqrt(v_hat[t]) + epsilon))"
    return FIRST, SECOND, FIRST_HAT, SECOND_HAT, Rule("The change", change, BY_SIZE)


def adam_epsilon_hat(_: Any) -> Rules:
    rate = Rule(
        "The learning rate, corrected",
        "eta_hat[t] = eta * sqrt(1 - beta_2**t) / (1 - beta_1**t)",
        "Both averages began at 0; here the learning rate makes up for it, so that ε stands beside the plain √v.",
    )
    change = "change[t] = -(eta_hat[t] * m[t] / (sqrt(v[t]) + epsilon))"
    return FIRST, SECOND, rate, Rule("The change", change, BY_SIZE)


RULES: dict[str, Callable[[Any], Rules]] = {
    "sgd": sgd,
    "nesterov": nesterov,
    "adam": adam,
    "adam_epsilon_hat": adam_epsilon_hat,
    "adamw": adam,
}
