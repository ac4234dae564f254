"""What the mistakes of update rules share: the right rule, and rules made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.optimizers import Optimizer
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


def told(name: str, said: str, formula: str, advice: str, rule: Rule) -> KnownStep:
    return KnownStep(Mistake(name, said, formula, advice, ()), rule)


STEP = "θ ← θ + change, with the change of the optimizer at learning rate η"
STATE = "each parameter has a state of its own, which goes from step to step"
COUNT = "t counts the steps from 1: m̂ = m/(1 − β₁^t), v̂ = v/(1 − β₂^t)"


def scaled(rule: Rule, theta: Arrays, g: Arrays, state: Any, t: int, factor: float) -> tuple[Arrays, Any]:
    """The whole change times a factor."""
    new, state = rule(theta, g, state, t)
    return [old + factor * (after - old) for old, after in zip(theta, new, strict=True)], state


def one_by_one(optimizer: Optimizer, key: Callable[[np.ndarray, int], Any], time: Callable[[int, int], int]) -> Rule:
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


def shared_state(optimizer: Optimizer) -> Rule:
    return one_by_one(optimizer, lambda array, k: array.shape, lambda t, k: t)


def decayed(optimizer: Optimizer, theta: np.ndarray) -> np.ndarray:
    return (1 - optimizer.learning_rate * optimizer.weight_decay) * theta if theta.ndim == 2 else theta
