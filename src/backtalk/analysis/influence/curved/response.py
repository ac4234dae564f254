"""How far the weights follow the loss of an example along each eigenvector of the curvature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Response:
    """f(Λ), instead of the inverse 1/Λ, which only a run without end would reach.

    Descent for a time τ along an eigenvector with the eigenvalue Λ goes (1 − e^{−τΛ})/Λ of the way: all of it if it had
    the time, τ if it had not. Here Λ is in units of 1/τ already, so f is (1 − e^{−Λ})/Λ; ``decay``, a penalty in the
    same units, is added to Λ. With ``damping`` f is 1/(Λ + λ), λ that multiple of the mean eigenvalue.
    """

    damping: float | None = None
    decay: float = 0.0

    def of(self, values: np.ndarray, mean: float) -> np.ndarray:
        """f of eigenvalues, whose mean over all of the matrix is ``mean``."""
        values = np.maximum(values, 0) + self.decay
        if self.damping is not None:
            total = values + self.damping * mean
            return np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
        return np.divide(-np.expm1(-values), values, out=np.ones_like(values), where=values > 0)
