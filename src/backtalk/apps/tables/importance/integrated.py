"""Integrated gradients: how much each input of a network contributes to one output, and the proof that it is all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....core.backward import talk_down, talk_to_hidden
from ....core.forward import propagate
from ....core.network import Network

# f of some rows, and ∇_{a_L} f of each, from a_L and ŷ: shapes (rows,) and (rows, k)
Quantity = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

BOUND = 1e-5  # of the error, beside Σ_j |c_j|
MOST_PANELS = 4096  # of the path from the baseline to x
PANELS_AT_ONCE = 128  # whose hidden units are in memory together
_GAUSS, _WEIGHTS = np.polynomial.legendre.leggauss(8)
NODES = np.array([0.0, *(1 + _GAUSS) / 2, 1.0])  # of a panel from 0 to 1; its ends are there for f alone
WEIGHTS = np.array([0.0, *_WEIGHTS / 2, 0.0])


@dataclass(frozen=True, slots=True, eq=False)
class Integrated:
    """The contributions c (inputs,) of one row: Σ_j c_j = f(x) − f(baseline), up to ``error``.

    ``value`` is f(x), and ``baseline`` is f at the baseline. ``gradients``: at how many points ∇f was computed.
    """

    contributions: np.ndarray
    value: float
    baseline: float
    gradients: int

    @property
    def error(self) -> float:
        """|Σ_j c_j − (f(x) − f(baseline))|."""
        return abs(float(self.contributions.sum()) - (self.value - self.baseline))

    @property
    def is_exact(self) -> bool:
        """Whether the error is below the bound, 0.00001 of Σ_j |c_j|."""
        return self.error <= BOUND * float(np.abs(self.contributions).sum())


@dataclass(frozen=True, slots=True, eq=False)
class _Panels:
    """Pieces of the path, from ``left`` on and so ``wide``; of each ∫ ∇_{a_1} f dt, and by how much Σ_j c_j errs."""

    left: np.ndarray
    wide: np.ndarray
    grad_a: np.ndarray
    error: np.ndarray


def integrate_gradients(network: Network, x: np.ndarray, baseline: np.ndarray, quantity: Quantity) -> Integrated:
    """The contribution of each input to f(x) − f(baseline): the gradient of f, integrated from the baseline to x.

    c_j = (x_j − b_j) ∫₀¹ ∂f/∂x_j (b + t (x − b)) dt, with f a function of the output units, and ∂f/∂x_j by
    back-propagation. Since df/dt = Σ_j (x_j − b_j) ∂f/∂x_j, the contributions add up to f(x) − f(b).

    That sum is checked for each panel of a Gauss–Legendre quadrature with 8 nodes a panel. The panels that miss most
    are halved until what is missing of the whole is below 0.00001 of Σ_j |c_j|, or there are 4096. Smooth activations
    take one panel or a few; of a ReLU the panels become narrow around each kink that the path crosses.

    ``network``: of float64, since what is checked would else be its rounding. ``x``, ``baseline``: shape (n_0,).
    Source: Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks.

    >>> net = Network([[[2.0, -1.0]]], [[0.5]], loss="squared_error")
    >>> def output(a, yhat):
    ...     return yhat[:, 0], np.ones_like(a)
    >>> found = integrate_gradients(net, np.array([1.0, 3.0]), np.zeros(2), output)
    >>> found.contributions.round(12).tolist(), found.value, found.baseline
    ([2.0, -3.0], -0.5, 0.5)
    """
    ends = propagate(network, np.stack([baseline, x]))
    (start, end), _ = quantity(ends.a[network.depth], ends.output)
    step = x - baseline
    panels, computed = _integrate(network, baseline, step, quantity, np.zeros(1), np.ones(1)), 1
    while True:
        # the talk to the inputs is the same all along the path, so that the integral of ∇_{a_1} f talks for it
        grad_x = talk_to_hidden(network, 0, panels.grad_a.sum(axis=0, keepdims=True))[0]
        found = Integrated(step * grad_x, float(end), float(start), computed * len(_GAUSS))
        if found.is_exact:
            return found
        most = BOUND * np.abs(found.contributions).sum() / len(panels.left)
        halved = np.abs(panels.error) > most
        if not halved.any() or computed + 2 * halved.sum() > MOST_PANELS:
            return found
        half = np.repeat(panels.wide[halved] / 2, 2)
        left = np.repeat(panels.left[halved], 2) + np.tile([0.0, 1.0], halved.sum()) * half
        new = _integrate(network, baseline, step, quantity, left, half)
        panels, computed = _joined(panels, ~halved, new), computed + len(left)


def _joined(panels: _Panels, kept: np.ndarray, new: _Panels) -> _Panels:
    names = _Panels.__slots__
    return _Panels(*(np.concatenate([getattr(panels, name)[kept], getattr(new, name)]) for name in names))


def _integrate(
    network: Network, baseline: np.ndarray, step: np.ndarray, quantity: Quantity, left: np.ndarray, wide: np.ndarray
) -> _Panels:
    """Those panels of the path b + t · step."""
    parts, along = [], network.W[1] @ step  # d a_1 / dt
    for first in range(0, len(left), PANELS_AT_ONCE):
        these = slice(first, first + PANELS_AT_ONCE)
        t = (left[these, None] + wide[these, None] * NODES).reshape(-1, 1)
        trace = propagate(network, baseline + t * step)
        f, grad_output = quantity(trace.a[network.depth], trace.output)
        grad_a, _ = talk_down(network, trace, grad_output, lowest=1)
        by_panel = grad_a[1].reshape(-1, len(NODES), len(along))
        integral = np.einsum("n,pnj->pj", WEIGHTS, by_panel) * wide[these, None]
        change = f.reshape(-1, len(NODES))
        error = integral @ along - (change[:, -1] - change[:, 0])
        parts.append(_Panels(left[these], wide[these], integral, error))
    names = _Panels.__slots__
    return _Panels(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
