"""Optimizers: from the parameters θ and their gradient ∇ to the next θ. Frozen; the state is handed through.

Each has a decoupled ``weight_decay`` λ (Loshchilov and Hutter 2019): before its own change, θ ← (1 − η·λ)·θ.
Only weight matrices decay, biases do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .arrays import Array, is_array, namespace
from .specification import read_specification, require_range, write_specification

State = dict[str, list[Array]]


@dataclass(frozen=True, slots=True, repr=False)
class Optimizer:
    """``start`` makes the state for a list of parameters; ``step`` gives the next parameters and state.

    The state holds a list of arrays, one for each parameter, for each of ``families``.
    """

    name: ClassVar[str]
    families: ClassVar[tuple[str, ...]]
    learning_rate: float
    weight_decay: float = field(kw_only=True)

    def start(self, parameters: list[Array]) -> State:
        """The state before the first step: zeros."""
        return {family: [namespace(theta).zeros_like(theta) for theta in parameters] for family in self.families}

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        """What update number t (from 1) adds to each parameter at a learning rate, and the next state."""
        raise NotImplementedError

    def step(
        self, parameters: list[Array], gradient: list[Array], state: State, *, t: int = 1, rate: float | None = None
    ) -> tuple[list[Array], State]:
        """The next parameters and state; ``rate`` stands in for the optimizer's own learning rate, where given."""
        rate = self.learning_rate if rate is None else rate
        changes, state = self.change(gradient, state, t, rate)
        keep = 1 - rate * self.weight_decay
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
    families = ("velocity",)
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        _require_rates(self)
        require_range(self, "momentum", 0, 1)

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        pairs = zip(state["velocity"], gradient, strict=True)
        velocity = [self.momentum * v - rate * grad for v, grad in pairs]
        return velocity, {"velocity": velocity}


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

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        velocity, state = SGD.change(self, gradient, state, t, rate)
        return [self.momentum * v - rate * grad for v, grad in zip(velocity, gradient, strict=True)], state


def _risen(beta: float, t: Any) -> Any:
    """1 − β^t, to full precision also where t is an array of float32, inside a compiled step."""
    if beta == 0 or not is_array(t):
        return 1 - beta**t
    return -namespace(t).expm1(t * math.log(beta))


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
    families = ("m", "v")
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

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        first, second = self._moments(gradient, state)
        first_bias, second_bias = _risen(self.beta_1, t), _risen(self.beta_2, t)
        changes = [
            -rate * (m / first_bias) / (namespace(v).sqrt(v / second_bias) + self.epsilon)
            for m, v in zip(first, second, strict=True)
        ]
        return changes, {"m": first, "v": second}

    def _moments(self, gradient: list[Array], state: State) -> tuple[list[Array], list[Array]]:
        m_pairs, v_pairs = (zip(state[family], gradient, strict=True) for family in self.families)
        return (
            [self.beta_1 * m + (1 - self.beta_1) * grad for m, grad in m_pairs],
            [self.beta_2 * v + (1 - self.beta_2) * grad * grad for v, grad in v_pairs],
        )


@dataclass(frozen=True, slots=True, repr=False)
class AdamEpsilonHat(Adam):
    """Adam with ε beside the uncorrected √v: θ ← θ − η·√(1−β₂^t)/(1−β₁^t) · m/(√v + ε).

    The second form of Kingma and Ba 2015, at the end of their section 2; it is what scikit-learn and TensorFlow do.
    It equals :class:`Adam` with ε/√(1−β₂^t), so the two differ where gradients are about as small as ε.
    """

    name = "adam_epsilon_hat"

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        first, second = self._moments(gradient, state)
        rate = rate * _risen(self.beta_2, t) ** 0.5 / _risen(self.beta_1, t)
        changes = [-rate * m / (namespace(v).sqrt(v) + self.epsilon) for m, v in zip(first, second, strict=True)]
        return changes, {"m": first, "v": second}


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


@dataclass(frozen=True, slots=True, repr=False)
class LBFGS:
    """Limited-memory BFGS (Liu and Nocedal 1989), as SciPy's L-BFGS-B does it; an epoch is one iteration.

    ``memory``: how many pairs of steps and gradient changes it keeps. It has converged if the largest entry of the
    gradient is ``tolerance`` or less, or if an iteration lowers the loss by the share ``reduction`` of it or less.
    ``evaluations``: how often it evaluates the loss with its gradient, at most.

    >>> from backtalk import Network, fit
    >>> net = Network.create([1, 1], loss="squared_error", rng=0)
    >>> training = fit(net, [[0.0], [1.0]], [1.0, 3.0], epochs=100, optimizer=LBFGS(tolerance=1e-8))
    >>> training.reason, round(float(training.network.W[1][0, 0]), 6), round(float(training.network.b[1][0]), 6)
    ('converged', 2.0, 1.0)
    """

    name: ClassVar[str] = "lbfgs"
    memory: float = 10.0
    tolerance: float = 1e-5
    reduction: float = 1e7 * 2.0**-52  # SciPy's own
    evaluations: float = 15000.0

    def __post_init__(self) -> None:
        require_range(self, "memory", 1, math.inf)
        require_range(self, "tolerance", 0, math.inf)
        require_range(self, "reduction", 0, 1)
        require_range(self, "evaluations", 1, math.inf)

    def __repr__(self) -> str:
        return write_specification(self)


OPTIMIZERS: dict[str, type[Optimizer]] = {kind.name: kind for kind in (SGD, Nesterov, Adam, AdamEpsilonHat, AdamW)}


def as_any_optimizer(value: Any) -> Optimizer | LBFGS:
    """An optimizer of steps, or L-BFGS, from itself or from its name, with parameters where it has some.

    >>> as_any_optimizer("adam(learning_rate=0.01)")
    adam(learning_rate=0.01)
    """
    if isinstance(value, Optimizer | LBFGS):
        return value
    return read_specification(value, {**OPTIMIZERS, LBFGS.name: LBFGS}, "optimizer")
