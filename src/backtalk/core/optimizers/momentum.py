"""Gradient descent: plain, with momentum, and looking ahead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from ...errors import InputError
from ..arrays import Array
from ..specification import require_range
from .optimizer import Optimizer, State, require_rates


@dataclass(frozen=True, slots=True, repr=False)
class GradientDescent(Optimizer):
    """θ ← θ − η·∇ on the whole batch (Cauchy 1847): an epoch is one step, and there is no ``batch_size``.

    With ``armijo`` c > 0, each step looks for its rate: η is multiplied by ``shrink`` until the loss has fallen by a
    share of what the slope promises, ℒ(θ − η∇) ≤ ℒ(θ) − c·η·‖∇‖² (Armijo 1966; c = 1e-4 is usual). It begins at
    ``learning_rate`` anew in each step, and training has converged if no rate is left that lowers the loss. The penalty
    of ``l2_penalty`` belongs to ℒ; ``weight_decay`` does not, and cannot go with ``armijo``.

    >>> import numpy as np
    >>> gd, theta = GradientDescent(learning_rate=0.1), [np.array([1.0])]
    >>> gd.step(theta, [np.array([2.0])], gd.start(theta))
    ([array([0.8])], {})
    >>> GradientDescent(learning_rate=1.0, armijo=1e-4)
    gd(learning_rate=1.0, armijo=0.0001)
    """

    name = "gd"
    families: ClassVar[tuple[str, ...]] = ()
    whole_batch = True
    learning_rate: float = 0.1
    armijo: float = 0.0
    shrink: float = 0.5
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_rates(self)
        require_range(self, "armijo", 0, 1)
        require_range(self, "shrink", 0, 1, "()")
        if self.armijo and self.weight_decay:
            raise InputError(
                f"weight_decay of gd is {self.weight_decay!r}, but with armijo the search knows the loss alone: "
                "expected 0; use l2_penalty."
            )

    @property
    def searches(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether the step looks for its rate."""
        return self.armijo > 0

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        return [-rate * grad for grad in gradient], {}


@dataclass(frozen=True, slots=True, repr=False)
class SGD(Optimizer):
    """v ← μ·v − η·∇, θ ← θ + v, with learning rate η and momentum μ (Polyak 1964). Plain SGD has ``momentum=0``.

    The velocity v holds the rates of its steps. PyTorch keeps v/η and multiplies it by the rate of the day: the same
    while the rate does not change.

    >>> import numpy as np
    >>> sgd, theta = SGD(learning_rate=0.1, momentum=0.5), [np.array([1.0])]
    >>> theta, state = sgd.step(theta, [np.array([2.0])], sgd.start(theta))
    >>> theta
    [array([0.8])]
    """

    name = "sgd"
    families: ClassVar[tuple[str, ...]] = ("velocity",)
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        require_rates(self)
        require_range(self, "momentum", 0, 1)

    def change(self, gradient: list[Array], state: State, t: int, rate: float) -> tuple[list[Array], State]:
        pairs = zip(state["velocity"], gradient, strict=True)
        velocity = [self.momentum * v - rate * grad for v, grad in pairs]
        return velocity, {"velocity": velocity}


@dataclass(frozen=True, slots=True, repr=False)
class Momentum(SGD):
    """:class:`SGD` with momentum, under its own name: v ← μ·v − η·∇, θ ← θ + v (Polyak's heavy ball, 1964).

    >>> Momentum(0.1, 0.5)
    momentum(momentum=0.5)
    """

    name = "momentum"


@dataclass(frozen=True, slots=True, repr=False)
class Nesterov(SGD):
    """v ← μ·v − η·∇, θ ← θ + μ·v − η·∇ (Nesterov 1983, Sutskever et al. 2013); θ is the point that looks ahead.

    Nesterov's method has two points. The base point φ goes v ← μ·v − η·∇ℒ(φ + μ·v), φ ← φ + v, and the gradient is
    taken ahead of it, at θ = φ + μ·v. Written for φ, that is the form of Sutskever et al.; written for θ, it is the
    form above, which is that of PyTorch and Keras too: the same steps, while the rate does not change. So training,
    and the network that it gives, is at θ, where the gradients are; :meth:`base_point` gives φ.

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

    def base_point(self, parameters: list[Array], state: State) -> list[Array]:
        """φ = θ − μ·v: the point from which θ looks ahead.

        >>> import numpy as np
        >>> Nesterov(momentum=0.5).base_point([np.array([0.7])], {"velocity": [np.array([-0.2])]})[0].round(6)
        array([0.8])
        """
        pairs = zip(parameters, state["velocity"], strict=True)
        return [theta - self.momentum * velocity for theta, velocity in pairs]
