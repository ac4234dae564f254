"""One step of an optimizer, backwards: from what the loss is told of the next θ and state, to the ones before.

``ā`` of a quantity a is the derivative of one scalar by it; here it has a first dimension M, one row for each of the M
scalars that are followed at once. Each formula is the transpose of the line of the optimizer beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ....core.optimizers import (
    SGD,
    Adam,
    AdamEpsilonHat,
    AdamUncorrected,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimizer,
)
from ....core.optimizers.optimizer import State
from ....errors import InputError

Parts = list[np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step: the optimizer, its number ``t`` from 1, its rate, θ and the state before it, and the gradient."""

    optimizer: Optimizer
    t: int
    rate: float
    parameters: Parts
    state: State
    gradient: Parts


@dataclass(slots=True, eq=False)
class Adjoints:
    """The derivatives of M losses by what comes before the step at hand: θ, the state; and the sums so far.

    ``examples`` (M, N): by a factor on each example's weight; ``rates`` (M, T); ``penalty`` (M,).
    """

    parameters: Parts
    state: dict[str, Parts]
    examples: np.ndarray
    rates: np.ndarray
    penalty: np.ndarray


class Pulled(NamedTuple):
    """θ̄ and the state's adjoints before the step, and those of the gradient, lists of (M, …); and η̄ (M,)."""

    parameters: Parts
    state: dict[str, Parts]
    gradient: Parts
    rate: np.ndarray


def pull_back(step: Step, parameters: Parts, state: dict[str, Parts]) -> Pulled:
    """From θ̄ and the state's adjoints after the step."""
    pulled = RULES[type(step.optimizer)](step, parameters, state)
    decay = step.optimizer.weight_decay
    if not decay:
        return pulled
    # θ ← (1 − ηλ)θ + …, for the weights alone
    rate = pulled.rate - decay * sum(_dot(each, theta) for each, theta in _weights(parameters, step.parameters))
    kept = [
        (1 - step.rate * decay) * each if theta.ndim == 2 else each
        for each, theta in zip(pulled.parameters, step.parameters, strict=True)
    ]
    return pulled._replace(parameters=kept, rate=rate)


def require_known(optimizer: Optimizer) -> None:
    """Raise :class:`~backtalk.errors.InputError` for an optimizer whose step is not differentiated here."""
    if type(optimizer) not in RULES:
        names = ", ".join(kind.name for kind in RULES)
        raise InputError(f"optimizer of the recorded run is {optimizer!r}, expected one of {names}.")


def _descent(step: Step, parameters: Parts, state: dict[str, Parts]) -> Pulled:
    del state
    # θ ← θ − η∇
    return Pulled(parameters, {}, [-step.rate * each for each in parameters], -dots(parameters, step.gradient))


def _momentum(step: Step, parameters: Parts, state: dict[str, Parts]) -> Pulled:
    # v ← μv − η∇, θ ← θ + v
    mu = step.optimizer.momentum  # pyright: ignore[reportAttributeAccessIssue]
    v = [own + each for own, each in zip(state["velocity"], parameters, strict=True)]
    return Pulled(
        parameters, {"velocity": [mu * each for each in v]}, [-step.rate * each for each in v], -dots(v, step.gradient)
    )


def _nesterov(step: Step, parameters: Parts, state: dict[str, Parts]) -> Pulled:
    # v ← μv − η∇, θ ← θ + μv − η∇
    mu = step.optimizer.momentum  # pyright: ignore[reportAttributeAccessIssue]
    v = [own + mu * each for own, each in zip(state["velocity"], parameters, strict=True)]
    heard = [own + each for own, each in zip(v, parameters, strict=True)]
    return Pulled(
        parameters,
        {"velocity": [mu * each for each in v]},
        [-step.rate * each for each in heard],
        -dots(heard, step.gradient),
    )


def _adam(step: Step, parameters: Parts, state: dict[str, Parts]) -> Pulled:
    # m ← β₁m + (1−β₁)∇, v ← β₂v + (1−β₂)∇², θ ← θ − r·m/(c√v + ε)
    adam, t = step.optimizer, step.t
    assert isinstance(adam, Adam)
    of_rate, root_correction = adam.corrected_rate(1.0, t), adam.root_correction(t)
    r = step.rate * of_rate
    moments = adam.moments(step.gradient, step.state)
    m_before, v_before, gradients, rate = [], [], [], 0.0
    families = zip(parameters, state["m"], state["v"], *moments, step.gradient, strict=True)
    for theta_bar, m_bar, v_bar, m, v, gradient in families:
        root = np.sqrt(v)
        denominator = root_correction * root + adam.epsilon
        m_all = m_bar - r * theta_bar / denominator
        # ∂√v/∂v = 1/(2√v); where v is 0 the gradient was 0 in every step, and stays so to first order in its square
        slope = np.where(root > 0, root_correction / (2 * np.where(root > 0, root, 1.0)), 0.0)
        v_all = v_bar + r * theta_bar * m * slope / denominator**2
        gradients.append((1 - adam.beta_1) * m_all + 2 * (1 - adam.beta_2) * gradient * v_all)
        m_before.append(adam.beta_1 * m_all)
        v_before.append(adam.beta_2 * v_all)
        rate = rate - of_rate * _dot(theta_bar, m / denominator)
    return Pulled(parameters, {"m": m_before, "v": v_before}, gradients, np.asarray(rate))


RULES: dict[type[Optimizer], Callable[[Step, Parts, dict[str, Parts]], Pulled]] = {
    GradientDescent: _descent,
    SGD: _momentum,
    Momentum: _momentum,
    Nesterov: _nesterov,
    Adam: _adam,
    AdamEpsilonHat: _adam,
    AdamUncorrected: _adam,
    AdamW: _adam,
}


def _dot(adjoint: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The inner product of each row's adjoint with the value, (M,)."""
    return adjoint.reshape(len(adjoint), -1) @ value.ravel()


def dots(adjoints: Parts, values: Parts) -> np.ndarray:
    """The inner products of each row's adjoints with the values, over all parts, (M,)."""
    return np.sum([_dot(adjoint, value) for adjoint, value in zip(adjoints, values, strict=True)], axis=0)


def _weights(adjoints: Parts, values: Parts) -> list[tuple[np.ndarray, np.ndarray]]:
    return [pair for pair in zip(adjoints, values, strict=True) if pair[1].ndim == 2]
