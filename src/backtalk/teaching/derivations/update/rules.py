"""What each optimizer does with a gradient g: its formulas, in their order, one of them the change of the weight.

A name is a parameter of the optimizer, a family of its state, or a result of a line above; eta is the learning rate of
this update, g[t] the gradient, and t the number of the update.
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


def change(formula: str, reason: str) -> Rule:
    """The last word of an optimizer: what is added to the weight."""
    return Rule("The change", f"change[t] = {formula}", reason)


BY_SIZE = "The direction, divided by the size of the gradients: a step of about the learning rate, whatever their size."
PLAIN = change("-(eta * g[t])", "The weight moves against its gradient, at the learning rate.")
VELOCITY = Rule(
    "The velocity",
    "velocity[t] = momentum * velocity[t-1] - eta * g[t]",
    "What is left of the velocity before, and the push of this gradient.",
)
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
MEAN_SQUARE = Rule(
    "The mean square",
    "v[t] = rho * v[t-1] + (1 - rho) * g[t]**2",
    "A moving average of the squares of the gradients: how large they are.",
)


def gd(*_: Any) -> Rules:
    return (PLAIN,)


def sgd(optimizer: Any, _: int) -> Rules:
    if not optimizer.momentum:
        return (PLAIN,)
    return VELOCITY, change("velocity[t]", "The weight moves by the velocity.")


def nesterov(optimizer: Any, _: int) -> Rules:
    if not optimizer.momentum:
        return (PLAIN,)
    reason = "θ is the point that looks ahead: it moves by the next share of the velocity, and by this gradient."
    return VELOCITY, change("momentum * velocity[t] - eta * g[t]", reason)


def adagrad(*_: Any) -> Rules:
    total = Rule("The sum of squares", "s[t] = s[t-1] + g[t]**2", "All gradients so far, squared: it only grows.")
    return total, change("-(eta * g[t] / (sqrt(s[t]) + epsilon))", "So the step of a weight gets smaller and smaller.")


def rmsprop(optimizer: Any, _: int) -> Rules:
    rules, size = [MEAN_SQUARE], "v[t]"
    if optimizer.centered:
        size = "d[t]"
        rules += [
            Rule("The mean", "m[t] = rho * m[t-1] + (1 - rho) * g[t]", "A moving average of the gradients themselves."),
            Rule("The variance", "d[t] = max(v[t] - m[t]**2, 0)", "The mean square, less the square of the mean."),
        ]
    direction = f"g[t] / (sqrt({size}) + epsilon)"
    if not optimizer.momentum:
        return *rules, change(f"-(eta * {direction})", BY_SIZE)
    reason = "What is left of the velocity before, and the gradient, divided by the size of the gradients."
    return (
        *rules,
        Rule("The velocity", f"r[t] = momentum * r[t-1] + {direction}", reason),
        change("-(eta * r[t])", "The weight moves against the velocity, at the learning rate."),
    )


def adadelta(*_: Any) -> Rules:
    return (
        MEAN_SQUARE,
        Rule(
            "The direction",
            "d[t] = sqrt(u[t-1] + epsilon) / sqrt(v[t] + epsilon) * g[t]",
            "The gradient, from its own scale to that of the directions before: it has the unit of the weight.",
        ),
        Rule("The mean square of the directions", "u[t] = rho * u[t-1] + (1 - rho) * d[t]**2", "For the next update."),
        change("-(eta * d[t])", "The weight moves against the direction, at the learning rate."),
    )


def adam(*_: Any) -> Rules:
    return FIRST, SECOND, FIRST_HAT, SECOND_HAT, change("-(eta * m_hat[t] / (sqrt(v_hat[t]) + epsilon))", BY_SIZE)


def adam_epsilon_hat(*_: Any) -> Rules:
    rate = Rule(
        "The learning rate, corrected",
        "eta_hat[t] = eta * sqrt(1 - beta_2**t) / (1 - beta_1**t)",
        "Both averages began at 0; here the learning rate makes up for it, so that ε stands beside the plain √v.",
    )
    return FIRST, SECOND, rate, change("-(eta_hat[t] * m[t] / (sqrt(v[t]) + epsilon))", BY_SIZE)


def adam_uncorrected(*_: Any) -> Rules:
    reason = "Both averages began at 0, the second fills up more slowly: so the first steps are longer than the rate."
    return FIRST, SECOND, change("-(eta * m[t] / (sqrt(v[t]) + epsilon))", reason)


def amsgrad(*_: Any) -> Rules:
    largest = Rule("The largest second moment", "u[t] = max(u[t-1], v[t])", "So that the steps cannot grow again.")
    corrected = Rule("The largest one, corrected", "u_hat[t] = u[t] / (1 - beta_2**t)", SECOND_HAT.reason)
    last = change("-(eta * m_hat[t] / (sqrt(u_hat[t]) + epsilon))", BY_SIZE)
    return FIRST, SECOND, largest, FIRST_HAT, corrected, last


def adamax(*_: Any) -> Rules:
    largest = Rule(
        "The largest gradient",
        "u[t] = max(beta_2 * u[t-1], abs(g[t]) + epsilon)",
        "Of those so far, the older ones counting less; it needs no correction.",
    )
    return FIRST, largest, FIRST_HAT, change("-(eta * m_hat[t] / u[t])", BY_SIZE)


def nadam(optimizer: Any, t: int) -> Rules:
    psi = f"{optimizer.momentum_decay:g}"

    def momentum(index: str) -> str:
        return f"mu[{index}] = beta_1 * (1 - 0.5 * 0.96**(({index}) * momentum_decay))"

    return (
        FIRST,
        SECOND,
        Rule("The momentum of this update", momentum("t"), f"It rises to β₁; the exponent is t · ψ with ψ = {psi}."),
        Rule("The momentum of the next update", momentum("t+1"), "The same, one update later."),
        Rule(
            "The product of the momenta", f"p[t-1] = {1 - optimizer.momenta_risen(t - 1)!r}", "Of the updates before."
        ),
        Rule("The product, with this update", "p[t] = p[t-1] * mu[t]", "It tells how much of the start at 0 is left."),
        Rule("The product, with the next one", "p[t+1] = p[t] * mu[t+1]", "And how much will be left then."),
        Rule(
            "The direction, looking ahead",
            "m_hat[t] = mu[t+1] * m[t] / (1 - p[t+1]) + (1 - mu[t]) * g[t] / (1 - p[t])",
            "What the first moment will be one update later, each part without the bias of the start at 0.",
        ),
        SECOND_HAT,
        change("-(eta * m_hat[t] / (sqrt(v_hat[t]) + epsilon))", BY_SIZE),
    )


def lion(*_: Any) -> Rules:
    return (
        Rule("The direction", "d[t] = beta_1 * m[t-1] + (1 - beta_1) * g[t]", "Between the average and this gradient."),
        change("-(eta * sign(d[t]))", "Every weight moves by the learning rate, whatever the size of its gradient."),
        Rule("The average", "m[t] = beta_2 * m[t-1] + (1 - beta_2) * g[t]", "It is kept for the next update."),
    )


NAMES = {("rmsprop", "velocity"): "r"}  # of states in formulas, if not their own: v is the mean square there
RULES: dict[str, Callable[[Any, int], Rules]] = {
    "gd": gd,
    "sgd": sgd,
    "momentum": sgd,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
    "adam_epsilon_hat": adam_epsilon_hat,
    "adam_uncorrected": adam_uncorrected,
    "amsgrad": amsgrad,
    "adamax": adamax,
    "nadam": nadam,
    "adamw": adam,
    "lion": lion,
}
