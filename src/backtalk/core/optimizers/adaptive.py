"""Rates of their own for each weight, by running means of squares: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from ..arrays import Array, namespace
from ..specification import require_range, require_switch
from .optimizer import Optimizer, State, require_rates, root


@dataclass(frozen=True, slots=True, repr=False)
class Adagrad(Optimizer):
    """s ← s + ∇², θ ← θ − η·∇/(√s + ε) (Duchi, Hazan and Singer 2011): the rate of a weight only falls.

    >>> import numpy as np
    >>> adagrad, theta = Adagrad(learning_rate=0.5), [np.array([1.0])]
    >>> theta, state = adagrad.step(theta, [np.array([3.0])], adagrad.start(theta))
    >>> theta[0].round(6)
    array([0.5])
    """

    name = "adagrad"
    families: ClassVar[tuple[str, ...]] = ("s",)
    learning_rate: float = 1e-2
    epsilon: float = 1e-10
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_rates(self)
        require_range(self, "epsilon", 0, math.inf, "()")

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        sums = [s + grad * grad for s, grad in zip(state["s"], gradient, strict=True)]
        changes = [-rate * grad / (root(s) + self.epsilon) for s, grad in zip(sums, gradient, strict=True)]
        return changes, {"s": sums}


@dataclass(frozen=True, slots=True, repr=False)
class RMSprop(Optimizer):
    """v ← ρv + (1−ρ)∇², θ ← θ − η·∇/(√v + ε) (Tieleman and Hinton 2012).

    ``centered``: instead of v stands the variance v − m², m ← ρm + (1−ρ)∇ (Graves 2013). ``momentum`` μ above 0:
    b ← μb + ∇/(√v + ε), θ ← θ − η·b. ε stands outside the root, as in PyTorch; TensorFlow and Keras have it inside.

    >>> import numpy as np
    >>> rmsprop, theta = RMSprop(learning_rate=0.5, rho=0.75), [np.array([1.0])]
    >>> theta, state = rmsprop.step(theta, [np.array([3.0])], rmsprop.start(theta))
    >>> theta[0].round(6)
    array([0.])
    """

    name = "rmsprop"
    learning_rate: float = 1e-2
    rho: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    centered: bool = False
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_rates(self)
        require_range(self, "rho", 0, 1)
        require_range(self, "epsilon", 0, math.inf, "()")
        require_range(self, "momentum", 0, 1)
        require_switch(self, "centered")

    @property
    def families(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """v, and what momentum and centering need."""
        return ("v", *(["m"] if self.centered else []), *(["velocity"] if self.momentum else []))

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        after = {
            "v": [self.rho * v + (1 - self.rho) * grad * grad for v, grad in zip(state["v"], gradient, strict=True)]
        }
        spread = after["v"]
        if self.centered:
            pairs = zip(state["m"], gradient, strict=True)
            after["m"] = [self.rho * m + (1 - self.rho) * grad for m, grad in pairs]
            # rounding must not make a variance of 0 negative
            pairs = zip(after["v"], after["m"], strict=True)
            spread = [namespace(v).maximum(v - m * m, namespace(v).zeros_like(v)) for v, m in pairs]
        steps = [grad / (root(part) + self.epsilon) for part, grad in zip(spread, gradient, strict=True)]
        if self.momentum:
            pairs = zip(state["velocity"], steps, strict=True)
            after["velocity"] = steps = [self.momentum * velocity + step for velocity, step in pairs]
        return [-rate * step for step in steps], after


@dataclass(frozen=True, slots=True, repr=False)
class Adadelta(Optimizer):
    """v ← ρv + (1−ρ)∇², d = √(u + ε)/√(v + ε)·∇, u ← ρu + (1−ρ)d², θ ← θ − η·d (Zeiler 2012, where η = 1).

    >>> import numpy as np
    >>> adadelta, theta = Adadelta(epsilon=1.0, rho=0.75), [np.array([1.0])]
    >>> theta, state = adadelta.step(theta, [np.array([2.0])], adadelta.start(theta))
    >>> theta[0].round(3)
    array([-0.414])
    """

    name = "adadelta"
    families: ClassVar[tuple[str, ...]] = ("v", "u")
    learning_rate: float = 1.0
    rho: float = 0.9
    epsilon: float = 1e-6
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_rates(self)
        require_range(self, "rho", 0, 1)
        require_range(self, "epsilon", 0, math.inf, "()")

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        squares = [self.rho * v + (1 - self.rho) * grad * grad for v, grad in zip(state["v"], gradient, strict=True)]
        steps = [
            root(u + self.epsilon) / root(v + self.epsilon) * grad
            for u, v, grad in zip(state["u"], squares, gradient, strict=True)
        ]
        taken = [self.rho * u + (1 - self.rho) * step * step for u, step in zip(state["u"], steps, strict=True)]
        return [-rate * step for step in steps], {"v": squares, "u": taken}
