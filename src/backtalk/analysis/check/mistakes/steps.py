"""Mistakes of an update rule: each computes the next parameters in the wrong way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ....core.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamEpsilonHat,
    AdamW,
    Nesterov,
    Optimizer,
    RMSprop,
)
from .mistake import Mistake

Arrays = list[np.ndarray]
Below = Callable[[np.ndarray, float], np.ndarray]  # what ∇ is divided by, from v and ε
# The next parameters and state, from the parameters, their gradient, the state or None, and the number t of the step
Rule = Callable[[Arrays, Arrays, Any, int], tuple[Arrays, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class KnownStep:
    """A mistake that has a name, and the rule under it."""

    mistake: Mistake
    rule: Rule


def right_rule(optimizer: Optimizer, rate: float | None = None) -> Rule:
    """The optimizer's own rule."""

    def rule(theta: Arrays, gradient: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
        state = optimizer.start(theta) if state is None else state
        return optimizer.step(theta, gradient, state, t=t, rate=rate)

    return rule


def known_steps(optimizer: Optimizer) -> Iterator[KnownStep]:
    """Each mistake that can be made with this optimizer, likelier ones first."""
    yield from _of_every_optimizer(optimizer)
    if type(optimizer) in (Adam, AdamEpsilonHat, AdamW):  # what is built on Adam has a rule of its own
        yield from _of_adam(optimizer)
    if isinstance(optimizer, SGD):
        yield from _of_momentum(optimizer)
    if isinstance(optimizer, Adagrad) or (isinstance(optimizer, RMSprop) and not optimizer.centered):
        yield from _of_squares(optimizer)
    yield from _of_decay(optimizer)
    yield from _of_other_numbers(optimizer)


def _told(name: str, said: str, formula: str, advice: str, rule: Rule) -> KnownStep:
    return KnownStep(Mistake(name, said, formula, advice, ()), rule)


STEP = "θ ← θ + change, with the change of the optimizer at learning rate η"
STATE = "each parameter has a state of its own, which goes from step to step"
COUNT = "t counts the steps from 1: m̂ = m/(1 − β₁^t), v̂ = v/(1 − β₂^t)"


def _of_every_optimizer(optimizer: Optimizer) -> Iterator[KnownStep]:
    right, eta = right_rule(optimizer), optimizer.learning_rate
    yield _told(
        "ascent",
        "the step goes up: the gradient is added instead of subtracted",
        STEP,
        "subtract: θ ← θ − η∇ …",
        lambda theta, g, state, t: right(theta, [-each for each in g], state, t),
    )
    yield _told(
        "learning_rate_left_out",
        "the learning rate is left out",
        STEP,
        "multiply the step by η",
        right_rule(optimizer, 1.0),
    )
    yield _told(
        "learning_rate_twice",
        "the learning rate is applied twice",
        STEP,
        "multiply the step by η once",
        right_rule(optimizer, eta * eta),
    )
    yield _told(
        "learning_rate_divides",
        "the step is divided by the learning rate",
        STEP,
        "multiply the step by η",
        lambda theta, g, state, t: _scaled(right, theta, g, state, t, 1 / eta**2),
    )
    yield _told(
        "learning_rate_doubled",
        "the step is 2 times too long",
        STEP,
        "leave the 2 out",
        lambda theta, g, state, t: _scaled(right, theta, g, state, t, 2.0),
    )
    yield _told(
        "state_not_kept",
        "the state is not kept: every step begins with zeros",
        STATE,
        "return the state, and use it in the next step",
        lambda theta, g, state, t: right(theta, g, None, t),
    )
    yield _told(
        "state_not_kept",
        "the state is not kept, nor is t: every step is the first",
        STATE,
        "return the state, and use it in the next step",
        lambda theta, g, state, t: right(theta, g, None, 1),
    )
    yield _told(
        "state_shared",
        "parameters of the same shape share one state",
        STATE,
        "keep a state for each parameter",
        _shared(optimizer),
    )
    yield _told(
        "t_from_zero",
        "t counts from 0",
        COUNT,
        "count from 1: at t = 0, 1 − β^t is 0",
        lambda theta, g, state, t: right(theta, g, state, t - 1),
    )
    yield _told(
        "t_one_more",
        "t is larger by 1",
        COUNT,
        "count the first step as 1",
        lambda theta, g, state, t: right(theta, g, state, t + 1),
    )
    yield _told(
        "t_fixed", "t stays 1", COUNT, "add 1 to t at each step", lambda theta, g, state, t: right(theta, g, state, 1)
    )
    yield _told(
        "t_counts_parameters",
        "t grows with each parameter instead of each step",
        COUNT,
        "add 1 to t once for all parameters",
        _one_by_one(optimizer, lambda array, k: k, lambda t, k: 4 * (t - 1) + k + 1),
    )
    yield _told(
        "t_counts_parameters",
        "t grows with each parameter instead of each step",
        COUNT,
        "add 1 to t once for all parameters",
        _one_by_one(optimizer, lambda array, k: k, lambda t, k: t + k + 1),
    )


def _scaled(rule: Rule, theta: Arrays, g: Arrays, state: Any, t: int, factor: float) -> tuple[Arrays, Any]:
    """The whole change times a factor."""
    new, state = rule(theta, g, state, t)
    return [old + factor * (after - old) for old, after in zip(theta, new, strict=True)], state


def _one_by_one(optimizer: Optimizer, key: Callable[[np.ndarray, int], Any], time: Callable[[int, int], int]) -> Rule:
    """The rule parameter after parameter, with the state that ``key`` names, at the time that ``time`` says."""

    def rule(theta: Arrays, gradient: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
        states = {} if state is None else dict(state)
        new = []
        for k, (old, grad) in enumerate(zip(theta, gradient, strict=True)):
            held = states.get(key(old, k)) or optimizer.start([old])
            (after,), states[key(old, k)] = optimizer.step([old], [grad], held, t=time(t, k))
            new.append(after)
        return new, states

    return rule


def _shared(optimizer: Optimizer) -> Rule:
    return _one_by_one(optimizer, lambda array, k: array.shape, lambda t, k: t)


def _of_adam(optimizer: Any) -> Iterator[KnownStep]:
    """Adam and what is built as it is, with one thing otherwise."""
    correction = "m̂ = m/(1 − β₁^t), v̂ = v/(1 − β₂^t)"
    root = "θ ← θ − η·m̂/(√v̂ + ε)"
    shares = "m ← β₁m + (1 − β₁)∇, v ← β₂v + (1 − β₂)∇²"
    table = [
        ("bias_correction_left_out", "the bias correction is left out", correction, "divide m and v by 1 − β^t",
         [{"first": False, "second": False}]),
        ("first_bias_correction_left_out", "the bias correction of m is left out", correction, "divide m by 1 − β₁^t",
         [{"first": False}]),
        ("second_bias_correction_left_out", "the bias correction of v is left out", correction, "divide v by 1 − β₂^t",
         [{"second": False}]),
        ("bias_correction_multiplied", "β is multiplied by t instead of raised to it", correction, "use β^t",
         [{"power": lambda beta, t: 1 - beta * t}]),
        ("t_fixed", "t is a fixed number in 1 − β^t", correction, "raise β to the number of the step",
         [{"power": lambda beta, t, n=n: 1 - beta**n, **only} for n in (1, 2)
          for only in ({}, {"which": "first"}, {"which": "second"})]),
        ("bias_correction_of_other", "m and v are divided by the same 1 − β^t", correction,
         "m goes with β₁, v with β₂", [{"same": "second"}, {"same": "first"}]),
        ("epsilon_inside_root", "ε is inside the root: √(v̂ + ε)", root, "add ε after the root",
         [{"below": lambda v, e: np.sqrt(v + e)}]),
        ("epsilon_beside_uncorrected", "ε is added to √v before v is corrected", root, "correct v first, then add ε",
         [{"hat": True}]),
        ("epsilon_left_out", "ε is left out", root, "add ε to √v̂", [{"below": lambda v, e: np.sqrt(v)}]),
        ("root_left_out", "the root is left out: m̂/(v̂ + ε)", root, "take the root of v̂",
         [{"below": lambda v, e: v + e}]),
        ("betas_exchanged", "β₁ and β₂ are exchanged", shares, "β₁ goes with m, β₂ with v", [{"exchange": True}]),
        ("share_left_out", "1 − β is left out: ∇ is added whole", shares, "multiply ∇ by 1 − β₁, ∇² by 1 − β₂",
         [{"whole": which} for which in ("m", "v", "mv")]),
        ("square_left_out", "∇ is not squared for v", shares, "square ∇, element by element",
         [{"square": lambda g, m: g}, {"square": lambda g, m: np.abs(g)}]),
        ("square_of_m", "v is made of m² instead of ∇²", shares, "square ∇", [{"square": lambda g, m: m * m}]),
        ("first_moment_left_out", "m is left out: the step is made of ∇ itself", root, "use m̂",
         [{"plain": True}]),
    ]  # fmt: skip
    for name, said, formula, advice, forms in table:
        for form in forms:
            yield _told(name, said, formula, advice, _adam(optimizer, **form))


def _adam(
    optimizer: Any,
    *,
    first: bool = True,
    second: bool = True,
    power: Callable[[float, int], float] | None = None,
    which: str = "both",
    same: str = "",
    below: Callable[[np.ndarray, float], np.ndarray] = lambda v, e: np.sqrt(v) + e,
    hat: bool = False,
    exchange: bool = False,
    whole: str = "",
    square: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda g, m: g * g,
    plain: bool = False,
) -> Rule:
    """Adam's rule with decoupled decay, where each argument changes one thing in it."""
    b1, b2 = (optimizer.beta_2, optimizer.beta_1) if exchange else (optimizer.beta_1, optimizer.beta_2)

    def correction(beta: float, t: int, name: str) -> float:
        if same:
            beta = b1 if same == "first" else b2
        return power(beta, t) if power is not None and which in ("both", name) else 1 - beta**t

    def rule(theta: Arrays, gradient: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
        moments = [(0 * old, 0 * old) for old in theta] if state is None else state
        new, kept = [], []
        for old, g, (m, v) in zip(theta, gradient, moments, strict=True):
            m = b1 * m + (1 if "m" in whole else 1 - b1) * g
            v = b2 * v + (1 if "v" in whole else 1 - b2) * square(g, m)
            m_hat = g if plain else m / correction(b1, t, "first") if first else m
            v_share = correction(b2, t, "second") if second else 1.0
            under = (
                (np.sqrt(v) + optimizer.epsilon) / np.sqrt(v_share) if hat else below(v / v_share, optimizer.epsilon)
            )
            new.append(_decayed(optimizer, old) - optimizer.learning_rate * m_hat / under)
            kept.append((m, v))
        return new, kept

    return rule


def _decayed(optimizer: Optimizer, theta: np.ndarray) -> np.ndarray:
    return (1 - optimizer.learning_rate * optimizer.weight_decay) * theta if theta.ndim == 2 else theta


def _of_momentum(optimizer: Any) -> Iterator[KnownStep]:
    mu, eta = optimizer.momentum, optimizer.learning_rate
    formula = "v ← μ·v − η∇, θ ← θ + v"

    def by(change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> Rule:
        """``change``: what is added and the next v, from v and ∇."""

        def rule(theta: Arrays, gradient: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
            velocity = [0 * old for old in theta] if state is None else state
            pairs = [change(v, g) for v, g in zip(velocity, gradient, strict=True)]
            new = [_decayed(optimizer, old) + added for old, (added, _) in zip(theta, pairs, strict=True)]
            return new, [v for _, v in pairs]

        return rule

    def twice(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return value, value

    yield _told(
        "momentum_sign",
        "the sign of the momentum is turned: −μ·v",
        formula,
        "add μ·v",
        by(lambda v, g: twice(-mu * v - eta * g)),
    )
    yield _told(
        "momentum_left_out",
        "the momentum is left out",
        formula,
        "keep v, and add μ·v to each step",
        by(lambda v, g: (-eta * g, v)),
    )
    yield _told(
        "momentum_share",
        "∇ is multiplied by 1 − μ: v is a mean of the gradients",
        formula,
        "add η∇ whole; or the learning rate is 1/(1 − μ) times as large",
        by(lambda v, g: (-eta * (mu * v + (1 - mu) * g), mu * v + (1 - mu) * g)),
    )
    yield _told(
        "momentum_whole", "v is not multiplied by μ", formula, "multiply v by μ", by(lambda v, g: twice(v - eta * g))
    )
    yield _told(
        "momentum_late",
        "the old v is added, before ∇ is in it",
        formula,
        "change v first, then add it",
        by(lambda v, g: (v, mu * v - eta * g)),
    )
    yield _told(
        "momentum_opposite",
        "v is subtracted that holds −η∇ already, or added that holds η∇, in part",
        formula,
        "v holds −η∇, and is added",
        by(lambda v, g: (mu * v - eta * g - 2 * mu * v, mu * v - eta * g)),
    )
    if isinstance(optimizer, Nesterov):
        yield _told(
            "nesterov_left_out",
            "θ moves by v alone: that is momentum without Nesterov's look ahead",
            "v ← μ·v − η∇, θ ← θ + μ·v − η∇",
            "add μ·v − η∇ with the new v",
            by(lambda v, g: twice(mu * v - eta * g)),
        )
    else:
        yield _told(
            "nesterov",
            "this is Nesterov's momentum: μ·v − η∇ is added, with the new v",
            formula,
            "add v",
            by(lambda v, g: (mu * (mu * v - eta * g) - eta * g, mu * v - eta * g)),
        )


def _of_squares(optimizer: Adagrad | RMSprop) -> Iterator[KnownStep]:
    """Adagrad and RMSprop, with one thing otherwise."""
    rho, e = (optimizer.rho, optimizer.epsilon) if isinstance(optimizer, RMSprop) else (1.0, optimizer.epsilon)
    share = 1 - rho if isinstance(optimizer, RMSprop) else 1.0
    mu = optimizer.momentum if isinstance(optimizer, RMSprop) else 0.0
    step, mean = "θ ← θ − η·∇/(√v + ε)", "v ← ρv + (1 − ρ)∇² in RMSprop, s ← s + ∇² in Adagrad"

    def by(keep: float, add: float, below: Below, square: Callable[[np.ndarray], np.ndarray] = np.square) -> Rule:
        def rule(theta: Arrays, gradient: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
            held = [(0 * old, 0 * old) for old in theta] if state is None else state
            new, kept = [], []
            for old, g, (v, velocity) in zip(theta, gradient, held, strict=True):
                v = keep * v + add * square(g)
                velocity = mu * velocity + g / below(v, e)
                new.append(_decayed(optimizer, old) - optimizer.learning_rate * velocity)
                kept.append((v, velocity))
            return new, kept

        return rule

    def right(v: np.ndarray, e: float) -> np.ndarray:
        return np.sqrt(v) + e

    yield _told(
        "epsilon_inside_root",
        "ε is inside the root: √(v + ε)",
        step,
        "add ε after the root",
        by(rho, share, lambda v, e: np.sqrt(v + e)),
    )
    yield _told("epsilon_left_out", "ε is left out", step, "add ε to √v", by(rho, share, lambda v, e: np.sqrt(v)))
    yield _told(
        "root_left_out",
        "the root is left out: ∇/(v + ε)",
        step,
        "take the root of v",
        by(rho, share, lambda v, e: v + e),
    )
    yield _told(
        "share_left_out", "1 − ρ is left out: ∇² is added whole", mean, "multiply ∇² by 1 − ρ", by(rho, 1.0, right)
    )
    yield _told(
        "shares_exchanged", "ρ and 1 − ρ are exchanged", mean, "keep ρ of v, and add 1 − ρ of ∇²", by(share, rho, right)
    )
    yield _told(
        "square_left_out", "∇ is not squared", mean, "square ∇, element by element", by(rho, share, right, np.abs)
    )


def _of_decay(optimizer: Optimizer) -> Iterator[KnownStep]:
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

    yield _told("decay_left_out", "the weight decay is left out", formula, "multiply θ by 1 − η·λ first", plain)
    yield _told(
        "decay_on_biases",
        "the biases decay as well",
        formula,
        "decay weight matrices alone",
        before(lambda old: 1 - eta * decay),
    )
    yield _told(
        "decay_without_rate",
        "the decay is λ and not η·λ",
        formula,
        "multiply λ by η",
        before(lambda old: 1 - decay if old.ndim == 2 else 1.0),
    )
    yield _told(
        "decay_sign",
        "the weights grow: the sign of the decay is turned",
        formula,
        "subtract η·λ·θ",
        before(lambda old: 1 + eta * decay if old.ndim == 2 else 1.0),
    )
    yield _told(
        "coupled_decay",
        "the decay is coupled: λ·θ is added to the gradient, and goes through the optimizer",
        formula,
        "decay θ itself, apart from the gradient",
        coupled(plain, biases=False),
    )
    yield _told(
        "coupled_decay",
        "the decay is coupled: λ·θ is added to the gradient, of the biases as well",
        formula,
        "decay θ itself, apart from the gradient",
        coupled(plain, biases=True),
    )
    yield _told(
        "decay_twice",
        "the decay is there twice: in the gradient, and apart from it",
        formula,
        "leave λ·θ out of the gradient",
        coupled(right_rule(optimizer), biases=False),
    )
    yield _told("decay_after_step", "the decay comes after the change, on the new θ", formula, "decay θ first", after)


VALUES = (0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)


def _of_other_numbers(optimizer: Optimizer) -> Iterator[KnownStep]:
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
            yield _told(
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
        yield _told(
            "other_optimizer",
            f"this is the rule of {name}, not of {optimizer.name}",
            f"{optimizer!r}",
            f"write the rule of {optimizer.name}",
            right_rule(other),
        )
