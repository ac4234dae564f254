"""Mistakes in the update rules of Adam, of momentum, and of sums of squares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ....core.optimizers import Adagrad, Nesterov, RMSprop
from .update_rules import Arrays, Below, KnownStep, Rule, decayed, told


def of_adam(optimizer: Any) -> Iterator[KnownStep]:
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
            yield told(name, said, formula, advice, _adam(optimizer, **form))


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
            new.append(decayed(optimizer, old) - optimizer.learning_rate * m_hat / under)
            kept.append((m, v))
        return new, kept

    return rule


def of_momentum(optimizer: Any) -> Iterator[KnownStep]:
    mu, eta = optimizer.momentum, optimizer.learning_rate
    formula = "v ← μ·v − η∇, θ ← θ + v"

    def by(change: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]) -> Rule:
        """``change``: what is added and the next v, from v and ∇."""

        def rule(theta: Arrays, gradient: Arrays, state: Any, t: int) -> tuple[Arrays, Any]:
            velocity = [0 * old for old in theta] if state is None else state
            pairs = [change(v, g) for v, g in zip(velocity, gradient, strict=True)]
            new = [decayed(optimizer, old) + added for old, (added, _) in zip(theta, pairs, strict=True)]
            return new, [v for _, v in pairs]

        return rule

    def twice(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return value, value

    yield told(
        "momentum_sign",
        "the sign of the momentum is turned: −μ·v",
        formula,
        "add μ·v",
        by(lambda v, g: twice(-mu * v - eta * g)),
    )
    yield told(
        "momentum_left_out",
        "the momentum is left out",
        formula,
        "keep v, and add μ·v to each step",
        by(lambda v, g: (-eta * g, v)),
    )
    yield told(
        "momentum_share",
        "∇ is multiplied by 1 − μ: v is a mean of the gradients",
        formula,
        "add η∇ whole; or the learning rate is 1/(1 − μ) times as large",
        by(lambda v, g: (-eta * (mu * v + (1 - mu) * g), mu * v + (1 - mu) * g)),
    )
    yield told(
        "momentum_whole", "v is not multiplied by μ", formula, "multiply v by μ", by(lambda v, g: twice(v - eta * g))
    )
    yield told(
        "momentum_late",
        "the old v is added, before ∇ is in it",
        formula,
        "change v first, then add it",
        by(lambda v, g: (v, mu * v - eta * g)),
    )
    yield told(
        "momentum_opposite",
        "v is subtracted that holds −η∇ already, or added that holds η∇, in part",
        formula,
        "v holds −η∇, and is added",
        by(lambda v, g: (mu * v - eta * g - 2 * mu * v, mu * v - eta * g)),
    )
    if isinstance(optimizer, Nesterov):
        yield told(
            "nesterov_left_out",
            "θ moves by v alone: that is momentum without Nesterov's look ahead",
            "v ← μ·v − η∇, θ ← θ + μ·v − η∇",
            "add μ·v − η∇ with the new v",
            by(lambda v, g: twice(mu * v - eta * g)),
        )
    else:
        yield told(
            "nesterov",
            "this is Nesterov's momentum: μ·v − η∇ is added, with the new v",
            formula,
            "add v",
            by(lambda v, g: (mu * (mu * v - eta * g) - eta * g, mu * v - eta * g)),
        )


def of_squares(optimizer: Adagrad | RMSprop) -> Iterator[KnownStep]:
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
                new.append(decayed(optimizer, old) - optimizer.learning_rate * velocity)
                kept.append((v, velocity))
            return new, kept

        return rule

    def right(v: np.ndarray, e: float) -> np.ndarray:
        return np.sqrt(v) + e

    yield told(
        "epsilon_inside_root",
        "ε is inside the root: √(v + ε)",
        step,
        "add ε after the root",
        by(rho, share, lambda v, e: np.sqrt(v + e)),
    )
    yield told("epsilon_left_out", "ε is left out", step, "add ε to √v", by(rho, share, lambda v, e: np.sqrt(v)))
    yield told(
        "root_left_out",
        "the root is left out: ∇/(v + ε)",
        step,
        "take the root of v",
        by(rho, share, lambda v, e: v + e),
    )
    yield told(
        "share_left_out", "1 − ρ is left out: ∇² is added whole", mean, "multiply ∇² by 1 − ρ", by(rho, 1.0, right)
    )
    yield told(
        "shares_exchanged", "ρ and 1 − ρ are exchanged", mean, "keep ρ of v, and add 1 − ρ of ∇²", by(share, rho, right)
    )
    yield told(
        "square_left_out", "∇ is not squared", mean, "square ∇, element by element", by(rho, share, right, np.abs)
    )
