"""Adam, by running means of the gradient and of its square, and those that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from ..arrays import Array, is_array, namespace
from ..specification import require_range
from .optimizer import Optimizer, State, require_rates, risen, root


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
    families: ClassVar[tuple[str, ...]] = ("m", "v")
    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_rates(self)
        require_range(self, "beta_1", 0, 1)
        require_range(self, "beta_2", 0, 1)
        require_range(self, "epsilon", 0, math.inf, "()")

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        first, second = self.moments(gradient, state)
        # η·m̂ = (η/(1−β₁^t))·m and √v̂ = √v/√(1−β₂^t): the corrections are numbers, made once and not for each element
        rate, correction = self.corrected_rate(rate, t), self.root_correction(t)
        changes = [-rate * m / (root(v) * correction + self.epsilon) for m, v in zip(first, second, strict=True)]
        return changes, {"m": first, "v": second}

    def corrected_rate(self, rate: Any, t: Any) -> Any:
        """η/(1−β₁^t), with which m stands instead of m̂."""
        return rate / risen(self.beta_1, t)

    def root_correction(self, t: Any) -> Any:
        """1/√(1−β₂^t), by which √v becomes √v̂."""
        return 1 / risen(self.beta_2, t) ** 0.5

    def moments(self, gradient: list[Array], state: State) -> tuple[list[Array], list[Array]]:
        """m and v after this gradient."""
        m_pairs, v_pairs = (zip(state[family], gradient, strict=True) for family in ("m", "v"))
        return (
            [self.beta_1 * m + (1 - self.beta_1) * grad for m, grad in m_pairs],
            [self.beta_2 * v + (1 - self.beta_2) * grad * grad for v, grad in v_pairs],
        )


@dataclass(frozen=True, slots=True, repr=False)
class AdamEpsilonHat(Adam):
    """Adam with ε beside the uncorrected √v: θ ← θ − η·√(1−β₂^t)/(1−β₁^t) · m/(√v + ε).

    The second form of Kingma and Ba 2015, at the end of their section 2; it is what scikit-learn and TensorFlow do.
    It equals :class:`~backtalk.Adam` with ε/√(1−β₂^t), so the two differ where gradients are about as small as ε.
    """

    name = "adam_epsilon_hat"

    def corrected_rate(self, rate: Any, t: Any) -> Any:
        """η·√(1−β₂^t)/(1−β₁^t)."""
        return rate * risen(self.beta_2, t) ** 0.5 / risen(self.beta_1, t)

    def root_correction(self, t: Any) -> Any:
        """1: √v stays as it is."""
        return 1.0


@dataclass(frozen=True, slots=True, repr=False)
class AdamUncorrected(Adam):
    """Adam without the corrections of m and v, which begin at 0: θ ← θ − η·m/(√v + ε). To see what they are for.

    v fills up more slowly than m. So the first step is (1−β₁)/√(1−β₂) times the learning rate, 3.16 with the usual β₁
    and β₂, where :class:`Adam` takes a step of the learning rate itself (Kingma and Ba 2015, sections 3 and 6.4).

    >>> import numpy as np
    >>> adam, theta = AdamUncorrected(learning_rate=0.5), [np.array([1.0])]
    >>> theta, state = adam.step(theta, [np.array([3.0])], adam.start(theta))
    >>> ((1 - theta[0]) / 0.5).round(4)
    array([3.1623])
    """

    name = "adam_uncorrected"

    def corrected_rate(self, rate: Any, t: Any) -> Any:
        """η itself."""
        return rate

    def root_correction(self, t: Any) -> Any:
        """1: √v stays as it is."""
        return 1.0


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
class AMSGrad(Adam):
    """:class:`Adam` with the largest v so far: u ← max(u, v), θ ← θ − η·m̂/(√û + ε), û = u/(1−β₂^t).

    Source: Reddi, Kale and Kumar 2018. û is corrected, as in PyTorch; the paper has no correction, and Keras corrects v
    before it takes the largest.

    >>> import numpy as np
    >>> amsgrad, theta = AMSGrad(learning_rate=0.5), [np.array([1.0])]
    >>> theta, state = amsgrad.step(theta, [np.array([3.0])], amsgrad.start(theta))
    >>> theta[0].round(6), sorted(state)
    (array([0.5]), ['m', 'u', 'v'])
    """

    name = "amsgrad"
    families: ClassVar[tuple[str, ...]] = ("m", "v", "u")

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        first, second = self.moments(gradient, state)
        largest = [namespace(v).maximum(u, v) for u, v in zip(state["u"], second, strict=True)]
        rate, correction = rate / risen(self.beta_1, t), self.root_correction(t)
        changes = [-rate * m / (root(u) * correction + self.epsilon) for m, u in zip(first, largest, strict=True)]
        return changes, {"m": first, "v": second, "u": largest}


@dataclass(frozen=True, slots=True, repr=False)
class Adamax(Adam):
    """m ← β₁m + (1−β₁)∇, ``u ← max(β₂u, |∇| + ε)``, θ ← θ − η·m̂/u, m̂ = m/(1−β₁^t).

    Source: Kingma and Ba 2015, Algorithm 2: Adam with the largest gradient instead of the mean square. ε stands where
    PyTorch has it; the paper has none.

    >>> import numpy as np
    >>> adamax, theta = Adamax(learning_rate=0.5), [np.array([1.0])]
    >>> theta, state = adamax.step(theta, [np.array([3.0])], adamax.start(theta))
    >>> theta[0].round(6)
    array([0.5])
    """

    name = "adamax"
    families: ClassVar[tuple[str, ...]] = ("m", "u")
    learning_rate: float = 2e-3

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        first = [self.beta_1 * m + (1 - self.beta_1) * grad for m, grad in zip(state["m"], gradient, strict=True)]
        largest = [
            namespace(grad).maximum(self.beta_2 * u, namespace(grad).abs(grad) + self.epsilon)
            for u, grad in zip(state["u"], gradient, strict=True)
        ]
        rate = rate / risen(self.beta_1, t)
        changes = [-rate * m / u for m, u in zip(first, largest, strict=True)]
        return changes, {"m": first, "u": largest}


@dataclass(frozen=True, slots=True, repr=False)
class Nadam(Adam):
    """Adam that looks ahead: θ ← θ − η·[μ_{t+1}·m/(1 − Π_{s≤t+1} μ_s) + (1−μ_t)·∇/(1 − Π_{s≤t} μ_s)]/(√v̂ + ε).

    The momentum rises, μ_t = β₁·(1 − ½·0.96^{t·ψ}), with ψ the ``momentum_decay``; m, v and v̂ are those of
    :class:`Adam`. Source: Dozat 2016, with PyTorch's defaults.

    >>> import numpy as np
    >>> nadam, theta = Nadam(learning_rate=0.5), [np.array([1.0])]
    >>> theta, state = nadam.step(theta, [np.array([3.0])], nadam.start(theta))
    >>> theta[0].round(3)
    array([0.472])
    """

    name = "nadam"
    learning_rate: float = 2e-3
    momentum_decay: float = 4e-3

    def __post_init__(self) -> None:
        Adam.__post_init__(self)
        require_range(self, "momentum_decay", 0, math.inf)

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        first, second = self.moments(gradient, state)
        correction = self.root_correction(t)
        ahead = rate * self.momentum(t + 1) / self.momenta_risen(t + 1)
        now = rate * (1 - self.momentum(t)) / self.momenta_risen(t)
        changes = [
            -(ahead * m + now * grad) / (root(v) * correction + self.epsilon)
            for m, v, grad in zip(first, second, gradient, strict=True)
        ]
        return changes, {"m": first, "v": second}

    def momentum(self, t: Any) -> Any:
        """μ_t = β₁·(1 − ½·0.96^{t·ψ})."""
        return self.beta_1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def momenta_risen(self, t: Any) -> Any:
        """1 − μ_1 · … · μ_t."""
        if not is_array(t):
            product = 1.0
            for number in range(1, t + 1):
                product *= self.momentum(number)
                if product < SPENT:
                    break
            return 1 - product
        if self.beta_1 == 0:
            return namespace(t).ones_like(t)
        xp, total, logarithms = namespace(t), 0.0, []
        for number in count(1):
            logarithms.append(math.log(self.momentum(number)))
            total += logarithms[-1]
            if total < math.log(SPENT):
                break
        numbers = xp.arange(1, len(logarithms) + 1, dtype=t.dtype)
        counted = xp.where(numbers <= t, xp.asarray(logarithms, dtype=t.dtype), xp.zeros_like(numbers))
        return -xp.expm1(xp.sum(counted))


SPENT = 1e-17  # a product of momenta below this changes no digit of 1 − it
