"""Optimizers: from the parameters θ and their gradient ∇ to the next θ. Frozen; the state is handed through.

Each has a decoupled ``weight_decay`` λ (Loshchilov and Hutter 2019): before its own change, θ ← (1 − η·λ)·θ.
Only weight matrices decay, biases do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..arrays import Array, namespace
from ..specification import read_specification, require_range, write_specification

State = Any


@dataclass(frozen=True, slots=True, repr=False)
class Optimizer:
    """``start`` makes the state for a list of parameters; ``step`` gives the next parameters and state."""

    name: ClassVar[str]
    learning_rate: float
    weight_decay: float = field(kw_only=True)

    def start(self, parameters: list[Array]) -> State:
        raise NotImplementedError

    def change(self, gradient: list[Array], state: State) -> tuple[list[Array], State]:
        """What is added to each parameter, and the next state."""
        raise NotImplementedError

    def step(self, parameters: list[Array], gradient: list[Array], state: State) -> tuple[list[Array], State]:
        """The next parameters and state."""
        changes, state = self.change(gradient, state)
        keep = 1 - self.learning_rate * self.weight_decay
        return [
            (keep * theta if theta.ndim == 2 and self.weight_decay else theta) + change
            for theta, change in zip(parameters, changes, strict=True)
        ], state

    def __repr__(self) -> str:
        return write_specification(self)


def _require_rates(optimizer: Any) -> None:
    require_range(optimizer, "learning_rate", 0, math.inf, "()")
    require_range(optimizer, "weight_decay", 0, math.inf)


@dataclass(frozen=True, slots=True, repr=False)
class SGD(Optimizer):
    """v ← μ·v − η·∇, θ ← θ + v, with learning rate η and momentum μ (Polyak 1964).

    >>> import numpy as np
    >>> sgd, theta = SGD(learning_rate=0.1, momentum=0.5), [np.array([1.0])]
    >>> theta, state = sgd.step(theta, [np.array([2.0])], sgd.start(theta))
    >>> theta
    [array([0.8])]
    """

    name = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        _require_rates(self)
        require_range(self, "momentum", 0, 1)

    def start(self, parameters: list[Array]) -> State:
        return [namespace(theta).zeros_like(theta) for theta in parameters]

    def change(self, gradient: list[Array], state: State) -> tuple[list[Array], State]:
        velocity = [self.momentum * v - self.learning_rate * grad for v, grad in zip(state, gradient, strict=True)]
        return velocity, velocity


@dataclass(frozen=True, slots=True, repr=False)
class Nesterov(SGD):
    """v ← μ·v − η·∇, θ ← θ + μ·v − η·∇ (Nesterov 1983, in the form of Sutskever et al. 2013 with θ looking ahead).

    >>> import numpy as np
    >>> nesterov, theta = Nesterov(learning_rate=0.1, momentum=0.5), [np.array([1.0])]
    >>> theta, state = nesterov.step(theta, [np.array([2.0])], nesterov.start(theta))
    >>> theta[0].round(6)
    array([0.7])
    """

    name = "nesterov"

    def change(self, gradient: list[Array], state: State) -> tuple[list[Array], State]:
        velocity = [self.momentum * v - self.learning_rate * grad for v, grad in zip(state, gradient, strict=True)]
        ahead = [self.momentum * v - self.learning_rate * grad for v, grad in zip(velocity, gradient, strict=True)]
        return ahead, velocity


@dataclass(frozen=True, slots=True, repr=False)
class Adam(Optimizer):
    """m ← β₁m + (1−β₁)∇, v ← β₂v + (1−β₂)∇², θ ← θ − η·m̂/(√v̂ + ε), m̂ = m/(1−β₁^t), v̂ = v/(1−β₂^t).

    Source: Kingma and Ba 2015, Algorithm 1.

    >>> import numpy as np
    >>> adam, theta = Adam(learning_rate=0.5), [np.array([1.0])]
    >>> theta, state = adam.step(theta, [np.array([3.0])], adam.start(theta))
    >>> theta[0].round(6)
    array([0.5])
    """

    name = "adam"
    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        _require_rates(self)
        require_range(self, "beta_1", 0, 1)
        require_range(self, "beta_2", 0, 1)
        require_range(self, "epsilon", 0, math.inf, "()")

    def start(self, parameters: list[Array]) -> State:
        zeros = [namespace(theta).zeros_like(theta) for theta in parameters]
        return 0, zeros, zeros

    def change(self, gradient: list[Array], state: State) -> tuple[list[Array], State]:
        t, first, second = state
        t += 1
        first = [self.beta_1 * m + (1 - self.beta_1) * grad for m, grad in zip(first, gradient, strict=True)]
        second = [self.beta_2 * v + (1 - self.beta_2) * grad * grad for v, grad in zip(second, gradient, strict=True)]
        first_bias, second_bias = 1 - self.beta_1**t, 1 - self.beta_2**t
        changes = [
            -self.learning_rate * (m / first_bias) / (namespace(v).sqrt(v / second_bias) + self.epsilon)
            for m, v in zip(first, second, strict=True)
        ]
        return changes, (t, first, second)


@dataclass(frozen=True, slots=True, repr=False)
class AdamW(Adam):
    """Adam with a decoupled weight decay of 0.01 unless you say otherwise (Loshchilov and Hutter 2019).

    >>> import numpy as np
    >>> adamw, theta = AdamW(learning_rate=0.5, weight_decay=0.2), [np.array([[1.0]])]
    >>> theta, state = adamw.step(theta, [np.array([[3.0]])], adamw.start(theta))
    >>> theta[0].round(6)
    array([[0.4]])
    """

    name = "adamw"
    weight_decay: float = field(default=0.01, kw_only=True)


OPTIMIZERS: dict[str, type[Optimizer]] = {kind.name: kind for kind in (SGD, Nesterov, Adam, AdamW)}


def as_optimizer(value: str | Optimizer, argument: str = "optimizer") -> Optimizer:
    """An optimizer from itself or from its name, with parameters where it has some.

    >>> as_optimizer("adam(learning_rate=0.01)")
    adam(learning_rate=0.01)
    """
    if isinstance(value, Optimizer):
        return value
    return read_specification(value, OPTIMIZERS, argument)
