"""The numbers of one update: the gradient of the batch, and the optimizer's states before and after it, in float64."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ....core.arrays import is_array, to_numpy
from ....core.inputs import require_network
from ....core.network import Network
from ....core.objective import add_penalty, clip, global_norm
from ....core.optimizers import Optimizer, State, as_any_optimizer
from ....engines.passes import backward, forward
from ....engines.steps import StepState
from ....errors import InputError, InputTypeError
from ....train.checkpoint import read
from ....train.records import Training
from ..quantity import Quantity, as_quantity


class Update:
    """One update of every parameter by the library itself, and the place of one of them, ``asked``.

    ``t`` numbers it from 1. ``delta`` (B,) and ``heard`` (B,) are the columns of ∇_{a_i}ℒ and h_{i-1} that meet in a
    weight; a bias hears 1. ``gradient`` is ∂ℒ/∂θ, without penalty and clipping.
    """

    asked: Quantity
    optimizer: Optimizer
    factor: float
    l2_penalty: float
    clip_norm: float | None
    network: Network
    loss: float
    examples: int
    delta: np.ndarray
    heard: np.ndarray | None
    parameters: list[np.ndarray]
    gradient: float
    penalized: list[np.ndarray]
    norm: float
    clipped: list[np.ndarray]
    before: State
    t: int
    after_parameters: list[np.ndarray]
    after: State

    def __init__(
        self, network: Network, X: Any, y: Any, optimizer: Any, quantity: Any, sample_weight: Any, state: Any,
        factor: float, l2_penalty: float, clip_norm: float | None,
    ) -> None:  # fmt: skip
        require_network(network)
        self.asked = _parameter(network, quantity)
        self.optimizer = _optimizer(optimizer)
        self.factor = _number("schedule_factor", factor)
        self.l2_penalty = _number("l2_penalty", l2_penalty)
        self.clip_norm = None if clip_norm is None else _number("clip_norm", clip_norm)
        self.network = network = network.to(np, dtype="float64")
        X, y = _array(X, "X"), _array(y, "y")
        if X.ndim == 1:  # one example
            X, y = X[None], y[None]
        with np.errstate(all="ignore"):
            trace = forward(network, X)
            grads = backward(network, trace, y, sample_weight)
        i, j = self.asked.layer, self.asked.indices[0] - 1
        self.loss, self.examples = float(grads.loss), len(trace.output)
        self.delta = grads.a[i][:, j]
        self.heard = trace.h[i - 1][:, self.asked.indices[1] - 1] if self.is_weight else None
        self.parameters = [*network.W.values(), *network.b.values()]
        plain = [*grads.W.values(), *grads.b.values()]
        if not all(np.isfinite(part).all() for part in plain):
            raise InputError("a gradient is not finite for these examples: scale X or the weights.")
        self.gradient = self.entry(plain)
        _, self.penalized = add_penalty(0.0, plain, list(network.W.values()), self.l2_penalty)
        self.norm = global_norm(self.penalized)
        self.clipped = self.penalized if self.clip_norm is None else clip(self.penalized, self.clip_norm)
        self.before, steps = _state(self.optimizer, state, self.parameters)
        self.t = steps + 1
        self.after_parameters, self.after = self.optimizer.step(
            self.parameters, self.clipped, self.before, t=self.t, rate=self.rate
        )

    @property
    def is_weight(self) -> bool:
        """Whether it is an entry of a W, which alone have a penalty and decay."""
        return self.asked.family == "W"

    @property
    def rate(self) -> float:
        """The learning rate of this update."""
        return self.factor * self.optimizer.learning_rate

    @property
    def clips(self) -> bool:
        """Whether the gradient is scaled down."""
        return self.clip_norm is not None and self.norm > self.clip_norm

    def entry(self, arrays: list[Any]) -> float:
        """The number of the parameter that is asked for, of arrays in the order W_1 … W_L, b_1 … b_L."""
        place = self.asked.layer - 1 + (0 if self.is_weight else self.network.depth)
        return float(arrays[place][tuple(index - 1 for index in self.asked.indices)])


def _parameter(network: Network, quantity: Any) -> Quantity:
    asked = as_quantity(network, quantity)
    if asked.family not in "Wb" or not asked.is_scalar:
        raise InputError(f"quantity is {quantity!r}, expected one weight such as 'W[1,2,1]', or one bias 'b[1,2]'.")
    return asked


def _optimizer(value: Any) -> Optimizer:
    optimizer = as_any_optimizer(value)
    if not isinstance(optimizer, Optimizer) or optimizer.searches:
        raise InputError(f"optimizer is {value!r}, which searches along lines: expected one that takes steps.")
    return optimizer


def _state(optimizer: Optimizer, given: Any, parameters: list[Any]) -> tuple[State, int]:
    """The optimizer's state before the update, and how many updates led there."""
    if given is None:
        return optimizer.start(parameters), 0
    if isinstance(given, str | os.PathLike):
        given = read(given).steps
    state = given.state if isinstance(given, Training) else given
    if not isinstance(state, StepState):
        raise InputTypeError(
            f"state is a {type(given).__name__} without a state of an optimizer, expected that of a training, or a "
            "checkpoint."
        )
    if isinstance(state.step, bool) or not isinstance(state.step, int) or state.step < 0:
        raise InputError(f"state says step {state.step!r}, expected a whole number of 0 or more.")
    if set(state.arrays) != set(optimizer.families):
        raise InputError(
            f"state holds {', '.join(state.arrays)}, which is not of {optimizer!r}: use the same optimizer."
        )
    shapes = [part.shape for part in parameters]
    if any([np.shape(part) for part in family] != shapes for family in state.arrays.values()):
        raise InputError("state is of a network with other layers, expected the network of that training.")
    return {
        name: [np.array(part, dtype=np.float64) for part in state.arrays[name]] for name in state.arrays
    }, state.step


def _array(value: Any, argument: str) -> np.ndarray:
    try:
        return to_numpy(value) if is_array(value) else np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputTypeError(f"{argument} is a {type(value).__name__} that is no array of numbers: {error}.") from None


def _number(argument: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InputTypeError(f"{argument} is {value!r}, expected a number.")
    if not 0 <= value < np.inf:
        raise InputError(f"{argument} is {value!r}, expected a finite number of 0 or more.")
    return float(value)
