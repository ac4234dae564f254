"""ℒ as a function of one quantity, everything computed before it held fast.

The forward formulas again, in NumPy, for float64 and for complex numbers. ``kinks_met`` tells whether
a step comes upon a kink of an activation or of the loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.forward import Trace, pre_activation, propagate, unit_output
from ...core.network import Network


@dataclass(frozen=True, slots=True)
class Outcome:
    """ℒ, and the side of its kinks on which every unit with kinks lies, layer by layer."""

    loss: complex
    points: list[tuple[np.ndarray, np.ndarray]]  # (side, −1, 0 or 1 …; how far off the real axis)


@dataclass(frozen=True, slots=True)
class Scene:
    """A float64 NumPy network with a batch: h_0, the target t (B, k) and the weights w (B,), sum 1."""

    network: Network
    trace: Trace
    target: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, network: Network, X: np.ndarray, target: np.ndarray, weight: np.ndarray) -> Scene:
        return cls(network, propagate(network, X), target, weight)

    def value(self, family: str, i: int) -> np.ndarray:
        """The quantity itself."""
        return getattr(self.trace if family in "ah" else self.network, family)[i]

    @property
    def loss(self) -> float:
        """ℒ itself."""
        L = self.network.depth
        return float(self.put("a", L, self.trace.a[L]).loss.real)

    def put(self, family: str, i: int, value: np.ndarray) -> Outcome:
        """The outcome with ``value`` instead of W_i, b_i, a_i or h_i."""
        network, L = self.network, self.network.depth
        h, a, points = value, None, []
        if family != "h":
            h, W, b = self.trace.h[i - 1], network.W[i], network.b[i]
            a = value if family == "a" else h @ value.T + b if family == "W" else h @ W.T + value
            h = unit_output(network, i, a)
        for j in range(i, L + 1):
            if j > i:
                a = pre_activation(network, j, h)
                h = unit_output(network, j, a)
            if a is not None:
                kinks = network.activations[j - 1].kinks if j < L else network.output.kinks
                points += [(np.sign(np.real(a) - kink), np.imag(a)) for kink in kinks]
        loss = network.loss
        losses = loss.value(h, self.target) if a is None else network.head.value(a, h, self.target)
        side = loss.kink_side(h, self.target)
        if side is not None:
            points.append((side, np.imag(h)))
        with np.errstate(invalid="ignore"):
            # an example without weight has no part, also of inf
            return Outcome((np.where(self.weight > 0, losses, 0) * self.weight).sum(), points)


def crosses_kink(low: Outcome, high: Outcome) -> bool:
    """Whether a unit lies on different sides of a kink at the two ends of a step."""
    return any(bool(np.any(one != other)) for (one, _), (other, _) in zip(low.points, high.points, strict=True))


def moves_off_kink(outcome: Outcome) -> bool:
    """Whether a unit lies exactly on a kink and a complex step moves it."""
    return any(bool(np.any((side == 0) & (off != 0))) for side, off in outcome.points)
